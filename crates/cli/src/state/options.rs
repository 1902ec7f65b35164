//! Where records are written.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Once;

use clap::Args;

use crate::exit::Failure;
use crate::help::STATE;
use crate::output::say;

/// The option that selects the state directory.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = STATE)]
pub(crate) struct StateDirectory {
    /// Directory for records of requests that must not be repeated. Default: IDENTKIT_STATE_DIR, otherwise
    /// $XDG_STATE_HOME/identkit, otherwise ~/.local/state/identkit.
    // Not clap's `env`: the variable does not conflict with --no-state.
    #[arg(long, global = true, value_name = "DIR")]
    state: Option<OsString>,
}

/// The options of commands that write records.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = STATE)]
pub(crate) struct StateOptions {
    #[command(flatten)]
    pub(crate) directory: StateDirectory,

    /// Writes no record. What is about to be sent is printed to standard error instead.
    #[arg(long, global = true, conflicts_with = "state")]
    pub(super) no_state: bool,
}

impl StateDirectory {
    /// The state directory. It may not exist.
    ///
    /// # Errors
    /// If no option and no environment variable names it.
    pub(crate) fn path(&self) -> Result<PathBuf, Failure> {
        const VARIABLE: &str = "IDENTKIT_STATE_DIR";
        let variable = || std::env::var_os(VARIABLE).filter(|directory| !directory.is_empty());
        let option = self.state.clone().filter(|directory| !directory.is_empty()).map(|given| ("--state", given));
        if let Some((name, directory)) = option.or_else(|| Some((VARIABLE, variable()?))) {
            let directory = PathBuf::from(directory);
            // No shell has replaced it, e.g. in a file with variables.
            let is_home = directory.components().next().is_some_and(|first| first.as_os_str() == "~");
            if is_home || (name == VARIABLE && directory.is_relative()) {
                // Commands in other directories would not find the records.
                let why = if is_home { "no shell has replaced `~`" } else { "it is relative" };
                return Err(Failure::unsent(format!("{name} {}: {why}; pass an absolute path", directory.display())));
            }
            let unknown = |error| Failure::unsent(format!("{name} {} cannot be used: {error}", directory.display()));
            return std::path::absolute(&directory).map_err(unknown);
        }
        // The XDG specification ignores relative paths.
        let absolute = |path: &Path| path.is_absolute();
        let state_home = std::env::var_os("XDG_STATE_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
        if state_home.as_ref().is_some_and(|path| !absolute(path)) {
            static NOTE: Once = Once::new();
            NOTE.call_once(|| {
                say(
                    "note: XDG_STATE_HOME is ignored because it is not an absolute path; --state or IDENTKIT_STATE_DIR \
                     names a directory",
                );
            });
        }
        let state_home = state_home.filter(|path| absolute(path));
        let home = || std::env::home_dir().filter(|path| absolute(path)).map(|home| home.join(".local/state"));
        let base = state_home.or_else(home).ok_or_else(|| {
            Failure::unsent(
                "the record of the request needs a directory, and HOME is not an absolute path: pass --state DIR, or --no-state",
            )
        })?;
        Ok(base.join("identkit"))
    }
}
