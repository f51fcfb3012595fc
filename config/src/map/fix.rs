//! A priced change to the map: what could be done, and what it costs.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A fix: a named patch on the map with one-off and yearly cost.
///
/// ```toml
/// [fix.console-off-domain]
/// title = "Take the backup console off the town's login"
/// once = 600
/// yearly = 650
/// staff_days = 1
/// [fix.console-off-domain.set.host.srv-backup]
/// credential_domain = "backup-admin"
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fix {
    /// What is done, as a sentence fragment for leadership.
    pub title: String,
    /// One-off cost, in the organisation's currency.
    #[schemars(range(min = 0.0))]
    pub once: f64,
    /// Cost a year.
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub yearly: f64,
    /// Own staff's days to put it in place.
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub staff_days: f64,
    /// A piece of a map, laid over it: each key given replaces that key of the
    /// component (whole lists are replaced), components that do not exist yet
    /// are added.
    #[serde(default, skip_serializing_if = "toml::Table::is_empty")]
    #[schemars(
        with = "std::collections::BTreeMap<String, std::collections::BTreeMap<String, serde_json::Value>>"
    )]
    pub set: toml::Table,
    /// Components taken away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<crate::id::Id>,
}

/// A patch that is not on the map: a document in the shape of a fix, to be
/// tried out. It costs nothing unless it says so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Patch {
    /// What is done, as a sentence fragment.
    pub title: String,
    /// One-off cost, in the organisation's currency.
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub once: f64,
    /// Cost a year.
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub yearly: f64,
    /// Own staff's days to put it in place.
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub staff_days: f64,
    /// A piece of a map, laid over it, as in a fix.
    #[serde(default)]
    #[schemars(
        with = "std::collections::BTreeMap<String, std::collections::BTreeMap<String, serde_json::Value>>"
    )]
    pub set: toml::Table,
    /// Components taken away.
    #[serde(default)]
    pub remove: Vec<crate::id::Id>,
}

impl From<Patch> for Fix {
    fn from(patch: Patch) -> Self {
        let Patch { title, once, yearly, staff_days, set, remove } = patch;
        Self { title, once, yearly, staff_days, set, remove }
    }
}
