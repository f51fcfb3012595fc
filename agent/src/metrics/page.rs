//! One page in the making: a fresh registry, filled family by family under caps.
use std::collections::{BTreeMap, BTreeSet};

use evenkeel_config::record::{Observation, Value};
use prometheus::{GaugeVec, Opts, Registry, TextEncoder};

use super::{FAMILIES, PREFIX};
use crate::checks::FactKind;

/// Most series of one family.
pub(super) const MOST_SERIES: usize = 200;

pub(super) struct Page {
    registry: Registry,
    families: BTreeMap<String, Drawn>,
}

/// A family on the page.
struct Drawn {
    gauges: GaugeVec,
    labels: usize,
    series: BTreeSet<Vec<String>>,
    dropped: u64,
}

impl Page {
    pub(super) fn new() -> Self {
        Self { registry: Registry::new(), families: BTreeMap::new() }
    }

    /// Sets a series of the agent's own families.
    pub(super) fn set(&mut self, name: &str, values: &[&str], value: f64) {
        let family = FAMILIES.iter().find(|family| family.name == name);
        let family = family.expect("the page draws only declared families");
        self.draw(name, family.help, family.labels, values, value);
    }

    /// Draws a fact if its kind exports it and it has a number; tells whether
    /// its subject is on the page.
    pub(super) fn fact(
        &mut self,
        facts: &[&FactKind],
        check: &str,
        component: &str,
        seen: &Observation,
    ) -> bool {
        let Some(kind) = facts.iter().find(|kind| kind.name == seen.name) else { return false };
        if kind.metric.is_empty() {
            return false;
        }
        let mut labels = vec!["check", "component"];
        let mut values = vec![check, component];
        if !kind.subject.is_empty() {
            labels.push(kind.subject);
            values.push(&seen.subject);
        }
        for label in kind.labels {
            labels.push(label);
            values.push(seen.labels.get(*label).map_or("", String::as_str));
        }
        // Words are a label of an `_info` family and of no other.
        let number = match &seen.value {
            Value::Text(words) if kind.metric.ends_with("_info") => {
                labels.push(kind.name);
                values.push(words);
                1.0
            }
            value => match value.number().filter(|number| number.is_finite()) {
                Some(number) => number,
                None => return false,
            },
        };
        self.draw(kind.metric, kind.help, &labels, &values, number);
        !kind.subject.is_empty()
    }

    fn draw(&mut self, name: &str, help: &str, labels: &[&str], values: &[&str], value: f64) {
        if !self.families.contains_key(name) {
            let options = Opts::new(format!("{PREFIX}{name}"), help);
            let Ok(gauges) = GaugeVec::new(options, labels) else { return };
            if self.registry.register(Box::new(gauges.clone())).is_err() {
                return;
            }
            let drawn = Drawn { gauges, labels: labels.len(), series: BTreeSet::new(), dropped: 0 };
            self.families.insert(name.to_owned(), drawn);
        }
        let Some(family) = self.families.get_mut(name) else { return };
        if family.labels != values.len() {
            return;
        }
        let key: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        if !family.series.contains(&key) {
            if family.series.len() == MOST_SERIES {
                family.dropped += 1;
                return;
            }
            family.series.insert(key);
        }
        family.gauges.with_label_values(values).set(value);
    }

    /// The page as text, with what had to be left off.
    pub(super) fn text(mut self) -> String {
        let dropped: Vec<(String, u64)> = self
            .families
            .iter()
            .filter(|(_, family)| family.dropped > 0)
            .map(|(name, family)| (format!("{PREFIX}{name}"), family.dropped))
            .collect();
        for (name, count) in dropped {
            self.set("series_dropped", &[&name], count as f64);
        }
        let mut text = String::new();
        if TextEncoder::new().encode_utf8(&self.registry.gather(), &mut text).is_err() {
            // Only a family without series cannot be written, and none is made.
            text.clear();
        }
        text
    }
}
