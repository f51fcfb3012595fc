//! The command line of `evenkeel`.
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

use crate::{offline, online};

/// If this happens tonight: when is each business function back, what is
/// lost, what does it cost, what holds it up, and what should be fixed first?
#[derive(Debug, Parser)]
#[command(name = "evenkeel", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Folder for everything that is kept [default: $XDG_DATA_HOME/evenkeel]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Form of what is printed
    #[arg(long, global = true, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// Form of what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Human,
    /// For programs; carries `schema_version`, for errors too.
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look at this host, record its map, simulate, and show the answer in a browser
    Up(UpArguments),
    /// Collect from several agents and serve the pages
    Serve {
        /// Settings of the hub
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Write the two-page report as one self-contained HTML file
    Report {
        /// File to write
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Scenario to report on; the one in which most promises are missed unless given
        #[arg(long, value_name = "ID")]
        scenario: Option<String>,
        #[command(flatten)]
        what: What,
    },
    /// Print what is known and predicted
    Status {
        #[command(flatten)]
        what: What,
    },
    /// Print a shell's completions
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// Which organisation, and how much is simulated.
#[derive(Debug, Clone, clap::Args)]
pub struct What {
    /// Use a shipped organisation instead of this host
    #[arg(long, value_name = "NAME", value_parser = example)]
    pub example: Option<String>,
    /// Simulated nights of each scenario
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(100..=1_000_000))]
    pub trials: u64,
    /// Seed of the random numbers
    #[arg(long, value_name = "K", default_value_t = 20_261_117)]
    pub seed: u64,
}

/// What `up` is asked.
#[derive(Debug, Clone, clap::Args)]
pub struct UpArguments {
    /// Which organisation, and how much is simulated.
    #[command(flatten)]
    pub what: What,
    /// Where to serve the pages; the next free port if it is taken
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8420", value_parser = loopback)]
    pub listen: SocketAddr,
    /// Print the summary and end, without serving
    #[arg(long)]
    pub once: bool,
}

fn example(name: &str) -> Result<String, String> {
    let known: Vec<&str> = evenkeel_config::library::EXAMPLES.iter().map(|e| e.name).collect();
    if known.contains(&name) {
        Ok(name.to_owned())
    } else {
        Err(format!("there is no such example; choose {}", known.join(", ")))
    }
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr =
        text.parse().map_err(|_| "write an address and port, as in 127.0.0.1:8420".to_owned())?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err("`up` serves on this machine alone; use `evenkeel serve` with TLS for others"
            .to_owned())
    }
}

/// A failure, as it is printed, and the exit code.
#[derive(Debug)]
pub struct Failure {
    /// Product text.
    pub text: String,
    /// 1 in general, 78 for documents.
    pub code: u8,
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { text: error.to_string(), code: 1 }
    }
}

impl Failure {
    /// A failure in a document that people write.
    pub fn document(error: &dyn std::fmt::Display) -> Self {
        Self { text: error.to_string(), code: 78 }
    }

    /// Any other failure.
    pub fn other(text: impl Into<String>) -> Self {
        Self { text: text.into(), code: 1 }
    }
}

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    if let Some(code) = crate::own_agent::drill_child() {
        return code;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { 64 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let format = cli.format;
    match run(cli) {
        Ok(code) => code,
        Err(failure) => {
            report_failure(&failure, format);
            ExitCode::from(failure.code)
        }
    }
}

/// What happens while the hub runs goes to stderr; `RUST_LOG` says how much.
fn listen_to_events() {
    let filter = tracing_subscriber::EnvFilter::builder()
        .with_default_directive(tracing::level_filters::LevelFilter::WARN.into())
        .from_env_lossy();
    // Fails only if a subscriber is there already, which then does the same.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .try_init();
}

fn run(cli: Cli) -> Result<ExitCode, Failure> {
    listen_to_events();
    let environment = |name: &str| std::env::var(name).ok();
    let (xdg, home) = (environment("XDG_DATA_HOME"), environment("HOME"));
    let data = crate::paths::data_folder(cli.data.as_deref(), xdg.as_deref(), home.as_deref());
    match cli.command {
        Command::Up(up) => online::up(&data, &up, cli.format),
        Command::Serve { config } => online::serve(cli.data.as_deref(), &config),
        Command::Report { out, scenario, what } => offline::report(&data, &what, scenario, &out),
        Command::Status { what } => offline::status(&data, &what, cli.format),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "evenkeel", &mut std::io::stdout());
            Ok(ExitCode::SUCCESS)
        }
        Command::Man => {
            clap_mangen::Man::new(Cli::command()).render(&mut std::io::stdout())?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Prints data; a reader that went away is no failure.
pub fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Says something to the person who waits, beside the data.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

fn report_failure(failure: &Failure, format: Format) {
    match format {
        Format::Human => say(&format!("evenkeel: {}", failure.text)),
        Format::Json => {
            let error = serde_json::json!({
                "schema_version": evenkeel_config::record::SCHEMA_VERSION,
                "error": { "text": failure.text, "code": failure.code },
            });
            print(&format!("{error}\n"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn up_refuses_to_serve_others() {
        assert!(loopback("127.0.0.1:0").is_ok());
        assert!(loopback("0.0.0.0:8420").expect_err("must refuse").contains("TLS"));
        assert!(loopback("here").is_err());
    }
}
