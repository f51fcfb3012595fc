//! A throw-away cluster in the room of a drill: no network, no archive, nobody's rights, and
//! gone at the end whatever happened.
use std::ffi::OsString;
use std::future::Future;
use std::os::unix::fs::{DirBuilderExt, chown, lchown};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use evenkeel_config::record::{Failure, FailureKind};
use rustix::process::{Pid, Signal, kill_process};

use super::Programs;
use crate::drill::Room;
use crate::probe::process;
use crate::probe::tool::{Output, Tool, ToolError};

/// PostgreSQL refuses root; this user owns nothing.
const NOBODY: u32 = 65534;

/// The longest path of a socket that Linux takes, in bytes.
const LONGEST_SOCKET: usize = 107;

/// How often a starting server is asked.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// How long a server may take to stop.
const STOPPING: Duration = Duration::from_secs(5);

/// The folders of a cluster.
#[derive(Debug)]
pub struct Cluster {
    programs: Programs,
    base: PathBuf,
    /// Its data.
    pub data: PathBuf,
    socket: PathBuf,
    until: Instant,
    /// The user that asks.
    pub user: String,
}

impl Cluster {
    /// Folders for a cluster of this version.
    ///
    /// # Errors
    /// The room cannot be written to, or its path is too long for a socket.
    pub fn new(programs: Programs, user: &str, room: &Room) -> Result<Self, Failure> {
        let base = free_folder(&room.cache)?;
        let cluster = Self {
            programs,
            data: base.join("data"),
            socket: base.join("s"),
            base,
            until: room.until,
            user: user.to_owned(),
        };
        if cluster.socket.as_os_str().len() + "/.s.PGSQL.5432".len() > LONGEST_SOCKET {
            return Err(Failure {
                kind: FailureKind::Other,
                what: format!("the path {} is too long for a socket", cluster.socket.display()),
                advice: "set `scratch` to a folder with a shorter path".to_owned(),
            });
        }
        for folder in [&cluster.base, &cluster.data, &cluster.socket] {
            if folder != &cluster.base {
                std::fs::DirBuilder::new()
                    .mode(0o700)
                    .create(folder)
                    .map_err(|error| unwritable(&error))?;
            }
            cluster.hand_over(folder)?;
        }
        Ok(cluster)
    }

    /// Makes everything in its data the server's own.
    ///
    /// # Errors
    /// It cannot be changed.
    pub fn own_data(&self) -> Result<(), Failure> {
        let mut open = vec![self.data.clone()];
        while let Some(folder) = open.pop() {
            self.hand_over(&folder)?;
            for entry in std::fs::read_dir(&folder).map_err(|error| unwritable(&error))? {
                let entry = entry.map_err(|error| unwritable(&error))?;
                if entry.file_type().map_err(|error| unwritable(&error))?.is_dir() {
                    open.push(entry.path());
                } else if is_root() {
                    lchown(entry.path(), Some(NOBODY), Some(NOBODY))
                        .map_err(|error| unwritable(&error))?;
                }
            }
        }
        Ok(())
    }

    fn hand_over(&self, folder: &Path) -> Result<(), Failure> {
        if is_root() {
            chown(folder, Some(NOBODY), Some(NOBODY)).map_err(|error| unwritable(&error))?;
        }
        Ok(())
    }

    /// Writes a file beside its data, readable for the server.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf, Failure> {
        let path = self.base.join(name);
        std::fs::write(&path, text).map_err(|error| unwritable(&error))?;
        self.hand_over(&path)?;
        Ok(path)
    }

    /// Has the server compare its tables with its indexes.
    ///
    /// # Errors
    /// It cannot be asked.
    pub async fn check_pages(&self, database: &str) -> Result<Result<(), String>, Failure> {
        let (tool, mut arguments) = self.client("pg_amcheck", &self.user)?;
        arguments.extend(["--install-missing", "--database"].map(OsString::from));
        arguments.push(database.into());
        let output = tool.run(&arguments, self.left()).await?;
        // 2 means damage; anything else that it could not look.
        let said = String::from_utf8_lossy(&output.stdout);
        let said = said.lines().take(4).collect::<Vec<_>>().join("; ");
        Ok(if output.code == Some(2) { Err(said) } else { Ok(()) })
    }

    fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
    }

    /// Runs a program of the server's side, never as root.
    fn server_side(
        &self,
        program: &str,
        arguments: &[OsString],
    ) -> Result<(Tool, Vec<OsString>), Failure> {
        let tool = self.programs.tool(program)?;
        if !is_root() {
            return Ok((tool, arguments.to_vec()));
        }
        // Reading is left to it: the way to the room may be closed to others.
        let mut all: Vec<OsString> = [
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "--inh-caps=-all,+dac_read_search",
            "--ambient-caps=-all,+dac_read_search",
            "--bounding-set=-all,+dac_read_search",
            "--no-new-privs",
            "--",
        ]
        .map(OsString::from)
        .to_vec();
        all.push(tool.path().into());
        all.extend_from_slice(arguments);
        Ok((Tool::find("setpriv", None)?, all))
    }

    /// Makes an empty cluster.
    ///
    /// # Errors
    /// It cannot be made, which says nothing about any backup.
    pub async fn init(&self) -> Result<(), Failure> {
        let mut arguments: Vec<OsString> = vec!["-D".into(), self.data.clone().into()];
        arguments.push(format!("--username={}", self.user).into());
        let fixed =
            ["--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", "--no-instructions"];
        arguments.extend(fixed.map(OsString::from));
        let (tool, arguments) = self.server_side("initdb", &arguments)?;
        let output = tool.run(&arguments, self.left()).await?;
        if output.code == Some(0) {
            return Ok(());
        }
        Err(Failure {
            kind: FailureKind::Other,
            what: format!("no throw-away cluster can be made: {}", output.said),
            advice: "run initdb by hand as the agent's user".to_owned(),
        })
    }

    /// Starts the server, does the work once it answers, and stops it. `Ok(Err)`
    /// holds the server's last words if it ended by itself.
    ///
    /// # Errors
    /// What the work failed with; the server cannot be started.
    pub async fn serve<T>(
        &self,
        settings: &[String],
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<Result<T, String>, Failure> {
        let (tool, arguments) = self.server_side("postgres", &self.settings(settings))?;
        let server = tool.run(&arguments, self.left());
        tokio::pin!(server);
        let _ended = Ending { data: &self.data };
        let done = tokio::select! {
            ended = &mut server => return self.ended_early(ended),
            done = async { self.ready().await?; work.await } => done?,
        };
        stop(&self.data, Signal::QUIT);
        // What does not stop is killed when it is dropped.
        let _ = tokio::time::timeout(STOPPING, &mut server).await;
        Ok(Ok(done))
    }

    fn ended_early<T>(
        &self,
        ended: Result<Output, ToolError>,
    ) -> Result<Result<T, String>, Failure> {
        match ended {
            Ok(output) => Ok(Err(output.said)),
            Err(error) => Err(error.into()),
        }
    }

    fn settings(&self, more: &[String]) -> Vec<OsString> {
        let socket = self.socket.to_string_lossy().replace('"', "\"\"");
        let mut all: Vec<OsString> = vec!["-D".into(), self.data.clone().into()];
        let fixed = [
            "listen_addresses=",
            "unix_socket_permissions=0700",
            "archive_mode=off",
            "archive_command=",
            "primary_conninfo=",
            "max_wal_senders=0",
            "shared_preload_libraries=",
            "session_preload_libraries=",
            "local_preload_libraries=",
            "fsync=off",
            "full_page_writes=off",
            "synchronous_commit=off",
            "synchronous_standby_names=",
            "shared_buffers=16MB",
            "max_connections=20",
            "max_prepared_transactions=64",
            "autovacuum=off",
            "dynamic_shared_memory_type=mmap",
            "huge_pages=off",
            "ssl=off",
            "port=5432",
            "logging_collector=off",
            "log_destination=stderr",
            "log_min_messages=fatal",
            "log_min_error_statement=panic",
        ];
        let own = format!("unix_socket_directories=\"{socket}\"");
        for setting in
            fixed.into_iter().chain([own.as_str()]).chain(more.iter().map(String::as_str))
        {
            all.push("-c".into());
            all.push(setting.into());
        }
        all
    }

    /// Waits until the server answers.
    async fn ready(&self) -> Result<(), Failure> {
        loop {
            match self.ask("template1", "select 1").await? {
                Ok(_) => return Ok(()),
                Err(said) if said.contains("role \"") && said.contains("does not exist") => {
                    return Err(Failure {
                        kind: FailureKind::Other,
                        what: format!("the database that came back does not know us: {said}"),
                        advice: "set `user` to a user of that database".to_owned(),
                    });
                }
                Err(_) => {}
            }
            if Instant::now() >= self.until {
                return Err(Failure {
                    kind: FailureKind::Timeout,
                    what: "the throw-away cluster did not answer in time".to_owned(),
                    advice: "raise the drill's `deadline`".to_owned(),
                });
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    /// One of the client programs, with the way to this server.
    ///
    /// # Errors
    /// It is not installed.
    pub fn client(&self, program: &str, user: &str) -> Result<(Tool, Vec<OsString>), Failure> {
        let tool = self.programs.tool(program)?.env("PGTZ", "UTC").env("PGCONNECT_TIMEOUT", "10");
        let mut arguments: Vec<OsString> = vec!["--host".into(), self.socket.clone().into()];
        arguments.extend(["--port=5432", "--no-password", "--username"].map(OsString::from));
        arguments.push(user.into());
        Ok((tool, arguments))
    }

    /// Runs SQL of ours; the inner error is what the server said.
    ///
    /// # Errors
    /// It cannot be asked at all.
    pub async fn ask(&self, database: &str, sql: &str) -> Result<Result<String, String>, Failure> {
        self.ask_as(&self.user, database, sql).await
    }

    /// As [`Cluster::ask`], as another user.
    ///
    /// # Errors
    /// As [`Cluster::ask`].
    pub async fn ask_as(
        &self,
        user: &str,
        database: &str,
        sql: &str,
    ) -> Result<Result<String, String>, Failure> {
        let (tool, mut arguments) = self.client("psql", user)?;
        arguments.extend(["-XAtq", "-v", "ON_ERROR_STOP=1", "-d"].map(OsString::from));
        arguments.extend([database.into(), "-c".into(), sql.into()]);
        let output = tool.run(&arguments, self.left()).await?;
        if output.code == Some(0) {
            return Ok(Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()));
        }
        Ok(Err(output.said))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // What cannot be removed now is removed with the whole room.
        let _ = std::fs::remove_dir_all(&self.base);
    }
}

/// Ends what is left of a server when nobody waits for it any more.
struct Ending<'a> {
    data: &'a Path,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let Some(server) = server_of(self.data) else { return };
        // It takes its shared memory away when it is asked to stop, not when it is killed.
        stop(self.data, Signal::QUIT);
        let end = Instant::now() + Duration::from_secs(1);
        while is_running(server) && Instant::now() < end {
            std::thread::park_timeout(Duration::from_millis(5));
        }
        for pid in process::below(server) {
            let _ = kill_process(pid, Signal::KILL);
        }
        if is_running(server) {
            let _ = kill_process(server, Signal::KILL);
        }
    }
}

fn is_running(pid: Pid) -> bool {
    std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()))
        .is_ok_and(|stat| !stat.contains(") Z ") && !stat.contains(") X "))
}

fn stop(data: &Path, signal: Signal) {
    if let Some(server) = server_of(data) {
        let _ = kill_process(server, signal);
    }
}

/// The server of this folder, if it is a process that descends from ours:
/// the file could name anybody.
fn server_of(data: &Path) -> Option<Pid> {
    let text = std::fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let pid = Pid::from_raw(text.lines().next()?.trim().parse().ok()?)?;
    process::below(rustix::process::getpid()).contains(&pid).then_some(pid)
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn unwritable(error: &std::io::Error) -> Failure {
    let kind = match error.kind() {
        std::io::ErrorKind::StorageFull => FailureKind::NoSpace,
        _ => FailureKind::PermissionDenied,
    };
    Failure {
        kind,
        what: format!("the scratch folder cannot be used: {error}"),
        advice: "let the agent's user write to `scratch`, and see whether its disk is full"
            .to_owned(),
    }
}

/// A new folder below one that may hold others of its kind.
fn free_folder(base: &Path) -> Result<PathBuf, Failure> {
    for number in 0..1000 {
        let folder = base.join(format!("pg{number}"));
        match std::fs::DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(unwritable(&error)),
        }
    }
    Err(unwritable(&std::io::Error::other("it is full of clusters")))
}
