//! Where data lives: one folder, by the XDG rules unless the user says otherwise.
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The data folder: `--data`, else `$XDG_DATA_HOME/evenkeel`, else
/// `~/.local/share/evenkeel`, else `/var/lib/evenkeel`.
pub(crate) fn data_folder(asked: Option<&Path>, xdg: Option<&str>, home: Option<&str>) -> PathBuf {
    let absolute = |text: &str| Path::new(text).is_absolute().then(|| PathBuf::from(text));
    if let Some(asked) = asked {
        return asked.to_owned();
    }
    if let Some(xdg) = xdg.and_then(absolute) {
        return xdg.join("evenkeel");
    }
    match home.and_then(absolute) {
        Some(home) => home.join(".local/share/evenkeel"),
        None => PathBuf::from("/var/lib/evenkeel"),
    }
}

/// Makes the folder, for its owner alone, if it is not there.
///
/// # Errors
/// It cannot be made; the message names it.
pub(crate) fn make(folder: &Path) -> Result<(), String> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| {
        format!(
            "cannot make the data folder {}: {error}\n  hint: choose another with --data DIR",
            folder.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_folder_follows_xdg() {
        type Case<'a> = (Option<&'a str>, Option<&'a str>, Option<&'a str>, &'a str);
        let cases: [Case<'_>; 5] = [
            (Some("/d"), Some("/x"), Some("/h"), "/d"),
            (None, Some("/x"), Some("/h"), "/x/evenkeel"),
            (None, Some("relative"), Some("/h"), "/h/.local/share/evenkeel"),
            (None, None, Some("/h"), "/h/.local/share/evenkeel"),
            (None, None, None, "/var/lib/evenkeel"),
        ];
        for (asked, xdg, home, expected) in cases {
            assert_eq!(data_folder(asked.map(Path::new), xdg, home), Path::new(expected));
        }
    }
}
