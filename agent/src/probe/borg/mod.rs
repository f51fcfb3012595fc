//! Asks borg about one repository: only reads, never locks, never from a warm cache.
mod answers;
mod restore;
mod shadow;
mod words;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use evenkeel_config::record::{Failure, FailureKind};
use jiff::Timestamp;

use answers::Gathered;
pub use answers::{Archive, Change, Changes, Contents, File, archives, change, item};
pub use restore::{Ended, LAST_PATTERN, pattern_line};
pub use shadow::{OnDisk, config, in_roster, segments_in_use};
pub use words::{End, Said, classify, said};

use super::host::Host;
use super::redact::Secrets;
use super::restic::{environment, secret_file};
use super::tool::{Output, Tool};

/// One line about a file is not longer: a path has 4,096 bytes, escaped a few times that.
const LONGEST_LINE: usize = 256 << 10;

/// Folders of looks begin so; the number of our process follows.
const WORK: &str = "evenkeel-borg-";

/// Variables that would let borg answer from a cache, or run a command.
const NOT_TAKEN: &[&str] = &[
    "BORG_BASE_DIR",
    "BORG_CACHE_DIR",
    "BORG_CONFIG_DIR",
    "BORG_SECURITY_DIR",
    "BORG_REPO",
    "BORG_EXIT_CODES",
];

/// A text that no message shows.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Hidden(pub String);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("***")
    }
}

/// Where a repository is and what opens it.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// An absolute path, `ssh://user@host/path` or `user@host:path`.
    pub repository: String,
    /// File with the passphrase.
    pub passphrase_file: Option<String>,
    /// The passphrase, where somebody's own settings hold it.
    pub passphrase: Option<Hidden>,
    /// File with lines `NAME=value` for borg's environment.
    pub environment_file: Option<String>,
    /// Further variables for borg, such as `BORG_RSH`.
    pub environment: Vec<(String, String)>,
    /// The key, where it does not lie in the repository.
    pub key_file: Option<String>,
    /// Folder with keys, where the right one is to be found by the repository's id.
    pub keys_folder: Option<String>,
    /// The program, if not in the usual folders.
    pub tool: Option<PathBuf>,
}

impl Access {
    /// Whether the repository lies on this host.
    pub fn is_local(&self) -> bool {
        is_local(&self.repository)
    }
}

/// Whether a place lies on this host.
pub fn is_local(place: &str) -> bool {
    place.starts_with('/')
}

/// Where borg's own files go while we look, and what time it is.
#[derive(Debug, Clone)]
pub struct Place {
    /// Folder for a new folder of ours; the system's own for temporary files if empty.
    pub data: PathBuf,
    /// Root of the file system in whose `/proc` holders of locks are looked up.
    pub root: PathBuf,
    /// Now.
    pub now: Timestamp,
    /// How long everything may take.
    pub deadline: Duration,
}

/// A repository that can be asked until a deadline.
#[derive(Debug)]
pub struct Repository {
    tool: Tool,
    name: String,
    work: Work,
    secrets: Secrets,
    /// What its folder tells, if it lies on this host.
    on_disk: Option<OnDisk>,
    until: Instant,
    /// How long everything may take.
    whole: Duration,
}

impl Repository {
    /// Finds the program, reads the secrets, and makes the empty folder from which borg works.
    ///
    /// # Errors
    /// [`FailureKind::ToolMissing`], [`FailureKind::AuthFailed`] when a secret cannot be
    /// read, [`FailureKind::KeyMissing`] when the named key is gone, and what the folder of
    /// a repository on this host tells by itself.
    pub async fn open(access: &Access, place: &Place) -> Result<Self, Failure> {
        let whole = place.deadline;
        let until = Instant::now() + whole;
        let mut tool = Tool::find("borg", access.tool.as_deref())?;
        let (access, place) = (access.clone(), place.clone());
        // A dead network share would hold up everybody else here.
        let opening = tokio::task::spawn_blocking(move || prepare(&access, &place));
        let opened = tokio::time::timeout_at(until.into(), opening).await;
        let prepared = match opened {
            Ok(Ok(prepared)) => prepared?,
            Ok(Err(error)) => {
                return Err(Failure {
                    kind: FailureKind::Internal,
                    what: format!("the look at the repository broke off: {error}"),
                    advice: "report this as a defect".to_owned(),
                });
            }
            Err(_) => {
                return Err(Failure {
                    kind: FailureKind::Timeout,
                    what: "the repository's folder does not answer".to_owned(),
                    advice: "see whether the disk or share that it lies on is well".to_owned(),
                });
            }
        };
        for (name, value) in &prepared.environment {
            tool = tool.env(name, value);
        }
        Ok(Self {
            tool: tool.secrets(&prepared.secrets),
            name: prepared.name,
            work: prepared.work,
            secrets: prepared.secrets,
            on_disk: prepared.on_disk,
            until,
            whole,
        })
    }

    /// What the folder of the repository tells by itself; nothing for a remote one.
    pub fn on_disk(&self) -> Option<&OnDisk> {
        self.on_disk.as_ref()
    }

    /// The program's version, such as `1.2.4`.
    ///
    /// # Errors
    /// [`FailureKind::ToolVersion`] when it does not say it is borg 1.
    pub async fn version(&self) -> Result<String, Failure> {
        let output = self.tool.run(&["--version"], self.left()).await?;
        let text = String::from_utf8_lossy(&output.stdout);
        let mut words = text.split_whitespace();
        match (output.code, words.next(), words.next()) {
            (Some(0), Some("borg"), Some(version)) if version.starts_with("1.") => {
                Ok(version.chars().take(32).collect())
            }
            _ => Err(Failure {
                kind: FailureKind::ToolVersion,
                what: format!("{} does not say it is borg 1", self.tool.path().display()),
                advice: "set `tool` to the path of borg 1.2 or 1.4".to_owned(),
            }),
        }
    }

    /// Every archive, oldest first, the repository's id, and what borg said besides.
    ///
    /// # Errors
    /// As borg says it, typed.
    pub async fn archives(&self) -> Result<(Vec<Archive>, String, String), Failure> {
        let (output, said) = self.ask(&["list", "--json", "::"]).await?;
        let (archives, id) = archives(&output.stdout)?;
        Ok((archives, id, said))
    }

    /// As [`Repository::archives`], with host and end of each, for which each
    /// archive's own description is read; of those that match `glob` alone.
    ///
    /// # Errors
    /// As borg says it, typed; one damaged description spoils the whole answer.
    pub async fn described(&self, glob: Option<&str>) -> Result<Vec<Archive>, Failure> {
        let mut arguments = vec!["list", "--json", "--format", "{hostname}{end}"];
        if let Some(glob) = glob {
            arguments.extend(["--glob-archives", glob]);
        }
        arguments.push("::");
        let (output, _) = self.ask(&arguments).await?;
        Ok(archives(&output.stdout)?.0)
    }

    /// Counts what one archive holds, by its list of files.
    ///
    /// # Errors
    /// As borg says it, typed.
    pub async fn contents(&self, archive: &str) -> Result<Contents, Failure> {
        let mut contents = Contents::default();
        self.items(archive, "{size}", &mut |file| contents.add(&file)).await?;
        Ok(contents)
    }

    /// Hands each regular file of an archive to `each`.
    ///
    /// # Errors
    /// As borg says it, typed.
    pub async fn items(
        &self,
        archive: &str,
        format: &str,
        each: &mut (dyn FnMut(File) + Send),
    ) -> Result<(), Failure> {
        let name = format!("::{archive}");
        let arguments = ["list", "--json-lines", "--format", format, &name];
        self.lines(&arguments, &mut |line| {
            if let Some(file) = item(line)? {
                each(file);
            }
            Ok(())
        })
        .await
    }

    /// What changed from one archive to the next.
    ///
    /// # Errors
    /// As borg says it, typed.
    pub async fn changes(&self, before: &str, after: &str) -> Result<Changes, Failure> {
        let mut gathered = Gathered::default();
        let name = format!("::{before}");
        let arguments = ["diff", "--json-lines", &name, after];
        self.lines(&arguments, &mut |line| gathered.line(line)).await?;
        Ok(gathered.end())
    }

    async fn lines(
        &self,
        arguments: &[&str],
        each: &mut (dyn FnMut(&[u8]) -> serde_json::Result<()> + Send),
    ) -> Result<(), Failure> {
        let mut unreadable = 0_u64;
        let arguments = with_fixed(arguments);
        let mut take = |line: &[u8]| unreadable += u64::from(each(line).is_err());
        let output = self.tool.run_lines(&arguments, self.left(), LONGEST_LINE, &mut take).await?;
        self.judge(&output)?;
        if unreadable > 0 {
            return Err(Failure {
                kind: FailureKind::Unreadable,
                what: format!("{unreadable} lines of borg's answer are no JSON of the known form"),
                advice: "run `borg list --json-lines` by hand and see what it prints".to_owned(),
            });
        }
        Ok(())
    }

    async fn ask(&self, arguments: &[&str]) -> Result<(Output, String), Failure> {
        let output = self.tool.run(&with_fixed(arguments), self.left()).await?;
        let said = self.judge(&output)?;
        Ok((output, said))
    }

    /// What borg said besides its answer, or why there is none.
    fn judge(&self, output: &Output) -> Result<String, Failure> {
        let said = said(&output.stderr);
        let words = self.words(&said);
        match classify(output.code, &said) {
            End::Well | End::Warned => Ok(words),
            End::Failed(kind) => Err(self.failure(kind, output.code, &said)),
        }
    }

    /// The words of borg, fit to be shown.
    fn words(&self, said: &Said) -> String {
        let shadow = self.shadow().display().to_string();
        let text = said.words.replace(&shadow, &self.name);
        self.secrets.words(text.as_bytes())
    }

    fn failure(&self, kind: FailureKind, code: Option<i32>, said: &Said) -> Failure {
        // What somebody rewrites just now may look damaged.
        let is_at_work = self.on_disk.as_ref().and_then(OnDisk::at_work).is_some();
        let kind = match kind {
            FailureKind::CorruptStructure | FailureKind::Other if is_at_work => FailureKind::Locked,
            other => other,
        };
        let remote = self.secrets.words(said.remote.as_bytes());
        let words = [remote, self.words(said)].join(" ");
        let words = if words.trim().is_empty() { "nothing" } else { words.trim() };
        let code = code.map_or_else(|| "a signal".to_owned(), |code| format!("code {code}"));
        let meaning = words::meaning(kind);
        Failure {
            kind,
            what: format!("{meaning}: borg ended with {code} and said: {words}"),
            advice: words::advice(kind).to_owned(),
        }
    }

    fn shadow(&self) -> PathBuf {
        self.work.folder.path().join("repository")
    }

    /// Whether there is time for what would be good to know, beside what is asked.
    pub fn has_time(&self) -> bool {
        self.left() > self.whole / 2
    }

    fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }
}

/// Machine-readable words, no lock, and no waiting for others.
fn with_fixed(arguments: &[&str]) -> Vec<String> {
    let fixed = ["--log-json", "--bypass-lock", "--lock-wait", "1"];
    fixed.iter().chain(arguments).map(|&argument| argument.to_owned()).collect()
}

/// Everything for [`Repository::open`] that touches files.
struct Prepared {
    name: String,
    work: Work,
    environment: Vec<(String, String)>,
    secrets: Secrets,
    on_disk: Option<OnDisk>,
}

fn prepare(access: &Access, place: &Place) -> Result<Prepared, Failure> {
    let host = Host::new(Path::new("/"));
    let mut secrets = Secrets::default();
    let mut environment = variables(access, &host, &mut secrets)?;
    let work = work_folder(&place.data)?;
    let base = work.folder.path().join("base");
    let shadow = work.folder.path().join("repository");
    for folder in [&base, &shadow] {
        std::fs::create_dir(folder).map_err(|error| no_folder(&error))?;
    }
    let repository = if access.is_local() { &shadow } else { Path::new(&access.repository) };
    for (name, value) in [
        ("BORG_BASE_DIR", base.display().to_string()),
        ("TMPDIR", base.display().to_string()),
        ("BORG_REPO", repository.display().to_string()),
        ("BORG_EXIT_CODES", "modern".to_owned()),
        ("BORG_DISPLAY_PASSPHRASE", "no".to_owned()),
        ("BORG_RELOCATED_REPO_ACCESS_IS_OK", "yes".to_owned()),
        ("BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK", "yes".to_owned()),
        // Names of files are UTF-8, whatever the words are.
        ("LC_ALL", "C.UTF-8".to_owned()),
    ] {
        environment.push((name.to_owned(), value));
    }
    let on_disk = if access.is_local() {
        Some(shadow::make(&access.repository, &shadow, &place.root, place.now)?)
    } else {
        None
    };
    Ok(Prepared { name: access.repository.clone(), work, environment, secrets, on_disk })
}

fn variables(
    access: &Access,
    host: &Host,
    secrets: &mut Secrets,
) -> Result<Vec<(String, String)>, Failure> {
    let mut list = access.environment.clone();
    if let Some(file) = &access.environment_file {
        list.extend(environment(&secret_file(host, file)?));
    }
    list.retain(|(name, _)| !NOT_TAKEN.contains(&name.as_str()));
    if list.iter().any(|(name, _)| name == "BORG_PASSCOMMAND") {
        return Err(Failure {
            kind: FailureKind::AuthFailed,
            what: "BORG_PASSCOMMAND is set, and the agent runs no commands of others".to_owned(),
            advice: "put the passphrase into a file and name it by `passphrase_file`".to_owned(),
        });
    }
    for (name, value) in &list {
        if value.len() >= 6 && (name.contains("PASS") || name.contains("KEY_DATA")) {
            secrets.add(value);
        }
    }
    let passphrase = match (&access.passphrase_file, &access.passphrase) {
        (Some(file), _) => Some(secret_file(host, file)?),
        (None, Some(Hidden(passphrase))) => Some(passphrase.clone()),
        // Without any, borg would ask the terminal.
        (None, None) if list.iter().all(|(name, _)| name != "BORG_PASSPHRASE") => {
            Some(String::new())
        }
        (None, None) => None,
    };
    if let Some(passphrase) = passphrase {
        let passphrase = passphrase.trim_end_matches(['\n', '\r']).replace('\0', "");
        secrets.add(&passphrase);
        list.push(("BORG_PASSPHRASE".to_owned(), passphrase));
    }
    if let Some(file) = &access.key_file {
        key_is_there(host, file)?;
        list.push(("BORG_KEY_FILE".to_owned(), file.clone()));
    }
    if let Some(folder) = &access.keys_folder {
        list.push(("BORG_KEYS_DIR".to_owned(), folder.clone()));
    }
    Ok(list)
}

fn key_is_there(host: &Host, file: &str) -> Result<(), Failure> {
    use super::host::HostError;
    match host.read(file, 64 << 10) {
        Ok(_) => Ok(()),
        Err(HostError::NotFound { .. }) => Err(Failure {
            kind: FailureKind::KeyMissing,
            what: format!("the key of the repository is gone: {file} does not exist"),
            advice: words::advice(FailureKind::KeyMissing).to_owned(),
        }),
        Err(error) => Err(Failure {
            kind: FailureKind::AuthFailed,
            what: format!("the key cannot be read: {error}"),
            advice: format!("make {file} readable for the agent's user alone"),
        }),
    }
}

fn no_folder(error: &std::io::Error) -> Failure {
    Failure {
        kind: FailureKind::Internal,
        what: format!("no folder could be made for borg to work from: {error}"),
        advice: "let the agent's user write its own folder, and see whether it has room".to_owned(),
    }
}

/// A new folder that only we can read, removed when the look ends. What was killed
/// before it could do so is removed by the next one.
fn work_folder(data: &Path) -> Result<Work, Failure> {
    let prefix = format!("{WORK}{}-", std::process::id());
    let folder = if data.is_dir() { data.to_owned() } else { std::env::temp_dir() };
    shadow::sweep(&folder, WORK);
    let made = tempfile::Builder::new().prefix(&prefix).tempdir_in(folder);
    let work = made.map_err(|error| no_folder(&error))?;
    // Where folders cannot be held, none can be taken for left behind, either.
    let held = shadow::hold(work.path()).ok();
    Ok(Work { folder: work, _held: held })
}

/// The folder from which borg works, held while it is in use.
#[derive(Debug)]
struct Work {
    folder: tempfile::TempDir,
    _held: Option<std::fs::File>,
}
