//! Records how long real restic restores take, for scoring the law of restore times.
//!
//! `cargo run -p evenkeel-agent --example restore_times -- RUN` prints rows of
//! `run,order,kind,files,bytes,seconds`: drills as the agent makes them, a batch
//! of small files and one of large ones, and between them whole restores of sets
//! that no drill touches. RUN numbers the run and decides the sets. About a
//! minute on two idle cores, and 80 calls of restic.
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Sets that are restored whole.
const SETS: u64 = 24;
/// Drills before the first of them.
const FIRST: u64 = 3;
/// After so many sets comes another drill.
const EVERY: u64 = 4;
/// Files that are drilled: small ones, and large ones.
const SMALL: u64 = 400;
const LARGE: u64 = 12;

/// Luck that is the same whenever a run has the same number.
struct Luck(u64);

impl Luck {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Uniform in the logarithm.
    fn between(&mut self, low: f64, high: f64) -> f64 {
        let share = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        low * (high / low).powf(share)
    }
}

/// A repository, and what restores out of it take.
struct Lab {
    folder: tempfile::TempDir,
    run: u64,
    order: u64,
}

impl Lab {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of bytes that do not compress, or to three quarters.
    fn write(&self, name: &str, size: u64, compressible: bool) -> io::Result<()> {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
        let mut bytes = Vec::new();
        std::fs::File::open("/dev/urandom")?.take(size).read_to_end(&mut bytes)?;
        if compressible {
            bytes.iter_mut().for_each(|byte| *byte &= 0x3F);
        }
        std::fs::write(path, bytes)
    }

    /// Runs restic in an environment of its own; seconds.
    fn restic(&self, arguments: &[String]) -> io::Result<f64> {
        let begin = Instant::now();
        let status = Command::new("restic")
            .args(["--no-lock", "--quiet", "--cache-dir=cache", "--repo=repository"])
            .arg("--password-file=password")
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()?;
        let seconds = begin.elapsed().as_secs_f64();
        if status.success() {
            return Ok(seconds);
        }
        Err(io::Error::other(format!("restic {arguments:?} ended with {status}")))
    }

    fn backup(&self, set: &str) -> io::Result<()> {
        self.restic(&["backup".into(), format!("--tag={set}"), set.to_owned()])?;
        std::fs::remove_dir_all(self.path(set))
    }

    /// Restores a set, or files of it, with an empty cache, and prints the row.
    fn restore(&self, kind: &str, set: &str, files: &[String]) -> io::Result<()> {
        let target = self.path("target");
        let mut arguments = vec!["restore".into(), "latest".into(), "--target=target".into()];
        arguments.push(format!("--tag={set}"));
        arguments.extend(files.iter().map(|file| format!("--include=/{set}/{file}")));
        if self.path("cache").exists() {
            std::fs::remove_dir_all(self.path("cache"))?;
        }
        let seconds = self.restic(&arguments)?;
        let (count, bytes) = sum(&target)?;
        if count == 0 || (!files.is_empty() && count != files.len() as u64) {
            return Err(io::Error::other(format!("{set}: {count} files came back")));
        }
        std::fs::remove_dir_all(&target)?;
        let (run, order) = (self.run, self.order);
        writeln!(io::stdout(), "{run},{order},{kind},{count},{bytes},{seconds:.3}")
    }

    fn drill(&mut self, luck: &mut Luck) -> io::Result<()> {
        self.order += 1;
        for (kind, of, most) in [("small", SMALL, 100.0), ("large", LARGE, 4.0)] {
            let count = luck.between(most / 4.0, most) as u64;
            let from = luck.next() % of;
            let files: Vec<String> =
                (0..count).map(|k| format!("{kind}-{}", (from + k) % of)).collect();
            self.restore("drill", "drilled", &files)?;
        }
        Ok(())
    }
}

/// Files and bytes in a folder.
fn sum(folder: &Path) -> io::Result<(u64, u64)> {
    let mut sum = (0, 0);
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let more = match entry.metadata()? {
            one if one.is_dir() => self::sum(&entry.path())?,
            one => (1, one.len()),
        };
        sum = (sum.0 + more.0, sum.1 + more.1);
    }
    Ok(sum)
}

fn main() -> io::Result<()> {
    let run = std::env::args().nth(1).and_then(|word| word.parse().ok());
    let run: u64 = run.ok_or_else(|| io::Error::other("say the number of the run"))?;
    let mut luck = Luck((run + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let mut lab = Lab { folder: tempfile::tempdir()?, run, order: 0 };
    std::fs::write(lab.path("password"), "a secret")?;
    lab.restic(&["init".into()])?;
    for file in 0..SMALL {
        let size = luck.between(500.0, 60e3) as u64;
        lab.write(&format!("drilled/small-{file}"), size, file % 2 == 0)?;
    }
    for file in 0..LARGE {
        let size = luck.between(1e6, 12e6) as u64;
        lab.write(&format!("drilled/large-{file}"), size, file % 2 == 0)?;
    }
    lab.backup("drilled")?;
    for set in 0..SETS {
        let files = luck.between(1.0, 3_000.0).round().max(1.0);
        let bytes = luck.between(0.2e6, 100e6);
        for file in 0..files as u64 {
            let size = bytes / files * luck.between(0.5, 1.6);
            let name = format!("set-{set}/{:02}/{file}", file / 100);
            lab.write(&name, size as u64, set % 3 == 0)?;
        }
        lab.backup(&format!("set-{set}"))?;
    }
    for set in 0..SETS {
        let drills = if set == 0 { FIRST } else { u64::from(set % EVERY == 0) };
        for _ in 0..drills {
            lab.drill(&mut luck)?;
        }
        lab.order += 1;
        lab.restore("full", &format!("set-{set}"), &[])?;
    }
    Ok(())
}
