//! Texts with the names under which people know them: files, folders, the shipped library.
use std::path::{Path, PathBuf};

use crate::problem::{Place, Problems};

/// A document's text and its name in messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// File name as the user gave it, or a name such as `ransomware.toml`.
    pub name: String,
    /// The text.
    pub text: String,
}

/// Larger files are refused: no real document comes near it.
const LARGEST_FILE: u64 = 32 << 20;

impl Source {
    /// A text under a name.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// The whole document as a place.
    pub fn place(&self) -> Place {
        Place { file: self.name.clone(), ..Place::default() }
    }

    /// The file name without folder and ending.
    pub fn stem(&self) -> &str {
        Path::new(&self.name).file_stem().and_then(|stem| stem.to_str()).unwrap_or(&self.name)
    }
}

/// Reads one file, or every `*.toml` file directly in a folder, in order of name.
///
/// # Errors
/// Each file that is missing, too large, unreadable or not UTF-8, and a folder
/// without any such file.
pub fn read_sources(path: &Path) -> Result<Vec<Source>, Problems> {
    let mut problems = Problems::default();
    let mut sources = Vec::new();
    let files = match list(path) {
        Ok(files) => files,
        Err(what) => {
            let place = Place { file: path.display().to_string(), ..Place::default() };
            problems.error(place, what, "name a file, or a folder with files that end in `.toml`");
            return Err(problems);
        }
    };
    for file in files {
        match read(&file) {
            Ok(text) => sources.push(Source::new(file.display().to_string(), text)),
            Err(what) => {
                let place = Place { file: file.display().to_string(), ..Place::default() };
                problems.error(place, what, "");
            }
        }
    }
    if problems.is_fatal() { Err(problems) } else { Ok(sources) }
}

fn list(path: &Path) -> Result<Vec<PathBuf>, String> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path).map_err(|error| format!("cannot be listed: {error}"))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.is_file() && path.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    files.sort();
    if files.is_empty() {
        return Err("the folder holds no file that ends in `.toml`".to_owned());
    }
    Ok(files)
}

fn read(file: &Path) -> Result<String, String> {
    let about = std::fs::metadata(file).map_err(|error| format!("cannot be read: {error}"))?;
    if about.len() > LARGEST_FILE {
        return Err(format!("is larger than {} MiB", LARGEST_FILE >> 20));
    }
    let bytes = std::fs::read(file).map_err(|error| format!("cannot be read: {error}"))?;
    String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())
}
