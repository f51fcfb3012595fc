//! Local file systems: proves room, writability and presence. Fooled by quotas,
//! by a volume pool that is full underneath, and by growth faster than the rhythm.
use std::collections::BTreeMap;
use std::path::Path;

use evenkeel_config::agent::CheckEntry;
use evenkeel_config::id::Id;
use evenkeel_config::problem::Problems;
use evenkeel_config::quantity::{Share, Size, Span};
use evenkeel_config::record::{Evidence, Failure, Finding, Status, Value};
use jiff::Timestamp;
use serde::Deserialize;

use super::{Check, CheckKind, FactKind, Facts, FindingKind, Look, place, settings, since};
use crate::discover::mounts::{self, Mount};
use crate::probe::host::Host;
use crate::probe::redact::plain;

/// A fact about one file system.
const fn about_mount(name: &'static str, metric: &'static str, help: &'static str) -> FactKind {
    FactKind { name, metric, help, subject: "mount", labels: &[] }
}

/// The kind.
pub(super) static KIND: CheckKind = CheckKind {
    name: "filesystem",
    about: "Local file systems: free space and inodes, unwanted read-only state, missing mounts",
    limits: "Quotas and thin pools underneath are not seen, and a disk that fills within one \
             interval is seen too late.",
    example: r#"warn = "90%"                # used share that needs attention
critical = "97%"            # used share that is grave
min_free = "1 GiB"          # less free space than this is grave, too
expect = ["/srv/backup"]    # mounts that must be there besides those of /etc/fstab
ignore = ["/mnt/scratch"]   # mounts that are not looked at
"#,
    every: Span::from_secs(5 * 60),
    deadline: Span::from_secs(30),
    stale_after_intervals: 3,
    facts: &[
        about_mount("size", "filesystem_size_bytes", "Size of the file system."),
        about_mount("free", "filesystem_free_bytes", "Space that ordinary programs can still use."),
        about_mount("used", "filesystem_used_ratio", "Share of the space that is used."),
        about_mount(
            "inodes_used",
            "filesystem_inodes_used_ratio",
            "Share of the inodes that are used.",
        ),
        about_mount("read_only", "filesystem_read_only", "Whether nothing can be written."),
        about_mount("read_only_wanted", "", "Whether it is meant to be read-only."),
        about_mount("source", "", "Device and type."),
        about_mount("missing", "filesystem_missing", "Whether an expected mount is not there."),
        about_mount("unreadable", "", "Why the room cannot be told."),
        FactKind {
            name: "unreadable_lines",
            metric: "",
            help: "Lines of the table of mounts that cannot be read.",
            subject: "",
            labels: &[],
        },
    ],
    findings: &[
        FindingKind {
            id: "filesystem_filling",
            severity: Status::Warning,
            about: "A file system is nearly full.",
            advice: "See what grows with `du -xh --max-depth 2`, and clean up or enlarge it.",
        },
        FindingKind {
            id: "filesystem_full",
            severity: Status::Critical,
            about: "A file system is full or all but full; databases and backups fail on it.",
            advice: "Free some space now, then see what grows with `du -xh --max-depth 2`.",
        },
        FindingKind {
            id: "filesystem_inodes",
            severity: Status::Critical,
            about: "A file system can hear of no more files, however much space is free.",
            advice: "Find the folder with very many small files, such as a mail queue or sessions.",
        },
        FindingKind {
            id: "filesystem_read_only",
            severity: Status::Critical,
            about: "A file system that should be writable is read-only: the kernel does so after disk errors.",
            advice: "Read the kernel's messages, check the disk and the backup before you mount it again.",
        },
        FindingKind {
            id: "filesystem_missing",
            severity: Status::Critical,
            about: "A file system that should be mounted is not; what is written there lands elsewhere.",
            advice: "Mount it, and see what was written into the empty folder meanwhile.",
        },
        FindingKind {
            id: "filesystem_unclear",
            severity: Status::Unknown,
            about: "The room or state of a file system cannot be told.",
            advice: "Look at it with `df` by hand; a hanging network mount needs its server.",
        },
    ],
    backup: None,
    build,
};

/// The check's own keys.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    /// Used share that needs attention.
    warn: Option<Share>,
    /// Used share that is grave.
    critical: Option<Share>,
    /// Free space below which it is grave.
    min_free: Option<Size>,
    /// Mounts that must be there.
    expect: Vec<String>,
    /// Mounts that are not looked at.
    ignore: Vec<String>,
    /// Recorded sizes, below the root, instead of asking the kernel.
    space_file: Option<String>,
}

/// Used shares from which a file system is filling and full.
const FILLING: f64 = 0.90;
const FULL: f64 = 0.97;

/// Less free space than this is full, unless the file system is small itself: 1 GiB.
const LEAST_FREE: Size = Size::from_bytes(1 << 30);

fn build(entry: &CheckEntry, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let settings: Settings = settings(entry, problems)?;
    let limits = settings.limits();
    if limits.filling >= limits.full {
        let what = "`warn` must lie below `critical`";
        problems.error(
            place(entry, "warn"),
            what,
            "for example `warn = \"90%\"` and `critical = \"97%\"`",
        );
        return None;
    }
    Some(Box::new(Filesystem { component: entry.component.clone(), settings }))
}

/// From where on a file system is filling and full.
#[derive(Debug, Clone, Copy)]
struct Limits {
    filling: f64,
    full: f64,
    least_free: f64,
}

impl Settings {
    fn limits(&self) -> Limits {
        Limits {
            filling: self.warn.map_or(FILLING, Share::get),
            full: self.critical.map_or(FULL, Share::get),
            least_free: self.min_free.unwrap_or(LEAST_FREE).as_bytes() as f64,
        }
    }
}

struct Filesystem {
    component: Id,
    settings: Settings,
}

/// Room on a file system.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Space {
    /// Bytes in all.
    size: u64,
    /// Bytes that ordinary programs can still use.
    free: u64,
    /// Inodes in all; 0 where there is no such number.
    inodes: u64,
    /// Inodes left.
    inodes_free: u64,
}

/// Types that hold no data of their own, or are full by nature.
const PSEUDO: [&str; 32] = [
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fuse.gvfsd-fuse",
    "fuse.lxcfs",
    "fuse.portal",
    "fusectl",
    "hugetlbfs",
    "iso9660",
    "mqueue",
    "nsfs",
    "overlay",
    "proc",
    "pstore",
    "ramfs",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "squashfs",
    "sysfs",
    "tmpfs",
    "tracefs",
    "udf",
    "erofs",
    "cpuset",
];

/// Most bytes of the tables that are read.
const LARGEST: usize = 4 << 20;

#[async_trait::async_trait]
impl Check for Filesystem {
    async fn observe(&self, look: &Look) -> Result<Facts, Failure> {
        let host = Host::new(&look.root);
        let table = host.text("/proc/self/mountinfo", LARGEST)?;
        let (mounted, unreadable) = mounts::parse(&table);
        let wanted = wanted(&host.text("/etc/fstab", LARGEST).unwrap_or_default());
        let recorded = self.recorded(&host);
        let mut facts = Facts::default();
        facts.push("unreadable_lines", "", Value::Number(unreadable as f64));
        for mount in self.own(&mounted) {
            let point = plain(&mount.point);
            facts.push(
                "source",
                &point,
                Value::Text(plain(&format!("{} ({})", mount.source, mount.kind))),
            );
            let read_only = has(&mount.options, "ro") || has(&mount.super_options, "ro");
            facts.push("read_only", &point, Value::Flag(read_only));
            facts.push(
                "read_only_wanted",
                &point,
                Value::Flag(is_read_only_wanted(mount, &wanted)),
            );
            let space = match &recorded {
                Some(recorded) => {
                    recorded.get(&mount.point).copied().ok_or("no recorded size".to_owned())
                }
                None => ask(look.root.clone(), mount.point.clone()).await,
            };
            space_facts(&point, space, &mut facts);
        }
        self.missing(&mounted, &wanted, &mut facts);
        if facts.subjects().is_empty() && unreadable == 0 {
            return Ok(Facts::not_applicable(
                "no local file system of its own: this is a container",
            ));
        }
        Ok(facts)
    }

    fn judge(&self, facts: &Facts, past: &[Evidence], now: Timestamp) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut find = |id: &str, subject: &str, what: String| {
            findings.push(KIND.finding(
                id,
                &self.component,
                subject,
                what,
                since(past, id, subject, now),
            ));
        };
        if facts.number("unreadable_lines", "").is_some_and(|lines| lines > 0.0) {
            find("filesystem_unclear", "", "part of the table of mounts cannot be read".to_owned());
        }
        for point in facts.subjects() {
            for (id, what) in judge_mount(facts, point, self.settings.limits()) {
                find(id, point, what);
            }
        }
        findings
    }
}

impl Filesystem {
    /// Mounts that hold data of this host, each file system once, at its shortest path.
    fn own<'a>(&self, mounted: &'a [Mount]) -> Vec<&'a Mount> {
        let mut by_device: BTreeMap<&str, &Mount> = BTreeMap::new();
        for mount in mounted.iter().filter(|mount| self.is_looked_at(mount)) {
            let known = by_device.entry(&mount.device).or_insert(mount);
            let is_better =
                (mount.folder != "/", mount.point.len()) < (known.folder != "/", known.point.len());
            if is_better {
                *known = mount;
            }
        }
        by_device.into_values().collect()
    }

    fn is_looked_at(&self, mount: &Mount) -> bool {
        let remote = mounts::remote(std::slice::from_ref(mount));
        !PSEUDO.contains(&mount.kind.as_str())
            && remote.is_empty()
            && !self.settings.ignore.contains(&mount.point)
            && !mount.point.starts_with("/snap/")
            && !mount.source.starts_with("/dev/loop")
    }

    fn missing(&self, mounted: &[Mount], wanted: &BTreeMap<String, bool>, facts: &mut Facts) {
        let expected = self.settings.expect.iter().chain(wanted.keys());
        let mut points: Vec<&String> =
            expected.filter(|point| !self.settings.ignore.contains(*point)).collect();
        points.sort();
        points.dedup();
        for point in points {
            let is_missing = !mounted.iter().any(|mount| mount.point == *point);
            facts.push("missing", &plain(point), Value::Flag(is_missing));
        }
    }

    fn recorded(&self, host: &Host) -> Option<BTreeMap<String, Space>> {
        let file = self.settings.space_file.as_ref()?;
        let bytes = host.read(file, LARGEST).unwrap_or_default();
        Some(serde_json::from_slice(&bytes).unwrap_or_default())
    }
}

/// Asks the kernel, off the main thread: a mount whose server is gone hangs.
async fn ask(root: std::path::PathBuf, point: String) -> Result<Space, String> {
    let path = if root == Path::new("/") {
        point.into()
    } else {
        root.join(point.trim_start_matches('/'))
    };
    let asked = tokio::task::spawn_blocking(move || rustix::fs::statvfs(&path)).await;
    match asked {
        Ok(Ok(room)) => Ok(Space {
            size: room.f_blocks.saturating_mul(room.f_frsize),
            free: room.f_bavail.saturating_mul(room.f_frsize),
            inodes: room.f_files,
            inodes_free: room.f_favail,
        }),
        Ok(Err(error)) => Err(std::io::Error::from(error).to_string()),
        Err(_) => Err("the question was given up".to_owned()),
    }
}

fn space_facts(point: &str, space: Result<Space, String>, facts: &mut Facts) {
    let space = match space {
        Ok(space) => space,
        Err(why) => {
            facts.push("unreadable", point, Value::Text(plain(&why)));
            return;
        }
    };
    if space.size == 0 {
        facts.push("unreadable", point, Value::Text("it states a size of 0".to_owned()));
        return;
    }
    let used = 1.0 - space.free.min(space.size) as f64 / space.size as f64;
    facts.push("size", point, Value::Number(space.size as f64));
    facts.push("free", point, Value::Number(space.free as f64));
    facts.push("used", point, Value::Number(used));
    if space.inodes > 0 {
        let used = 1.0 - space.inodes_free.min(space.inodes) as f64 / space.inodes as f64;
        facts.push("inodes_used", point, Value::Number(used));
    }
}

/// Mount points of `/etc/fstab` that are mounted at start, and whether read-only.
fn wanted(fstab: &str) -> BTreeMap<String, bool> {
    let lines = fstab.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_ascii_whitespace().collect();
            let [_, point, kind, options, ..] = fields.as_slice() else { return None };
            let is_mounted = point.starts_with('/')
                && !matches!(
                    *kind,
                    "swap" | "proc" | "sysfs" | "tmpfs" | "devpts" | "iso9660" | "udf,iso9660"
                )
                && !has(options, "noauto")
                && !options.contains("x-systemd.automount");
            is_mounted.then(|| (mounts::unescape(point), has(options, "ro")))
        })
        .collect()
}

/// The kernel turns a whole file system read-only after errors and leaves the
/// options of the mount as they were; whoever mounts it so changes both.
fn is_read_only_wanted(mount: &Mount, wanted: &BTreeMap<String, bool>) -> bool {
    match wanted.get(&mount.point) {
        Some(read_only) => *read_only,
        None => has(&mount.options, "ro"),
    }
}

fn has(options: &str, option: &str) -> bool {
    options.split(',').any(|word| word == option)
}

fn judge_mount(facts: &Facts, point: &str, limits: Limits) -> Vec<(&'static str, String)> {
    let number = |fact: &str| facts.number(fact, point);
    let mut found = Vec::new();
    if facts.flag("missing", point) {
        found.push(("filesystem_missing", format!("{point} is not mounted")));
        return found;
    }
    if let Some(why) = facts.text("unreadable", point) {
        found.push(("filesystem_unclear", format!("the room on {point} cannot be told: {why}")));
    }
    if facts.flag("read_only", point) && !facts.flag("read_only_wanted", point) {
        found.push(("filesystem_read_only", format!("{point} is read-only and should not be")));
    }
    if let (Some(used), Some(free), Some(size)) = (number("used"), number("free"), number("size"))
        // What is meant to be read-only is full by design.
        && !facts.flag("read_only_wanted", point)
    {
        let words = format!("{point} is {:.1} % full, {} free", used * 100.0, gigabytes(free));
        // On a small one, such as /boot, 1 GiB is never free.
        let is_tight = free < limits.least_free && size >= 10.0 * limits.least_free;
        if used >= limits.full || is_tight {
            found.push(("filesystem_full", words));
        } else if used >= limits.filling {
            found.push(("filesystem_filling", words));
        }
    }
    if let Some(used) = number("inodes_used").filter(|used| *used >= limits.full) {
        found.push((
            "filesystem_inodes",
            format!("{point} has used {:.1} % of its inodes", used * 100.0),
        ));
    }
    found
}

fn gigabytes(bytes: f64) -> String {
    format!("{:.1} GB", bytes / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{build, ids, observe};

    const GB: u64 = 1_000_000_000;

    fn root(mountinfo: &str, fstab: &str, spaces: &[(&str, [u64; 4])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for part in ["proc/self", "etc"] {
            std::fs::create_dir_all(folder.path().join(part)).unwrap();
        }
        std::fs::write(folder.path().join("proc/self/mountinfo"), mountinfo).unwrap();
        std::fs::write(folder.path().join("etc/fstab"), fstab).unwrap();
        let spaces: BTreeMap<&str, serde_json::Value> = spaces
            .iter()
            .map(|(point, [size, free, inodes, left])| {
                (*point, serde_json::json!({ "size": size, "free": free, "inodes": inodes, "inodes_free": left }))
            })
            .collect();
        std::fs::write(folder.path().join("df.json"), serde_json::to_string(&spaces).unwrap())
            .unwrap();
        folder
    }

    async fn check(mountinfo: &str, fstab: &str, spaces: &[(&str, [u64; 4])], expected: &[&str]) {
        let folder = root(mountinfo, fstab, spaces);
        let check = build(&KIND, "space_file = \"/df.json\"\nexpect = [\"/\"]").unwrap();
        let now = Timestamp::UNIX_EPOCH;
        let facts = observe(check.as_ref(), folder.path(), now).await.unwrap();
        assert_eq!(ids(&check.judge(&facts, &[], now)), expected, "{mountinfo}");
    }

    const ROOT: &str = "27 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n";
    const FINE: (&str, [u64; 4]) = ("/", [100 * GB, 50 * GB, 1000, 900]);

    #[tokio::test]
    async fn each_state_of_a_file_system_is_told() {
        check(ROOT, "", &[FINE], &[]).await;
        check(ROOT, "", &[("/", [100 * GB, 8 * GB, 1000, 900])], &["filesystem_filling"]).await;
        check(ROOT, "", &[("/", [100 * GB, 2 * GB, 1000, 900])], &["filesystem_full!"]).await;
        check(ROOT, "", &[("/", [11 * GB, GB, 1000, 900])], &["filesystem_full!"]).await;
        check(ROOT, "", &[("/", [100 * GB, 50 * GB, 1000, 1])], &["filesystem_inodes!"]).await;
        check(ROOT, "", &[], &["filesystem_unclear"]).await;
        check("", "", &[FINE], &["filesystem_missing!"]).await;
        check(&ROOT[..30], "", &[FINE], &["filesystem_missing!", "filesystem_unclear"]).await;
    }

    #[tokio::test]
    async fn a_container_without_a_disk_of_its_own_is_not_called_fine() {
        let folder = root("27 1 0:50 / / rw - overlay overlay rw\n", "", &[]);
        let check = build(&KIND, "").unwrap();
        let facts = observe(check.as_ref(), folder.path(), Timestamp::UNIX_EPOCH).await.unwrap();
        assert!(facts.not_applicable.is_some());
    }

    #[tokio::test]
    async fn read_only_after_an_error_is_told_from_read_only_by_wish() {
        let after_error = "27 1 8:1 / / rw,relatime - ext4 /dev/sda1 ro\n";
        let by_hand = "27 1 8:1 / / ro,relatime - ext4 /dev/sda1 ro\n";
        check(after_error, "", &[FINE], &["filesystem_read_only!"]).await;
        check(by_hand, "", &[FINE], &[]).await;
        check(by_hand, "UUID=1 / ext4 ro 0 1\n", &[FINE], &[]).await;
        check(by_hand, "UUID=1 / ext4 defaults 0 1\n", &[FINE], &["filesystem_read_only!"]).await;
    }

    #[tokio::test]
    async fn mounts_of_fstab_are_expected() {
        let fstab = "UUID=1 / ext4 defaults 0 1\nUUID=2 /srv/data xfs defaults 0 2\n\
            UUID=3 none swap sw 0 0\n/dev/sr0 /media/cd udf,iso9660 noauto 0 0\n";
        check(ROOT, fstab, &[FINE], &["filesystem_missing!"]).await;
    }

    #[tokio::test]
    async fn the_kernel_is_asked_on_the_host_itself() {
        let check = build(&KIND, "").unwrap();
        let facts = observe(check.as_ref(), Path::new("/"), Timestamp::UNIX_EPOCH).await.unwrap();
        // In a container everything may be an overlay, which is not looked at.
        let points = facts.subjects();
        assert!(facts.not_applicable.is_some() || !points.is_empty());
        for point in points.into_iter().filter(|point| facts.number("size", point).is_some()) {
            assert!((0.0..=1.0).contains(&facts.number("used", point).unwrap()), "{point}");
        }
    }
}
