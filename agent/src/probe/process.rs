//! Finds and ends processes: those that descend from one, and those that carry a mark.
use std::collections::HashMap;
use std::path::Path;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// Variable that marks every process of a drill with the drill's own folder.
pub const MARK: &str = "EVENKEEL_DRILL";

/// Somebody who starts processes faster than they are found is given up on.
const MOST_ROUNDS: usize = 200;

/// Every process below this one, children first; not itself.
pub fn below(parent: Pid) -> Vec<Pid> {
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    for pid in all() {
        if let Some(parent) = parent_of(pid) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = Vec::new();
    let mut open = vec![parent.as_raw_nonzero().get()];
    while let Some(pid) = open.pop() {
        for child in children.remove(&pid).unwrap_or_default() {
            open.push(child);
            found.extend(Pid::from_raw(child));
        }
    }
    found.reverse();
    found
}

/// Ends every process that carries the mark of this folder or of one below it,
/// but not ourselves. A process that changed its group or session is found, too.
/// Whether none is left.
pub fn end_marked(folder: &Path) -> bool {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    for _ in 0..MOST_ROUNDS {
        let mut found = false;
        for pid in all().filter(|pid| *pid != own) {
            if !is_marked(pid, folder) {
                continue;
            }
            let Some(pid) = Pid::from_raw(pid) else { continue };
            // The handle is taken before the second look, so that a number given
            // to somebody else in between is not hit.
            let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else { continue };
            if is_marked(pid.as_raw_nonzero().get(), folder) {
                found |= pidfd_send_signal(&handle, Signal::KILL).is_ok();
            }
        }
        if !found {
            return true;
        }
        std::thread::yield_now();
    }
    false
}

/// A process that ended shows no environment any more, so it carries no mark.
fn is_marked(pid: i32, folder: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt;
    let Ok(environment) = std::fs::read(format!("/proc/{pid}/environ")) else { return false };
    environment.split(|byte| *byte == 0).any(|entry| {
        entry
            .strip_prefix(MARK.as_bytes())
            .and_then(|rest| rest.strip_prefix(b"="))
            .is_some_and(|at| Path::new(std::ffi::OsStr::from_bytes(at)).starts_with(folder))
    })
}

fn all() -> impl Iterator<Item = i32> {
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn parent_of(pid: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in brackets and may hold anything, also brackets.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marked_end_also_in_a_session_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run-1");
        let start = |mark: &Path| {
            std::process::Command::new("setsid")
                .args(["-f", "sleep", "1000"])
                .env(MARK, mark)
                .spawn()
                .unwrap()
                .wait()
                .unwrap()
        };
        start(&run);
        let other = folder.path().join("run-10");
        start(&other);
        let marked = |at: &Path| all().filter(|pid| is_marked(*pid, at)).count();
        assert_eq!((marked(&run), marked(&other)), (1, 1));
        assert!(end_marked(&run));
        assert_eq!((marked(&run), marked(&other)), (0, 1), "another drill's process was hit");
        assert!(end_marked(folder.path()));
        assert_eq!(marked(&other), 0);
    }

    #[test]
    fn descendants_are_found() {
        let mut child = std::process::Command::new("sh")
            .args(["-c", "sleep 1000 & echo; wait"])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = [0];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut line).unwrap();
        let found = below(Pid::from_child(&child));
        assert_eq!(found.len(), 1);
        for pid in found {
            rustix::process::kill_process(pid, Signal::KILL).unwrap();
        }
        child.wait().unwrap();
    }
}
