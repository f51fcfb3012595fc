//! What a night's components, steps and instants are called: roles rather than names, local time.
use evenkeel_config::id::Id;
use evenkeel_config::map::{DependencyMap, Kind};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::{Model, NEVER, NONE};

/// Instants of one night by the organisation's clocks.
#[derive(Debug, Clone)]
pub(crate) struct Local {
    zone: TimeZone,
    strike_at: i64,
}

impl Local {
    /// The clocks of a zone, for a night that struck at an instant.
    pub(crate) fn new(zone: &str, strike_at: i64) -> Self {
        Self { zone: TimeZone::get(zone).unwrap_or(TimeZone::UTC), strike_at }
    }

    /// The date and time so long after the strike, such as `Tue 2026-11-17 22:14`.
    pub(crate) fn at(&self, ms: i64) -> String {
        let instant = self.strike_at.checked_add(ms).map(Timestamp::from_millisecond);
        let Some(Ok(instant)) = instant else { return "never".to_owned() };
        self.zone.to_datetime(instant).strftime("%a %Y-%m-%d %H:%M").to_string()
    }
}

/// Names of one night.
pub(super) struct Names<'a> {
    pub(super) model: &'a Model,
    pub(super) local: Local,
    show_names: bool,
}

impl<'a> Names<'a> {
    pub(super) fn new(map: &DependencyMap, model: &'a Model, strike_at: i64) -> Self {
        let organisation = &map.organisation;
        Self {
            model,
            local: Local::new(&organisation.timezone, strike_at),
            show_names: organisation.show_names,
        }
    }

    /// The id of a component, unless it would name a person.
    pub(super) fn id(&self, node: u32) -> Option<Id> {
        let kind = self.model.nodes.get(node as usize)?.kind;
        if kind == Kind::Person && !self.show_names {
            return None;
        }
        self.model.names.ids.get(node as usize).cloned()
    }

    pub(super) fn title(&self, node: u32) -> &'a str {
        self.model.names.titles.get(node as usize).map_or("", String::as_str)
    }

    pub(super) fn step(&self, name: u32) -> &'a str {
        self.model.names.steps.get(name as usize).map_or("", String::as_str)
    }

    /// A step and whose it is: `install (the ERP server)`.
    pub(super) fn step_of(&self, number: u32) -> String {
        let Some(step) = self.model.steps.get(number as usize) else { return String::new() };
        let name = self.step(step.name);
        match self.title(step.owner) {
            "" => format!("“{name}”"),
            owner if step.owner == NONE || name.contains(owner) => format!("“{name}”"),
            owner => format!("“{name}” of {owner}"),
        }
    }

    pub(super) fn data(&self, data: u32) -> &'a str {
        self.model.datasets.get(data as usize).map_or("", |data| self.title(data.node))
    }

    /// `not before Tue ...`, of what was asked for.
    pub(super) fn not_before(&self, ms: i64) -> String {
        if ms == NEVER {
            "and never comes".to_owned()
        } else {
            format!("not before {}", self.local.at(ms))
        }
    }

    /// `until Tue ...`, or for how long it never ends.
    pub(super) fn until(&self, ms: i64) -> String {
        if ms == NEVER {
            "without an end".to_owned()
        } else {
            format!("until {}", self.local.at(ms))
        }
    }
}
