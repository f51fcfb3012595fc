//! Where repositories and clusters lie, by pgBackRest's own configuration.
use std::collections::BTreeMap;
use std::path::Path;

use super::PgBackRest;
use crate::probe::host::{Host, HostError};

/// A configuration is not larger, in bytes.
const LARGEST: usize = 1 << 20;

/// Where pgBackRest looks unless told, the first that is there; and what it reads besides.
const USUAL: [&str; 2] = ["/etc/pgbackrest/pgbackrest.conf", "/etc/pgbackrest.conf"];
const INCLUDED: &str = "/etc/pgbackrest/conf.d";

/// Where a repository lies unless its configuration says so.
const USUAL_REPOSITORY: &str = "/var/lib/pgbackrest";

/// What a configuration says of places.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Places {
    /// Folders on this host that hold a repository or a cluster.
    pub(super) folders: Vec<String>,
    /// Whether a repository is reached over a network.
    pub(super) is_remote: bool,
}

impl PgBackRest {
    /// What the configuration says; nothing if it cannot be read.
    pub(super) fn places(&self) -> Option<Places> {
        let host = Host::new(Path::new("/"));
        let mut text = String::new();
        let mut add = |path: &str| match host.text(path, LARGEST) {
            Ok(one) => {
                text.push_str(&one);
                // Its last section ends with it.
                text.push_str("\n[]\n");
                Some(true)
            }
            Err(HostError::NotFound { .. }) => Some(false),
            Err(_) => None,
        };
        match &self.config {
            Some(path) => {
                add(path.to_str()?)?;
            }
            None => {
                for path in USUAL {
                    if add(path)? {
                        break;
                    }
                }
                for name in host.list(INCLUDED).unwrap_or_default() {
                    if name.ends_with(".conf") {
                        add(&format!("{INCLUDED}/{name}"))?;
                    }
                }
            }
        }
        Some(places(&text, &self.stanza))
    }
}

/// Reads the options of a stanza, and those of all.
fn places(text: &str, stanza: &str) -> Places {
    let mut options: BTreeMap<String, String> = BTreeMap::new();
    let mut is_ours = false;
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            // Options of single commands stand in sections of their own.
            let name = section.split(':').next().unwrap_or_default();
            is_ours = name == "global" || name == stanza;
        } else if is_ours && let Some((name, value)) = line.split_once('=') {
            options.insert(name.trim().to_owned(), value.trim().to_owned());
        }
    }
    let mut places = Places::default();
    let mut has_path = false;
    for (name, value) in &options {
        let Some((owner, "path")) = name.split_once('-') else { continue };
        let is_numbered = |kind: &str| {
            let number = owner.strip_prefix(kind);
            number.is_some_and(|it| it.chars().all(|digit| digit.is_ascii_digit()))
        };
        has_path |= is_numbered("repo");
        let is_elsewhere = options.contains_key(&format!("{owner}-host"))
            || options.get(&format!("{owner}-type")).is_some_and(|kind| !is_file_system(kind));
        if (is_numbered("repo") || is_numbered("pg")) && !is_elsewhere {
            places.folders.push(value.clone());
        }
    }
    let of_repository = |name: &str, option: &str| {
        name.strip_prefix("repo")
            .is_some_and(|rest| rest.trim_start_matches(|it: char| it.is_ascii_digit()) == option)
    };
    places.is_remote = options.iter().any(|(name, value)| {
        of_repository(name, "-host") || of_repository(name, "-type") && !is_file_system(value)
    });
    if !has_path && !places.is_remote {
        places.folders.push(USUAL_REPOSITORY.to_owned());
    }
    places
}

fn is_file_system(kind: &str) -> bool {
    matches!(kind, "posix" | "cifs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_a_stanza_and_of_all() {
        let text = "[global]\nrepo1-path = /srv/repo\nrepo2-type=s3\nrepo2-path=/bucket\n\
                    # repo3-path=/no\n[global:backup]\nrepo1-bundle=y\n[main]\npg1-path=/var/pg\n\
                    pg2-host=other\npg2-path=/var/other\n[else]\npg1-path=/else\n[]\n";
        let expected = ["/var/pg", "/srv/repo"].map(str::to_owned).to_vec();
        assert_eq!(places(text, "main"), Places { folders: expected, is_remote: true });
        let local = places("[main]\npg1-path=/var/pg\n", "main");
        assert_eq!(
            (local.folders.as_slice(), local.is_remote),
            (&["/var/pg".to_owned(), USUAL_REPOSITORY.to_owned()][..], false)
        );
        let remote = places("[global]\nrepo1-host=backup\nrepo1-path=/srv\n", "main");
        assert_eq!(remote, Places { folders: Vec::new(), is_remote: true });
    }
}
