//! A disruption as a document: what is struck, when, how it is noticed and dealt with.
use std::fmt;
use std::str::FromStr;

use jiff::civil::DateTime;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::frequency::{Frequency, MoneyLaw};
use crate::id::Id;
use crate::law::Law;
use crate::map::Kind;
use crate::quantity::{Share, Span};

/// A scenario. Its id is the name of its file, such as `site_loss`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Snake-case name; taken from the file name when absent.
    #[serde(default)]
    pub id: String,
    /// Short name in lists and forms, such as `loss of the town hall`.
    pub title: String,
    /// Opening of a sentence: `If ransomware hits tonight`.
    pub question: String,
    /// What happens, in a few sentences, for an exercise.
    pub story: String,
    /// Where its figures come from, with year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// How often it happens, for the annual view; absent: nobody knows, and the
    /// year leaves it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency: Option<Frequency>,
    /// Money that each event costs besides what the map's functions lose: fines,
    /// claims, or all of it for an event from which nothing recovers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<MoneyLaw>,
    /// When it starts.
    #[serde(default)]
    pub when: When,
    /// Later than this is "never"; 365 days unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub horizon: Option<Span>,
    /// How long an intruder was inside before the strike; snapshots made since
    /// then are not clean. Absent: nobody was inside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dwell: Option<Law>,
    /// How long after a restore from a snapshot that is not clean the intruder
    /// is at work again, and what was restored is suspect once more. Absent:
    /// as long as one hop of the first strike that spreads, else at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reinfection: Option<Law>,
    /// What is struck, in order; a later strike adds to an earlier one, the
    /// graver state stays (lost over suspect over down over degraded).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strike: Vec<Strike>,
    /// What must pass before recovery starts, one after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phase: Vec<Phase>,
    /// People who are away in this scenario, for the whole event: ids, or
    /// `main` for the person most recovery steps depend on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub away: Vec<String>,
    /// Only changes other scenarios (`--with`): takes people away, stretches lead
    /// times, or adds its strikes to theirs.
    #[serde(default, skip_serializing_if = "is_false")]
    pub modifier: bool,
    /// Every lead time of hardware, licences and spares takes so many times as long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    pub lead_times: Option<f64>,
    /// Restores work with this chance on average, from every repository,
    /// whatever drills and the map say of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore_success: Option<Share>,
    /// Overrides the map's bad-day correlation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bad_day: Option<Share>,
}

/// One blow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Strike {
    /// What it is, in a few words; part of the random key.
    pub name: String,
    /// Which components.
    pub reach: Reach,
    /// Whether each of them, one of them at random, or the main one.
    #[serde(default)]
    pub pick: Pick,
    /// Chance; of each component by itself unless `together`.
    #[serde(default = "certain", skip_serializing_if = "is_certain")]
    pub probability: Share,
    /// One draw decides for all of them.
    #[serde(default, skip_serializing_if = "is_false")]
    pub together: bool,
    /// What becomes of them.
    pub effect: Effect,
    /// Capacity left when degraded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Share>,
    /// Ends by itself after this long (an outage of a line or of a supplier);
    /// without it the component's own recovery ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Law>,
    /// Time from the scenario's start to this blow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Law>,
    /// Snapshots that nobody can delete survive it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub spares_immutable: bool,
    /// Goes on from the struck components to others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<Spread>,
}

fn certain() -> Share {
    Share::ONE
}

fn is_certain(share: &Share) -> bool {
    *share == Share::ONE
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// Which components a strike can reach: those that satisfy every key given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reach {
    /// These ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<Id>,
    /// Of one of these kinds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<Kind>,
    /// With one of these tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// At this site, or at `main`: the site with most components.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// Under this login, or under `main`: the one with most components.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_domain: Option<String>,
    /// Fed by this power, or by `main`: the one that feeds most components.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<String>,
}

/// How many of the reached components are struck.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pick {
    /// Each, with its own draw.
    #[default]
    Each,
    /// Exactly one, all equally likely.
    One,
    /// The one on which most components hang.
    Main,
    /// The one whose `expires` date comes first after the moment of the facts;
    /// the main one where no date is known.
    NextToExpire,
}

/// What a strike does to a component.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Works in part.
    Degraded,
    /// Does not work, but is whole.
    Down,
    /// May not be used until cleared.
    Suspect,
    /// Data gone or machine destroyed; what runs or is stored on it is lost too.
    Lost,
}

/// How a strike goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// To whom: along which relation.
    pub along: Along,
    /// Chance that one such edge carries it; drawn once per edge and trial.
    pub probability: Share,
    /// Time for one hop.
    pub hop: Law,
}

/// Along which edges a strike spreads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Along {
    /// To components under the same login.
    CredentialDomain,
    /// To components that need the struck one to run.
    Needs,
    /// To components at the same site.
    Site,
}

/// One phase between the strike and the start of recovery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// Which phase.
    pub phase: PhaseKind,
    /// What is done, in a few words.
    pub name: String,
    /// How long it takes; by the clock unless it needs a skill or a person.
    pub takes: Law,
    /// Chance that it happens at all.
    #[serde(default = "certain", skip_serializing_if = "is_certain")]
    pub probability: Share,
    /// A skill needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skill: Option<String>,
    /// A person or team needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Id>,
    /// A vendor waited for, by the vendor's response law and hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<Id>,
    /// Source and year of the figure, if it is a default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// The phases before recovery, in their usual order.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum PhaseKind {
    /// Somebody or something notices.
    Detect,
    /// The right people hear of it.
    Notify,
    /// They find out what it is.
    Assess,
    /// Somebody decides that the plan is to be followed.
    Declare,
    /// Insurer or forensic firm hold the systems.
    Hold,
    /// It is stopped.
    Contain,
}

/// When a scenario starts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum When {
    /// At the moment of the facts.
    Now,
    /// Between 18:00 and 06:00 local after the moment of the facts.
    #[default]
    Tonight,
    /// Any time in the week of the moment of the facts, from Monday 00:00.
    Week,
    /// 22:00 on the next Friday.
    FridayNight,
    /// 22:00 on the last day of the month.
    MonthEnd,
    /// Local midnight at which the first of the reached components lapses (its
    /// `expires` date after the moment of the facts); any time this week where
    /// no date is known.
    Expiry,
    /// At a local date and time.
    At(DateTime),
}

const WHEN: [(&str, When); 6] = [
    ("now", When::Now),
    ("tonight", When::Tonight),
    ("week", When::Week),
    ("friday-night", When::FridayNight),
    ("month-end", When::MonthEnd),
    ("expiry", When::Expiry),
];

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((_, when)) = WHEN.iter().find(|(name, _)| *name == text) {
            return Ok(*when);
        }
        text.trim().replace(' ', "T").parse().map(Self::At).map_err(|_| {
            format!(
                "`{}` is not a start; write now, tonight, week, friday-night, month-end, expiry or a \
                 local date and time such as `2026-11-20 15:00`",
                text.chars().take(40).collect::<String>()
            )
        })
    }
}

impl fmt::Display for When {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((name, _)) = WHEN.iter().find(|(_, when)| when == self) {
            return out.write_str(name);
        }
        match self {
            Self::At(at) => write!(out, "{} {}", at.date(), at.time()),
            _ => Ok(()),
        }
    }
}

impl Serialize for When {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for When {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "When".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "when",
            "description": "now, tonight, week, friday-night, month-end, expiry or a local date and time",
        })
    }
}
