//! Where data stands: on what, at which site, under which logins, on which medium; and
//! what of it two places share.
use std::collections::BTreeSet;

use crate::id::Id;
use crate::map::{Component, DependencyMap, Details, Medium};

/// Where live data or a copy of it stands.
#[derive(Debug)]
pub(super) struct Stand<'a> {
    /// Its name in a sentence.
    pub(super) name: String,
    /// What it stands on, down to the ground; itself when the map names nothing.
    devices: BTreeSet<&'a Id>,
    /// The lowest of these: the device whose loss takes it.
    pub(super) device: &'a Id,
    /// Its own site, else those of the nearest it stands on.
    sites: BTreeSet<&'a Id>,
    /// Whoever holds one of these logins can destroy it.
    logins: BTreeSet<&'a str>,
    /// What the map says of its medium.
    pub(super) medium: Option<Medium>,
}

/// Whether two places share something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shared {
    /// They do; what, in words.
    Yes(String),
    /// The map does not say; what is missing, in words.
    Unknown(String),
    /// They do not.
    No,
}

impl<'a> Stand<'a> {
    pub(super) fn of(map: &'a DependencyMap, component: &'a Component, name: String) -> Self {
        let mut stand = Self {
            name,
            devices: BTreeSet::new(),
            device: &component.id,
            sites: component.common.site.iter().collect(),
            logins: BTreeSet::new(),
            medium: match &component.details {
                Details::Copy(copy) => copy.medium,
                _ => None,
            },
        };
        // Level by level, so that the nearest site wins.
        let mut level = vec![component];
        while !level.is_empty() {
            let mut next: Vec<&Component> = Vec::new();
            for one in &level {
                stand.logins.extend(one.common.credential_domain.as_deref());
                let below = one.common.runs_on.iter().chain(&one.common.stored_on);
                let below = below.filter_map(|id| map.components.get(id));
                next.extend(below.filter(|below| stand.devices.insert(&below.id)));
            }
            if stand.sites.is_empty() {
                stand.sites = next.iter().filter_map(|one| one.common.site.as_ref()).collect();
            }
            if let Some(first) = next.first() {
                stand.device = &first.id;
            }
            level = next;
        }
        stand.devices.insert(&component.id);
        stand
    }

    /// What one strike at a device or by a login would take of both; at a site,
    /// too, where that is asked for.
    pub(super) fn falls_with(&self, other: &Self, map: &DependencyMap, also_site: bool) -> Shared {
        let both = format!("{} and {}", self.name, other.name);
        if let Some(device) = self.devices.intersection(&other.devices).next() {
            return Shared::Yes(format!("{both} both stand on {}", title(map, device)));
        }
        let mut unknown = None;
        if let Some(login) = self.logins.intersection(&other.logins).next() {
            return Shared::Yes(format!("whoever holds the login `{login}` can take {both}"));
        }
        if let Some(one) = [self, other].into_iter().find(|one| one.logins.is_empty()) {
            unknown = Some(format!("the map does not say whose login can destroy {}", one.name));
        }
        if also_site {
            match self.same_site(other, map) {
                Shared::No => {}
                Shared::Unknown(words) => {
                    unknown.get_or_insert(words);
                }
                yes @ Shared::Yes(_) => return yes,
            }
        }
        unknown.map_or(Shared::No, Shared::Unknown)
    }

    /// Whether both stand at one site. A cloud is none of the sites on the map.
    pub(super) fn same_site(&self, other: &Self, map: &DependencyMap) -> Shared {
        let both = format!("{} and {}", self.name, other.name);
        if let Some(device) = self.devices.intersection(&other.devices).next() {
            return Shared::Yes(format!("{both} both stand on {}", title(map, device)));
        }
        if let Some(site) = self.sites.intersection(&other.sites).next() {
            return Shared::Yes(format!("{both} both stand at {}", title(map, site)));
        }
        let is_away = |one: &Self| one.medium == Some(Medium::Cloud);
        match (self.sites.is_empty(), other.sites.is_empty()) {
            (false, false) => Shared::No,
            (true, false) if is_away(self) => Shared::No,
            (false, true) if is_away(other) => Shared::No,
            (true, _) if !is_away(self) => Shared::Unknown(self.no_site()),
            (_, true) if !is_away(other) => Shared::Unknown(other.no_site()),
            _ => Shared::Unknown(format!("{both} are both in a cloud, perhaps in the same one")),
        }
    }

    fn no_site(&self) -> String {
        format!("the map does not say where {} stands (`site`)", self.name)
    }

    /// Whether both lie on one medium: of the same stated kind, or on one device
    /// without being told apart. What no medium is stated for lies on disk.
    pub(super) fn same_medium(&self, other: &Self, map: &DependencyMap) -> Shared {
        let both = format!("{} and {}", self.name, other.name);
        if let (Some(one), Some(two)) = (self.medium, other.medium)
            && one == two
        {
            return Shared::Yes(format!("{both} are both on {}", one.words()));
        }
        let kind = |one: &Self| one.medium.unwrap_or(Medium::Disk);
        let shared = self.devices.intersection(&other.devices).next();
        match shared {
            Some(device) if kind(self) == kind(other) => {
                Shared::Yes(format!("{both} both stand on {}", title(map, device)))
            }
            _ => Shared::No,
        }
    }

    /// Whether the map says whose login can destroy it.
    pub(super) fn is_login_known(&self) -> bool {
        !self.logins.is_empty()
    }

    /// Whether the map says where it stands; a cloud is a place of its own.
    pub(super) fn is_place_known(&self) -> bool {
        !self.sites.is_empty() || self.medium == Some(Medium::Cloud)
    }

    /// What it lies on, in words.
    pub(super) fn lies_on(&self, map: &DependencyMap) -> String {
        match self.medium {
            Some(medium) => format!("on {}", medium.words()),
            None => format!("on {}", title(map, self.device)),
        }
    }
}

/// A component's name.
fn title(map: &DependencyMap, id: &Id) -> String {
    map.components.get(id).map_or_else(|| id.to_string(), Component::title)
}

/// The largest number of places of which no two are `together`, the first one
/// being among them; and which.
pub(super) fn largest(count: usize, together: impl Fn(usize, usize) -> bool) -> Vec<usize> {
    fn widen(
        from: usize,
        count: usize,
        chosen: &mut Vec<usize>,
        best: &mut Vec<usize>,
        together: &dyn Fn(usize, usize) -> bool,
    ) {
        if chosen.len() > best.len() {
            best.clone_from(chosen);
        }
        for next in from..count {
            if chosen.len() + (count - next) <= best.len() {
                return;
            }
            if chosen.iter().all(|one| !together(*one, next)) {
                chosen.push(next);
                widen(next + 1, count, chosen, best, together);
                chosen.pop();
            }
        }
    }
    let mut best = Vec::new();
    widen(1, count, &mut vec![0], &mut best, &together);
    best
}
