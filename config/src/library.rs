//! What ships inside the programs: the scenario library and the example organisations.

/// The shipped scenarios: id and text, in order of id.
pub const SCENARIOS: &[(&str, &str)] = &[
    ("host_failure", include_str!("../scenarios/host_failure.toml")),
    ("isp_outage", include_str!("../scenarios/isp_outage.toml")),
    ("key_person_away", include_str!("../scenarios/key_person_away.toml")),
    ("ransomware", include_str!("../scenarios/ransomware.toml")),
    ("site_loss", include_str!("../scenarios/site_loss.toml")),
];

/// A shipped organisation. File names are relative to its folder, such as
/// `map/10-functions.toml` or `scenarios/ransomware.toml`.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// Folder name, such as `city-hall`.
    pub name: &'static str,
    /// Files and texts of the map.
    pub map: &'static [(&'static str, &'static str)],
    /// Files and texts of its own scenarios.
    pub scenarios: &'static [(&'static str, &'static str)],
    /// The evidence set, as JSON.
    pub evidence: &'static str,
    /// The story and the lesson, as Markdown.
    pub readme: &'static str,
}

impl Example {
    /// The shipped organisation of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        EXAMPLES.iter().find(|example| example.name == name)
    }
}

/// Embeds the files of one example.
macro_rules! example {
    ($name:literal, map: [$($map:literal),*], scenarios: [$($scenario:literal),*]) => {
        Example {
            name: $name,
            map: &[$(($map, include_str!(concat!("../examples/", $name, "/", $map)))),*],
            scenarios: &[$((
                concat!("scenarios/", $scenario, ".toml"),
                include_str!(concat!("../examples/", $name, "/scenarios/", $scenario, ".toml")),
            )),*],
            evidence: include_str!(concat!("../examples/", $name, "/evidence.json")),
            readme: include_str!(concat!("../examples/", $name, "/README.md")),
        }
    };
}

/// The shipped organisations, in order of name.
pub const EXAMPLES: &[Example] = &[
    example!(
        "city-hall",
        map: ["map/10-functions.toml", "map/20-people.toml", "map/30-systems.toml", "map/40-data.toml", "map/50-lines.toml", "map/60-fixes.toml"],
        scenarios: ["account_loss", "domain_lapse", "host_failure", "isp_outage", "key_person_away", "ransomware", "saas_outage", "site_loss"]
    ),
    example!(
        "non-profit",
        map: ["map.toml"],
        scenarios: ["account_loss", "domain_lapse", "host_failure", "isp_outage", "key_person_away", "ransomware", "saas_outage", "site_loss"]
    ),
    example!(
        "small-business",
        map: ["map.toml"],
        scenarios: ["certificate_lapse", "host_failure", "isp_outage", "key_person_away", "msp_gone", "ransomware", "saas_outage", "site_loss"]
    ),
];
