//! Copies that fall together with what they protect, and data without any copy.
use std::collections::{BTreeMap, BTreeSet};

use evenkeel_config::id::Id;
use evenkeel_config::map::{Component, Dataset, Details, Kind};

use super::View;
use crate::picture::MapFinding;

/// How far below a component its login is looked for.
const DEEPEST: usize = 6;

/// Copies under the login of the data they hold: whoever takes it takes both.
/// One finding for each login; critical when it reaches a data set's newest copy.
pub(super) fn same_login(view: &View<'_>) -> Vec<MapFinding> {
    #[derive(Default)]
    struct Together<'a> {
        copies: BTreeSet<&'a Id>,
        data: BTreeSet<&'a Id>,
        newest: bool,
    }
    let mut by_login: BTreeMap<&str, Together<'_>> = BTreeMap::new();
    for (component, data) in datasets(view) {
        let Some(login) = login(view, component) else { continue };
        let newest = data.backups.iter().map(|backup| backup.every).min();
        for backup in data.backups.iter().filter(|backup| !backup.immutable) {
            let copy = view.map.components.get(&backup.copy);
            if copy.and_then(|copy| self::login(view, copy)) == Some(login) {
                let together = by_login.entry(login).or_default();
                together.copies.insert(&backup.copy);
                together.data.insert(&component.id);
                together.newest |= Some(backup.every) == newest;
            }
        }
    }
    let word = |together: Together<'_>| MapFinding {
        critical: together.newest,
        components: together.copies.iter().map(|id| (*id).clone()).collect(),
        edges: Vec::new(),
        sentence: format!(
            "whoever takes the login of {} takes the backup, too: {}",
            view.list(together.data),
            view.list(together.copies),
        ),
        short: "same login as its data".to_owned(),
    };
    by_login.into_values().map(word).collect()
}

/// Data that no backup job copies.
pub(super) fn in_no_job(view: &View<'_>) -> Vec<MapFinding> {
    let bare = datasets(view).filter(|(_, data)| data.backups.is_empty());
    bare.map(|(component, _)| MapFinding {
        critical: true,
        components: vec![component.id.clone()],
        edges: Vec::new(),
        sentence: format!("no backup job copies {}", view.the(&component.id)),
        short: super::IN_NO_JOB.to_owned(),
    })
    .collect()
}

fn datasets<'a>(view: &'a View<'_>) -> impl Iterator<Item = (&'a Component, &'a Dataset)> {
    view.map.components.values().filter_map(|component| match &component.details {
        Details::Dataset(data) if component.kind == Kind::Dataset => Some((component, data)),
        _ => None,
    })
}

/// The login under which a component stands: its own, else that of what it
/// stands on.
fn login<'a>(view: &'a View<'_>, component: &'a Component) -> Option<&'a str> {
    let mut at = component;
    for _ in 0..DEEPEST {
        if let Some(label) = &at.common.credential_domain {
            return Some(label);
        }
        let below = at.common.runs_on.iter().chain(&at.common.stored_on).next()?;
        at = view.map.components.get(below)?;
    }
    None
}
