//! Rows of a waterfall: when, within one night, each step took its time.
use maud::{Markup, html};

use super::percent;

/// What the time of a part is spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartKind {
    /// Waiting for a person.
    Person,
    /// Waiting for anything else.
    Waiting,
    /// Work being done.
    Work,
}

impl PartKind {
    /// The class of its mark.
    pub fn class(self) -> &'static str {
        match self {
            Self::Person => "w-wait",
            Self::Waiting => "w-hold",
            Self::Work => "w-work",
        }
    }

    /// Its words in the key.
    pub fn words(self) -> &'static str {
        match self {
            Self::Person => "waiting for a person",
            Self::Waiting => "waiting for anything else",
            Self::Work => "work being done",
        }
    }

    /// The key of the marks.
    pub fn key() -> Markup {
        html! {
            ul.key {
                @for kind in [Self::Person, Self::Waiting, Self::Work] {
                    li {
                        svg.kx aria-hidden="true" {
                            rect class=(kind.class()) x="2" y="1" width="32" height="14" {}
                        }
                        (kind.words())
                    }
                }
            }
        }
    }
}

/// One stretch of time, in shares of the night.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// Start, 0 to 1.
    pub from: f64,
    /// End, 0 to 1.
    pub to: f64,
}

/// A row: its stretches, grid lines, and the promise as a line through all
/// rows. No stretch means that the step did not happen in that night.
pub fn part_row(
    label: &str,
    kind: PartKind,
    parts: &[Part],
    grid: &[f64],
    promised: Option<f64>,
) -> Markup {
    html! {
        svg.iv width="100%" role="img" aria-label=(label) {
            @for at in grid {
                line.grid x1=(percent(*at)) x2=(percent(*at)) y1="0" y2="100%" {}
            }
            @if let Some(at) = promised.filter(|at| *at <= 1.0) {
                line.obj x1=(percent(at)) x2=(percent(at)) y1="0" y2="100%" {}
            }
            @if !parts.is_empty() {
                svg y="50%" width="100%" height="1" {
                    @for part in parts {
                        // A stretch too short to see keeps a hair's width.
                        rect class=(kind.class()) x=(percent(part.from)) y="-7"
                            width=(percent((part.to - part.from).max(0.004))) height="14" {}
                    }
                }
            }
        }
    }
}
