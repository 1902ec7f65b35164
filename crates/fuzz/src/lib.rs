//! Targets of coverage-guided fuzzing (AFL): everything of identkit that reads data from outside.
//!
//! A target gets arbitrary bytes and must neither panic nor hang; some targets check more. `cargo xtask campaign fuzz`
//! searches for inputs that take new paths through the code. The inputs that it found are in `corpus/`, in one folder
//! per target, and a test runs all of them.

mod pdfs;
mod requests;
mod responses;
mod texts;
mod webhooks;
mod worlds;

/// A reader of data from outside.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Name of the target and of its folder in `corpus/`.
    pub name: &'static str,
    /// What it reads, and what it checks.
    pub about: &'static str,
    /// Runs the target.
    ///
    /// # Panics
    /// If the input shows a fault.
    pub run: fn(&[u8]),
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target {
        name: "identity-tm-responses",
        about: "a status (first byte) and a body, as response to every call: an order is never sent after a success",
        run: responses::identity_tm,
    },
    Target {
        name: "identify24-responses",
        about: "a status (first byte) and a body, as response to the login and to every read",
        run: responses::identify24,
    },
    Target {
        name: "identity-tm-requests",
        about: "a request body of every call: what is accepted, encoded and read again is the same",
        run: requests::identity_tm,
    },
    Target {
        name: "identify24-requests",
        about: "a request body of every call: what is accepted, encoded and read again is the same",
        run: requests::identify24,
    },
    Target { name: "webhooks", about: "path and query (first line) and body of a webhook", run: webhooks::run },
    Target {
        name: "texts",
        about: "URLs, dates, Base64, networks, proxy exceptions, pins and ids: what is accepted is read again the same",
        run: texts::run,
    },
    Target {
        name: "pdfs",
        about: "a PDF to sign: the signed file begins with the original and has as many pages",
        run: pdfs::run,
    },
    Target {
        name: "worlds",
        about: "a saved world: what is loaded is saved and loaded again the same",
        run: worlds::run,
    },
];

/// Returns the target of this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
