//! A real PostgreSQL with a database, its WAL archive, and everything that backs it up.
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use super::run;

/// Programs of the version that Debian 12 ships.
pub(crate) const BIN: &str = "/usr/lib/postgresql/15/bin";

/// Rows of the table `public.invoices`.
pub(crate) const ROWS: u64 = 3000;

/// A cluster that is stopped when it goes.
pub(crate) struct Cluster {
    folder: TempDir,
}

impl Cluster {
    /// A running cluster with a filled database `erp` and an archive of its WAL.
    pub(crate) fn start() -> Self {
        Self::start_with(&[], None)
    }

    /// The same, made with further options, and with its WAL going on from a segment.
    pub(crate) fn start_with(options: &[&str], segment: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cluster = Self { folder };
        let open = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(cluster.path(""), open.clone()).unwrap();
        for name in ["archive", "socket"] {
            std::fs::create_dir(cluster.path(name)).unwrap();
            std::fs::set_permissions(cluster.path(name), open.clone()).unwrap();
        }
        let data = cluster.text("data");
        let usual = ["initdb", "-D", &data, "-U", "postgres", "-A", "trust", "--no-sync"];
        cluster.as_server(&[&usual, options].concat());
        if let Some(segment) = segment {
            cluster.as_server(&["pg_resetwal", "-D", &data, "-l", segment]);
        }
        let archive = cluster.text("archive");
        let settings = format!(
            "listen_addresses = ''\nunix_socket_directories = '{}'\nfsync = off\n\
             shared_buffers = 4MB\nmax_wal_senders = 4\nwal_level = replica\n\
             archive_mode = on\narchive_command = 'cp %p {archive}/%f'\n",
            cluster.text("socket")
        );
        std::fs::write(cluster.path("data/postgresql.auto.conf"), settings).unwrap();
        let log = cluster.text("log");
        cluster.as_server(&["pg_ctl", "-D", &data, "-l", &log, "-w", "start"]);
        cluster.sql("postgres", "create role erp login");
        cluster.sql("postgres", "create database erp owner erp");
        cluster.sql(
            "erp",
            &format!(
                "create extension pgcrypto; create schema books authorization erp;
                 create table public.invoices (id int primary key, created timestamptz, words text);
                 alter table public.invoices owner to erp; grant select on invoices to public;
                 create table books.empty (id int);
                 create function public.odd() returns text language sql as $_$
select 'x
\\! not a command
GRANT all;
' $_$;
                 insert into invoices select n, '2026-11-20 12:00+00'::timestamptz + n * interval
                 '1 second', E'\\\\! touch /tmp/x\\n\\t\\\\connect \\\\.' || md5(n::text)
                 from generate_series(1, {ROWS}) n;"
            ),
        );
        cluster
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Runs a program of PostgreSQL as a user that it accepts.
    pub(crate) fn as_server(&self, command: &[&str]) -> String {
        as_nobody(
            self.folder.path(),
            &[&[&*format!("{BIN}/{}", command[0])], &command[1..]].concat(),
        )
    }

    /// Runs a client of PostgreSQL with this cluster as its server.
    pub(crate) fn client(&self, command: &[&str]) -> String {
        let socket = self.text("socket");
        let program = format!("{BIN}/{}", command[0]);
        let fixed = ["-h", &socket, "-U", "postgres"];
        run(self.folder.path(), &program, &[&fixed, &command[1..]].concat())
    }

    pub(crate) fn sql(&self, database: &str, sql: &str) -> String {
        self.client(&["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", sql])
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.text("data");
        self.as_server(&["pg_ctl", "-D", &data, "-m", "immediate", "stop"]);
    }
}

/// Runs a program as somebody without rights, since PostgreSQL refuses root.
pub(crate) fn as_nobody(folder: &Path, command: &[&str]) -> String {
    let id = Command::new("id").arg("-u").output().unwrap().stdout;
    if id.trim_ascii() != b"0" {
        return run(folder, command[0], &command[1..]);
    }
    let fixed = ["--reuid=65534", "--regid=65534", "--clear-groups", "--"];
    run(folder, "setpriv", &[&fixed, command].concat())
}

/// Dumps of the database in every form, made once; the files are not to be changed.
pub(crate) fn dumps() -> &'static Path {
    static DUMPS: OnceLock<TempDir> = OnceLock::new();
    let folder = DUMPS.get_or_init(|| {
        let cluster = Cluster::start();
        let folder = tempfile::tempdir().unwrap();
        let to = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        for (form, name) in [
            ("plain", "erp.sql"),
            ("custom", "erp.dump"),
            ("tar", "erp.tar"),
            ("directory", "erp.dir"),
        ] {
            let (form, file) = (format!("--format={form}"), format!("--file={}", to(name)));
            cluster.client(&["pg_dump", &form, &file, "erp"]);
        }
        cluster.client(&["pg_dump", "--create", &format!("--file={}", to("create.sql")), "erp"]);
        cluster.client(&["pg_dumpall", &format!("--file={}", to("cluster.sql"))]);
        run(folder.path(), "gzip", &["-k", "erp.sql"]);
        cluster.client(&["pg_basebackup", "-c", "fast", "-D", &to("base")]);
        cluster.sql("erp", "insert into invoices values (0, '2026-11-21 09:00+00', 'later')");
        cluster.sql("erp", "select pg_switch_wal()");
        cluster.sql("erp", "insert into invoices values (-1, '2026-11-21 10:00+00', 'latest')");
        cluster.sql("erp", "select pg_switch_wal()");
        let archived = "select count(*) from pg_stat_archiver where last_archived_wal >= \
                        (select pg_walfile_name(pg_current_wal_lsn() - 1))";
        super::until("the archive", || cluster.sql("erp", archived).trim() == "1");
        run(folder.path(), "cp", &["-r", &cluster.text("archive"), "."]);
        folder
    });
    folder.path()
}
