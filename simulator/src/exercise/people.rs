//! Who does what on a map, by role unless it shows names.
use evenkeel_config::id::Id;
use evenkeel_config::map::{Component, DependencyMap, Details, RecoveryStep};

/// A map, asked for people.
pub(super) struct People<'a> {
    pub(super) map: &'a DependencyMap,
}

impl<'a> People<'a> {
    pub(super) fn new(map: &'a DependencyMap) -> Self {
        Self { map }
    }

    /// The name of a component on shared pages: a role for a person.
    pub(super) fn title(&self, id: &Id) -> String {
        let Some(component) = self.map.components.get(id) else { return String::new() };
        match &component.details {
            Details::Person(person) if !self.map.organisation.show_names => {
                person.role.clone().unwrap_or_else(|| "one person".to_owned())
            }
            _ => component.title(),
        }
    }

    /// A step of one of these components, with the list it stands in.
    pub(super) fn step(
        &self,
        components: &[Id],
        name: &str,
    ) -> Option<(&'a Component, &'static str, &'a RecoveryStep)> {
        components.iter().filter_map(|id| self.map.components.get(id)).find_map(|component| {
            let common = &component.common;
            let lists = [
                ("recover", &common.recover),
                ("repair", &common.repair),
                ("clear", &common.clear),
            ];
            lists.into_iter().find_map(|(list, steps)| {
                let step = steps.iter().find(|step| step.step == name)?;
                Some((component, list, step))
            })
        })
    }

    /// Who does a step, in words.
    pub(super) fn doers(&self, step: &RecoveryStep) -> Option<String> {
        if let Some(who) = &step.who {
            return Some(self.title(who));
        }
        step.skill.as_ref().map(|skill| self.skilled(skill))
    }

    /// Who has a skill, in words.
    pub(super) fn skilled(&self, skill: &str) -> String {
        let mut able: Vec<String> = self
            .map
            .components
            .values()
            .filter(|component| match &component.details {
                Details::Person(person) => person.skills.iter().any(|known| known == skill),
                Details::Team(team) => team.skills.iter().any(|known| known == skill),
                _ => false,
            })
            .map(|component| self.title(&component.id))
            .collect();
        able.sort();
        able.dedup();
        if able.is_empty() { format!("nobody (skill {skill})") } else { able.join(" or ") }
    }

    /// People and teams whose role or name is in a text.
    pub(super) fn named_in(&self, text: &str) -> Vec<&'a Component> {
        self.map
            .components
            .values()
            .filter(|component| matches!(component.details, Details::Person(_) | Details::Team(_)))
            .filter(|component| text.contains(&self.title(&component.id)))
            .collect()
    }

    /// Who stands in for somebody, in words.
    pub(super) fn deputy(&self, person: &Component) -> String {
        let title = self.title(&person.id);
        match &person.details {
            Details::Person(details) => match &details.deputy {
                Some(deputy) => format!("{} stands in for {title}", self.title(deputy)),
                None => format!("the map names no deputy for {title}"),
            },
            _ => format!("{title} is a team; its members stand in for each other"),
        }
    }

    /// Who answers for a component, in words.
    pub(super) fn owner(&self, id: &Id) -> Option<String> {
        let owner = self.map.components.get(id)?.common.owner.as_ref()?;
        Some(self.title(owner))
    }
}
