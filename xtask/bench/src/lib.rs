//! Calls, connections, downloads and uploads of identkit, beside hyper, hyper-util's client and reqwest.
//!
//! Each way runs in processes of its own, in turns with the others, against a server in a further process. Nothing here
//! judges: it prints.
#![cfg(feature = "compare")]

pub mod call;
pub mod download;
pub mod measure;
pub mod server;
pub mod table;
pub mod upload;

mod cone;
mod order;
mod tls;
