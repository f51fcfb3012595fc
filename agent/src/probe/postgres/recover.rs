//! Starts a copied data folder with its archived WAL, and asks what is in it.
use std::path::Path;
use std::time::Instant;

use evenkeel_config::record::{Failure, FailureKind};
use jiff::Timestamp;

use super::{Cluster, Expected, Programs, dump};
use crate::drill::{Opened, Room};

/// Folders that a server wants and a copy of files alone does not bring.
const EMPTY: &[&str] = &[
    "pg_commit_ts",
    "pg_dynshmem",
    "pg_logical/mappings",
    "pg_logical/snapshots",
    "pg_notify",
    "pg_replslot",
    "pg_serial",
    "pg_snapshots",
    "pg_stat",
    "pg_stat_tmp",
    "pg_subtrans",
    "pg_tblspc",
    "pg_twophase",
    "pg_wal/archive_status",
];

/// What the old cluster said to itself, and must not say to this one.
const SETTINGS: &[&str] = &[
    "postgresql.auto.conf",
    "standby.signal",
    "recovery.signal",
    "postmaster.pid",
    "postmaster.opts",
];

/// How a data folder is brought up.
#[derive(Debug, Clone, Copy)]
pub struct Recover<'a> {
    /// Folder of PostgreSQL's programs instead of the usual ones.
    pub bin: Option<&'a Path>,
    /// Who asks, and which database.
    pub user: &'a str,
    /// The database that is asked.
    pub database: &'a str,
    /// Command that fetches a WAL segment, as PostgreSQL's `restore_command`, with
    /// `{data}` for the data folder.
    pub restore_command: &'a str,
    /// What has to be in it.
    pub expected: &'a Expected,
}

/// Brings up the data folder, which is used up by that.
///
/// # Errors
/// It cannot be told: not the right version, tablespaces, no time.
pub async fn recover(from: &Path, how: Recover<'_>, room: &Room) -> Result<Opened, Failure> {
    let failed = |what: String| Opened { works: false, what, seconds: 0.0, data_as_of: None };
    let started = Instant::now();
    let Ok(version) = std::fs::read_to_string(from.join("PG_VERSION")) else {
        return Ok(failed("no PG_VERSION came back".to_owned()));
    };
    let Some(major) = dump::major(&version) else {
        return Ok(failed("PG_VERSION names no version".to_owned()));
    };
    let tablespaces = std::fs::read_dir(from.join("pg_tblspc"));
    if tablespaces.is_ok_and(|mut list| list.next().is_some()) {
        return Err(Failure {
            kind: FailureKind::Other,
            what: "the backup has tablespaces, which a drill does not bring up".to_owned(),
            advice: "restore it by hand on another host, and record that drill".to_owned(),
        });
    }
    let programs = Programs::of(major, how.bin)?;
    let amcheck = programs.path("pg_amcheck").is_file();
    let cluster = Cluster::new(programs, how.user, room)?;
    take_over(from, &cluster)?;
    let command = how.restore_command.replace("{data}", &shell_quoted(&cluster.data));
    let mut settings = vec![
        format!("restore_command={command}"),
        "recovery_target_timeline=latest".to_owned(),
        "recovery_target_action=promote".to_owned(),
        "hot_standby=off".to_owned(),
    ];
    for (name, setting, text) in [
        ("postgresql.conf", "config_file", ""),
        ("hba", "hba_file", "local all all trust\n"),
        ("ident", "ident_file", ""),
    ] {
        settings.push(format!("{setting}={}", cluster.write(name, text)?.display()));
    }
    let work = async {
        let seconds = started.elapsed().as_secs_f64();
        let mut found =
            how.expected.ask(&cluster, how.user, how.database, Timestamp::now()).await?;
        if amcheck
            && found.works
            && let Err(said) = cluster.check_pages(how.database).await?
        {
            found.works = false;
            found.what = format!("pg_amcheck finds damage: {said}");
        }
        Ok(Opened { works: found.works, what: found.what, seconds, data_as_of: found.newest })
    };
    let ended = cluster.serve(&settings, work).await?;
    Ok(ended.unwrap_or_else(|said| failed(format!("PostgreSQL {major} does not start: {said}"))))
}

/// Moves the data into the cluster, without what the old one said to itself.
fn take_over(from: &Path, cluster: &Cluster) -> Result<(), Failure> {
    let work = || -> std::io::Result<()> {
        std::fs::remove_dir(&cluster.data)?;
        std::fs::rename(from, &cluster.data)?;
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&cluster.data, private)?;
        for name in SETTINGS {
            match std::fs::remove_file(cluster.data.join(name)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        for name in EMPTY {
            std::fs::create_dir_all(cluster.data.join(name))?;
        }
        std::fs::write(cluster.data.join("recovery.signal"), "")
    };
    work().map_err(|error| Failure {
        kind: FailureKind::PermissionDenied,
        what: format!("the restored data cannot be moved: {error}"),
        advice: "let the agent's user write to `scratch`".to_owned(),
    })?;
    cluster.own_data()
}

/// Quotes a path for a shell within a `restore_command`, where `%` means more.
pub fn shell_quoted(path: &Path) -> String {
    let path = path.to_string_lossy().replace('\'', "'\\''").replace('%', "%%");
    format!("'{path}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_ends_its_quotes() {
        assert_eq!(shell_quoted(Path::new("/a b/100%/it's")), "'/a b/100%%/it'\\''s'");
    }
}
