//! File systems in `/proc/self/mountinfo`, and those of them that other hosts serve.

/// One mounted file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Where it is mounted.
    pub(crate) point: String,
    /// Device number, `major:minor`: the same for every mount of one file system.
    pub(crate) device: String,
    /// Folder of the file system that is mounted; `/` unless it is a bind mount.
    pub(crate) folder: String,
    /// Options of this mount.
    pub(crate) options: String,
    /// Type such as `ext4`.
    pub(crate) kind: String,
    /// Device or server.
    pub(crate) source: String,
    /// Options of the file system itself.
    pub(crate) super_options: String,
}

/// A file system that another host serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteMount {
    /// Where it is mounted.
    pub point: String,
    /// Type such as `nfs4`.
    pub kind: String,
    /// Name or address of the server.
    pub server: String,
}

/// Most mounts that are looked at.
const MOST_MOUNTS: usize = 4096;

/// Reads a mountinfo table, and counts the lines that cannot be read. Of
/// several mounts at one point only the last, which covers the others, is kept.
pub(crate) fn parse(mountinfo: &str) -> (Vec<Mount>, usize) {
    let mut mounts: Vec<Mount> = Vec::new();
    let mut unreadable = 0;
    for line in mountinfo.lines().take(MOST_MOUNTS) {
        let Some(mount) = mount(line) else {
            unreadable += 1;
            continue;
        };
        mounts.retain(|earlier| earlier.point != mount.point);
        mounts.push(mount);
    }
    if !mountinfo.is_empty() && !mountinfo.ends_with('\n') {
        unreadable += 1;
    }
    (mounts, unreadable)
}

fn mount(line: &str) -> Option<Mount> {
    let (left, right) = line.split_once(" - ")?;
    let left: Vec<&str> = left.split(' ').collect();
    let right: Vec<&str> = right.split(' ').collect();
    let [_, _, device, folder, point, options, ..] = left.as_slice() else { return None };
    let [kind, source, super_options, ..] = right.as_slice() else { return None };
    Some(Mount {
        point: unescape(point),
        device: (*device).to_owned(),
        folder: unescape(folder),
        options: (*options).to_owned(),
        kind: (*kind).to_owned(),
        source: unescape(source),
        super_options: (*super_options).to_owned(),
    })
}

/// The kernel writes blanks, tabs, line ends and backslashes as `\040` and so on.
pub(crate) fn unescape(text: &str) -> String {
    let mut plain = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let code = bytes.get(at + 1..at + 4).and_then(|digits| {
            std::str::from_utf8(digits).ok().and_then(|digits| u8::from_str_radix(digits, 8).ok())
        });
        match (byte, code) {
            (b'\\', Some(code)) => {
                plain.push(code);
                at += 4;
            }
            _ => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// The mounts that another host serves.
pub(crate) fn remote(mounts: &[Mount]) -> Vec<RemoteMount> {
    mounts
        .iter()
        .filter_map(|mount| {
            let server = server(&mount.kind, &mount.source)?;
            Some(RemoteMount {
                point: mount.point.clone(),
                kind: mount.kind.clone(),
                server: server.to_owned(),
            })
        })
        .collect()
}

fn server<'a>(kind: &str, source: &'a str) -> Option<&'a str> {
    let server = match kind {
        "cifs" | "smb3" => source.trim_start_matches('/').split('/').next()?,
        "nfs" | "nfs4" | "fuse.sshfs" | "fuse.glusterfs" | "glusterfs" | "ceph" => {
            let host = match source.strip_prefix('[') {
                Some(rest) => rest.split(']').next()?,
                None => source.split([':', ',']).next()?,
            };
            host.rsplit('@').next()?
        }
        _ => return None,
    };
    (!server.is_empty()).then_some(server)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro
40 27 0:44 / /srv/files rw,relatime shared:2 - nfs4 nas-2.example:/export rw,vers=4.2
41 27 0:45 / /srv/old\\040share rw,relatime - cifs //192.0.2.9/scans rw
42 27 0:46 / /home rw - fuse.sshfs backup@vault:/home rw
";

    #[test]
    fn servers_of_remote_mounts_are_found() {
        let (mounts, unreadable) = parse(TABLE);
        assert_eq!((mounts.len(), unreadable), (4, 0));
        let servers: Vec<String> = remote(&mounts).into_iter().map(|mount| mount.server).collect();
        assert_eq!(servers, ["nas-2.example", "192.0.2.9", "vault"]);
        assert_eq!(mounts[2].point, "/srv/old share");
    }

    #[test]
    fn a_table_cut_in_a_line_says_so() {
        let (_, unreadable) = parse(&TABLE[..TABLE.len() - 20]);
        assert!(unreadable > 0);
    }
}
