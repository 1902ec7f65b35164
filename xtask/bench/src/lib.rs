//! Compares calls, connections, downloads and uploads of identkit with hyper, hyper-util's client and reqwest, and the
//! acceptance of webhooks (the program `inbox`) with a log and plain inserts. The program `collector` measures whole cases.
//!
//! Each way of making a call runs in its own processes, alternating with the other ways, against a server in another
//! process. The benchmark prints figures and never fails on them.

#[cfg(feature = "compare")]
pub mod call;
#[cfg(feature = "compare")]
mod cone;
#[cfg(feature = "compare")]
pub mod download;
#[cfg(any(feature = "collector", feature = "compare", feature = "inbox"))]
pub mod measure;
#[cfg(feature = "compare")]
mod order;
#[cfg(feature = "compare")]
pub mod server;
#[cfg(feature = "compare")]
pub mod table;
#[cfg(feature = "compare")]
mod tls;
#[cfg(feature = "compare")]
pub mod upload;
