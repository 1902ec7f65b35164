//! `identkit man`: manual pages.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use serde_json::json;

use crate::exit::Failure;
use crate::output::{Format, unwritten};

/// Writes a manual page for each command.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Directory for the pages. It is created if it does not exist, and pages of the same names are replaced.
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,
}

pub(crate) fn run(arguments: &Arguments, definition: Command, format: Format) -> Result<ExitCode, Failure> {
    let out = &arguments.out;
    let mut definition = definition.disable_help_subcommand(true);
    // Gives the subcommands their full names.
    definition.build();
    let mut paths = Vec::new();
    let written = std::fs::create_dir_all(out).and_then(|()| write_pages(&definition, out, &mut paths));
    written.map_err(|error| Failure::local(format!("the pages cannot be written to {}: {error}", out.display())))?;
    let shown = format.write(&json!({ "pages": paths }), |page| {
        page.line(format!("{} pages are in {}", paths.len(), out.display()));
    });
    shown.map_err(|error| Failure::local(unwritten(&error)))?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the page of a command and those of its subcommands, and adds their paths to `paths`.
fn write_pages(command: &Command, out: &Path, paths: &mut Vec<String>) -> io::Result<()> {
    let page = Man::new(command.clone()).manual("identkit");
    let path = out.join(page.get_filename());
    std::fs::write(&path, text(&page, command)?)?;
    paths.push(path.display().to_string());
    let mut visible = command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set());
    visible.try_for_each(|subcommand| write_pages(subcommand, out, paths))
}

/// The text of a page in the language of roff.
fn text(page: &Man, command: &Command) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    if command.has_subcommands() {
        page.render_subcommands_section(&mut text)?;
    }
    // The library would join the lines of examples and tables to paragraphs.
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    sections(&help).to_writer(&mut text)?;
    Ok(text)
}

/// The text below the options of a `--help`, with the same line breaks. A line that ends with a colon and follows an
/// empty line is a heading.
fn sections(help: &str) -> Roff {
    let mut roff = Roff::default();
    let (mut starts_section, mut is_open) = (true, false);
    for line in help.lines() {
        let heading = line.strip_suffix(':').filter(|_| starts_section && !line.starts_with(' '));
        if heading.is_some() || !is_open {
            if is_open {
                roff.control("fi", []);
            }
            roff.control("SH", [heading.unwrap_or("Notes").to_uppercase().as_str()]).control("nf", []);
            is_open = true;
        }
        if heading.is_none() {
            roff.text([roman(line)]);
        }
        starts_section = line.is_empty();
    }
    if is_open {
        roff.control("fi", []);
    }
    roff
}
