//! Snapshots of every operation: the request, the decoded response, and the `Debug` output of both.

use crate::support::*;

#[tokio::test]
async fn auth() {
    let login = Login(AuthRequest::new("911-internet", "key-4711"));
    check_operation("auth", login, &fixture("S-007-auth-response.json")).await;
}

#[tokio::test]
async fn ident_create() {
    let ident = erika()
        .street("Heidestraße")
        .house_no("17")
        .custom_id("2f1c6b0e-7d6a-4c55-9b6f-1f0d6a0a2c11")
        .pdf_content(PdfContent::from_bytes("%PDF-1.7\n"));
    check_operation("ident_create", ident, &fixture("S-013-ident-create-response.json")).await;
}

#[tokio::test]
async fn ident_create_of_the_documents_sample() {
    let mut ident: CreateIdent = serde_json::from_slice(&fixture("S-012-ident-create-curl-body.json")).unwrap();
    // Both at once only by explicit permission (AI-19).
    ident.pdf_url = None;
    check_operation("ident_create_sample", ident, &fixture("S-013-ident-create-response.json")).await;
}

#[tokio::test]
async fn ident_get() {
    let get = GetIdent { ident_id: "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx".into() };
    check_operation("ident_get", get, &fixture("S-017-ident-get-response.comma-added.json")).await;
}

#[tokio::test]
async fn project_get_all() {
    check_operation("project_get_all", GetAllProjects, &fixture("S-021-project-get-all-response.json")).await;
}

#[tokio::test]
async fn project_get() {
    let get = GetProject(ProjectRequest::new("6"));
    check_operation("project_get", get, &fixture("S-026-project-get-response.json")).await;
}
