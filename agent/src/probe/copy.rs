//! Copies files of this host into the room of a drill, for backups that are plain files.
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};
use std::time::Instant;

use evenkeel_config::record::{Failure, FailureKind};

use super::host::{Host, HostError};
use crate::drill::{Listed, Restored, Room, Wanted};

/// Folders are not followed deeper.
const DEEPEST: usize = 32;

/// Hands over every regular file of a file or folder. Links are left out.
///
/// # Errors
/// It cannot be read.
pub fn list(path: &str, each: &mut (dyn FnMut(Listed) + Send)) -> Result<(), Failure> {
    let host = Host::new(Path::new("/"));
    let about = host.about(path)?;
    if about.is_file {
        each(Listed { path: path.to_owned(), size: about.size, modified: Some(about.modified) });
        return Ok(());
    }
    let mut open = vec![(path.trim_end_matches('/').to_owned(), 0)];
    while let Some((folder, depth)) = open.pop() {
        for name in host.list(&folder)? {
            let path = format!("{folder}/{name}");
            let kind = std::fs::symlink_metadata(&path).map(|one| one.file_type());
            match kind {
                Ok(kind) if kind.is_dir() && depth < DEEPEST => open.push((path, depth + 1)),
                Ok(kind) if kind.is_file() => {
                    let about = host.about(&path)?;
                    let modified = Some(about.modified);
                    each(Listed { path, size: about.size, modified });
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// Copies what is wanted of a file or folder below [`Room::folder`].
///
/// # Errors
/// There is no room, or no time. What cannot be read is no error but a restore
/// that did not work.
pub async fn restore(from: &str, wanted: Wanted<'_>, room: &Room) -> Result<Restored, Failure> {
    let mut paths = Vec::new();
    match wanted {
        Wanted::Files(files) => paths.extend(files.iter().map(|file| file.path.clone())),
        Wanted::All => list(from, &mut |file| paths.push(file.path))?,
    }
    let (folder, until) = (room.folder.clone(), room.until);
    let started = Instant::now();
    let copying = tokio::task::spawn_blocking(move || {
        let host = Host::new(Path::new("/"));
        let mut said = Vec::new();
        for path in &paths {
            if let Err(why) = copy(&host, path, &folder, until)? {
                said.push(why);
            }
        }
        Ok::<_, Failure>(said)
    });
    let said: Vec<String> = copying.await.map_err(|error| Failure {
        kind: FailureKind::Internal,
        what: format!("copying broke off: {error}"),
        advice: "report this with the agent's version".to_owned(),
    })??;
    Ok(Restored {
        seconds: started.elapsed().as_secs_f64(),
        worked: said.is_empty(),
        said: said.into_iter().take(3).collect::<Vec<_>>().join("; "),
        below: PathBuf::new(),
    })
}

fn copy(
    host: &Host,
    path: &str,
    folder: &Path,
    until: Instant,
) -> Result<Result<(), String>, Failure> {
    let inside = Path::new(path.trim_start_matches('/'));
    if inside.components().any(|part| !matches!(part, Component::Normal(_))) {
        return Ok(Err(format!("{path} is no plain path")));
    }
    let to = folder.join(inside);
    if let Some(parent) = to.parent() {
        std::fs::create_dir_all(parent).map_err(|error| no_room(&error))?;
    }
    let mut source = match host.stream(path) {
        Ok(source) => source,
        Err(error @ HostError::NotFound { .. }) => return Ok(Err(error.to_string())),
        Err(error) => return Err(error.into()),
    };
    let mut target = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&to)
        .map_err(|error| no_room(&error))?;
    let mut piece = vec![0; 256 << 10];
    loop {
        if Instant::now() >= until {
            return Err(Failure {
                kind: FailureKind::Timeout,
                what: "copying was stopped at the drill's deadline".to_owned(),
                advice: "raise the drill's `deadline`".to_owned(),
            });
        }
        let count = match source.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) => return Ok(Err(format!("{path} cannot be read: {error}"))),
        };
        let read = piece.get(..count).unwrap_or_default();
        target.write_all(read).map_err(|error| no_room(&error))?;
    }
    Ok(Ok(()))
}

fn no_room(error: &std::io::Error) -> Failure {
    let kind = match error.kind() {
        std::io::ErrorKind::StorageFull => FailureKind::NoSpace,
        _ => FailureKind::PermissionDenied,
    };
    Failure {
        kind,
        what: format!("nothing can be written to the scratch folder: {error}"),
        advice: "let the agent's user write to `scratch`, and see whether its disk is full"
            .to_owned(),
    }
}
