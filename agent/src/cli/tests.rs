//! The command line itself.
use super::*;

#[test]
fn the_commands_are_well_formed() {
    Cli::command().debug_assert();
}
