//! The vendor's table of HTTP codes (contract, 1.9): the sandbox can return each code, and the client reports it.

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

/// Each code with the contract's class.
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

/// The kind of error for the contract's class; `Some(None)` for a success, `None` for an unknown class.
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

/// Makes the sandbox return the code, and returns the result of the client's call.
async fn provoke(code: u16) -> Option<Result<(), Error>> {
    let harness = Harness::new(if code == 400 { Profile::Strict } else { Profile::Literal });
    let key = if code == 401 { "wrong" } else { API_KEY };
    // The strict profile rejects names that are not in upper case (AI-04).
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
        return Stand::Missing(format!("unknown class {class}: add its kind"));
    };
    let Some(result) = provoke(code).await else {
        return Stand::Missing("no test makes the sandbox return it".into());
    };
    // A create that conflicts proves nothing (AT-97).
    let expected = if code == 409 { Some(Kind::OutcomeUnknown) } else { expected };
    let actual = result.as_ref().err().map(|error| (Some(error.kind()), error.status()));
    if actual == expected.map(|kind| (Some(kind), Some(code))) {
        return Stand::Shown("returned by the sandbox, reported by the client".into());
    }
    Stand::Missing(format!("the client reports {actual:?} instead of {expected:?}"))
}

#[tokio::test]
async fn sandbox_returns_every_code_and_the_client_reports_it() {
    let mut evidence = Evidence::new(IDENTIFY24, "code");
    for (code, class) in table() {
        evidence.add(&code.to_string(), stand(code, &class).await);
    }
    evidence.assert_complete();
}

#[tokio::test]
async fn unknown_or_misreported_code_is_a_gap() {
    assert_eq!(table().len(), 12);
    assert!(matches!(stand(418, "`Forbidden`").await, Stand::Missing(_)));
    assert!(matches!(stand(404, "Forbidden`, no retry").await, Stand::Missing(_)));
    assert!(matches!(stand(404, "`Teapot`").await, Stand::Missing(_)));
    assert!(matches!(stand(200, "NotFound").await, Stand::Missing(_)));
}
