//! Findings about the map itself, in words: what would hold a recovery up before it starts.
mod backups;
mod dates;
mod people;
mod shared;
mod structure;

use evenkeel_config::id::Id;
use evenkeel_config::map::DependencyMap;
use jiff::Timestamp;
use jiff::civil::Date;

use crate::html::names::Names;
use crate::html::words;
use crate::picture::MapFinding;

/// What [`findings`] says in short of data that no job copies.
pub const IN_NO_JOB: &str = "in no backup job";

/// Everything that a look at the map alone can find, the worst first.
///
/// Dates are judged for `as_of` in the organisation's time zone. Sentences name
/// people by role unless the organisation shows names.
pub fn findings(map: &DependencyMap, as_of: Timestamp) -> Vec<MapFinding> {
    let view = View {
        map,
        names: Names::new(map),
        today: words::zoned(as_of, &map.organisation.timezone).date(),
    };
    let mut all = Vec::new();
    all.extend(structure::loops(&view));
    all.extend(backups::same_login(&view));
    all.extend(backups::in_no_job(&view));
    all.extend(people::alone(&view));
    all.extend(shared::one_way_out(&view));
    all.extend(shared::short_batteries(&view));
    all.extend(dates::running_out(&view));
    all.extend(structure::single_points(&view));
    all.sort_by_key(|finding: &MapFinding| !finding.critical);
    all
}

/// The map with the words for it.
struct View<'a> {
    map: &'a DependencyMap,
    names: Names<'a>,
    today: Date,
}

impl View<'_> {
    /// A component in the middle of a sentence: "the password vault", "hv-1".
    fn the(&self, id: &Id) -> String {
        let name = words::mid_sentence(&self.names.in_sentence(id));
        let first = name.chars().next();
        let common = first.is_some_and(char::is_lowercase)
            && !name.contains(|c: char| c.is_ascii_digit() || c == '.');
        let told =
            ["the ", "a ", "an ", "one ", "our "].iter().any(|start| name.starts_with(start));
        if common && !told { format!("the {name}") } else { name }
    }

    /// Several components: "hv-1, the vault and 3 more".
    fn list<'a>(&self, ids: impl IntoIterator<Item = &'a Id>) -> String {
        let names: Vec<String> = ids.into_iter().map(|id| self.the(id)).collect();
        words::list(&names, 3)
    }
}

#[cfg(test)]
mod tests;
