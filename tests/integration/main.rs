//! The whole product against real peers; one module per promise.
#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]
mod bad_input;
mod hub;
mod metrics_page;
mod pages;
mod secret;
mod simulate;
mod support;
mod tidy;
mod up;
