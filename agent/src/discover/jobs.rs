//! Backup jobs that this host runs, as far as its settings, timers and cron tables tell.
use std::collections::{BTreeMap, BTreeSet};

use super::read;
use crate::probe::host::Host;

/// A backup job.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Job {
    /// The tool, such as `restic`.
    pub(crate) tool: &'static str,
    /// Repository or folder, without any login in it.
    pub(crate) target: String,
    /// The file that holds the repository's password, if named.
    pub(crate) password_file: Option<String>,
    /// A file of `NAME=value` lines that holds the password itself.
    pub(crate) environment_file: Option<String>,
    /// The settings file that tells of it.
    pub(crate) told_by: String,
}

impl Job {
    /// Whom a look at the repository would contact; `None` if nobody.
    pub(crate) fn contacts(&self) -> Option<&str> {
        if self.target.starts_with('/') {
            return None;
        }
        let rest = self.target.split_once("://").map_or_else(
            || self.target.split_once(':').map_or(self.target.as_str(), |(_, rest)| rest),
            |(_, rest)| rest,
        );
        let host = rest.split(['/', ':']).find(|part| !part.is_empty()).unwrap_or(rest);
        Some(host.rsplit('@').next().unwrap_or(host))
    }
}

/// Folders whose files may tell of a backup job, and whether every file does
/// or only those with a telling name.
const FOLDERS: [(&str, bool); 13] = [
    ("/etc", false),
    ("/etc/default", false),
    ("/etc/restic", true),
    ("/etc/borgmatic", true),
    ("/etc/borgmatic.d", true),
    ("/etc/pgbackrest", true),
    ("/etc/systemd/system", false),
    ("/etc/cron.d", true),
    ("/etc/cron.daily", true),
    ("/etc/cron.weekly", true),
    ("/var/spool/cron/crontabs", true),
    ("/usr/local/bin", false),
    ("/usr/local/sbin", false),
];

const TELLING: [&str; 6] = ["restic", "borg", "pgbackrest", "backup", "dump", "crontab"];

const DUMPERS: [&str; 5] = ["pg_dump", "pg_dumpall", "mysqldump", "mariadb-dump", "mongodump"];

/// Most files that are looked at.
const MOST_FILES: usize = 500;

/// Every job found, sorted, each repository once.
pub(crate) fn find(host: &Host) -> Vec<Job> {
    let mut files = Vec::new();
    for (folder, every) in FOLDERS {
        for name in read::names(host, folder) {
            if every || TELLING.iter().any(|word| name.contains(word)) {
                files.push(format!("{folder}/{name}"));
            }
        }
    }
    let mut jobs = BTreeMap::new();
    for file in files.iter().take(MOST_FILES) {
        let Some(text) = read::settings(host, file) else { continue };
        for job in in_file(file, &text) {
            let key = (job.tool, job.target.clone());
            let known: &mut Job = jobs.entry(key).or_insert_with(|| job.clone());
            known.password_file = known.password_file.take().or(job.password_file);
            known.environment_file = known.environment_file.take().or(job.environment_file);
        }
    }
    jobs.into_values().collect()
}

fn in_file(file: &str, text: &str) -> Vec<Job> {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#') && line.len() < 4096)
        .take(5000)
        .collect();
    // In a script or a unit the same words stand between others.
    let is_plain = ["/etc/default/", "/etc/restic/"].iter().any(|folder| file.starts_with(folder));
    let holds_password = lines.iter().any(|line| value(line, "RESTIC_PASSWORD").is_some());
    let environment_file = (is_plain && holds_password).then(|| file.to_owned());
    let job = |tool, target: &str, password_file| {
        let target = without_login(&read::plain(target));
        let told_by = file.to_owned();
        let environment_file = environment_file.clone().filter(|_| tool == "restic");
        (!target.is_empty()).then_some(Job {
            tool,
            target,
            password_file,
            environment_file,
            told_by,
        })
    };
    let mut jobs = Vec::new();
    let restic = restic(&lines);
    jobs.extend(restic.0.iter().filter_map(|target| job("restic", target, restic.1.clone())));
    jobs.extend(borg(file, &lines).iter().filter_map(|target| job("borg", target, None)));
    if file.contains("pgbackrest") {
        let paths = lines.iter().filter_map(|line| value(line, "repo1-path"));
        jobs.extend(paths.filter_map(|target| job("pgbackrest", target, None)));
    }
    jobs.extend(dumps(&lines).iter().filter_map(|folder| job("dump", folder, None)));
    jobs
}

/// Repositories and the password file of restic commands and settings.
fn restic(lines: &[&str]) -> (BTreeSet<String>, Option<String>) {
    let mut repositories = BTreeSet::new();
    let mut password_file = None;
    for line in lines {
        repositories.extend(value(line, "RESTIC_REPOSITORY").map(str::to_owned));
        if let Some(file) = value(line, "RESTIC_PASSWORD_FILE") {
            password_file = Some(file.to_owned());
        }
        let words = words(line);
        if !words.iter().any(|word| is_program(word, "restic")) {
            continue;
        }
        repositories.extend(option(&words, &["-r", "--repo"]).map(str::to_owned));
        if let Some(file) = option(&words, &["-p", "--password-file"]) {
            password_file = Some(file.to_owned());
        }
    }
    // A variable in a script is set elsewhere; taking its name for a place would mislead.
    repositories.retain(|repository| !repository.contains('$'));
    (repositories, password_file.filter(|file| file.starts_with('/') && !file.contains('$')))
}

fn borg(file: &str, lines: &[&str]) -> BTreeSet<String> {
    let mut repositories = BTreeSet::new();
    let borgmatic = file.contains("borgmatic");
    for line in lines {
        repositories.extend(value(line, "BORG_REPO").map(str::to_owned));
        if borgmatic {
            let path = line.trim_start_matches("- ").strip_prefix("path:");
            repositories.extend(path.map(|path| unquoted(path.trim()).to_owned()));
        }
        let words = words(line);
        if words.iter().any(|word| is_program(word, "borg")) {
            let places = words.iter().filter_map(|word| word.split_once("::"));
            repositories.extend(places.map(|(repository, _)| repository.to_owned()));
        }
    }
    repositories.retain(|repository| !repository.contains('$') && !repository.is_empty());
    repositories
}

/// Folders into which database dumps are written.
fn dumps(lines: &[&str]) -> BTreeSet<String> {
    let mut folders = BTreeSet::new();
    for line in lines {
        let words = words(line);
        if !words.iter().any(|word| DUMPERS.iter().any(|dumper| is_program(word, dumper))) {
            continue;
        }
        let redirected = line.rsplit_once('>').map(|(_, target)| target.trim());
        let named = option(&words, &["-f", "--file", "--result-file", "--out"]);
        let Some(target) = redirected.or(named) else { continue };
        let target = unquoted(target.split_ascii_whitespace().next().unwrap_or_default());
        if let Some((folder, _)) = target.rsplit_once('/')
            && folder.starts_with('/')
            && !folder.contains(['$', '`', '&'])
        {
            folders.insert(folder.to_owned());
        }
    }
    folders
}

/// The value of `NAME=value`, with or without `export`, `Environment=` and quotes.
fn value<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let line = line.strip_prefix("export ").unwrap_or(line);
    let line = line.strip_prefix("Environment=").unwrap_or(line).trim_start_matches('"');
    let (key, value) = line.split_once('=')?;
    (key.trim() == name).then(|| unquoted(value.trim()))
}

fn words(line: &str) -> Vec<&str> {
    let line = line.strip_prefix("ExecStart=").unwrap_or(line);
    line.split_ascii_whitespace().map(unquoted).collect()
}

fn is_program(word: &str, name: &str) -> bool {
    word.trim_start_matches(['-', '@', '(']).rsplit('/').next() == Some(name)
}

/// The value of the first of some options: `-r X`, `--repo X` or `--repo=X`.
fn option<'a>(words: &[&'a str], names: &[&str]) -> Option<&'a str> {
    words.iter().enumerate().find_map(|(at, word)| {
        if names.contains(word) {
            return words.get(at + 1).copied();
        }
        let (name, value) = word.split_once('=')?;
        names.contains(&name).then(|| unquoted(value))
    })
}

fn unquoted(text: &str) -> &str {
    text.trim_matches(['"', '\''])
}

/// A repository's address without user and password.
fn without_login(target: &str) -> String {
    let Some((scheme, rest)) = target.split_once("://") else {
        return target.to_owned();
    };
    let (authority, path) = rest.split_once('/').map_or((rest, None), |(a, p)| (a, Some(p)));
    let server = authority.rsplit('@').next().unwrap_or(authority);
    path.map_or_else(
        || format!("{scheme}://{server}"),
        |path| format!("{scheme}://{server}/{path}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &str, text: &str, expected: &[(&str, &str, Option<&str>)]) {
        let jobs = in_file(file, text);
        let found: Vec<_> = jobs
            .iter()
            .map(|job| (job.tool, job.target.as_str(), job.password_file.as_deref()))
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn jobs_are_read_from_settings_scripts_and_tables() {
        check(
            "/etc/default/restic",
            "# RESTIC_REPOSITORY=/old\nexport RESTIC_REPOSITORY=\"/srv/restic\"\nRESTIC_PASSWORD_FILE=/etc/restic/key\n",
            &[("restic", "/srv/restic", Some("/etc/restic/key"))],
        );
        check(
            "/etc/systemd/system/backup.service",
            "[Service]\nExecStart=/usr/bin/restic -r sftp:b@nas-2:/srv --password-file=/etc/key backup /srv\n",
            &[("restic", "sftp:b@nas-2:/srv", Some("/etc/key"))],
        );
        check(
            "/etc/borgmatic/config.yaml",
            "repositories:\n    - path: ssh://u@vault/./town\n      label: vault\n",
            &[("borg", "ssh://vault/./town", None)],
        );
        check(
            "/etc/pgbackrest/pgbackrest.conf",
            "[global]\nrepo1-path=/var/lib/pgbackrest\n",
            &[("pgbackrest", "/var/lib/pgbackrest", None)],
        );
        check(
            "/etc/cron.d/dumps",
            "5 1 * * * postgres pg_dump erp | gzip > /var/backups/pg/erp-$(date +\\%F).sql.gz\n",
            &[("dump", "/var/backups/pg", None)],
        );
        check("/usr/local/bin/backup", "restic -r \"$REPO\" backup /srv\n", &[]);
    }

    #[test]
    fn a_password_in_a_settings_file_stays_there() {
        let text = "RESTIC_REPOSITORY=/srv/restic\nRESTIC_PASSWORD=hunter2\n";
        let jobs = in_file("/etc/default/restic", text);
        assert_eq!(jobs[0].environment_file.as_deref(), Some("/etc/default/restic"));
        assert!(!format!("{jobs:?}").contains("hunter2"));
        assert_eq!(in_file("/usr/local/bin/backup", text)[0].environment_file, None);
    }

    #[test]
    fn logins_in_addresses_are_left_out_and_the_server_is_named() {
        let jobs = in_file(
            "/etc/default/restic",
            "RESTIC_REPOSITORY=rest:https://me:s3cret@vault.example:8000/x\n",
        );
        assert_eq!(jobs[0].target, "rest:https://vault.example:8000/x");
        assert_eq!(jobs[0].contacts(), Some("vault.example"));
        for (target, expected) in [
            ("/srv/restic", None),
            ("sftp:b@nas-2:/srv", Some("nas-2")),
            ("s3:s3.example.com/bucket", Some("s3.example.com")),
            ("b2:bucket:path", Some("bucket")),
        ] {
            let job = Job { target: target.to_owned(), ..jobs[0].clone() };
            assert_eq!(job.contacts(), expected, "{target}");
        }
    }
}
