//! The simulator's program.
fn main() -> std::process::ExitCode {
    evenkeel_simulator::cli::main()
}
