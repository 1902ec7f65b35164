//! The workspace's own crates, as their manifests declare them.

use cargo_metadata::camino::Utf8Path;
use cargo_metadata::{DependencyKind, Metadata};

/// Role of a provider's crate, and its layer in the table of layers.
pub(crate) const PROVIDER: &str = "provider";

/// A crate of the workspace, with the properties that the rules check.
#[derive(Debug, Clone, Default)]
pub(crate) struct Member {
    pub(crate) folder: String,
    pub(crate) package: String,
    pub(crate) provider: bool,
    /// Names of a provider's vendor, headers and fields, which the sandbox's neutral files must not contain.
    pub(crate) words: Vec<String>,
    /// Prefix of the ids of the provider's contract, and the page with their rows.
    pub(crate) contract: Option<(String, String)>,
    pub(crate) workspace_lints: bool,
    pub(crate) edges: Vec<Edge>,
}

/// A declared dependency on another crate of the workspace.
#[derive(Debug, Clone)]
pub(crate) struct Edge {
    /// Name in this manifest. It differs from the package name if the dependency is renamed.
    pub(crate) key: String,
    pub(crate) folder: String,
    pub(crate) dev: bool,
    pub(crate) optional: bool,
}

impl Member {
    pub(crate) fn layer(&self) -> &str {
        if self.provider { PROVIDER } else { &self.folder }
    }
}

pub(crate) fn providers(metadata: &Metadata) -> Vec<(String, String)> {
    let providers = members_of(metadata).into_iter().filter(|member| member.provider);
    let mut found: Vec<_> = providers.map(|member| (member.folder, member.package)).collect();
    found.sort();
    found
}

/// The packages of the workspace, identified by their folders.
pub(crate) fn members_of(metadata: &Metadata) -> Vec<Member> {
    let folder = |directory: &Utf8Path| {
        let path = directory.strip_prefix(&metadata.workspace_root).ok()?;
        Some(path.strip_prefix("crates").unwrap_or(path).to_string())
    };
    let member = |package: &cargo_metadata::Package| {
        let identkit = package.metadata.get("identkit").cloned().unwrap_or_default();
        let words = identkit.get("words").and_then(|words| words.as_array()).into_iter().flatten();
        let text = |key: &str| identkit.get(key).and_then(|value| value.as_str()).map(str::to_owned);
        let manifest = std::fs::read_to_string(&package.manifest_path).unwrap_or_default();
        let edges = package.dependencies.iter().filter_map(|dependency| {
            Some(Edge {
                key: dependency.rename.as_ref().unwrap_or(&dependency.name).clone(),
                folder: dependency.path.as_deref().and_then(folder)?,
                dev: dependency.kind == DependencyKind::Development,
                optional: dependency.optional,
            })
        });
        Member {
            folder: package.manifest_path.parent().and_then(folder).unwrap_or_default(),
            package: package.name.to_string(),
            provider: text("role").as_deref() == Some(PROVIDER),
            words: words.filter_map(|word| word.as_str().map(str::to_owned)).collect(),
            contract: text("prefix").zip(text("contract")),
            // Another style is not recognized, so that such a manifest is a finding.
            workspace_lints: manifest.contains("\n[lints]\nworkspace = true\n"),
            edges: edges.collect(),
        }
    };
    metadata.packages.iter().map(member).collect()
}
