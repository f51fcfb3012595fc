//! How sure we are: a square for each figure, and what we do not know in sentences.
use evenkeel_config::id::Id;
use evenkeel_config::map::Kind;
use evenkeel_config::provenance::Provenance;
use evenkeel_config::record::{DrillFacts, DrillLevel, Summary};
use maud::{Markup, html};

use super::marks;
use super::names::Names;
use super::words;
use crate::picture::Picture;

/// How many figures are measured, told to us and assumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origins {
    /// Measured on hosts or in drills.
    pub measured: u64,
    /// Told by people.
    pub told: u64,
    /// Our assumptions.
    pub assumed: u64,
}

impl Origins {
    /// Counts the figures of a result.
    pub fn of(summary: &Summary) -> Self {
        let count = |provenance| {
            summary.inputs.iter().filter(|input| input.provenance == provenance).count() as u64
        };
        Self {
            measured: count(Provenance::Measured),
            told: count(Provenance::Declared),
            assumed: count(Provenance::Default),
        }
    }

    /// All figures.
    pub fn all(self) -> u64 {
        self.measured + self.told + self.assumed
    }

    /// `9 figures were told to us, 4 are our assumptions.`
    pub fn others(self) -> String {
        let told = match self.told {
            0 => "No figure was told to us".to_owned(),
            1 => format!("1{}figure was told to us", words::JOIN),
            told => format!("{told}{}figures were told to us", words::JOIN),
        };
        let assumed = match self.assumed {
            0 => "none is our assumption".to_owned(),
            1 => "1 is our assumption".to_owned(),
            assumed => format!("{assumed} are our assumptions"),
        };
        format!("{told}, {assumed}.")
    }
}

/// The squares with their key.
pub fn squares(origins: Origins) -> Markup {
    let rows = [
        (Provenance::Measured, origins.measured, "measured on your hosts"),
        (Provenance::Declared, origins.told, "told to us"),
        (Provenance::Default, origins.assumed, "assumed by us"),
    ];
    html! {
        (marks::squares(origins.measured, origins.told, origins.assumed))
        ul.key {
            @for (provenance, count, words) in rows {
                li { (marks::provenance(provenance, &format!("{count}{}{words}", words::JOIN))) }
            }
        }
    }
}

/// What we do not know, most telling first; each a full sentence.
pub fn doubts(picture: &Picture, summary: Option<&Summary>, names: &Names<'_>) -> Vec<String> {
    let mut doubts: Vec<String> = picture
        .map_findings
        .iter()
        .filter(|finding| finding.critical)
        .map(|finding| full_sentence(&names.text(&finding.sentence)))
        .collect();
    doubts.extend(never_restored(picture, names));
    doubts.extend(failed_drills(picture, names));
    doubts.extend(silent_hosts(picture));
    if let Some(summary) = summary {
        doubts.extend(assumptions(summary, names));
        doubts.extend(summary.notes.iter().map(|note| full_sentence(&names.text(note))));
    }
    doubts.extend(picture.cannot.iter().map(|why| full_sentence(&names.text(why))));
    let mut seen = std::collections::BTreeSet::new();
    doubts.retain(|doubt| seen.insert(doubt.clone()));
    doubts
}

/// Data sets that nobody ever restored, by name.
pub fn never_restored_names(picture: &Picture, names: &Names<'_>) -> Vec<String> {
    let tried = |id: &Id| {
        let is_of_it = |drill: &DrillFacts| drill.dataset.as_ref() == Some(id);
        picture.drills.iter().any(|drill| is_of_it(drill) && drill.level >= DrillLevel::Sample)
    };
    let datasets = picture.map.components.values().filter(|one| one.kind == Kind::Dataset);
    datasets.filter(|one| !tried(&one.id)).map(|one| names.component(&one.id)).collect()
}

fn never_restored(picture: &Picture, names: &Names<'_>) -> Option<String> {
    let never = never_restored_names(picture, names);
    let whether = if never.len() == 1 { "it" } else { "they" };
    (!never.is_empty()).then(|| {
        let list = words::list(&never, 4);
        format!(
            "Nobody has ever restored {list} as a test. We do not know whether {whether} would \
             come back."
        )
    })
}

/// Copies whose latest drill failed; a drill of another copy does not hide it.
fn failed_drills(picture: &Picture, names: &Names<'_>) -> Vec<String> {
    let mut judged = std::collections::BTreeSet::new();
    let mut sentences = Vec::new();
    for drill in picture.drills.iter().rev() {
        let Some(dataset) = &drill.dataset else { continue };
        let known = picture.map.components.contains_key(dataset);
        if !known || !judged.insert((dataset, &drill.copy)) || drill.worked {
            continue;
        }
        let day = words::day(drill.started, &picture.timezone);
        let why = match drill.why.as_str() {
            "" => String::new(),
            why => format!(": {}", names.text(why).trim_end_matches('.')),
        };
        let name = names.component(dataset);
        sentences.push(format!("The last restore of {name} failed on {day}{why}."));
    }
    sentences
}

fn silent_hosts(picture: &Picture) -> Option<String> {
    let silent: Vec<_> = picture.hosts.iter().filter(|(_, host)| host.silent).collect();
    let since = silent.iter().map(|(_, host)| host.last_heard).min()?;
    let since = words::day(since, &picture.timezone);
    let list: Vec<String> = silent.iter().map(|(name, _)| words::plain(name)).collect();
    let (hosts, have, them) = match silent.len() {
        1 => ("host", "has", "it"),
        _ => ("hosts", "have", "them"),
    };
    let list = words::list(&list, 5);
    Some(format!(
        "The {hosts} {list} {have} been silent since {since}; what we say about {them} may be \
         out of date."
    ))
}

fn assumptions(summary: &Summary, names: &Names<'_>) -> Option<String> {
    let mut groups: Vec<String> = summary
        .inputs
        .iter()
        .filter(|input| input.provenance == Provenance::Default)
        .map(|input| words::mid_sentence(&names.text(&input.group)))
        .collect();
    let count = groups.len() as u64;
    groups.sort();
    groups.dedup();
    let (figures, word) =
        if count == 1 { ("figure is", "assumption") } else { ("figures are", "assumptions") };
    (count > 0).then(|| {
        let list = words::list(&groups, 4);
        format!("{} {figures} our {word}: {list}.", words::spelled(count))
    })
}

/// Opens with a capital letter and ends with a full stop.
pub fn full_sentence(text: &str) -> String {
    let text = words::sentence_case(text.trim());
    if text.ends_with(['.', '?', '!', '…']) { text } else { format!("{text}.") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::sample;

    #[test]
    fn doubts_are_sentences_without_names() {
        let picture = sample::picture();
        let names = Names::new(&picture.map);
        let doubts = doubts(&picture, picture.summaries.first(), &names);
        let expect = [
            "To bring hv-1 back you need the vault, and the vault lives on hv-1.",
            "Nobody has ever restored Map files as a test. We do not know whether it would come \
             back.",
            "The last restore of Dispatch entries failed on Tue 6 Oct: the repository key was \
             refused.",
            "The hosts forms and gis have been silent since Thu 12 Nov; what we say about them may \
             be out of date.",
            "Four figures are our assumptions: spread to the backup console.",
            "Nobody has measured how fast the county takes calls over.",
        ];
        assert_eq!(doubts, expect);
        assert_eq!(Origins::of(&picture.summaries[0]).all(), 44);
    }
}
