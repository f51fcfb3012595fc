//! Kebab-case names of components, unique across kinds.
use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The longest id that is accepted, in bytes.
pub const LONGEST_ID: usize = 64;

/// A component's name in documents: lower-case letters, digits and single
/// hyphens, beginning with a letter, at most [`LONGEST_ID`] bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Id(String);

/// Why a text is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id: {why}")]
pub struct BadId {
    /// The text, shortened for display.
    pub text: String,
    /// The rule it breaks.
    pub why: &'static str,
}

impl Id {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Turns any text into the nearest id, such as a host or unit name; `None`
    /// when nothing usable is left.
    pub fn slug(text: &str) -> Option<Self> {
        let mut slug = String::new();
        for character in text.chars().take(4 * LONGEST_ID) {
            if slug.len() >= LONGEST_ID {
                break;
            }
            if character.is_ascii_alphanumeric() {
                slug.push(character.to_ascii_lowercase());
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
        }
        let slug = slug.trim_end_matches('-');
        let slug = match slug.chars().next() {
            None => return None,
            Some(first) if first.is_ascii_digit() => format!("n-{slug}"),
            Some(_) => slug.to_owned(),
        };
        slug.get(..slug.len().min(LONGEST_ID))?.trim_end_matches('-').parse().ok()
    }
}

impl FromStr for Id {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let refuse = |why| {
            let text = text.chars().take(40).collect();
            Err(BadId { text, why })
        };
        if text.is_empty() {
            return refuse("it is empty");
        }
        if text.len() > LONGEST_ID {
            return refuse("it is longer than 64 characters");
        }
        if !text.starts_with(|first: char| first.is_ascii_lowercase()) {
            return refuse("it must begin with a lower-case letter, as in `srv-erp`");
        }
        if !text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            return refuse(
                "only lower-case letters, digits and hyphens are allowed, as in `srv-erp`",
            );
        }
        if text.ends_with('-') || text.contains("--") {
            return refuse("hyphens stand single and inside, as in `srv-erp`");
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Id {
    type Error = BadId;

    fn try_from(text: String) -> Result<Self, BadId> {
        text.parse()
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.0
    }
}

impl Borrow<str> for Id {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Id {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.0)
    }
}

impl JsonSchema for Id {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Id".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "id",
            "maxLength": LONGEST_ID,
            "pattern": "^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
        })
    }
}
