//! The person of a case: what the landing page shows, and what the person can do there.
//!
//! The types name no vendor. A vendor derives the view from the case's own state, and an action changes this state as a
//! story does, so that the page, the admin API and the vendor's calls never contradict each other.

use identkit_core::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{Rejection, World, readers};

/// What the landing page of a case shows.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PersonStep {
    /// The person chooses a method.
    Choose,
    /// The person reads about the method, and gives consent.
    Consent,
    /// The person waits for an agent.
    Waiting,
    /// The person is in a video call.
    Call,
    /// The person uses the method, which is not a video call.
    Identify,
    /// The person enters the TAN of the identification.
    Tan,
    /// The person reads the documents to sign.
    Sign,
    /// The person enters the TAN of the signature.
    SignTan,
    /// The person waits for the vendor.
    Processing,
    /// The person has an appointment.
    Appointment,
    /// The person has left, and can return.
    Left,
    /// The person has finished successfully.
    Done,
    /// The person was not identified, or the case was canceled.
    Failed,
    /// The person did not finish in time.
    Expired,
    /// The data of the case is deleted.
    Deleted,
}

/// An action of the person, or of the agent whom the person talks to.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PersonAction {
    /// Chooses the method in `method`.
    Choose,
    /// Returns to the choice of a method.
    Change,
    /// Consents to the identification, and begins it.
    Consent,
    /// Leaves the waiting room for the call.
    Enter,
    /// The identification succeeds.
    Pass,
    /// The identification fails.
    Fail,
    /// The identification raises a suspicion of fraud.
    Fraud,
    /// The identity document cannot be read.
    Unreadable,
    /// Makes an appointment.
    Postpone,
    /// Agrees to sign, and requests the TAN.
    Sign,
    /// Enters the TAN in `tan`.
    Tan,
    /// Requests another TAN.
    Resend,
    /// Leaves.
    Abort,
    /// Returns after leaving.
    Resume,
}

impl PersonAction {
    /// All actions.
    pub const ALL: [Self; 14] = [
        Self::Choose,
        Self::Change,
        Self::Consent,
        Self::Enter,
        Self::Pass,
        Self::Fail,
        Self::Fraud,
        Self::Unreadable,
        Self::Postpone,
        Self::Sign,
        Self::Tan,
        Self::Resend,
        Self::Abort,
        Self::Resume,
    ];

    /// The name in the admin API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Choose => "choose",
            Self::Change => "change",
            Self::Consent => "consent",
            Self::Enter => "enter",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Fraud => "fraud",
            Self::Unreadable => "unreadable",
            Self::Postpone => "postpone",
            Self::Sign => "sign",
            Self::Tan => "tan",
            Self::Resend => "resend",
            Self::Abort => "abort",
            Self::Resume => "resume",
        }
    }
}

/// Joins the names of actions for an error message.
fn names(actions: &[PersonAction]) -> String {
    actions.iter().map(|action| action.name()).collect::<Vec<_>>().join(", ")
}

/// An action with its value.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    example = serde_json::json!({ "action": "choose", "method": "video" }),
    example = serde_json::json!({ "action": "tan", "tan": "123456" }),
)]
pub struct PersonRequest {
    /// The action, one of `actions` of the current view.
    #[serde(deserialize_with = "action")]
    pub action: PersonAction,
    /// The method to choose, one of `methods` of the current view.
    #[serde(default)]
    pub method: Option<String>,
    /// The TAN that the person received.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub tan: Option<Secret>,
}

impl PersonRequest {
    /// Creates an action without a value.
    pub fn new(action: PersonAction) -> Self {
        Self { action, method: None, tan: None }
    }

    /// Chooses a method.
    pub fn choose(method: impl Into<String>) -> Self {
        Self { method: Some(method.into()), ..Self::new(PersonAction::Choose) }
    }

    /// Enters a TAN.
    pub fn enter_tan(tan: impl Into<Secret>) -> Self {
        Self { tan: Some(tan.into()), ..Self::new(PersonAction::Tan) }
    }
}

fn action<'de, D: Deserializer<'de>>(from: D) -> Result<PersonAction, D::Error> {
    readers::value(from, &format!("one of {}", names(&PersonAction::ALL)), |_| true)
}

/// What the person of a case sees and can do now.
#[non_exhaustive]
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PersonView {
    /// Path of the landing page on the vendors' listener. Null if the case has none.
    pub page: Option<String>,
    /// URL of the landing page, at the host of the world's latest call. Null if the sandbox has no landing pages, if the
    /// URL would be too long, or if the world has received no call since it was restored.
    pub url: Option<String>,
    /// What the landing page shows.
    pub step: PersonStep,
    /// The actions that are possible now.
    pub actions: Vec<PersonAction>,
    /// The methods that the case allows, by the names of their stories.
    pub methods: Vec<&'static str>,
    /// The method that the person has chosen.
    pub method: Option<&'static str>,
    /// Names of the documents to sign.
    pub documents: Vec<String>,
    /// Time of the appointment, in the vendor's form.
    pub appointment: Option<String>,
    /// URL to which the person is redirected now, with all placeholders filled in. Null if the person stays.
    pub redirect: Option<String>,
}

impl PersonView {
    /// Creates a view without methods, documents and redirect.
    pub fn new(step: PersonStep, actions: &[PersonAction]) -> Self {
        Self {
            page: None,
            url: None,
            step,
            actions: actions.to_vec(),
            methods: Vec::new(),
            method: None,
            documents: Vec::new(),
            appointment: None,
            redirect: None,
        }
    }

    /// Checks that an action is possible now.
    ///
    /// # Errors
    /// A conflict (409) that lists the possible actions.
    pub fn check(&self, action: PersonAction) -> Result<(), Rejection> {
        if self.actions.contains(&action) {
            return Ok(());
        }
        let message = match self.actions.as_slice() {
            [] => "the person can do nothing now".to_owned(),
            possible => format!("the person cannot do this now; possible: {}", names(possible)),
        };
        Err(crate::rules::M_15.reject(409, "action", message, "sandbox"))
    }
}

/// Maximum length of the URL of a landing page, in characters: the limit of the vendor that documents one (M-15).
const MAX_URL: usize = 100;

impl World {
    /// Returns the URL of the landing page with this path, at the host of the current or latest call. `None` if the sandbox has
    /// no landing pages, if the host is unknown, or if the URL would be too long.
    pub fn landing_page(&self, path: &str) -> Option<String> {
        let origin = self.page_origin.as_ref().filter(|_| self.has_pages)?;
        let url = format!("{origin}{path}");
        (url.chars().count() <= MAX_URL).then_some(url)
    }

    /// Whether the sandbox has landing pages.
    pub fn has_landing_pages(&self) -> bool {
        self.has_pages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m_15_each_action_has_the_name_of_its_json() {
        for action in PersonAction::ALL {
            assert_eq!(serde_json::to_value(action).unwrap(), action.name());
        }
    }
}
