//! The file that names the sandbox that was last started on this machine.

use std::io::Write as _;
use std::path::PathBuf;

use identkit_files::{Draft, Existing, create_dirs};
use serde_json::{Value, json};

use crate::exit::Failure;
use crate::state::StateDirectory;

/// Name of the file in the state directory.
const NAME: &str = "sandbox.json";

fn path() -> Result<PathBuf, Failure> {
    Ok(StateDirectory::default().path()?.join(NAME))
}

/// The record of a running sandbox. The file is removed when this is dropped, unless a later sandbox has replaced it.
pub(super) struct LastStarted(PathBuf);

impl LastStarted {
    /// Writes the file, readable by its owner only. `None` if it cannot be written, e.g. on a read-only disk: then
    /// `--admin` is needed to control the sandbox.
    pub(super) fn write(admin: &str, started: &str) -> Option<Self> {
        let path = path().ok()?;
        create_dirs(path.parent()?).ok()?;
        let mut draft = Draft::new(&path).ok()?;
        let record = json!({ "pid": std::process::id(), "admin": admin, "started": started });
        draft.write_all(format!("{record}\n").as_bytes()).ok()?;
        draft.commit(Existing::Replace).ok()?;
        Some(Self(path))
    }
}

impl Drop for LastStarted {
    fn drop(&mut self) {
        let record = std::fs::read(&self.0).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        if record.is_some_and(|record| record.get("pid") == Some(&std::process::id().into())) {
            drop(std::fs::remove_file(&self.0));
        }
    }
}

/// Returns the URL of the admin API of the sandbox that was last started.
///
/// # Errors
/// If the file cannot be read or is not valid.
pub(super) fn admin() -> Result<String, Failure> {
    let none = || {
        Failure::usage("no sandbox runs that was started on this machine: run identkit sandbox, or pass --admin URL")
    };
    let record = std::fs::read(path()?).map_err(|_| none())?;
    let record: Value = serde_json::from_slice(&record).map_err(|_| none())?;
    record.get("admin").and_then(Value::as_str).map(str::to_owned).ok_or_else(none)
}
