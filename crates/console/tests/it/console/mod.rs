//! The console, over a listener of the admin API.

mod forms;
mod links;
mod pages;
mod safety;
mod scale;
mod support;
