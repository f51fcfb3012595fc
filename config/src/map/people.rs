//! Who can do what: the skills on a map and how many people have each.
use std::collections::BTreeMap;

use super::component::DependencyMap;
use super::details::Details;

impl DependencyMap {
    /// Every skill with the number of people who have it, teams counted by head.
    pub fn skills(&self) -> BTreeMap<&str, u32> {
        let mut heads = BTreeMap::new();
        for component in self.components.values() {
            let (skills, count) = match &component.details {
                Details::Person(person) => (&person.skills, 1),
                Details::Team(team) => (&team.skills, u32::from(team.count)),
                _ => continue,
            };
            for skill in skills {
                *heads.entry(skill.as_str()).or_insert(0) += count;
            }
        }
        heads
    }
}
