//! Which files a drill asks for: seeded, stratified, from one pass over the list in bounded memory.
//!
//! Three things are wanted of a sample. Every file has the same chance to be in
//! it (files at risk), larger files have more (bytes at risk), and at least one
//! is large. The first comes from the files with the smallest keyed hash, the
//! second from priority sampling (Duffield, Lund and Thorup, "Priority sampling
//! for estimation of arbitrary subset sums", J. ACM 54(6), 2007): of every file
//! the priority is `size / u` with `u` uniform in (0, 1], and the highest are
//! taken; the third is the same with `size² / u`. Since `u` is a hash of seed
//! and path, the order of the list changes nothing.
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use sha2::{Digest, Sha256};

use super::Listed;

/// Most bytes of all paths of a sample, since they become arguments of a tool.
const MOST_PATH_BYTES: usize = 512 << 10;

/// What a sample may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Caps {
    /// Most files.
    pub files: usize,
    /// Most bytes.
    pub bytes: u64,
    /// A file larger than `bytes` is taken up to this size if there is no smaller one.
    pub lone_bytes: u64,
}

/// The files that a drill asks for, in two batches that are restored one after
/// the other, so that the time for a file can be told from the time for a byte.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Sample {
    /// Many small files, in order of path.
    pub small: Vec<Listed>,
    /// Few large files, in order of path.
    pub large: Vec<Listed>,
    /// Files in the list.
    pub total_files: u64,
    /// Bytes in the list.
    pub total_bytes: u64,
}

impl Sample {
    /// Files in both batches.
    pub fn files(&self) -> u64 {
        (self.small.len() + self.large.len()) as u64
    }

    /// Bytes in both batches.
    pub fn bytes(&self) -> u64 {
        self.small.iter().chain(&self.large).map(|file| file.size).sum()
    }

    /// Asks for one more file, unless it is asked for already.
    pub fn ask_for(&mut self, file: Listed) {
        if !self.iter().any(|one| one.path == file.path) {
            self.small.push(file);
            self.small.sort_by(|a, b| a.path.cmp(&b.path));
        }
    }

    /// All files, the small ones first.
    pub fn iter(&self) -> impl Iterator<Item = &Listed> {
        self.small.iter().chain(&self.large)
    }
}

/// Takes a list file by file.
#[derive(Debug)]
pub struct Sampler {
    seed: u64,
    caps: Caps,
    total_files: u64,
    total_bytes: u64,
    by_file: Lowest,
    by_byte: Lowest,
    largest: Lowest,
    smallest: Lowest,
}

impl Sampler {
    /// A sampler for one snapshot.
    pub fn new(seed: u64, caps: Caps) -> Self {
        let files = caps.files.max(1);
        Self {
            seed,
            caps,
            total_files: 0,
            total_bytes: 0,
            // More than are taken, since some will not fit the caps.
            by_file: Lowest::new(2 * files),
            by_byte: Lowest::new(files),
            largest: Lowest::new(LARGE_CANDIDATES),
            smallest: Lowest::new(1),
        }
    }

    /// Takes the next file of the list.
    pub fn add(&mut self, file: &Listed) {
        self.total_files += 1;
        self.total_bytes = self.total_bytes.saturating_add(file.size);
        let [by_file, by_byte, by_size] = self.luck(&file.path);
        let size = file.size as f64;
        self.smallest.offer(Key::of(size, by_file), file);
        if file.size > self.caps.bytes {
            return;
        }
        // The lowest are kept, so priorities are turned round.
        self.by_file.offer(Key::of(uniform(by_file), by_file), file);
        if file.size > 0 {
            self.by_byte.offer(Key::of(uniform(by_byte) / size, by_byte), file);
            if file.size <= self.caps.bytes / 2 {
                self.largest.offer(Key::of(uniform(by_size) / (size * size), by_size), file);
            }
        }
    }

    /// The sample.
    pub fn finish(self) -> Sample {
        let (total_files, total_bytes) = (self.total_files, self.total_bytes);
        let mut taken = Taken::new(self.caps);
        // A quarter of the files by their bytes, at least one of them large.
        let by_byte = (self.caps.files / 4).max(1);
        taken.fill(self.largest.in_order(), 1, self.caps.bytes / 2);
        taken.fill(self.by_byte.in_order(), by_byte, self.caps.bytes / 4 * 3);
        taken.fill(self.by_file.in_order(), self.caps.files, self.caps.bytes);
        if taken.files.is_empty()
            && let Some(file) = self.smallest.in_order().next()
            && file.size <= self.caps.lone_bytes
        {
            taken.files.insert(file.path.clone(), file);
        }
        let (small, large) = split(taken.files.into_values().collect());
        Sample { small, large, total_files, total_bytes }
    }

    /// Three independent keyed numbers of a file.
    fn luck(&self, path: &str) -> [u64; 3] {
        let mut hash = Sha256::new();
        hash.update(self.seed.to_le_bytes());
        hash.update(path.as_bytes());
        let hash = hash.finalize();
        let word = |at: usize| {
            hash.iter().skip(8 * at).take(8).fold(0, |word, byte| word << 8 | u64::from(*byte))
        };
        [word(0), word(1), word(2)]
    }
}

/// How many candidates for the large file are kept.
const LARGE_CANDIDATES: usize = 4;

/// Uniform in (0, 1], from the upper 53 bits.
fn uniform(word: u64) -> f64 {
    ((word >> 11) + 1) as f64 / (1_u64 << 53) as f64
}

/// Order of candidates: a number that is never negative, then the hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key(u64, u64);

impl Key {
    /// Numbers that are not negative compare as their bits do.
    fn of(number: f64, hash: u64) -> Self {
        Self(number.to_bits(), hash)
    }
}

/// The files with the lowest keys so far.
#[derive(Debug)]
struct Lowest {
    most: usize,
    heap: BinaryHeap<(Key, Reverse<String>, u64, Option<jiff::Timestamp>)>,
}

impl Lowest {
    fn new(most: usize) -> Self {
        Self { most, heap: BinaryHeap::new() }
    }

    fn offer(&mut self, key: Key, file: &Listed) {
        let is_full = self.heap.len() >= self.most;
        if is_full && self.heap.peek().is_some_and(|worst| worst.0 <= key) {
            return;
        }
        if is_full {
            self.heap.pop();
        }
        self.heap.push((key, Reverse(file.path.clone()), file.size, file.modified));
    }

    fn in_order(self) -> impl Iterator<Item = Listed> {
        self.heap.into_sorted_vec().into_iter().map(|(_, Reverse(path), size, modified)| Listed {
            path,
            size,
            modified,
        })
    }
}

/// What is taken so far, by path.
struct Taken {
    caps: Caps,
    files: BTreeMap<String, Listed>,
    bytes: u64,
    path_bytes: usize,
}

impl Taken {
    fn new(caps: Caps) -> Self {
        Self { caps, files: BTreeMap::new(), bytes: 0, path_bytes: 0 }
    }

    /// Takes candidates until so many files are taken in all, leaving out those
    /// that would lead above so many bytes in all.
    fn fill(&mut self, candidates: impl Iterator<Item = Listed>, files: usize, bytes: u64) {
        for file in candidates {
            if self.files.len() >= files.min(self.caps.files) {
                return;
            }
            let fits = self.bytes.saturating_add(file.size) <= bytes
                && self.path_bytes + file.path.len() <= MOST_PATH_BYTES;
            if fits && !self.files.contains_key(&file.path) {
                self.bytes += file.size;
                self.path_bytes += file.path.len();
                self.files.insert(file.path.clone(), file);
            }
        }
    }
}

/// Parts files into many small and few large ones: the largest until they hold
/// most of the bytes, but no more than a fifth of the files.
fn split(files: Vec<Listed>) -> (Vec<Listed>, Vec<Listed>) {
    let all: u64 = files.iter().map(|file| file.size).sum();
    let most = (files.len() / 5).max(1);
    let mut by_size: Vec<&Listed> = files.iter().collect();
    by_size.sort_by_key(|file| (Reverse(file.size), &file.path));
    let mut held = 0;
    let mut smallest_large = None;
    for file in by_size.into_iter().take(most) {
        if held * 5 > all * 4 {
            break;
        }
        held += file.size;
        smallest_large = Some((Reverse(file.size), file.path.clone()));
    }
    files.into_iter().partition(|file| {
        smallest_large
            .as_ref()
            .is_none_or(|last| (Reverse(file.size), &file.path) > (last.0, &last.1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPS: Caps = Caps { files: 60, bytes: 500_000_000, lone_bytes: 2_000_000_000 };

    fn file(path: &str, size: u64) -> Listed {
        Listed { path: path.to_owned(), size, modified: None }
    }

    /// 3,600 small files and 3 of 150 MB, as in a usual file share.
    fn share() -> Vec<Listed> {
        let small = (0..3600_u64).map(|n| file(&format!("/srv/{n}"), 200 + 997 * n % 300_000));
        let large = (0..3).map(|n| file(&format!("/srv/image-{n}"), 150_000_000));
        small.chain(large).collect()
    }

    fn sample(files: impl IntoIterator<Item = Listed>, seed: u64, caps: Caps) -> Sample {
        let mut sampler = Sampler::new(seed, caps);
        files.into_iter().for_each(|file| sampler.add(&file));
        sampler.finish()
    }

    #[test]
    fn a_seed_and_a_list_give_one_sample_in_any_order() {
        let first = sample(share(), 7, CAPS);
        assert_eq!(first, sample(share().into_iter().rev(), 7, CAPS));
        assert_ne!(first, sample(share(), 8, CAPS));
        assert_eq!((first.total_files, first.total_bytes), (3603, first.total_bytes));
        assert_eq!(first.files(), 60);
        assert!(first.bytes() <= CAPS.bytes);
        assert!(first.small.is_sorted_by_key(|file| file.path.clone()));
    }

    #[test]
    fn small_and_large_are_apart() {
        for seed in 0..50 {
            let sample = sample(share(), seed, CAPS);
            assert!(!sample.large.is_empty() && sample.large.len() <= 12, "{seed}");
            assert!(sample.small.len() >= 48, "{seed}");
            assert!(sample.large.iter().any(|file| file.size == 150_000_000), "{seed}");
            let largest_small = sample.small.iter().map(|file| file.size).max();
            let smallest_large = sample.large.iter().map(|file| file.size).min();
            assert!(largest_small <= smallest_large, "{seed}");
        }
    }

    #[test]
    fn every_file_has_its_chance_and_bytes_weigh() {
        let mut hits = [0_u32; 200];
        let mut heavy = 0_u32;
        let files: Vec<Listed> = (0..200_u64).map(|n| file(&format!("/{n}"), 1000)).collect();
        let caps = Caps { files: 20, ..CAPS };
        for seed in 0..1000 {
            for taken in sample(files.clone(), seed, caps).iter() {
                hits[taken.path[1..].parse::<usize>().unwrap()] += 1;
            }
            // Of 100 files one holds half of all bytes, and is no candidate for the largest.
            let mut uneven: Vec<Listed> = (0..99).map(|n| file(&format!("/{n}"), 10)).collect();
            uneven.push(file("/heavy", 990));
            let caps = Caps { files: 8, bytes: 1500, lone_bytes: 0 };
            let taken = sample(uneven, seed, caps);
            heavy += u32::from(taken.iter().any(|file| file.path == "/heavy"));
        }
        // Binomial(1000, 1/10): six standard deviations are 57.
        assert!(hits.iter().all(|hits| (43..=157).contains(hits)), "{hits:?}");
        // Each of two byte-weighted draws would take it with about one half.
        assert!(heavy > 550, "{heavy}");
    }

    #[test]
    fn caps_hold_and_corners_are_sound() {
        assert_eq!(sample([], 1, CAPS), Sample::default());
        let one = sample([file("/a", 5)], 1, CAPS);
        assert_eq!((one.small.len(), one.large.len()), (0, 1));
        let empty = sample((0..100).map(|n| file(&format!("/{n}"), 0)), 1, CAPS);
        assert_eq!((empty.files(), empty.bytes()), (60, 0));
        // A dump that is larger than the cap is taken alone, and no larger one.
        let dump = file("/dump", 1_900_000_000);
        let huge = file("/huge", 3_000_000_000);
        assert_eq!(sample([huge.clone(), dump.clone()], 1, CAPS).large, [dump]);
        assert_eq!(sample([huge], 1, CAPS).files(), 0);
        let tight = Caps { files: 5, bytes: 1000, lone_bytes: 0 };
        for seed in 0..100 {
            let sample = sample((1..50).map(|n| file(&format!("/{n}"), 30 * n)), seed, tight);
            assert!(sample.files() <= 5 && sample.bytes() <= 1000 && sample.files() > 0);
        }
    }
}
