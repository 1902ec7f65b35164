//! How strictly requests are judged.

use serde::{Deserialize, Serialize};

/// How strictly requests are judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Every rule that the documents state, except where their own examples break it: those pass.
    #[default]
    Literal,
    /// No exception, and nothing that the documents do not list.
    Strict,
    /// As literal; and some calls go wrong by themselves, and some answers come in another of the shapes that the
    /// documents leave open. Which ones follows from the seed.
    Chaos,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Literal, Self::Strict, Self::Chaos];

    /// Its name, as flags and the admin API write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Literal => "literal",
            Self::Strict => "strict",
            Self::Chaos => "chaos",
        }
    }

    /// The profile of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.name() == name)
    }
}
