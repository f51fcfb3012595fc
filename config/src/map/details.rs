//! What only one kind of component has: objectives, hardware, backups, people.
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::need::Need;
use crate::calendar::{Deadline, Hours, WrittenDate};
use crate::id::Id;
use crate::law::Law;
use crate::quantity::{Rate, Share, Size, Span};

/// What only one kind of component has.
#[derive(Debug, Clone, PartialEq)]
pub enum Details {
    /// A business function.
    Function(Function),
    /// A physical machine.
    Host(Hardware),
    /// Many alike machines.
    Fleet(Fleet),
    /// Data.
    Dataset(Dataset),
    /// A backup repository.
    Copy(Copy),
    /// A network link.
    Link(Link),
    /// Mains, UPS or generator.
    Power(Power),
    /// A DNS zone.
    DnsZone(Dns),
    /// An outside party.
    Vendor(Vendor),
    /// One person.
    Person(Person),
    /// Several people.
    Team(Team),
    /// Spare parts.
    Spare(Spare),
    /// Nothing beyond the common keys.
    Plain,
}

/// Recovery objectives; an absent one was never set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Objectives {
    /// Recovery time objective: usable again within this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rto: Option<Span>,
    /// Recovery point objective: at most this much work lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rpo: Option<Span>,
    /// Maximum tolerable downtime (ISO 22301: MTPD).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtd: Option<Span>,
}

/// From this time on, an hour without the function costs so much.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LossStep {
    /// Time since the strike.
    pub after: Span,
    /// Cost of an hour without it, in the organisation's currency.
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub per_hour: f64,
    /// A sum lost at once when still down at that time, such as a contract fine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    pub sum: Option<f64>,
}

/// One step of the work a function does, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PathStep {
    /// What is done.
    pub step: String,
    /// Who does it: a person, a team or an outside party. Needed to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Id>,
    /// What this step needs to run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Need>,
    /// To whom or what the work is handed on, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hands_to: Option<String>,
    /// What is done meanwhile when it is down, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meanwhile: Option<String>,
}

/// A stopgap while a function's systems are down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Workaround {
    /// What people do, in a few words.
    pub name: String,
    /// Share of normal work it carries.
    pub capacity: Share,
    /// When it stands, counted from the function's fall.
    #[serde(default)]
    pub after: Span,
    /// How long it can be kept up from then on.
    pub lasts: Span,
    /// What it needs to run, such as a team.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Need>,
}

/// A business function.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Function {
    /// RTO, RPO, MTD.
    pub objectives: Objectives,
    /// Lives hang on it: listed first, never weighed in money.
    pub life_safety: bool,
    /// Capacity from which it counts as usable; 1 unless stated.
    pub minimum: Option<Share>,
    /// Loss in steps, rising in `after`.
    pub loss: Vec<LossStep>,
    /// A date that must be met.
    pub deadline: Option<Deadline>,
    /// Sum lost when down at the deadline.
    pub deadline_loss: Option<f64>,
    /// How many people feel it.
    pub people_affected: Option<u32>,
    /// Hours in which it is wanted; round the clock unless stated.
    pub demand: Option<Hours>,
    /// Speed of clearing the backlog, as a share of normal work; 0.25 unless stated.
    pub catch_up: Option<Share>,
    /// The work, step by step.
    pub path: Vec<PathStep>,
    /// The stopgap.
    pub workaround: Option<Workaround>,
}

/// A physical machine.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hardware {
    /// Operating system in words, such as `Debian 12`.
    pub os: Option<String>,
    /// The name or address an agent reports under, if not the id.
    pub agent: Option<String>,
}

/// Many alike machines.
#[derive(Debug, Clone, PartialEq)]
pub struct Fleet {
    /// How many.
    pub count: u32,
    /// Share of them that must be ready for the fleet to be usable; 1 unless stated.
    pub usable_at: Share,
}

/// Data.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dataset {
    /// How much there is to restore.
    pub size: Size,
    /// How many files, if known.
    pub files: Option<u64>,
    /// Its backups.
    pub backups: Vec<Backup>,
}

/// One backup of a data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// The repository, a component of kind `copy`.
    pub copy: Id,
    /// Time between jobs.
    pub every: Span,
    /// Local times at which jobs start, as weekly hours' starts such as
    /// `Mon-Fri 22:00`; without it the phase is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// How long a snapshot is kept.
    pub keep: Span,
    /// Nobody can delete or change it before `keep` ends.
    #[serde(default)]
    pub immutable: bool,
    /// Chance that one job works; 1 unless stated or measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_success: Option<Share>,
}

/// A backup repository.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Copy {
    /// The tool in words, such as `restic`.
    pub tool: Option<String>,
    /// Links that a restore crosses; the slowest or most shared one limits it.
    pub links: Vec<Id>,
    /// Restore speed when nothing else shares the links.
    pub speed: Option<Rate>,
    /// Time before the first byte: finding keys, opening the repository.
    pub overhead: Option<Law>,
    /// Chance that a restore from it works, if somebody claims to know.
    pub restore_success: Option<Share>,
    /// Time that each file adds to a restore; none unless stated.
    pub per_file: Option<Span>,
    /// What it lies on, where that is not the disks of what it stands on.
    pub medium: Option<Medium>,
}

/// What a copy lies on.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Medium {
    /// Disks that stay where they are.
    Disk,
    /// A disk that is taken out and put away.
    RemovableDisk,
    /// Tape.
    Tape,
    /// Optical discs.
    Optical,
    /// Storage at a provider, at none of the sites on the map.
    Cloud,
}

impl Medium {
    /// In a sentence, after "on".
    pub fn words(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::RemovableDisk => "a removable disk",
            Self::Tape => "tape",
            Self::Optical => "optical discs",
            Self::Cloud => "cloud storage",
        }
    }
}

/// How a link is shared by several transfers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sharing {
    /// Each transfer gets an equal part (max-min fair).
    #[default]
    Fair,
    /// One transfer at a time, in order of start.
    Fifo,
}

/// A network link.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Link {
    /// What it carries in the direction of a restore.
    pub bandwidth: Option<Rate>,
    /// How transfers share it.
    pub sharing: Sharing,
}

/// Mains, UPS or generator.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Power {
    /// How long it feeds its load after the mains fail.
    pub runtime: Option<Span>,
    /// How long the hosts behind it need for a clean shutdown.
    pub shutdown_needs: Option<Span>,
    /// Battery installed on.
    pub battery_from: Option<Date>,
}

/// A DNS zone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dns {
    /// The domain name, if not in `name`.
    pub domain: Option<String>,
    /// Who holds the registration.
    pub registrar: Option<Id>,
}

/// An outside party.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vendor {
    /// Time from the call to somebody working on it.
    pub response: Option<Law>,
    /// What the contract says.
    pub promised: Option<Span>,
    /// When they work; round the clock unless stated.
    pub hours: Option<Hours>,
    /// How many of our tickets they work on at once; unlimited unless stated.
    pub engineers: Option<u8>,
    /// End of contract.
    pub contract_until: Option<Date>,
    /// Cost of one hour of theirs, in the organisation's currency.
    pub per_hour: Option<f64>,
}

/// Days away, without a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Leave {
    /// First day away.
    #[schemars(with = "WrittenDate")]
    pub from: Date,
    /// Last day away.
    #[schemars(with = "WrittenDate")]
    pub to: Date,
}

/// One person.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Person {
    /// The role shown on pages instead of the name.
    pub role: Option<String>,
    /// What they can do.
    pub skills: Vec<String>,
    /// When they work; `Mon-Fri 08:30-17:00` unless stated.
    pub hours: Option<Hours>,
    /// Wider hours in an emergency, for steps with `overtime`.
    pub overtime: Option<Hours>,
    /// Most hands-on time in one local day.
    pub fatigue: Option<Span>,
    /// Chance to be away when it happens, for the whole event unless `away_for`.
    pub away: Option<Share>,
    /// How long they stay away then.
    pub away_for: Option<Law>,
    /// Declared days away.
    pub leave: Vec<Leave>,
    /// Who stands in when they are away.
    pub deputy: Option<Id>,
}

/// Several people who stand in for each other.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Team {
    /// How many people.
    pub count: u8,
    /// How many must be present for the team to be able to work; 1 unless stated.
    pub at_least: Option<u8>,
    /// What each can do.
    pub skills: Vec<String>,
    /// When they work; `Mon-Fri 08:30-17:00` unless stated.
    pub hours: Option<Hours>,
    /// Chance of each to be away when it happens.
    pub away: Option<Share>,
}

/// Spare parts in stock.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spare {
    /// Pieces in stock when no order is open; each use orders one.
    pub stock: u32,
    /// Time to get one when none is in stock.
    pub lead_time: Option<Law>,
    /// How many pieces are in use.
    pub units_in_use: Option<u32>,
    /// Failures of one piece in use, per year of 8,766 hours.
    pub failure_rate: Option<f64>,
}
