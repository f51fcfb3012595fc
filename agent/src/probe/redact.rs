//! Keeps secrets and control characters out of every text that is shown or stored.

/// The longest piece of a tool's words that is kept, in characters.
const LONGEST_WORDS: usize = 400;

/// Secret values that must not appear in any text.
#[derive(Clone, Default)]
pub struct Secrets(Vec<String>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Secrets({})", self.0.len())
    }
}

impl Secrets {
    /// Adds a value; blank ones are ignored.
    pub fn add(&mut self, secret: &str) {
        let secret = secret.trim();
        if !secret.is_empty() && !self.0.iter().any(|known| known == secret) {
            self.0.push(secret.to_owned());
            // The longest first, so that a secret within another leaves no rest behind.
            self.0.sort_by_key(|known| std::cmp::Reverse(known.len()));
        }
    }

    /// The text with every known secret and every `user:password@` of a URL replaced.
    pub fn hide(&self, text: &str) -> String {
        let mut text = hide_logins(text);
        for secret in &self.0 {
            text = text.replace(secret.as_str(), "***");
        }
        text
    }

    /// What a tool said, fit for one line: secrets and control characters gone,
    /// white space joined, the end kept when it is long.
    pub fn words(&self, bytes: &[u8]) -> String {
        let text = self.hide(&String::from_utf8_lossy(bytes));
        let text = plain(&text);
        let count = text.chars().count();
        if count <= LONGEST_WORDS {
            return text;
        }
        let tail: String = text.chars().skip(count - LONGEST_WORDS).collect();
        format!("... {tail}")
    }
}

/// Text without control characters and direction marks, white space joined.
pub fn plain(text: &str) -> String {
    let visible: String = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .filter(|letter| !matches!(letter, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        .collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Replaces what stands between `://` and `@` when it holds a password.
fn hide_logins(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after
            .find(|letter: char| letter == '/' || letter.is_whitespace() || letter == '"')
            .unwrap_or(after.len());
        rest = after;
        if let Some(login) = after.get(..end).and_then(|host| host.rfind('@')) {
            out.push_str("***");
            rest = after.get(login..).unwrap_or_default();
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hides_known_values_and_logins() {
        let mut secrets = Secrets::default();
        secrets.add("hunter2\n");
        secrets.add("hunter2-long");
        secrets.add("  ");
        assert_eq!(secrets.hide("password hunter2-long, hunter2."), "password ***, ***.");
        assert_eq!(
            secrets.hide("rest:https://bob:pa@ss@nas:8000/x and s3://k"),
            "rest:https://***@nas:8000/x and s3://k"
        );
        assert_eq!(format!("{secrets:?}"), "Secrets(2)");
    }

    #[test]
    fn words_are_one_short_line() {
        let secrets = Secrets::default();
        assert_eq!(secrets.words(b"a\n\tb\x1b[31m \xff"), "a b [31m \u{fffd}");
        let long = "x".repeat(3000);
        assert_eq!(secrets.words(long.as_bytes()).chars().count(), LONGEST_WORDS + 4);
        assert_eq!(plain("abc\u{202e}def"), "abcdef");
    }
}
