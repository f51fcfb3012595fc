//! Which program owns a socket: its systemd unit or container where known,
//! else the name of its process.
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use super::read;
use super::sockets::Socket;
use crate::probe::host::Host;

/// Most processes that are looked at, and most open files of one.
const MOST_PROCESSES: usize = 4096;
const MOST_FILES: usize = 65_536;

/// Most bytes of a file about one process.
const SMALL: usize = 1 << 16;

/// Sockets and users by the program they belong to.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    by_inode: HashMap<u64, String>,
    by_user: HashMap<u32, BTreeSet<String>>,
    /// Processes whose open files we may not see.
    pub(crate) hidden: usize,
}

impl Owners {
    /// Walks `/proc`; what may not be read is counted in `hidden`.
    pub(crate) fn read(root: &Path) -> Self {
        let host = Host::new(root);
        let mut owners = Self::default();
        let processes = read::names(&host, "/proc");
        let ids = processes.iter().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
        for id in ids.take(MOST_PROCESSES) {
            let Some(program) = program(&host, id) else { continue };
            if let Some(user) = user(&host, id) {
                owners.by_user.entry(user).or_default().insert(program.clone());
            }
            owners.files(root, id, &program);
        }
        owners
    }

    fn files(&mut self, root: &Path, id: &str, program: &str) {
        let Ok(files) = fs::read_dir(root.join(format!("proc/{id}/fd"))) else {
            self.hidden += 1;
            return;
        };
        for file in files.take(MOST_FILES).flatten() {
            let Ok(target) = fs::read_link(file.path()) else { continue };
            if let Some(inode) = target.to_str().and_then(socket_inode) {
                self.by_inode.entry(inode).or_insert_with(|| program.to_owned());
            }
        }
    }

    /// The program that owns a socket. Without the right to see its process,
    /// the only program of its user, if that user is not root.
    pub(crate) fn of(&self, socket: &Socket) -> Option<&str> {
        if let Some(program) = self.by_inode.get(&socket.inode) {
            return Some(program);
        }
        if socket.uid == 0 || socket.inode == 0 {
            return None;
        }
        let programs = self.by_user.get(&socket.uid)?;
        if programs.len() == 1 { programs.first().map(String::as_str) } else { None }
    }
}

fn socket_inode(target: &str) -> Option<u64> {
    target.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

fn user(host: &Host, id: &str) -> Option<u32> {
    let status = host.text(&format!("/proc/{id}/status"), SMALL).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// The unit, container or process name of a process.
fn program(host: &Host, id: &str) -> Option<String> {
    let cgroups = host.text(&format!("/proc/{id}/cgroup"), SMALL).unwrap_or_default();
    unit(&cgroups).or_else(|| {
        let name = host.text(&format!("/proc/{id}/comm"), SMALL).ok()?;
        let name = read::plain(&name);
        (!name.is_empty()).then_some(name)
    })
}

/// The name in a `/proc/PID/cgroup`: of the innermost service, or of a container.
fn unit(cgroups: &str) -> Option<String> {
    let path = cgroups
        .lines()
        .find_map(|line| line.strip_prefix("0::"))
        .filter(|path| *path != "/")
        .or_else(|| {
            cgroups.lines().find_map(|line| line.split_once(":name=systemd:").map(|l| l.1))
        })?;
    for part in path.rsplit('/') {
        if let Some(service) = part.strip_suffix(".service") {
            return (!service.starts_with("user@")).then(|| read::plain(service));
        }
        let container = part.strip_suffix(".scope").unwrap_or(part);
        let container = container.rsplit('-').next().unwrap_or(container);
        if container.len() == 64 && container.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Some(format!("container-{}", container.get(..12)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_unit_or_container() {
        let hash = "0123456789abcdef".repeat(4);
        let cases = [
            ("0::/system.slice/nginx.service\n", Some("nginx")),
            (
                "0::/system.slice/system-postgresql.slice/postgresql@15-main.service\n",
                Some("postgresql@15-main"),
            ),
            ("0::/user.slice/user-0.slice/user@0.service/app.slice/sync.service\n", Some("sync")),
            ("0::/user.slice/user-0.slice/user@0.service/init.scope\n", None),
            ("0::/user.slice/user-0.slice/session-3.scope\n", None),
            ("0::/\n1:name=systemd:/system.slice/cron.service\n", Some("cron")),
            ("0::/\n", None),
            ("", None),
        ];
        for (cgroups, expected) in cases {
            assert_eq!(unit(cgroups).as_deref(), expected, "{cgroups}");
        }
        let docker = format!("0::/system.slice/docker-{hash}.scope\n");
        assert_eq!(unit(&docker).as_deref(), Some("container-0123456789ab"));
    }

    #[test]
    fn without_the_right_to_look_the_only_program_of_a_user_is_meant() {
        let folder = tempfile::tempdir().unwrap();
        for (id, program, user) in
            [("10", "db", 107), ("11", "web", 33), ("12", "cron", 0), ("13", "job", 33)]
        {
            let process = folder.path().join("proc").join(id);
            fs::create_dir_all(&process).unwrap();
            fs::write(process.join("comm"), format!("{program}\n")).unwrap();
            fs::write(process.join("status"), format!("Name:\t{program}\nUid:\t{user}\t0\t0\t0\n"))
                .unwrap();
        }
        let owners = Owners::read(folder.path());
        assert_eq!(owners.hidden, 4);
        let row = |user: u32| {
            let line = format!("0: 0100007F:0050 00000000:0000 0A 0:0 0:0 0 {user} 0 99 1");
            crate::discover::sockets::parse(&format!("header\n{line}\n"))[0]
        };
        assert_eq!(owners.of(&row(107)), Some("db"));
        assert_eq!(owners.of(&row(33)), None);
        assert_eq!(owners.of(&row(0)), None);
    }
}
