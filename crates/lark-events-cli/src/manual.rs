//! `completions` and `man`: shell completions and manual pages, from the same definitions that parse the
//! arguments.

use std::process::ExitCode;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::output::Output;
use crate::{Cli, Error};

/// Print the completion script for a shell.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lark-events completions bash > ~/.local/share/bash-completion/completions/lark-events
  lark-events completions zsh > \"${fpath[1]}/_lark-events\"
  lark-events completions fish > ~/.config/fish/completions/lark-events.fish")]
pub(crate) struct CompletionsArgs {
    shell: Shell,
}

/// Print the manual page of this command, or of a subcommand.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lark-events man | man -l -
  lark-events man push > lark-events-push.1")]
pub(crate) struct ManArgs {
    /// The subcommand, such as `push` or `events show`.
    command: Vec<String>,
}

pub(crate) fn completions(args: &CompletionsArgs, output: Output) -> Result<ExitCode, Error> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "lark-events", &mut text);
    output.print_own(&text)?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn man(args: &ManArgs, output: Output) -> Result<ExitCode, Error> {
    let mut command = Cli::command();
    // Gives every command below its full name.
    command.build();
    for name in &args.command {
        let Some(found) = command.find_subcommand(name) else {
            return Err(format!("unknown command {name}; see `lark-events --help`").into());
        };
        command = found.clone();
    }
    let title = command.get_display_name().map(str::to_owned);
    let mut text = Vec::new();
    let page = Man::new(command)
        .title(title.unwrap_or_else(|| "lark-events".to_owned()))
        .source(concat!("lark-events ", env!("CARGO_PKG_VERSION")));
    page.render(&mut text)?;
    output.print_own(&text)?;
    Ok(ExitCode::SUCCESS)
}
