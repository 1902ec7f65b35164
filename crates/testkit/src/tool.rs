use std::io::{ErrorKind, Write};
use std::process::{Child, Command};

/// Says on standard error that a tool is missing, so that something is not checked. Panics if `IDENTKIT_REQUIRE_TOOLS`
/// is `1`.
pub fn missing(tool: &str) {
    let required = std::env::var_os("IDENTKIT_REQUIRE_TOOLS").is_some_and(|value| value == "1");
    assert!(!required, "{tool} is required here and missing");
    let mut error = std::io::stderr();
    writeln!(error, "not checked: {tool} is missing").unwrap();
}

/// Starts a tool of this machine, or returns `None` if it is [`missing`].
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
