//! The shipped JSON Schemas are those of the types; `EVENKEEL_UPDATE=1` writes them anew.
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use evenkeel_config::schema;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas")
}

#[test]
fn shipped_schemas_are_those_of_the_types() {
    let update = std::env::var_os("EVENKEEL_UPDATE").is_some();
    for (name, schema) in schema::all() {
        let mut text = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
        text.push('\n');
        let path = folder().join(name);
        if update {
            std::fs::write(&path, &text).expect("the folder can be written");
        }
        let shipped = std::fs::read_to_string(&path).expect("the schema is shipped");
        assert!(shipped == text, "{name} has changed: run with EVENKEEL_UPDATE=1 and commit it");
    }
    let table: BTreeSet<String> =
        schema::all().iter().map(|(name, _)| (*name).to_owned()).collect();
    let entries = std::fs::read_dir(folder()).expect("the folder is there");
    let files: BTreeSet<String> = entries
        .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(files, table);
}
