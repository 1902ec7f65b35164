//! Projects of the account.

use identkit_wire::{Loose, message};

use super::{ProjectId, ProjectNumber};

message! {
    via Loose;
    without setters;
    /// A project (`[I] project/getAll`, project/get).
    pub struct Project {
        /// Id of the project.
        "id" => id: ProjectId,
        /// Title.
        "title" => title: String,
        /// Status, as the vendor's word; only `Active` is documented (AI-12).
        "status" => status: String,
    }
}

impl Project {
    /// Creates a project.
    pub fn new(id: impl Into<ProjectId>, title: impl Into<String>, status: impl Into<String>) -> Self {
        Self { id: Some(id.into()), title: Some(title.into()), status: Some(status.into()), ..Self::default() }
    }
}

message! {
    via Loose;
    without setters;
    /// Request for one project: the body of a GET (`[I] project/get`).
    pub struct ProjectRequest {
        /// Id of the project.
        "project_id" => project_id: ProjectNumber,
    }
}

impl ProjectRequest {
    /// Creates a request for this project.
    pub fn new(project_id: impl Into<ProjectId>) -> Self {
        Self { project_id: Some(ProjectNumber(project_id.into())), ..Self::default() }
    }
}
