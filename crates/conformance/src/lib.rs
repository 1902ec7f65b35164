//! The suite that every provider and its sandbox twin must pass.
