//! The all-in-one program.
fn main() -> std::process::ExitCode {
    evenkeel_dashboards::cli::main()
}
