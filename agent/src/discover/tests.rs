//! Discovery against real sockets of this very process.
use super::*;
