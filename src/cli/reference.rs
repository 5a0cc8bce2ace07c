//! The command-line reference (`CLI.md`), generated from the command line itself.

use super::{Exit, clap_command};

/// The reference as Markdown; a test holds `CLI.md` against it.
pub fn cli_reference() -> String {
    let mut text = String::from(
        "# Command-line reference\n\nGenerated from `proofpack --help`; `UPDATE_EXPECT=1 cargo test` rewrites it.\n\n",
    );
    text.push_str("| exit code | meaning |\n|---|---|\n");
    for exit in Exit::ALL {
        text.push_str(&format!("| {} | {} |\n", exit as u8, exit.meaning()));
    }
    let mut root = clap_command().term_width(100);
    root.build();
    section(&mut root, &mut text);
    text
}

fn section(command: &mut clap::Command, text: &mut String) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    text.push_str(&format!("\n## `{name}`\n\n```text\n{}\n```\n", help.join("\n").trim_end()));
    for subcommand in command.get_subcommands_mut().filter(|subcommand| subcommand.get_name() != "help") {
        section(subcommand, text);
    }
}
