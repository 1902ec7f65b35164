//! Projects of the account.

use serde::{Deserialize, Serialize, Serializer};

use super::{ProjectId, lenient};

/// A project (`[I] project/getAll`, project/get).
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Its id.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub id: Option<ProjectId>,
    /// Its title.
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its status in the vendor's word; only `Active` is documented (AI-12).
    #[serde(default, deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

impl Project {
    /// A project as the vendor tells it.
    pub fn new(id: impl Into<ProjectId>, title: impl Into<String>, status: impl Into<String>) -> Self {
        Self { id: Some(id.into()), title: Some(title.into()), status: Some(status.into()) }
    }
}

/// Which project to read: the body of a GET (`[I] project/get`).
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectRequest {
    /// The id, written as a number where its text is one in canonical decimal form (AI-06).
    #[serde(serialize_with = "number_if_canonical")]
    pub project_id: ProjectId,
}

impl ProjectRequest {
    /// Asks for this project.
    pub fn new(project_id: impl Into<ProjectId>) -> Self {
        Self { project_id: project_id.into() }
    }
}

fn number_if_canonical<S: Serializer>(id: &ProjectId, serializer: S) -> Result<S::Ok, S::Error> {
    match id.as_canonical_number() {
        Some(number) => serializer.serialize_u64(number),
        None => serializer.serialize_str(id.as_str()),
    }
}
