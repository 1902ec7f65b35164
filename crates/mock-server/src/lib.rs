//! The sandbox: both vendors emulated, with time under control.
