//! The vendor's table of HTTP codes, 1.9 of the contract: the sandbox can be brought to each, and the client tells it.

use identkit_core::{CallOptions, Error, Kind};
use identkit_identify24::messages::{CreateIdent, IdentId};
use identkit_identify24::{CasePolicy, Dialect, Identify24};
use identkit_mock_server::Profile;
use identkit_mock_server::vendors::identify24::Rate;
use jiff::SignedDuration;

use super::harness::{API_KEY, Harness};
use crate::coverage::document::everything;
use crate::coverage::evidence::{Evidence, Stand};
use crate::coverage::rows::{IDENTIFY24, row};

/// Each code with what the contract makes of it.
fn table() -> Vec<(u16, String)> {
    let contract = include_str!("../../../../../../docs/contract/contract.md");
    let table = contract.split("\n## 1.9 ").nth(1).unwrap().split("\n\n").next().unwrap();
    let mut codes = Vec::new();
    for line in table.lines().filter_map(|line| line.strip_prefix("| ")) {
        let cells: Vec<&str> = line.trim_end_matches(" |").split(" | ").collect();
        let numbers = cells[0].split('/').filter_map(|code| code.parse().ok());
        codes.extend(numbers.map(|code| (code, cells[2].trim_matches('`').to_owned())));
    }
    codes
}

/// The kind of error that the contract's class stands for; none for what worked.
fn kind(class: &str) -> Option<Option<Kind>> {
    let word = class.split(['`', ',', ' ']).next().unwrap();
    Some(match word {
        "check" => None,
        "InvalidRequest" | "RequestFailed" => Some(Kind::Rejected),
        "re-auth" => Some(Kind::Authentication),
        "Forbidden" => Some(Kind::Forbidden),
        "NotFound" => Some(Kind::NotFound),
        "Conflict" => Some(Kind::Conflict),
        "RateLimited" => Some(Kind::RateLimited),
        "retry" => Some(Kind::Unavailable),
        _ => return None,
    })
}

async fn create(client: &Identify24) -> Result<(), Error> {
    let ident: CreateIdent = serde_json::from_value(everything(row("F-034"))).unwrap();
    client.create_ident(&ident.city("Köln"), &CallOptions::new()).await.map(drop)
}

async fn projects(client: &Identify24) -> Result<(), Error> {
    client.projects(&CallOptions::new()).await.map(drop)
}

/// Brings the sandbox to the code; what came of the client's call.
async fn provoke(code: u16) -> Option<Result<(), Error>> {
    let harness = Harness::new(if code == 400 { Profile::Strict } else { Profile::Literal });
    let key = if code == 401 { "wrong" } else { API_KEY };
    // The strict sandbox refuses names that are not in upper case (AI-04).
    let (client, _) = harness.client(key, Dialect::new().case(CasePolicy::Preserve));
    if code != 401 {
        projects(&client).await.unwrap();
    }
    Some(match code {
        200 | 400 => create(&client).await,
        401 => projects(&client).await,
        402 => {
            harness.set(|account| account.creates_left = Some(0));
            create(&client).await
        }
        403 => {
            harness.set(|account| account.may_create = false);
            create(&client).await
        }
        404 => client.get_ident(&IdentId::new("unknown"), &CallOptions::new()).await.map(drop),
        409 => {
            harness.set(|account| account.unique_custom_ids = true);
            create(&client).await.unwrap();
            create(&client).await
        }
        429 => {
            harness.set(|account| account.rate = Some(Rate::new(0, SignedDuration::from_secs(60))));
            projects(&client).await
        }
        500..=599 => {
            harness.set(|account| account.out_of_service = Some(code));
            projects(&client).await
        }
        _ => return None,
    })
}

async fn stand(code: u16, class: &str) -> Stand {
    let Some(expected) = kind(class) else {
        return Stand::Missing(format!("the class {class} is not known: enter what the client makes of it"));
    };
    let Some(came) = provoke(code).await else {
        return Stand::Missing("nothing brings the sandbox to it".into());
    };
    let found = came.as_ref().err().map(|error| (Some(error.kind()), error.status()));
    if found == expected.map(|kind| (Some(kind), Some(code))) {
        return Stand::Shown("answered by the sandbox, and told so by the client".into());
    }
    Stand::Missing(format!("the client makes {found:?} of it instead of {expected:?}"))
}

#[tokio::test]
async fn every_code_of_the_vendors_table_is_answered_by_the_sandbox_and_told_by_the_client() {
    let mut evidence = Evidence::of(IDENTIFY24, "code");
    for (code, class) in table() {
        evidence.add(&code.to_string(), stand(code, &class).await);
    }
    evidence.assert_complete();
}

#[tokio::test]
async fn a_code_that_nobody_knows_or_that_is_told_otherwise_is_a_gap() {
    assert_eq!(table().len(), 12);
    assert!(matches!(stand(418, "`Forbidden`").await, Stand::Missing(_)));
    assert!(matches!(stand(404, "Forbidden`, no retry").await, Stand::Missing(_)));
    assert!(matches!(stand(404, "`Teapot`").await, Stand::Missing(_)));
    assert!(matches!(stand(200, "NotFound").await, Stand::Missing(_)));
}
