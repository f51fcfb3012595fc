//! What ships inside the programs: the scenario library and the example organisations.

/// The shipped scenarios: id and text, in order of id.
pub const SCENARIOS: &[(&str, &str)] = &[
    ("account_loss", include_str!("../scenarios/account_loss.toml")),
    ("admin_error", include_str!("../scenarios/admin_error.toml")),
    ("backup_unusable", include_str!("../scenarios/backup_unusable.toml")),
    ("bad_update", include_str!("../scenarios/bad_update.toml")),
    ("broken_dns", include_str!("../scenarios/broken_dns.toml")),
    ("denied_access", include_str!("../scenarios/denied_access.toml")),
    ("disk_failure", include_str!("../scenarios/disk_failure.toml")),
    ("domain_lapse", include_str!("../scenarios/domain_lapse.toml")),
    ("expired_certificate", include_str!("../scenarios/expired_certificate.toml")),
    ("host_failure", include_str!("../scenarios/host_failure.toml")),
    ("isp_outage", include_str!("../scenarios/isp_outage.toml")),
    ("key_person_away", include_str!("../scenarios/key_person_away.toml")),
    ("msp_failure", include_str!("../scenarios/msp_failure.toml")),
    ("power_cut", include_str!("../scenarios/power_cut.toml")),
    ("power_cut_long", include_str!("../scenarios/power_cut_long.toml")),
    ("ransomware", include_str!("../scenarios/ransomware.toml")),
    ("saas_outage", include_str!("../scenarios/saas_outage.toml")),
    ("site_loss", include_str!("../scenarios/site_loss.toml")),
    ("slow_supply", include_str!("../scenarios/slow_supply.toml")),
    ("storage_failure", include_str!("../scenarios/storage_failure.toml")),
    ("wiper", include_str!("../scenarios/wiper.toml")),
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
