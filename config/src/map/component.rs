//! The resolved map: every component with its kind, its needs and its recovery.
use std::collections::BTreeMap;

use jiff::civil::{Date, DateTime};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::calibration::Calibration;
use super::details::Details;
use super::document::MapDocument;
use super::fix::Fix;
use super::kind::Kind;
use super::need::Need;
use super::reliability::CommonCause;
use super::step::RecoveryStep;
use crate::calendar::{WrittenDate, WrittenDateTime};
use crate::frequency::Frequency;
use crate::id::Id;
use crate::law::Law;
use crate::provenance::Provenance;
use crate::quantity::{Share, Span};

/// The organisation the map describes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Organisation {
    /// Name as shown on pages.
    pub name: String,
    /// IANA time zone such as `America/New_York`; all working hours are in it.
    #[serde(default = "utc")]
    pub timezone: String,
    /// ISO 4217 code such as `USD`; money figures in the map are in it.
    #[serde(default = "usd")]
    pub currency: String,
    /// Days on which nobody works.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<WrittenDate>")]
    pub holidays: Vec<Date>,
    /// Show people by name on pages instead of by role.
    #[serde(default)]
    pub show_names: bool,
    /// Cost of one hour of overtime, in the organisation's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    pub overtime_per_hour: Option<f64>,
    /// How likely efforts within one event are all good or all bad together:
    /// the correlation r of the bad-day factor. 0.5 unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bad_day: Option<Share>,
    /// In which order waiting work is given to people who are free.
    #[serde(default, skip_serializing_if = "Dispatch::is_business")]
    pub dispatch: Dispatch,
    /// The order of `dispatch = "listed"`: whose work comes first. What is not
    /// listed comes after, by business.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dispatch_order: Vec<Id>,
}

/// In which order waiting work is given to people who are free. Work in
/// progress is never taken away from anybody.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Dispatch {
    /// By what hangs on it: the shortest RTO, then the largest loss an hour, then the id.
    #[default]
    Business,
    /// The shortest step first, by its median.
    ShortestFirst,
    /// First what the longest chain of recovery work hangs on, by medians:
    /// what has the least slack.
    CriticalPath,
    /// In the order of `dispatch_order`.
    Listed,
}

impl Dispatch {
    fn is_business(&self) -> bool {
        *self == Self::Business
    }
}

fn utc() -> String {
    "UTC".to_owned()
}

fn usd() -> String {
    "USD".to_owned()
}

/// A validated dependency map. Only made by [`crate::load`]; every id it names
/// exists, every expression is well formed.
#[derive(Debug, Clone, PartialEq)]
pub struct DependencyMap {
    /// Whose map it is.
    pub organisation: Organisation,
    /// How facts become figures.
    pub calibration: Calibration,
    /// All components by id; ids are unique across kinds.
    pub components: BTreeMap<Id, Component>,
    /// Priced changes, by id.
    pub fixes: BTreeMap<Id, Fix>,
    /// The document it was made from, to be patched by a fix.
    pub document: MapDocument,
}

/// One component.
#[derive(Debug, Clone, PartialEq)]
pub struct Component {
    /// Its id.
    pub id: Id,
    /// Its kind.
    pub kind: Kind,
    /// What every kind can have.
    pub common: Common,
    /// What only its kind has.
    pub details: Details,
    /// Whether a person declared it or a host showed it.
    pub provenance: Provenance,
}

impl Component {
    /// The name on pages: the declared one, else the id with spaces.
    pub fn title(&self) -> String {
        self.common.name.clone().unwrap_or_else(|| self.id.as_str().replace('-', " "))
    }

    /// What it physically stands on: `runs_on`, `stored_on`, site and power.
    /// These are needed both to run and to recover.
    pub fn foundations(&self) -> impl Iterator<Item = &Id> {
        let common = &self.common;
        common.runs_on.iter().chain(&common.stored_on).chain(&common.site).chain(&common.power)
    }
}

/// Keys that every kind of component can have.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Common {
    /// Name on pages.
    pub name: Option<String>,
    /// A few words under the name.
    pub summary: Option<String>,
    /// Where it stands.
    pub site: Option<Id>,
    /// What feeds it.
    pub power: Option<Id>,
    /// What it runs on.
    pub runs_on: Vec<Id>,
    /// What it is stored on.
    pub stored_on: Vec<Id>,
    /// Whoever holds this login can destroy it: components with the same label
    /// fall together.
    pub credential_domain: Option<String>,
    /// Free labels, to be reached by scenarios.
    pub tags: Vec<String>,
    /// Who answers for it.
    pub owner: Option<Id>,
    /// Where its runbook is.
    pub runbook: Option<String>,
    /// When the entry was last reviewed.
    pub reviewed: Option<Date>,
    /// Needed to run.
    pub needs: Vec<Need>,
    /// Needed, or at hand, before a recovery step can start.
    pub recover_needs: Vec<Need>,
    /// Steps that bring it back when it is lost (data gone, machine destroyed).
    pub recover: Vec<RecoveryStep>,
    /// Steps that bring it back when it is down but whole; `recover` if absent.
    pub repair: Vec<RecoveryStep>,
    /// Steps that clear it when it is suspect.
    pub clear: Vec<RecoveryStep>,
    /// Another way to be up again sooner, tried first.
    pub failover: Option<Alternative>,
    /// Start-up time once everything it needs is back.
    pub start: Option<Law>,
    /// Share of time in which it works, by itself; or else `mtbf` and `mttr`.
    pub availability: Option<Share>,
    /// Mean time between its own failures: from one repair to the next failure.
    pub mtbf: Option<Span>,
    /// Mean time to repair: from a failure until it works again.
    pub mttr: Option<Span>,
    /// How often it fails by itself, for the annual view; `mtbf` unless stated.
    pub fails: Option<Frequency>,
    /// What fails it together with others, beyond what the map shows.
    pub common_cause: Option<CommonCause>,
    /// Planned work.
    pub maintenance: Vec<MaintenanceWindow>,
    /// Purchase date.
    pub bought: Option<Date>,
    /// End of warranty or contract.
    pub warranty_until: Option<Date>,
    /// End of support by its maker.
    pub support_until: Option<Date>,
    /// The day it lapses: a certificate, a domain, a licence.
    pub expires: Option<Date>,
    /// Free text; never simulated.
    pub notes: Option<String>,
}

/// A fail-over tried before recovery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alternative {
    /// What takes over; must be up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Id>,
    /// How long the switch takes, spent also when it fails.
    pub takes: Law,
    /// Chance that it works; 1 unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<Share>,
    /// Share of full capacity while failed over; 1 unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Share>,
    /// A skill needed to switch, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skill: Option<String>,
    /// Recovery goes on beside the switch instead of after it failed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub parallel: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// Planned work: checks in it are `maintenance`, not alarms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaintenanceWindow {
    /// Start, local to the organisation.
    #[schemars(with = "WrittenDateTime")]
    pub from: DateTime,
    /// End, local to the organisation.
    #[schemars(with = "WrittenDateTime")]
    pub to: DateTime,
    /// What is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
}
