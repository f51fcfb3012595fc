//! What a kind of backup has to do so that it can be drilled.
use std::path::{Path, PathBuf};
use std::time::Instant;

use evenkeel_config::quantity::Rate;
use evenkeel_config::record::Failure;
use jiff::Timestamp;

use crate::probe::copy;

/// The newest snapshot of one group, which a drill brings back.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Target {
    /// Short stable name of the group; empty where there is but one.
    pub subject: String,
    /// The group in words.
    pub group: String,
    /// How the tool names the snapshot: an id, an archive, a file.
    pub snapshot: String,
    /// Start of the backup.
    pub start: Timestamp,
    /// Files in it, if known without listing.
    pub files: Option<u64>,
    /// Bytes in it, if known without listing.
    pub bytes: Option<u64>,
    /// Whether it was taken on this host, so that its source can be compared.
    pub is_of_this_host: bool,
}

/// One regular file of a snapshot, as the tool lists it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Listed {
    /// Absolute path within the snapshot. Names that are no UTF-8 are not listed.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Last change of its content, if listed.
    pub modified: Option<Timestamp>,
}

/// What is to come back.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'a> {
    /// These files, in one go.
    Files(&'a [Listed]),
    /// All of it.
    All,
}

/// Where a drill may put things, and how much of the machine it may take.
#[derive(Debug, Clone)]
pub struct Room {
    /// Empty folder for what comes back; nothing may be written anywhere else.
    pub folder: PathBuf,
    /// Empty folder for the tool's cache and temporary files.
    pub cache: PathBuf,
    /// When everything must have ended.
    pub until: Instant,
    /// Most bytes a second over the line, for tools that can keep to it.
    pub bandwidth: Option<Rate>,
}

/// What a restore came to. Whether everything asked for is there is looked up
/// in the folder, not believed.
#[derive(Debug, Clone, PartialEq)]
pub struct Restored {
    /// Seconds that the tool took.
    pub seconds: f64,
    /// Whether the tool itself said that it worked.
    pub worked: bool,
    /// What it said besides, without secrets.
    pub said: String,
    /// Folder below [`Room::folder`] under which the absolute paths of the
    /// snapshot stand, such as `/` or a tool's own prefix; relative.
    pub below: PathBuf,
}

/// What reading a part of the stored data came to.
#[derive(Debug, Clone, PartialEq)]
pub struct PartRead {
    /// Whether every byte of the part was sound.
    pub sound: bool,
    /// What the tool said, without secrets.
    pub said: String,
    /// Which part of how many, from 1.
    pub part: [u32; 2],
}

impl PartRead {
    /// Adds what was said.
    pub fn say(&mut self, words: &str) {
        if !self.said.is_empty() {
            self.said.push_str("; ");
        }
        self.said.push_str(words);
    }
}

/// What opening the restored data with its application came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    /// Whether it opened and held what it has to hold.
    pub works: bool,
    /// In words: what was found, or what is wrong.
    pub what: String,
    /// Seconds from the restored files to an application that answers.
    pub seconds: f64,
    /// The newest thing in it by its own word.
    pub data_as_of: Option<Timestamp>,
}

/// Who is just writing to a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupRuns {
    /// In words, such as `process 4711 on srv-1`.
    pub holder: String,
}

/// A kind of backup that can be drilled. What is not said otherwise is that of
/// plain files of this host: [`Target::snapshot`] is the path of a file or
/// folder, and bringing it back is copying it. No method may write to the repository,
/// lock it, or use a cache outside of [`Room::cache`].
#[async_trait::async_trait]
pub trait Drillable: Send + Sync {
    /// The newest snapshot of each group that the check looks at.
    ///
    /// # Errors
    /// The repository cannot be read, typed.
    async fn targets(&self, until: Instant) -> Result<Vec<Target>, Failure>;

    /// Whether a backup runs now: then a drill waits for its next turn.
    ///
    /// # Errors
    /// The repository cannot be read, typed.
    async fn backup_runs(&self, until: Instant) -> Result<Option<BackupRuns>, Failure>;

    /// Hands every regular file of a snapshot to `each`, without keeping the list.
    ///
    /// # Errors
    /// The list cannot be read, typed.
    async fn list(
        &self,
        target: &Target,
        room: &Room,
        each: &mut (dyn FnMut(Listed) + Send),
    ) -> Result<(), Failure> {
        let _ = room;
        copy::list(&target.snapshot, each)
    }

    /// Brings files back in one run of the tool, with an empty cache.
    ///
    /// # Errors
    /// It cannot be told whether it works: no tool, no network, no room, deadline.
    /// A tool that ran and failed is no error but [`Restored::worked`] `false`.
    async fn restore(
        &self,
        target: &Target,
        wanted: Wanted<'_>,
        room: &Room,
    ) -> Result<Restored, Failure> {
        copy::restore(&target.snapshot, wanted, room).await
    }

    /// Reads one part of the stored data; `None` if the tool has no way to.
    ///
    /// # Errors
    /// It cannot be told.
    async fn read_part(&self, part: [u32; 2], room: &Room) -> Result<Option<PartRead>, Failure> {
        let _ = (part, room);
        Ok(None)
    }

    /// Opens what was restored with its application, in a private place below
    /// the room; `None` if files are all there is.
    ///
    /// # Errors
    /// It cannot be told, as when the right version is not installed.
    async fn open(&self, restored: &Path, room: &Room) -> Result<Option<Opened>, Failure> {
        let _ = (restored, room);
        Ok(None)
    }

    /// Whether [`Drillable::open`] has an application that opens what was restored.
    fn opens_applications(&self) -> bool {
        false
    }

    /// Whether the repository is reached over a network.
    fn needs_network(&self) -> bool {
        false
    }

    /// Whether the tool keeps to [`Room::bandwidth`] when it fetches.
    fn keeps_bandwidth(&self) -> bool {
        false
    }

    /// Folders of this host that the scratch folder must not lie in: the
    /// repository, and the sources where they are known.
    fn own_folders(&self) -> Vec<PathBuf>;

    /// Version of the tool, if there is one and it was asked already.
    fn tool_version(&self) -> String {
        String::new()
    }
}
