//! The arguments of the command.

use std::path::PathBuf;

use super::name::Name;

/// How a client proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Auth {
    Basic,
    Bearer,
    Session,
    ClientCredentials,
}

impl Auth {
    pub(super) const ALL: [Self; 4] = [Self::Basic, Self::Bearer, Self::Session, Self::ClientCredentials];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Bearer => "bearer",
            Self::Session => "session",
            Self::ClientCredentials => "client-credentials",
        }
    }
}

/// What is generated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(super) name: Name,
    pub(super) auth: Auth,
    /// OpenAPI document from which messages and operations are generated.
    pub(super) from: Option<PathBuf>,
    /// Folder of a crate outside the workspace.
    pub(super) outside: Option<PathBuf>,
}

/// Parses the arguments after the command. The error is one sentence for the user.
pub(crate) fn parse(args: &[&str]) -> Result<Options, String> {
    let words = Auth::ALL.map(Auth::word).join(", ");
    let (mut name, mut auth, mut from, mut outside) = (None, None, None, None);
    let mut rest = args.iter().copied();
    while let Some(arg) = rest.next() {
        let (option, inline) = arg.split_once('=').map_or((arg, None), |(option, value)| (option, Some(value)));
        let place = match option {
            "--auth" => &mut auth,
            "--from" => &mut from,
            "--outside" => &mut outside,
            option if option.starts_with('-') => {
                return Err(format!("`cargo xtask new-provider` has no option `{option}`"));
            }
            _ if name.is_some() => return Err(format!("`cargo xtask new-provider` takes one name: remove `{arg}`")),
            _ => {
                name = Some(arg);
                continue;
            }
        };
        *place = Some(inline.or_else(|| rest.next()).ok_or_else(|| format!("`{option}` needs a value"))?);
    }
    let name = Name::parse(name.ok_or("`cargo xtask new-provider` needs the name of a provider")?)?;
    let auth = auth.ok_or_else(|| format!("`cargo xtask new-provider` needs `--auth`: one of {words}"))?;
    let found = Auth::ALL.into_iter().find(|kind| kind.word() == auth);
    let auth = found.ok_or_else(|| format!("`--auth {auth}` is not known: use one of {words}"))?;
    Ok(Options { name, auth, from: from.map(Into::into), outside: outside.map(Into::into) })
}
