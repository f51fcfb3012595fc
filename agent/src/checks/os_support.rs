//! End of support: proves until when the maker promises security updates. Fooled
//! by a host that is supported but never updated, and by an old table of dates.
use std::collections::BTreeMap;
use std::sync::LazyLock;

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::id::Id;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::Span;
use evenkeel_config::record::{Evidence, Failure, Finding, Status, Value};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::{Check, CheckKind, FactKind, Facts, FindingKind, Look, place, settings, since};
use crate::probe::host::{Host, HostError};
use crate::probe::redact::plain;

/// A fact about the operating system or program.
const fn about_product(name: &'static str, metric: &'static str, help: &'static str) -> FactKind {
    FactKind { name, metric, help, subject: "", labels: &[] }
}

/// The kind.
pub(super) static KIND: CheckKind = CheckKind {
    name: "os_support",
    about: "Until when the maker of the operating system (or of a named program) supports it",
    limits: "Support says that updates exist, not that they are installed; the dates come from a \
             table that is as old as this program, and only those of Debian and Ubuntu were checked \
             against their source.",
    example: r#"product = "windows-server"   # instead of this host's own system; see the table of products
version = "2019"
paid = false                 # true: the maker's paid extension has been bought
"#,
    every: Span::from_hours(24),
    deadline: Span::from_secs(30),
    stale_after_intervals: 3,
    facts: &[
        about_product("product", "", "Name and version."),
        about_product("source", "", "Where the dates come from, and of which year."),
        about_product("known", "support_known", "Whether the product is in the table of dates."),
        about_product(
            "standard_until",
            "support_standard_until_timestamp_seconds",
            "End of security updates for everybody.",
        ),
        about_product(
            "reduced_until",
            "support_reduced_until_timestamp_seconds",
            "End of updates with less reach, such as Debian LTS.",
        ),
        about_product(
            "paid_until",
            "support_paid_until_timestamp_seconds",
            "End of updates for those who buy an extension.",
        ),
        about_product(
            "paid",
            "support_extension_bought",
            "Whether the extension is said to be bought.",
        ),
        about_product(
            "table_from",
            "support_table_timestamp_seconds",
            "Day of the table of dates.",
        ),
    ],
    findings: &[
        FindingKind {
            id: "support_ended",
            severity: Status::Critical,
            about: "The maker gives no security updates any more.",
            advice: "Plan the move to a supported release; until then keep the host off the internet.",
        },
        FindingKind {
            id: "support_paid_only",
            severity: Status::Critical,
            about: "Security updates come only to those who pay for an extension.",
            advice: "Move to a supported release, or buy the extension and set `paid = true`.",
        },
        FindingKind {
            id: "support_reduced",
            severity: Status::Warning,
            about: "Full support has ended; updates go on with less reach.",
            advice: "Put the move to the next release into this year's plan.",
        },
        FindingKind {
            id: "support_ends_soon",
            severity: Status::Warning,
            about: "Support ends within half a year.",
            advice: "Plan the move to the next release now.",
        },
        FindingKind {
            id: "support_unknown",
            severity: Status::Unknown,
            about: "The table of dates does not know this product or release.",
            advice: "Look up its end of support and put it on the map as `support_until`.",
        },
        FindingKind {
            id: "support_table_old",
            severity: Status::Warning,
            about: "The table of dates is more than 120 days old.",
            advice: "Update this program; makers move their dates.",
        },
    ],
    backup: None,
    build,
};

/// The check's own keys.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    /// A product of the table, instead of this host's own system.
    product: Option<String>,
    /// Its version.
    version: Option<String>,
    /// The maker's paid extension has been bought.
    paid: bool,
}

fn build(entry: &CheckEntry, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let settings: Settings = settings(entry, problems)?;
    if settings.product.is_some() != settings.version.is_some() {
        let what = "`product` and `version` go together";
        problems.error(
            place(entry, "product"),
            what,
            "for example `product = \"windows-server\"` and `version = \"2019\"`",
        );
        return None;
    }
    if let Some(product) =
        settings.product.as_ref().filter(|product| !TABLE.product.contains_key(*product))
    {
        let known: Vec<&str> = TABLE.product.keys().map(String::as_str).collect();
        let what = format!("the product `{}` is not in the table", plain(product));
        problems.error(place(entry, "product"), what, format!("known are {}", known.join(", ")));
        return None;
    }
    Some(Box::new(OsSupport { component: entry.component.clone(), settings }))
}

/// The table of dates.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    as_of: Date,
    product: BTreeMap<String, Product>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Product {
    name: String,
    source: String,
    releases: BTreeMap<String, Phases>,
}

/// Last days.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Phases {
    standard: Date,
    reduced: Option<Date>,
    paid: Option<Date>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let text = include_str!("data/os_support.toml");
    toml::from_str(text).expect("a test reads the shipped table")
});

/// Makers move dates; an older table is said to be old, in days.
const TABLE_LASTS: i64 = 120;

/// So much notice a move to another release needs, in days.
const SOON: i64 = 182;

struct OsSupport {
    component: Id,
    settings: Settings,
}

#[async_trait::async_trait]
impl Check for OsSupport {
    async fn observe(&self, look: &Look) -> Result<Facts, Failure> {
        let (name, release) = match (&self.settings.product, &self.settings.version) {
            (Some(product), Some(version)) => named(product, version),
            _ => own(&Host::new(&look.root))?,
        };
        let mut facts = Facts::default();
        facts.push("product", "", Value::Text(name));
        facts.push("known", "", Value::Flag(release.is_some()));
        if let Some(release) = release {
            facts.push("source", "", Value::Text(release.source));
            let dates = [
                ("standard_until", Some(release.phases.standard)),
                ("reduced_until", release.phases.reduced),
                ("paid_until", release.phases.paid),
            ];
            for (fact, date) in dates {
                if let Some(end) = date.and_then(end_of) {
                    facts.push(fact, "", Value::Time(end));
                }
            }
        }
        facts.push("paid", "", Value::Flag(self.settings.paid));
        if let Some(day) = end_of(TABLE.as_of) {
            facts.push("table_from", "", Value::Time(day));
        }
        Ok(facts)
    }

    fn judge(&self, facts: &Facts, past: &[Evidence], now: Timestamp) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (id, what) in judge(facts, now) {
            findings.push(KIND.finding(id, &self.component, "", what, since(past, id, "", now)));
        }
        findings
    }
}

/// A release and where its dates come from.
struct Release {
    phases: Phases,
    source: String,
}

fn named(product: &str, version: &str) -> (String, Option<Release>) {
    let Some(known) = TABLE.product.get(product) else {
        return (format!("{product} {version}"), None);
    };
    let release =
        find(known, version).map(|(_, phases)| Release { phases, source: known.source.clone() });
    (plain(&format!("{} {version}", known.name)), release)
}

/// The entry for a version: itself, or the longest entry it begins with, so
/// that `9.4` is found as `9` and never `12.5` as `12.50`.
fn find(product: &Product, version: &str) -> Option<(String, Phases)> {
    let version = version.to_ascii_lowercase();
    let fits = |release: &str| {
        version.strip_prefix(release).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let releases = product.releases.iter().filter(|(release, _)| fits(release));
    let (release, phases) = releases.max_by_key(|(release, _)| release.len())?;
    Some((release.clone(), *phases))
}

/// This host's own system, by `os-release`.
fn own(host: &Host) -> Result<(String, Option<Release>), Failure> {
    let text = match host.text("/etc/os-release", 1 << 16) {
        Err(HostError::NotFound { .. }) => host.text("/usr/lib/os-release", 1 << 16)?,
        other => other?,
    };
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
        Some(plain(line.trim().trim_matches(['"', '\'']))).filter(|value| !value.is_empty())
    };
    let id = field("ID").unwrap_or_default();
    let version = field("VERSION_ID").unwrap_or_default();
    let shown = field("PRETTY_NAME").unwrap_or_else(|| format!("{id} {version}"));
    // CentOS Stream and Linux share their id.
    let is_stream = id == "centos" && field("NAME").is_some_and(|name| name.contains("Stream"));
    let product = TABLE.product.get(if is_stream { "centos-stream" } else { id.as_str() });
    let known = product.and_then(|product| {
        let (_, phases) = find(product, &version)?;
        Some(Release { phases, source: product.source.clone() })
    });
    // Some distributions state the day themselves.
    let stated = || {
        let standard = field("SUPPORT_END")?.parse().ok()?;
        let phases = Phases { standard, reduced: None, paid: None };
        Some(Release { phases, source: "the system's own os-release".to_owned() })
    };
    Ok((shown, known.or_else(stated)))
}

fn judge(facts: &Facts, now: Timestamp) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let name = facts.text("product", "").unwrap_or("the system");
    let source = facts.text("source", "").unwrap_or("no source");
    let until = |fact: &str| match facts.get(fact, "") {
        Some(Value::Time(end)) => Some(*end),
        _ => None,
    };
    let standard = until("standard_until");
    let reduced = until("reduced_until");
    let paid = until("paid_until");
    let bought = facts.flag("paid", "");
    let Some(standard) = standard else {
        return vec![("support_unknown", format!("nobody told us until when {name} is supported"))];
    };
    let last = standard.max(reduced.unwrap_or(standard));
    let last = if bought { last.max(paid.unwrap_or(last)) } else { last };
    if now > last {
        match paid.filter(|paid| now <= *paid) {
            Some(paid) => found.push((
                "support_paid_only",
                format!("security updates of {name} ended on {}; a paid extension runs to {} ({source})", day(last), day(paid)),
            )),
            None => found.push(("support_ended", format!("security updates of {name} ended on {} ({source})", day(last)))),
        }
    } else if now > standard {
        found.push((
            "support_reduced",
            format!(
                "full support of {name} ended on {}; reduced support runs to {} ({source})",
                day(standard),
                day(last)
            ),
        ));
    }
    let left = days_between(now, last);
    if (0..=SOON).contains(&left) {
        found.push((
            "support_ends_soon",
            format!("support of {name} ends on {}, in {left} days ({source})", day(last)),
        ));
    }
    if let Some(from) = until("table_from").filter(|from| days_between(*from, now) > TABLE_LASTS) {
        found
            .push(("support_table_old", format!("the table of support dates is of {}", day(from))));
    }
    found
}

/// The last second of a day, in UTC.
fn end_of(day: Date) -> Option<Timestamp> {
    day.at(23, 59, 59, 0).to_zoned(TimeZone::UTC).ok().map(|end| end.timestamp())
}

fn day(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

/// Whole days from one instant to a later one; negative if it is earlier.
fn days_between(from: Timestamp, to: Timestamp) -> i64 {
    to.as_millisecond().saturating_sub(from.as_millisecond()).div_euclid(86_400_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{build, ids, observe};

    const NOW: &str = "2026-11-21T12:00:00Z";

    async fn check(keys: &str, os_release: &str, now: &str, expected: &[&str]) {
        let now = now.parse().unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("etc")).unwrap();
        std::fs::write(folder.path().join("etc/os-release"), os_release).unwrap();
        let check = build(&KIND, keys).unwrap();
        let facts = observe(check.as_ref(), folder.path(), now).await.unwrap();
        assert_eq!(ids(&check.judge(&facts, &[], now)), expected, "{keys} {os_release}");
    }

    #[tokio::test]
    async fn phases_are_told_apart() {
        let own = |id: &str, version: &str| format!("ID={id}\nVERSION_ID=\"{version}\"\n");
        check("", &own("debian", "13"), NOW, &[]).await;
        check("", &own("debian", "12"), NOW, &["support_reduced"]).await;
        check("", &own("debian", "10"), NOW, &["support_paid_only!"]).await;
        check("paid = true", &own("debian", "10"), NOW, &["support_reduced"]).await;
        check("", &own("debian", "8"), NOW, &["support_ended!"]).await;
        check("", &own("rocky", "9.4"), NOW, &[]).await;
        check("", &own("ubuntu", "22.04"), "2026-12-15T00:00:00Z", &["support_ends_soon"]).await;
        check("", &own("haiku", "1"), NOW, &["support_unknown"]).await;
        check("", "", NOW, &["support_unknown"]).await;
        check("", "ID=fedora\nVERSION_ID=44\nSUPPORT_END=2027-11-30\n", NOW, &[]).await;
        check("", &own("debian", "13"), "2027-06-01T00:00:00Z", &["support_table_old"]).await;
    }

    #[tokio::test]
    async fn a_named_product_stands_for_the_own_system() {
        let key = |product: &str, version: &str| {
            format!("product = \"{product}\"\nversion = \"{version}\"\n")
        };
        check(&key("windows-server", "2012"), "", NOW, &["support_ended!"]).await;
        check(&key("windows-server", "2019"), "", NOW, &[]).await;
        check(&key("windows-server", "2030"), "", NOW, &["support_unknown"]).await;
        check(&key("postgresql", "14"), "", NOW, &["support_ended!"]).await;
        check(&key("postgresql", "1"), "", NOW, &["support_unknown"]).await;
        let problems = build(&KIND, "product = \"windoze\"\nversion = \"1\"").err().unwrap();
        assert!(problems.to_string().contains("windows-server"), "{problems}");
        assert!(build(&KIND, "product = \"debian\"").is_err());
    }

    #[test]
    fn the_table_is_sound() {
        assert!(TABLE.product.len() >= 38);
        for (id, product) in &TABLE.product {
            assert!(product.source.contains("202"), "{id} names no year of its source");
            assert!(!product.releases.is_empty(), "{id} is empty");
            for (release, phases) in &product.releases {
                let reduced = phases.reduced.unwrap_or(phases.standard);
                assert!(phases.standard <= reduced, "{id} {release}");
                assert!(reduced <= phases.paid.unwrap_or(reduced), "{id} {release}");
            }
        }
        assert_eq!(TABLE.product["debian"].releases["12"].standard, "2026-07-11".parse().unwrap());
    }
}
