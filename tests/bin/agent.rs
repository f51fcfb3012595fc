//! The program as users run it, built for the tests of this package.
fn main() -> std::process::ExitCode {
    evenkeel_agent::main()
}
