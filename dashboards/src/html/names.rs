//! What components are called on pages: people by their role, unless the
//! organisation shows names.
use evenkeel_config::id::Id;
use evenkeel_config::map::{Component, DependencyMap, Details, Kind};

use super::words;

/// Speaks of the components of one map.
#[derive(Debug)]
pub struct Names<'a> {
    map: &'a DependencyMap,
    /// Names of people that may not appear, and the role in their place;
    /// longest first, so that "Dana Reyes" goes before "Dana".
    people: Vec<(String, String)>,
}

impl<'a> Names<'a> {
    /// The title of a priced fix, harmless for a page; its id where the map has none such.
    pub fn fix(&self, id: &Id) -> String {
        match self.map.fixes.get(id) {
            Some(fix) => self.text(&fix.title),
            None => words::plain(&id.as_str().replace('-', " ")),
        }
    }

    /// How many priced fixes are written down.
    pub fn fixes_on_map(&self) -> usize {
        self.map.fixes.len()
    }

    /// Names after the wishes of the map's organisation.
    pub fn new(map: &'a DependencyMap) -> Self {
        let persons = map.components.values().filter(|one| one.kind == Kind::Person);
        let mut people = Vec::new();
        for person in persons.filter(|_| !map.organisation.show_names) {
            let role = role(person);
            people.extend(callings(person, &role).into_iter().map(|name| (name, role.clone())));
        }
        people.sort_by_key(|(name, _)| std::cmp::Reverse(name.chars().count()));
        Self { map, people }
    }

    /// A component by its name, a person by role; the id with spaces when the
    /// map does not have it.
    pub fn component(&self, id: &Id) -> String {
        match self.map.components.get(id) {
            Some(one) if one.kind == Kind::Person && !self.map.organisation.show_names => {
                words::plain(&role(one))
            }
            Some(one) => words::plain(&one.title()),
            None => words::plain(&id.as_str().replace('-', " ")),
        }
    }

    /// The kind of a component, if the map has it.
    pub fn kind(&self, id: &Id) -> Option<Kind> {
        self.map.components.get(id).map(|one| one.kind)
    }

    /// A component in the middle of a sentence: people and teams with "the".
    pub fn in_sentence(&self, id: &Id) -> String {
        let name = self.component(id);
        match self.map.components.get(id).map(|one| one.kind) {
            Some(Kind::Person) if !self.map.organisation.show_names => with_article(&name),
            Some(Kind::Team) => with_article(&name),
            _ => name,
        }
    }

    /// Text from a document or a result, harmless for a page and without names
    /// of people.
    pub fn text(&self, text: &str) -> String {
        let mut text = words::plain(text);
        for (name, role) in &self.people {
            text = replace_word(&text, name, role);
        }
        text
    }
}

fn role(person: &Component) -> String {
    let role = match &person.details {
        Details::Person(person) => person.role.clone(),
        _ => None,
    };
    role.unwrap_or_else(|| "one person".to_owned())
}

/// The words by which a person may be called in text: the full name and its
/// parts, or the id where it does not itself speak of the role.
fn callings(person: &Component, role: &str) -> Vec<String> {
    let id = person.id.as_str().replace('-', " ");
    let speaks_of_role = role.to_lowercase().contains(&id) || id.len() < 3;
    let mut names = if speaks_of_role { Vec::new() } else { vec![id] };
    if let Some(name) = &person.common.name {
        names.push(name.clone());
        names.extend(name.split_whitespace().filter(|part| part.len() > 2).map(str::to_owned));
    }
    names
}

fn with_article(name: &str) -> String {
    let first = name.split(' ').next().unwrap_or_default();
    if ["the", "one", "a", "an", "our"].contains(&first.to_lowercase().as_str()) {
        name.to_owned()
    } else {
        format!("the {}", words::mid_sentence(name))
    }
}

/// Replaces whole words, whatever their case; a name within a longer word stays.
fn replace_word(text: &str, name: &str, role: &str) -> String {
    if name.is_empty() {
        return text.to_owned();
    }
    let lower = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<String>();
    let name_lower = lower(name);
    let letters: Vec<char> = text.chars().collect();
    let length = name.chars().count();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < letters.len() {
        let end = (at + length).min(letters.len());
        let starts = at == 0 || !letters[at - 1].is_alphanumeric();
        let ends = end == letters.len() || !letters[end].is_alphanumeric();
        let window: String = letters[at..end].iter().collect();
        if starts && ends && lower(&window) == name_lower {
            out.push_str(role);
            at = end;
        } else {
            out.push(letters[at]);
            at += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use evenkeel_config::load::{Source, map_from};

    use super::*;

    fn map(show_names: bool) -> DependencyMap {
        let text = format!(
            "[organisation]\nname = \"Quillhaven\"\nshow_names = {show_names}\n\
             [person.dana]\nname = \"Dana Reyes\"\nrole = \"IT lead\"\n\
             [person.kim]\n[person.finance]\nrole = \"finance lead\"\n[team.clerks]\n\
             count = 2\n[service.erp]\nname = \"Ledger\\u202e\"\n"
        );
        map_from(&[Source::new("map.toml", text)]).expect("a valid map").value
    }

    fn id(text: &str) -> Id {
        text.parse().expect("an id")
    }

    #[test]
    fn people_appear_by_role() {
        let map = map(false);
        let names = Names::new(&map);
        assert_eq!(names.component(&id("dana")), "IT lead");
        assert_eq!(names.in_sentence(&id("dana")), "the IT lead");
        assert_eq!(names.in_sentence(&id("kim")), "one person");
        assert_eq!(names.in_sentence(&id("clerks")), "the clerks");
        assert_eq!(names.component(&id("erp")), "Ledger\u{fffd}");
        assert_eq!(names.component(&id("gone-away")), "gone away");
        assert_eq!(
            names.text("Waiting for Dana Reyes, then KIM; kimono stays, Dana's finance PC too"),
            "Waiting for IT lead, then one person; kimono stays, IT lead's finance PC too"
        );
    }

    #[test]
    fn names_appear_where_the_organisation_wants_them() {
        let map = map(true);
        let names = Names::new(&map);
        assert_eq!(names.in_sentence(&id("dana")), "Dana Reyes");
        assert_eq!(names.text("Waiting for Dana Reyes"), "Waiting for Dana Reyes");
    }
}
