//! The commands, one module each.

mod demo;
mod identify24;
mod sandbox;
mod tm;

use std::process::ExitCode;

use clap::Subcommand;

use crate::exit::Failure;
use crate::output::Format;

/// Makes one type of the commands in this list: each has a module with `Arguments` and `run`.
macro_rules! commands {
    ($($name:ident => $module:ident),+ $(,)?) => {
        #[derive(Debug, Subcommand)]
        pub(crate) enum Command {
            $($name($module::Arguments)),+
        }

        impl Command {
            pub(crate) async fn run(&self, format: Format) -> Result<ExitCode, Failure> {
                match self {
                    $(Self::$name(arguments) => $module::run(arguments, format).await),+
                }
            }
        }
    };
}

commands! {
    Demo => demo,
    Sandbox => sandbox,
    Tm => tm,
    Identify24 => identify24,
}
