//! The program `evenkeel-agent`: its commands, and the one place that prints errors.
mod accept;
mod check;
mod documents;
mod drill;
mod first;
mod heartbeat;
mod map;
mod output;
mod prove;
mod run;
mod store;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use output::{Failure, Format, say};

/// Exit code of a wrong command line.
const USAGE: u8 = 64;

/// Checks backups, certificates, DNS and ageing hardware on this host, keeps
/// the evidence, and serves it to Prometheus and to Evenkeel's dashboards.
#[derive(Debug, Parser)]
#[command(name = "evenkeel-agent", version, max_term_width = 100)]
struct Cli {
    /// Settings; DATA/agent.toml unless given, else /etc/evenkeel/agent.toml.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the evidence store; ~/.local/share/evenkeel unless given.
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// For people or for programs.
    #[arg(long, global = true, value_enum, default_value_t = Format::Human)]
    format: Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look at this host and write settings and a draft map; overwrites nothing.
    Init,
    /// Run every check once, or those named, and print what they found.
    ///
    /// Exit code as of monitoring plugins: 0 ok, 1 warning, 2 critical, 3 unknown.
    Check {
        /// Names of checks.
        names: Vec<String>,
    },
    /// Run the checks on their rhythm and serve /metrics, /evidence and /map.
    ///
    /// SIGHUP reads the settings again; SIGTERM and Ctrl-C end it.
    Run,
    /// Restore a sample from each backup into a scratch folder, and say whether it came back.
    ///
    /// Exit code: 0 it worked, 2 it did not, 3 it could not be told.
    Drill(drill::Arguments),
    /// Try to delete a canary of the agent's own beside each backup whose check says
    /// `prove_immutable`, and say whether that was refused.
    ///
    /// Exit code: 0 refused, 2 allowed, 3 it could not be told.
    ProveImmutable(prove::Arguments),
    /// Look at this host once and print what it depends on; stores nothing.
    Discover,
    /// Print the recorded map: what is declared and what was seen.
    Map,
    /// Read settings and map, and print every problem.
    Validate,
    /// Print the addresses at which jobs report their start, success or failure.
    Heartbeat {
        /// Names of checks of the kind `heartbeat`; all of them unless given.
        names: Vec<String>,
    },
    /// Accept what a backup looks like now as usual; its history begins anew.
    Accept {
        /// Name of the check.
        check: String,
        /// The group, as its findings name it; all groups unless given.
        group: Option<String>,
    },
    /// Accept that a target of a check is gone for good.
    Forget {
        /// Name of the check.
        check: String,
        /// The target, as the finding `target_vanished` names it.
        target: String,
    },
    /// Look after the evidence store.
    #[command(subcommand)]
    Store(store::Command),
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    Man,
    /// Print the table of checks for the README.
    #[command(hide = true)]
    ChecksTable,
}

/// Runs the program and returns its exit code.
pub fn main() -> ExitCode {
    if let Some(code) = crate::drill::child() {
        return code;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(tracing::Level::INFO)
        .with_target(false)
        .with_ansi(false)
        .init();
    let format = cli.format;
    let is_check = matches!(cli.command, Command::Check { .. });
    match dispatch(cli) {
        Ok(code) => ExitCode::from(code),
        Err(failure) if is_check => check::failed(&failure, format),
        Err(failure) => failure.print(format),
    }
}

fn dispatch(cli: Cli) -> Result<u8, Failure> {
    let places = documents::Places::new(cli.config, cli.data);
    match cli.command {
        Command::Init => first::init(&places, cli.format),
        Command::Check { names } => check::check(&places, &names, cli.format),
        Command::Run => run::run(&places),
        Command::Drill(arguments) => drill::drill(&places, &arguments, cli.format),
        Command::ProveImmutable(arguments) => prove::prove(&places, &arguments, cli.format),
        Command::Discover => map::discover(&places, cli.format),
        Command::Map => map::map(&places, cli.format),
        Command::Validate => first::validate(&places, cli.format),
        Command::Heartbeat { names } => heartbeat::heartbeat(&places, &names, cli.format),
        Command::Accept { check, group } => {
            accept::accept(&places, &check, group.as_deref(), cli.format)
        }
        Command::Forget { check, target } => store::forget(&places, &check, &target, cli.format),
        Command::Store(command) => store::store(&places, command, cli.format),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "evenkeel-agent", &mut text);
            say(&String::from_utf8_lossy(&text));
            Ok(0)
        }
        Command::Man => {
            let mut text = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut text).map_err(Failure::other)?;
            say(&String::from_utf8_lossy(&text));
            Ok(0)
        }
        Command::ChecksTable => {
            say(&crate::checks::table_markdown());
            Ok(0)
        }
    }
}

/// Help and version are no errors; anything else is a wrong command line.
fn usage(error: &clap::Error) -> ExitCode {
    let wants_json = std::env::args().any(|word| word == "json" || word == "--format=json");
    if !error.use_stderr() {
        say(&error.render().to_string());
        return ExitCode::SUCCESS;
    }
    let text = error.render().to_string();
    let text = text.trim_end().trim_start_matches("error: ");
    let failure = Failure::new("usage", text, USAGE);
    failure.print(if wants_json { Format::Json } else { Format::Human })
}

#[cfg(test)]
mod tests;
