//! Compares calls, connections, downloads and uploads of identkit with hyper, hyper-util's client and reqwest.
//!
//! Each way of making a call runs in its own processes, alternating with the other ways, against a server in another
//! process. The benchmark prints figures and never fails on them.
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
