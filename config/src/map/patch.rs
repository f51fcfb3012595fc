//! Laying a fix over a map: a copy of the map with keys replaced, components added and taken away.
use std::collections::BTreeSet;

use serde::Deserialize;
use toml::{Table, Value};

use super::component::DependencyMap;
use super::details::Details;
use super::document::MapDocument;
use super::fix::Fix;
use crate::id::Id;
use crate::load;
use crate::problem::{Place, Problems};

impl DependencyMap {
    /// The map with one of its fixes in place. The fixes stay on it, so that
    /// several can be laid one over the other.
    ///
    /// # Errors
    /// The fix is not on this map, or the map that comes of it is wrong; key
    /// paths are those of the patched map.
    pub fn with_fix(&self, fix: &Id) -> Result<Self, Problems> {
        let Some(patch) = self.fixes.get(fix) else {
            return refuse(
                "fix",
                format!("the map has no fix `{fix}`"),
                "see `[fix.ID]` in the map",
            );
        };
        let mut table = match Table::try_from(&self.document) {
            Ok(table) => table,
            Err(error) => return refuse("", format!("the map cannot be written: {error}"), ""),
        };
        overlay(&mut table, &patch.set);
        let mut problems = Problems::default();
        self.take_away(&mut table, patch, &mut problems);
        match MapDocument::deserialize(Value::Table(table)) {
            Ok(document) => load::resolve_patched(document, problems),
            Err(error) => refuse("", error.message().trim().to_owned(), ""),
        }
    }

    /// Adds a fix to those of the map, or puts it in the place of an earlier one.
    pub fn add_fix(&mut self, id: Id, fix: Fix) {
        self.document.fix.insert(id.clone(), fix.clone());
        self.fixes.insert(id, fix);
    }

    fn take_away(&self, table: &mut Table, fix: &Fix, problems: &mut Problems) {
        let gone: BTreeSet<&str> = fix.remove.iter().map(Id::as_str).collect();
        if gone.is_empty() {
            return;
        }
        let mut removal = Removal { map: self, gone, problems };
        for (kind, entries) in table.iter_mut() {
            let Some(entries) = entries.as_table_mut() else { continue };
            if matches!(kind.as_str(), "organisation" | "calibration" | "fix") {
                continue;
            }
            entries.retain(|id, _| !removal.gone.contains::<str>(id));
            for (id, component) in entries.iter_mut() {
                if let Some(component) = component.as_table_mut() {
                    removal.component(component, &format!("{kind}.{id}"));
                }
            }
        }
    }
}

fn refuse<T>(key: &str, what: String, hint: &str) -> Result<T, Problems> {
    let mut problems = Problems::default();
    problems.error(Place { key: key.to_owned(), ..Place::default() }, what, hint);
    Err(problems)
}

/// Lays `set` over the document: kind, component, then each key as a whole.
fn overlay(table: &mut Table, set: &Table) {
    for (kind, components) in set {
        let below = table.entry(kind.clone()).or_insert_with(|| Value::Table(Table::new()));
        let (Some(below), Some(components)) = (below.as_table_mut(), components.as_table()) else {
            continue;
        };
        for (id, keys) in components {
            match (below.get_mut(id).and_then(Value::as_table_mut), keys) {
                (Some(component), Value::Table(keys)) => {
                    component.extend(keys.iter().map(|(key, value)| (key.clone(), value.clone())));
                }
                _ => {
                    below.insert(id.clone(), keys.clone());
                }
            }
        }
    }
}

/// Takes edges to removed components away. Work that a removed person, vendor
/// or spare did is not silently done by nobody: the deputy takes it over, or
/// the fix is refused.
struct Removal<'a> {
    map: &'a DependencyMap,
    gone: BTreeSet<&'a str>,
    problems: &'a mut Problems,
}

impl Removal<'_> {
    fn component(&mut self, component: &mut Table, key: &str) {
        for name in ["site", "power", "owner", "registrar", "deputy"] {
            if self.is_gone(component.get(name)) {
                component.remove(name);
            }
        }
        for name in ["runs_on", "stored_on"] {
            self.foundation(component, name, key);
        }
        self.retain(component, "links", |value| Some(value));
        self.retain(component, "backups", |value| value.get("copy"));
        if component.get("failover").is_some_and(|value| self.is_gone(value.get("to"))) {
            component.remove("failover");
        }
        self.needs(component, "needs");
        self.needs(component, "recover_needs");
        if let Some(workaround) = component.get_mut("workaround").and_then(Value::as_table_mut) {
            self.needs(workaround, "needs");
        }
        for name in ["recover", "repair", "clear"] {
            self.retain(component, name, |value| value.get("dataset"));
        }
        for name in ["recover", "repair", "clear", "path"] {
            let steps = component.get_mut(name).and_then(Value::as_array_mut);
            for (index, step) in steps.into_iter().flatten().enumerate() {
                if let Some(step) = step.as_table_mut() {
                    self.step(step, &format!("{key}.{name}[{index}]"));
                }
            }
        }
    }

    fn step(&mut self, step: &mut Table, key: &str) {
        self.needs(step, "needs");
        if self.is_gone(step.get("who")) {
            match self.deputy(step.get("who")) {
                Some(deputy) => {
                    step.insert("who".to_owned(), Value::String(deputy));
                }
                None => self.still_named(step.remove("who").as_ref(), &format!("{key}.who")),
            }
        }
        for name in ["vendor", "spare"] {
            if self.is_gone(step.get(name)) {
                self.still_named(step.remove(name).as_ref(), &format!("{key}.{name}"));
            }
        }
    }

    fn foundation(&mut self, component: &mut Table, name: &str, key: &str) {
        let whole = self.is_gone(component.get(name));
        let emptied = component.get(name).and_then(Value::as_array).is_some_and(|list| {
            !list.is_empty() && list.iter().all(|value| self.is_gone(Some(value)))
        });
        if whole || emptied {
            let first = component.remove(name).map(|ids| ids.get(0).cloned().unwrap_or(ids));
            self.still_named(first.as_ref(), &format!("{key}.{name}"));
        } else {
            self.retain(component, name, |value| Some(value));
        }
    }

    fn still_named(&mut self, value: Option<&Value>, key: &str) {
        let id = value.and_then(Value::as_str).unwrap_or_default();
        let what = format!("`{id}` is taken away, but is still needed here");
        let hint = "say with `set` who or what takes its place";
        self.problems.error(Place { key: key.to_owned(), ..Place::default() }, what, hint);
    }

    fn deputy(&self, person: Option<&Value>) -> Option<String> {
        let person = self.map.components.get(person?.as_str()?)?;
        match &person.details {
            Details::Person(person) => {
                let deputy = person.deputy.as_ref()?;
                (!self.gone.contains(deputy.as_str())).then(|| deputy.to_string())
            }
            _ => None,
        }
    }

    fn is_gone(&self, value: Option<&Value>) -> bool {
        value.and_then(Value::as_str).is_some_and(|id| self.gone.contains(id))
    }

    /// Drops the elements of a list that name a removed component.
    fn retain(&self, table: &mut Table, key: &str, named: impl Fn(&Value) -> Option<&Value>) {
        if let Some(list) = table.get_mut(key).and_then(Value::as_array_mut) {
            list.retain(|value| !self.is_gone(named(value)));
            if list.is_empty() {
                table.remove(key);
            }
        }
    }

    fn needs(&self, table: &mut Table, key: &str) {
        if let Some(list) = table.get_mut(key).and_then(Value::as_array_mut) {
            list.retain_mut(|need| self.need(need));
            if list.is_empty() {
                table.remove(key);
            }
        }
    }

    /// Prunes one need; false when nothing of it is left.
    fn need(&self, need: &mut Value) -> bool {
        if self.is_gone(Some(need)) || self.is_gone(need.get("id")) {
            return false;
        }
        let Some(table) = need.as_table_mut() else { return true };
        for key in ["any", "all", "of"] {
            let Some(parts) = table.get_mut(key).and_then(Value::as_array_mut) else { continue };
            parts.retain_mut(|part| self.need(part));
            let left = parts.len() as i64;
            if left == 0 {
                return false;
            }
            if let Some(Value::Integer(least)) = table.get_mut("at_least") {
                *least = (*least).min(left);
            }
        }
        true
    }
}
