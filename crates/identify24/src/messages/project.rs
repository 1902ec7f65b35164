//! Projects of the account.

use identkit_wire::{Loose, message};

use super::{ProjectId, ProjectNumber};

message! {
    via Loose;
    without setters;
    /// A project (`[I] project/getAll`, project/get).
    pub struct Project {
        /// Its id.
        "id" => id: ProjectId,
        /// Its title.
        "title" => title: String,
        /// Its status in the vendor's word; only `Active` is documented (AI-12).
        "status" => status: String,
    }
}

impl Project {
    /// A project as the vendor tells it.
    pub fn new(id: impl Into<ProjectId>, title: impl Into<String>, status: impl Into<String>) -> Self {
        Self { id: Some(id.into()), title: Some(title.into()), status: Some(status.into()), ..Self::default() }
    }
}

message! {
    via Loose;
    without setters;
    /// Which project to read: the body of a GET (`[I] project/get`).
    pub struct ProjectRequest {
        /// The id.
        "project_id" => project_id: ProjectNumber,
    }
}

impl ProjectRequest {
    /// Asks for this project.
    pub fn new(project_id: impl Into<ProjectId>) -> Self {
        Self { project_id: Some(ProjectNumber(project_id.into())), ..Self::default() }
    }
}
