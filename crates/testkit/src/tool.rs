use std::io::{ErrorKind, Write};
use std::process::{Child, Command};

/// Reports on standard error that a tool is missing and a check is skipped.
///
/// # Panics
/// If `IDENTKIT_REQUIRE_TOOLS` is `1`.
pub fn missing(tool: &str) {
    let required = std::env::var_os("IDENTKIT_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(!required, "{tool} is missing, and IDENTKIT_REQUIRE_TOOLS=1 requires it");
    let mut error = std::io::stderr();
    writeln!(error, "skipped: {tool} is missing").unwrap();
}

/// Starts an external tool, or returns `None` if it is [`missing`].
///
/// # Panics
/// If the tool exists but cannot be started.
pub fn spawn(command: &mut Command) -> Option<Child> {
    match command.spawn() {
        Ok(child) => Some(child),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            missing(&command.get_program().to_string_lossy());
            None
        }
        Err(error) => panic!("{}: {error}", command.get_program().display()),
    }
}
