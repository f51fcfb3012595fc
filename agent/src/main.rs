//! The program `evenkeel-agent`; everything is in the library.
fn main() -> std::process::ExitCode {
    evenkeel_agent::main()
}
