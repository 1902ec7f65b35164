//! The workspace's own crates, as their manifests declare them.

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, Metadata, Package};

/// The role of a provider's crate, and its room in the table of layers.
pub(crate) const PROVIDER: &str = "provider";

/// One of our crates, reduced to what the rules speak of.
#[derive(Debug, Clone, Default)]
pub(crate) struct Member {
    pub(crate) folder: String,
    pub(crate) package: String,
    pub(crate) provider: bool,
    /// Names of a provider's vendor, its headers and fields, by which the sandbox's neutral files are searched.
    pub(crate) words: Vec<String>,
    pub(crate) workspace_lints: bool,
    pub(crate) edges: Vec<Edge>,
    pub(crate) features: BTreeMap<String, Vec<String>>,
}

/// A declared dependency.
#[derive(Debug, Clone)]
pub(crate) struct Edge {
    /// The package's name.
    pub(crate) package: String,
    /// The name in this manifest, which differs when the dependency is renamed.
    pub(crate) key: String,
    /// The folder, when the dependency is a crate of ours.
    pub(crate) folder: Option<String>,
    pub(crate) dev: bool,
    pub(crate) build: bool,
    pub(crate) features: Vec<String>,
    pub(crate) default_features: bool,
}

impl Member {
    pub(crate) fn room(&self) -> &str {
        if self.provider { PROVIDER } else { &self.folder }
    }
}

/// The folders of the crates that are providers, in order.
pub(crate) fn providers(metadata: &Metadata) -> Vec<(String, String)> {
    let mut found: Vec<_> = members_of(metadata, |_| true)
        .into_iter()
        .filter(|member| member.provider)
        .map(|member| (member.folder, member.package))
        .collect();
    found.sort();
    found
}

/// The workspace's own packages, with the folder as identity.
pub(crate) fn members_of(metadata: &Metadata, workspace_lints: impl Fn(&Package) -> bool) -> Vec<Member> {
    let root = &metadata.workspace_root;
    let folder = |directory: &cargo_metadata::camino::Utf8Path| {
        let path = directory.strip_prefix(root).ok()?;
        Some(path.strip_prefix("crates").unwrap_or(path).to_string())
    };
    metadata
        .packages
        .iter()
        .map(|package| Member {
            folder: package.manifest_path.parent().and_then(folder).unwrap_or_default(),
            package: package.name.to_string(),
            provider: package.metadata.pointer("/identkit/role").and_then(|role| role.as_str()) == Some(PROVIDER),
            words: package
                .metadata
                .pointer("/identkit/words")
                .and_then(|words| words.as_array())
                .into_iter()
                .flatten()
                .filter_map(|word| word.as_str().map(str::to_owned))
                .collect(),
            workspace_lints: workspace_lints(package),
            edges: package
                .dependencies
                .iter()
                .map(|dependency| Edge {
                    package: dependency.name.clone(),
                    key: dependency.rename.clone().unwrap_or_else(|| dependency.name.clone()),
                    folder: dependency.path.as_deref().and_then(folder),
                    dev: dependency.kind == DependencyKind::Development,
                    build: dependency.kind == DependencyKind::Build,
                    features: dependency.features.clone(),
                    default_features: dependency.uses_default_features,
                })
                .collect(),
            features: package.features.clone(),
        })
        .collect()
}

/// Is this a crate (or a feature named after one) of the hyper family?
pub(crate) fn is_hyper(name: &str) -> bool {
    name == "hyper" || name.starts_with("hyper-")
}
