//! Loads a dump into a throw-away cluster of its own version, and asks what is in it.
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::time::Instant;

use evenkeel_config::record::{Failure, FailureKind};
use flate2::read::MultiGzDecoder;
use jiff::Timestamp;

use super::dump::{self, End, Format, HEAD, Head, Header};
use super::script::{self, Survey};
use super::{Cluster, Expected, Programs};
use crate::drill::{Opened, Room};

/// The database that a dump is loaded into, and the user without rights who owns it.
const DATABASE: &str = "restored";
const USER: &str = "restorer";

/// The user who makes the cluster; no name that a dump would use.
const SUPERUSER: &str = "evenkeel_drill";

/// How a dump is loaded.
#[derive(Debug, Clone, Copy)]
pub struct Load<'a> {
    /// Folder of PostgreSQL's programs instead of the usual ones.
    pub bin: Option<&'a Path>,
    /// Whether the dump is trusted with the rights of a superuser.
    pub superuser: bool,
    /// What has to be in it.
    pub expected: &'a Expected,
}

/// What came of loading.
pub type Loaded = Result<Opened, Failure>;

/// Loads the dump at a path: a file, or a folder of `pg_dump`.
///
/// # Errors
/// It cannot be told whether it works: not the right version, a dump that asks
/// for more rights or extensions than there are here, no time.
pub async fn load(path: &Path, how: Load<'_>, room: &Room) -> Loaded {
    let (owned, until) = (path.to_owned(), room.until);
    let looking = tokio::task::spawn_blocking(move || look(&owned, until));
    let (header, survey) = match looking.await.map_err(|error| broken_off(&error))?? {
        Ok(seen) => seen,
        Err(why) => return Ok(failed(why, 0.0)),
    };
    let Some(major) = header.major() else {
        return Err(cannot_tell(
            FailureKind::ToolVersion,
            "the dump does not say which version of PostgreSQL it is of".to_owned(),
            "make dumps with pg_dump of a supported version",
        ));
    };
    let programs = Programs::of(major, how.bin)?;
    let started = Instant::now();
    let survey = match header.format.is_script() {
        true => survey,
        false => asked_for(&programs, path, room).await?,
    };
    let cluster = Cluster::new(programs, SUPERUSER, room)?;
    cluster.init().await?;
    let user = if how.superuser { SUPERUSER } else { USER };
    let work = async {
        prepare(&cluster, &survey).await?;
        let ended = if header.format.is_script() {
            by_psql(&cluster, path, &header, &survey, user, room).await?
        } else {
            by_restore(&cluster, path, user, room).await?
        };
        let seconds = started.elapsed().as_secs_f64();
        if let Err(said) = ended {
            return match more_than_there_is(&said) {
                Some(failure) => Err(failure),
                None => Ok(failed(format!("it cannot be loaded: {said}"), seconds)),
            };
        }
        let found = how.expected.ask(&cluster, user, DATABASE, Timestamp::now()).await?;
        Ok(Opened { works: found.works, what: found.what, seconds, data_as_of: found.newest })
    };
    cluster.serve(&[], work).await?.map_err(|said| {
        cannot_tell(
            FailureKind::Other,
            format!("the throw-away cluster ended: {said}"),
            "run the drill again, and see whether memory or disk are short",
        )
    })
}

fn failed(what: String, seconds: f64) -> Opened {
    Opened { works: false, what, seconds, data_as_of: None }
}

fn cannot_tell(kind: FailureKind, what: String, advice: &str) -> Failure {
    Failure { kind, what, advice: advice.to_owned() }
}

fn broken_off(error: &tokio::task::JoinError) -> Failure {
    let what = format!("reading the dump broke off: {error}");
    cannot_tell(FailureKind::Internal, what, "report this with the agent's version")
}

fn unreadable(error: &io::Error) -> Failure {
    let what = format!("the restored dump cannot be read: {error}");
    cannot_tell(FailureKind::Unreadable, what, "check the disk of the scratch folder")
}

/// What can be told by reading: header and survey, or why it cannot be whole.
fn look(path: &Path, until: Instant) -> Result<Result<(Header, Survey), String>, Failure> {
    let is_folder = path.is_dir();
    let file = if is_folder { path.join("toc.dat") } else { path.to_owned() };
    let open = || std::fs::File::open(&file).map_err(|error| unreadable(&error));
    let mut bytes = Vec::new();
    let limit = u64::try_from(HEAD).unwrap_or(u64::MAX);
    open()?.take(limit).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    let header = match dump::head(&bytes) {
        Head::Dump(header) => header,
        Head::Short => return Ok(Err("it breaks off at once".to_owned())),
        Head::Broken(why) => return Ok(Err(why.to_owned())),
        Head::Unknown(why) => {
            let what = format!("the dump cannot be loaded: it is {why}");
            let advice = "write dumps plain, by gzip, or in a format of pg_dump's own";
            return Err(cannot_tell(FailureKind::Unreadable, what, advice));
        }
    };
    if header.format == Format::Cluster {
        let what = "a dump of pg_dumpall holds a whole cluster, which a drill does not load";
        let advice = "dump each database by pg_dump besides, and drill those";
        return Err(cannot_tell(FailureKind::Other, what.to_owned(), advice));
    }
    if !header.format.is_script() {
        return Ok(Ok((header, Survey::default())));
    }
    match dump::end(open()?, &header, until).map_err(|error| unreadable(&error))? {
        End::Whole => {}
        End::Cut(why) => return Ok(Err(why)),
        End::Late => {
            let what = "there was no time to read the dump to its end".to_owned();
            return Err(cannot_tell(FailureKind::Timeout, what, "raise the drill's `deadline`"));
        }
    }
    let reader = reader(open()?, header.gzip);
    let survey = script::survey(reader).map_err(|error| unreadable(&error))?;
    if let Some(command) = &survey.refused {
        let what = format!("it holds the command `{command}` of psql, which no dump has: refused");
        return Ok(Err(what));
    }
    if survey.connects > 1 {
        let what = "the dump changes its database more than once".to_owned();
        return Err(cannot_tell(FailureKind::Other, what, "dump each database by itself"));
    }
    Ok(Ok((header, survey)))
}

fn reader(file: std::fs::File, gzip: bool) -> Box<dyn BufRead + Send> {
    let file = BufReader::with_capacity(256 << 10, file);
    if gzip {
        Box::new(BufReader::with_capacity(256 << 10, MultiGzDecoder::new(file)))
    } else {
        Box::new(file)
    }
}

/// Encoding and extensions that an archive asks for.
async fn asked_for(programs: &Programs, path: &Path, room: &Room) -> Result<Survey, Failure> {
    let mut survey = Survey::default();
    let mut each = |line: &[u8]| {
        if let Some(name) = line.strip_prefix(b"CREATE EXTENSION IF NOT EXISTS ") {
            survey.extensions.insert(script::extension(&String::from_utf8_lossy(name)));
        } else if let Some(name) = line.strip_prefix(b"SET client_encoding = ") {
            let name = String::from_utf8_lossy(name);
            let name = name.trim_matches(|letter: char| !letter.is_alphanumeric());
            survey.encoding.get_or_insert_with(|| name.to_owned());
        }
    };
    let arguments = ["--section=pre-data".as_ref(), "--file=-".as_ref(), path.as_os_str()];
    let tool = programs.tool("pg_restore")?;
    // What is wrong with it shows when it is loaded.
    tool.run_lines(&arguments, left(room), 16 << 20, &mut each).await?;
    Ok(survey)
}

fn left(room: &Room) -> std::time::Duration {
    let left = room.until.saturating_duration_since(Instant::now());
    left.max(std::time::Duration::from_millis(1))
}

/// A user without rights, a database of its own, and the extensions that only a
/// superuser may make.
async fn prepare(cluster: &Cluster, survey: &Survey) -> Result<(), Failure> {
    let own = |said: String| {
        let what = format!("the throw-away cluster cannot be prepared: {said}");
        cannot_tell(FailureKind::Other, what, "report this with the agent's version")
    };
    let encoding: String = survey.encoding.as_deref().unwrap_or("UTF8").to_owned();
    let encoding: String =
        encoding.chars().filter(|it| it.is_ascii_alphanumeric() || "_-".contains(*it)).collect();
    let role = format!("create role {USER} login createrole nosuperuser");
    cluster.ask("postgres", &role).await?.map_err(own)?;
    let database = format!(
        "create database {DATABASE} owner {USER} template template0 encoding '{encoding}' \
         lc_collate 'C' lc_ctype 'C'"
    );
    cluster.ask("postgres", &database).await?.map_err(own)?;
    let listing = "select name from pg_available_extension_versions where not trusted";
    let untrusted = cluster.ask("postgres", listing).await?.map_err(own)?;
    let untrusted: BTreeSet<&str> = untrusted.lines().collect();
    for name in survey.extensions.iter().filter(|name| untrusted.contains(name.as_str())) {
        let create = format!("create extension if not exists \"{name}\" cascade");
        cluster.ask(DATABASE, &create).await?.map_err(own)?;
    }
    Ok(())
}

/// SQL through `psql`, with commands forbidden by psql itself.
async fn by_psql(
    cluster: &Cluster,
    path: &Path,
    header: &Header,
    survey: &Survey,
    user: &str,
    room: &Room,
) -> Result<Result<(), String>, Failure> {
    let (tool, mut arguments) = cluster.client("psql", user)?;
    let fixed = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction"];
    arguments.extend(fixed.map(OsString::from));
    arguments.extend([format!("--dbname={DATABASE}"), "--file=-".to_owned()].map(OsString::from));
    arguments.push("--output=/dev/null".into());
    let file = std::fs::File::open(path).map_err(|error| unreadable(&error))?;
    let (sender, input) = tokio::sync::mpsc::channel(8);
    let (gzip, survey) = (header.gzip, survey.clone());
    let first = format!("\\restrict {}\n", key()?);
    let feeding = tokio::task::spawn_blocking(move || {
        let mut send = |piece: Vec<u8>| sender.blocking_send(piece).is_ok();
        if !send(first.into_bytes()) {
            return Ok(());
        }
        script::pass(reader(file, gzip), &survey, false, &mut send)
    });
    let output = tool.run_fed(&arguments, left(room), input).await?;
    let fed = feeding.await.map_err(|error| broken_off(&error))?;
    if output.code != Some(0) {
        return Ok(Err(output.said));
    }
    Ok(fed.map_err(|error| format!("it cannot be read to its end: {error}")))
}

/// What nobody guesses: with it alone would psql take commands again.
fn key() -> Result<String, Failure> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| {
        let what = format!("the system gives no random bytes: {error}");
        cannot_tell(FailureKind::Internal, what, "restart the host")
    })?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// An archive through `pg_restore`.
async fn by_restore(
    cluster: &Cluster,
    path: &Path,
    user: &str,
    room: &Room,
) -> Result<Result<(), String>, Failure> {
    let (tool, mut arguments) = cluster.client("pg_restore", user)?;
    let fixed = [
        "--exit-on-error",
        "--no-owner",
        "--no-privileges",
        "--no-comments",
        "--no-publications",
        "--no-subscriptions",
        "--no-security-labels",
        "--no-tablespaces",
    ];
    arguments.extend(fixed.map(OsString::from));
    arguments.push(format!("--dbname={DATABASE}").into());
    arguments.push(path.into());
    let output = tool.run(&arguments, left(room)).await?;
    Ok(if output.code == Some(0) { Ok(()) } else { Err(output.said) })
}

/// Errors that tell of this host and not of the dump.
fn more_than_there_is(said: &str) -> Option<Failure> {
    let says = |words: &str| said.contains(words);
    if says("invalid command \\restrict") {
        return Some(cannot_tell(
            FailureKind::ToolVersion,
            "the psql of this host cannot forbid its commands, so a dump could run programs"
                .to_owned(),
            "update PostgreSQL's client to its latest minor release",
        ));
    }
    if says("permission denied") || says("must be superuser") || says("must be owner of") {
        return Some(cannot_tell(
            FailureKind::PermissionDenied,
            format!("the dump asks for the rights of a superuser: {said}"),
            "set `superuser = true` if you trust whoever can write the dump",
        ));
    }
    let is_extension = says("extension") && (says("is not available") || says("control file"));
    if is_extension || says("could not access file \"$libdir") {
        return Some(cannot_tell(
            FailureKind::ToolVersion,
            format!("the dump asks for what is not installed here: {said}"),
            "install the extension for that version of PostgreSQL on this host",
        ));
    }
    if says("role \"") && says("does not exist") {
        return Some(cannot_tell(
            FailureKind::Other,
            format!("the dump names users that are not in it: {said}"),
            "dump the roles too (pg_dumpall --roles-only); a restore needs them",
        ));
    }
    let is_full = says("No space left") || says("could not extend file");
    is_full.then(|| {
        let what = format!("there is no room for the database: {said}");
        cannot_tell(FailureKind::NoSpace, what, "raise the drill's `quota`, or make room")
    })
}
