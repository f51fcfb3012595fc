//! What ships inside the programs: the scenario library and the example organisations.

/// The shipped scenarios: id and text, in order of id.
pub const SCENARIOS: &[(&str, &str)] = &[
    ("host_failure", include_str!("../scenarios/host_failure.toml")),
    ("isp_outage", include_str!("../scenarios/isp_outage.toml")),
    ("key_person_away", include_str!("../scenarios/key_person_away.toml")),
    ("ransomware", include_str!("../scenarios/ransomware.toml")),
    ("site_loss", include_str!("../scenarios/site_loss.toml")),
];

/// A shipped organisation.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// Folder name, such as `city-hall`.
    pub name: &'static str,
    /// File names and texts of the map.
    pub map: &'static [(&'static str, &'static str)],
    /// File names and texts of its own scenarios.
    pub scenarios: &'static [(&'static str, &'static str)],
    /// The evidence set, as JSON.
    pub evidence: &'static str,
    /// The story and the lesson, as Markdown.
    pub readme: &'static str,
}

/// The shipped organisations.
pub const EXAMPLES: &[Example] = &[];
