//! The command line: one file for each command, and the one place that prints errors.
mod annual;
mod compare;
mod documents;
mod drill_next;
mod exercise;
mod explain;
mod merge;
mod optimise;
mod promise;
mod run;
mod structure;
mod validate;

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use evenkeel_config::problem::Problems;
use evenkeel_config::record::SCHEMA_VERSION;

use crate::words;

/// Simulates how long an organisation's functions take to come back.
#[derive(Debug, Parser)]
#[command(name = "evenkeel-simulator", version, after_help = AFTER)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER: &str = "Exit codes: 0 done, 1 failed, 2 answered in part, 64 wrong usage, 78 a document has problems.\n\
                     Example: evenkeel-simulator run --map example:city-hall --scenario ransomware";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run one scenario on a map.
    Run(run::Run),
    /// Tell one night as a timeline, and where its hours went.
    Explain(explain::Explain),
    /// Try out fixes and patches side by side, on the same nights.
    Compare(compare::Compare),
    /// Say which RTO and RPO can be promised.
    Promise(promise::Promise),
    /// Find the fixes that are worth most under a budget.
    Optimise(optimise::Optimise),
    /// Say which drill or measurement could move a promise most.
    DrillNext(drill_next::DrillNext),
    /// Say what each function hangs on: downtime, single points of failure, what matters most.
    Structure(structure::Structure),
    /// Look at a year: how often, how many hours, how much money, as ranges.
    Annual(annual::Annual),
    /// Print one night as a tabletop exercise.
    Exercise(exercise::Exercise),
    /// Put the shards of a run together.
    Merge(merge::Merge),
    /// Say everything that is wrong with a map or a scenario.
    Validate(validate::Validate),
    /// Print completions for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    Man,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Words and tables.
    Human,
    /// JSON with `schema_version`, for errors too.
    Json,
}

/// What went wrong, and with which exit code.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Documents(Problems),
    #[error("{what}: {cause}")]
    Io { what: String, cause: std::io::Error },
    /// The answer is out, and holds less than was asked for.
    #[error("not all could be answered: {0}")]
    InPart(String),
    #[error("the answer cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Documents(problems)
    }
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::Documents(_) => 78,
            Self::InPart(_) => 2,
            Self::Io { .. } | Self::Json(_) => 1,
        }
    }
}

/// Runs the program on the process's arguments.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { 64 } else { 0 };
            // A closed pipe is no reason to fail while explaining usage.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let format = match &cli.command {
        Command::Run(run) => run.format,
        Command::Explain(explain) => explain.format,
        Command::Compare(compare) => compare.format,
        Command::Promise(promise) => promise.format,
        Command::Optimise(optimise) => optimise.format,
        Command::DrillNext(drill) => drill.format,
        Command::Structure(structure) => structure.format,
        Command::Annual(annual) => annual.format,
        Command::Exercise(exercise) => exercise.errors(),
        Command::Merge(merge) => merge.format,
        Command::Validate(validate) => validate.format,
        Command::Completions { .. } | Command::Man => Format::Human,
    };
    match execute(&cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            report(&failure, format);
            ExitCode::from(failure.code())
        }
    }
}

fn execute(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Run(args) => run::run(args),
        Command::Explain(args) => explain::explain(args),
        Command::Compare(args) => compare::compare(args),
        Command::Promise(args) => promise::promise(args),
        Command::Optimise(args) => optimise::optimise(args),
        Command::DrillNext(args) => drill_next::run(args),
        Command::Structure(args) => structure::structure(args),
        Command::Annual(args) => annual::run(args),
        Command::Exercise(args) => exercise::run(args),
        Command::Merge(args) => merge::merge(args),
        Command::Validate(args) => validate::validate(args),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "evenkeel-simulator", &mut text);
            write(None, &text)
        }
        Command::Man => {
            let mut text = Vec::new();
            clap_mangen::Man::new(Cli::command())
                .render(&mut text)
                .map_err(|cause| Failure::Io { what: "the manual page".into(), cause })?;
            write(None, &text)
        }
    }
}

fn report(failure: &Failure, format: Format) {
    // The answer itself is on standard output already.
    if format == Format::Json && !matches!(failure, Failure::InPart(_)) {
        let problems = match failure {
            Failure::Documents(problems) => {
                serde_json::to_value(&problems.list).unwrap_or_default()
            }
            Failure::InPart(_) | Failure::Io { .. } | Failure::Json(_) => {
                serde_json::Value::Array(Vec::new())
            }
        };
        let error = serde_json::json!({
            "schema_version": SCHEMA_VERSION,
            "error": { "message": failure.to_string(), "problems": problems },
        });
        // If standard output is gone there is nobody left to tell.
        let _ = writeln!(std::io::stdout(), "{error}");
        return;
    }
    let lines: Vec<String> = failure.to_string().lines().map(words::plain).collect();
    let prefix = if matches!(failure, Failure::Documents(_)) { "" } else { "error: " };
    let _ = writeln!(std::io::stderr(), "{prefix}{}", lines.join("\n"));
}

/// A progress bar on a terminal, seen only when a run takes a while.
fn bar() -> impl Fn(u64, u64) + Sync {
    let bar = indicatif::ProgressBar::new(0);
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(indicatif::ProgressDrawTarget::hidden());
    }
    move |done, of| {
        bar.set_length(of);
        bar.set_position(done);
        if done == of {
            bar.finish_and_clear();
        }
    }
}

/// A document as JSON, indented, with a line end.
fn json(document: &impl serde::Serialize) -> Result<Vec<u8>, Failure> {
    let mut text = serde_json::to_vec_pretty(document)?;
    text.push(b'\n');
    Ok(text)
}

fn write(out: Option<&Path>, text: &[u8]) -> Result<(), Failure> {
    let done = match out {
        Some(path) => std::fs::write(path, text),
        None => std::io::stdout().write_all(text),
    };
    let what = out.map_or("standard output".to_owned(), |path| path.display().to_string());
    match done {
        Err(cause) if out.is_none() && cause.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(cause) => Err(Failure::Io { what, cause }),
        Ok(()) => Ok(()),
    }
}
