//! The command line: `run`, `validate`, `completions`, `man`.
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use evenkeel_config::library::{Example, SCENARIOS};
use evenkeel_config::load::{
    Loaded, Source, check_scenario, evidence_from, map_from, read_sources, scenario_from,
};
use evenkeel_config::map::DependencyMap;
use evenkeel_config::problem::{Place, Problems};
use evenkeel_config::record::{EvidenceSet, SCHEMA_VERSION};
use evenkeel_config::scenario::Scenario;
use jiff::Timestamp;

use crate::{DEFAULT_SEED, DEFAULT_TRIALS, Job, simulate, table, words};

/// Simulates how long an organisation's functions take to come back.
#[derive(Debug, Parser)]
#[command(name = "evenkeel-simulator", version, after_help = AFTER)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER: &str = "Exit codes: 0 done, 1 failed, 64 wrong usage, 78 a document has problems.\n\
                     Example: evenkeel-simulator run --map example:city-hall --scenario ransomware";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run one scenario on a map.
    Run(Run),
    /// Say everything that is wrong with a map or a scenario.
    Validate(Validate),
    /// Print completions for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    Man,
}

#[derive(Debug, clap::Args)]
struct Run {
    /// Map: a file, a folder of files, or `example:NAME`.
    #[arg(long)]
    map: String,
    /// Scenario: a file or a name of the library, such as `ransomware`.
    #[arg(long)]
    scenario: String,
    /// Modifier laid over the scenario, such as `key_person_away`.
    #[arg(long, value_name = "SCENARIO")]
    with: Vec<String>,
    /// Evidence written by an agent; an example brings its own.
    #[arg(long)]
    evidence: Vec<PathBuf>,
    /// How many nights.
    #[arg(long, default_value_t = DEFAULT_TRIALS)]
    trials: u64,
    /// Seed of all luck.
    #[arg(long, default_value_t = DEFAULT_SEED)]
    seed: u64,
    /// The moment of the facts, such as 2026-11-17T13:00:00Z.
    #[arg(long)]
    as_of: Option<Timestamp>,
    /// Threads; changes no result.
    #[arg(long)]
    threads: Option<usize>,
    /// Leave the priced fixes out.
    #[arg(long)]
    no_fixes: bool,
    /// How to answer.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Write the answer to a file.
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Validate {
    /// Map: a file, a folder of files, or `example:NAME`.
    #[arg(long)]
    map: String,
    /// Scenario to hold against it.
    #[arg(long)]
    scenario: Option<String>,
    /// How to answer.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
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
        Command::Run(args) => run(args),
        Command::Validate(args) => validate(args),
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
    if format == Format::Json {
        let problems = match failure {
            Failure::Documents(problems) => {
                serde_json::to_value(&problems.list).unwrap_or_default()
            }
            Failure::Io { .. } | Failure::Json(_) => serde_json::Value::Array(Vec::new()),
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

fn run(args: &Run) -> Result<(), Failure> {
    let Loaded { value: map, .. } = load_map(&args.map)?;
    let scenario = load_scenario(&args.scenario, &args.map)?;
    let modifiers: Vec<Scenario> =
        args.with.iter().map(|name| load_scenario(name, &args.map)).collect::<Result<_, _>>()?;
    let mut problems = Problems::default();
    for scenario in modifiers.iter().chain([&scenario]) {
        check_scenario(scenario, &map, &mut problems);
    }
    if problems.is_fatal() {
        return Err(problems.into());
    }
    let evidence = load_evidence(args)?;
    let job = Job {
        map: &map,
        scenario: &scenario,
        modifiers: &modifiers,
        evidence: &evidence,
        as_of: args.as_of,
        seed: args.seed,
        trials: args.trials,
        threads: args.threads,
        fixes: !args.no_fixes,
    };
    let mut summary = simulate(&job, &bar())?;
    for warning in problems.list {
        if !summary.notes.contains(&warning.what) {
            summary.notes.push(warning.what);
        }
    }
    let text = match args.format {
        Format::Human => table::render(&summary).into_bytes(),
        Format::Json => {
            let mut text = serde_json::to_vec_pretty(&summary)?;
            text.push(b'\n');
            text
        }
    };
    write(args.out.as_deref(), &text)
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

fn validate(args: &Validate) -> Result<(), Failure> {
    let Loaded { value: map, warnings: mut problems } = load_map(&args.map)?;
    if let Some(name) = &args.scenario {
        let scenario = load_scenario(name, &args.map)?;
        check_scenario(&scenario, &map, &mut problems);
        if !problems.is_fatal() && !scenario.modifier {
            for note in crate::validate(&map, &scenario)? {
                problems.warning(Place::default(), note, "");
            }
        }
    }
    if problems.is_fatal() {
        return Err(problems.into());
    }
    let text = match args.format {
        Format::Human => {
            let count = map.components.len();
            let warnings: String = problems.list.iter().map(|p| format!("{p}\n")).collect();
            let verdict = match problems.list.len() {
                0 => "nothing wrong".to_owned(),
                1 => "nothing wrong, one warning".to_owned(),
                n => format!("nothing wrong, {n} warnings"),
            };
            let text = format!("{warnings}{count} components, {verdict}\n");
            text.lines().map(|line| words::plain(line) + "\n").collect()
        }
        Format::Json => {
            let body = serde_json::json!({
                "schema_version": SCHEMA_VERSION,
                "components": map.components.len(),
                "warnings": problems.list,
            });
            format!("{body}\n")
        }
    };
    write(None, text.as_bytes())
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

fn example(map: &str) -> Result<Option<&'static Example>, Problems> {
    let Some(name) = map.strip_prefix("example:") else { return Ok(None) };
    let found = Example::named(name);
    found.map(Some).ok_or_else(|| {
        let known: Vec<&str> =
            evenkeel_config::library::EXAMPLES.iter().map(|example| example.name).collect();
        unknown(map, "no example of that name is shipped", &known)
    })
}

fn unknown(name: &str, what: &str, known: &[&str]) -> Problems {
    let mut problems = Problems::default();
    let place = Place { file: name.to_owned(), ..Place::default() };
    problems.error(place, what, format!("choose one of {}, or name a file", known.join(", ")));
    problems
}

fn load_map(name: &str) -> Result<Loaded<DependencyMap>, Problems> {
    let sources = match example(name)? {
        Some(example) => example.map.iter().map(|(file, text)| Source::new(*file, *text)).collect(),
        None => read_sources(Path::new(name))?,
    };
    map_from(&sources)
}

/// A file, else the example's own scenario, else one of the library.
fn load_scenario(name: &str, map: &str) -> Result<Scenario, Problems> {
    let path = Path::new(name);
    if path.extension().is_some() || path.components().count() > 1 {
        let mut all = read_sources(path)?;
        let source = all.pop().expect("a file that was read is one source");
        return scenario_from(&source).map(|loaded| loaded.value);
    }
    let id = name.replace('-', "_");
    let file = format!("scenarios/{id}.toml");
    let own = example(map)?.and_then(|e| e.scenarios.iter().find(|(name, _)| *name == file));
    let shipped = SCENARIOS.iter().find(|(known, _)| *known == id);
    let source = match (own, shipped) {
        (Some((file, text)), _) => Source::new(*file, *text),
        (None, Some((id, text))) => Source::new(format!("{id}.toml"), *text),
        (None, None) => {
            let known: Vec<&str> = SCENARIOS.iter().map(|(id, _)| *id).collect();
            return Err(unknown(name, "no scenario of that name is shipped", &known));
        }
    };
    scenario_from(&source).map(|loaded| loaded.value)
}

fn load_evidence(args: &Run) -> Result<Vec<EvidenceSet>, Problems> {
    let mut sources = Vec::new();
    for path in &args.evidence {
        sources.append(&mut read_sources(path)?);
    }
    if let (true, Some(example)) = (sources.is_empty(), example(&args.map)?) {
        sources.push(Source::new("evidence.json", example.evidence));
    }
    sources.iter().map(evidence_from).collect()
}
