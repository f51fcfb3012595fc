//! Reading JSON schemas: what fits one, what it asks for, and an example of it.
use serde_json::Value as Json;

use super::formats::Format;
use super::tree::{Node, Value};

/// The schemas of one document.
#[derive(Clone, Copy)]
pub(super) struct Schemas<'a> {
    /// The named ones.
    pub(super) defs: &'a Json,
}

impl<'a> Schemas<'a> {
    /// The schema behind a name.
    pub(super) fn resolve(&self, schema: &'a Json) -> &'a Json {
        match schema["$ref"].as_str().and_then(|name| name.strip_prefix("#/$defs/")) {
            Some(name) => &self.defs[name],
            None => schema,
        }
    }

    /// The schema behind an optional value.
    pub(super) fn only_branch(&self, schema: &'a Json) -> &'a Json {
        let Some(branches) = schema["anyOf"].as_array() else { return schema };
        let mut real = branches.iter().filter(|branch| branch["type"] != "null");
        match (real.next(), real.next()) {
            (Some(only), None) => only,
            _ => schema,
        }
    }

    /// Whether a value is of the type that a schema asks for.
    pub(super) fn fits(&self, node: &Node, schema: &'a Json) -> bool {
        let schema = self.resolve(schema);
        if let Some(branches) = schema["anyOf"].as_array() {
            return branches.iter().any(|branch| self.fits(node, branch));
        }
        let dated = matches!(schema["format"].as_str(), Some("date" | "date-time" | "when"));
        let fits = |name: &str| match (&node.value, name) {
            (Value::Text(_), "string")
            | (Value::Integer(_), "integer" | "number")
            | (Value::Float(_), "number")
            | (Value::BadNumber(_), "integer" | "number")
            | (Value::Flag(_), "boolean")
            | (Value::List(_), "array")
            | (Value::Table(_), "object") => true,
            (Value::Date(_), "string") => dated,
            _ => false,
        };
        match &schema["type"] {
            Json::String(name) => fits(name),
            Json::Array(names) => names.iter().filter_map(Json::as_str).any(fits),
            _ => choices(schema).is_none() || matches!(node.value, Value::Text(_)),
        }
    }

    /// What a schema asks for, with its article.
    pub(super) fn wanted(&self, schema: &'a Json) -> String {
        if let Some(format) = schema["format"].as_str().and_then(Format::named) {
            return format.what.to_owned();
        }
        match type_name(schema) {
            "string" => "a text",
            "integer" => "a whole number",
            "number" => "a number",
            "boolean" => "true or false",
            "array" => "a list",
            "object" => "a table",
            _ => "something else",
        }
        .to_owned()
    }

    /// A right value as it would stand in a file.
    pub(super) fn example(&self, schema: &'a Json) -> String {
        let schema = self.resolve(self.only_branch(schema));
        if let Some(format) = schema["format"].as_str().and_then(Format::named) {
            return format.example.to_owned();
        }
        if let Some(first) = schema["anyOf"].as_array().and_then(|branches| branches.first()) {
            return self.example(first);
        }
        if let Some(first) = choices(schema).and_then(|choices| choices.first().copied()) {
            return format!("\"{first}\"");
        }
        match type_name(schema) {
            "string" => "\"..\"".to_owned(),
            "integer" => "1".to_owned(),
            "number" => "0.5".to_owned(),
            "boolean" => "true".to_owned(),
            "array" => {
                let parts = match &schema["prefixItems"] {
                    Json::Array(parts) => parts.iter().map(|part| self.example(part)).collect(),
                    _ => {
                        let count = schema["minItems"].as_u64().unwrap_or(1).clamp(1, 3) as usize;
                        vec![self.example(&schema["items"]); count]
                    }
                };
                format!("[{}]", parts.join(", "))
            }
            _ => {
                let names = schema["required"].as_array().into_iter().flatten();
                let parts: Vec<String> = names
                    .filter_map(Json::as_str)
                    .map(|name| format!("{name} = {}", self.example(&schema["properties"][name])))
                    .collect();
                if parts.is_empty() {
                    "{ .. }".to_owned()
                } else {
                    format!("{{ {} }}", parts.join(", "))
                }
            }
        }
    }
}

/// The type that a schema names first, `null` aside.
pub(super) fn type_name(schema: &Json) -> &str {
    match &schema["type"] {
        Json::String(name) => name,
        Json::Array(names) => {
            names.iter().filter_map(Json::as_str).find(|name| *name != "null").unwrap_or_default()
        }
        _ => "",
    }
}

/// The words of an enumeration.
pub(super) fn choices(schema: &Json) -> Option<Vec<&str>> {
    if let Some(words) = schema["enum"].as_array() {
        return Some(words.iter().filter_map(Json::as_str).collect());
    }
    let branches = schema["oneOf"].as_array()?;
    let words = branches.iter().flat_map(|branch| match branch["const"].as_str() {
        Some(word) => vec![word],
        None => choices(branch).unwrap_or_default(),
    });
    Some(words.collect())
}

/// The least and the greatest number that a schema allows.
pub(super) fn range(schema: &Json) -> (f64, f64) {
    let highest = match schema["format"].as_str() {
        Some("uint8") => 255.0,
        Some("uint16") => 65_535.0,
        Some("uint32") => 4_294_967_295.0,
        _ => f64::MAX,
    };
    let low = schema["minimum"].as_f64().unwrap_or(f64::MIN);
    (low, schema["maximum"].as_f64().unwrap_or(highest))
}

/// What a schema says about itself, to be read in a sentence.
pub(super) fn first_sentence(schema: &Json) -> String {
    let about = schema["description"].as_str().unwrap_or("it has no default");
    let about = about.split(['.', '\n']).next().unwrap_or(about);
    let mut letters = about.chars();
    match letters.next() {
        Some(first) if !about.chars().nth(1).is_some_and(char::is_uppercase) => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => about.to_owned(),
    }
}
