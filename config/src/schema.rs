//! JSON Schemas of every document, so that editors complete and check them.
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema, schema_for};
use serde_json::{Value, json};

use crate::agent::AgentTable;
use crate::hub::HubSettings;
use crate::id::Id;
use crate::map::MapDocument;
use crate::quantity::Span;
use crate::record::{
    AnnualSummary, Comparison, DrillPlan, EvidenceSet, Exercise, Explanation, Portfolio, Promises,
    RecordedMap, ScriptReport, Structure, Summary,
};
use crate::scenario::Scenario;

/// Every document's schema with the name of the file it ships in, in order of name.
pub fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("agent.schema.json", schema_for!(AgentFile).to_value()),
        ("annual.schema.json", schema_for!(AnnualSummary).to_value()),
        ("comparison.schema.json", schema_for!(Comparison).to_value()),
        ("drill-plan.schema.json", schema_for!(DrillPlan).to_value()),
        ("evidence.schema.json", schema_for!(EvidenceSet).to_value()),
        ("exercise.schema.json", schema_for!(Exercise).to_value()),
        ("explanation.schema.json", schema_for!(Explanation).to_value()),
        ("hub.schema.json", schema_for!(HubSettings).to_value()),
        ("map.schema.json", map()),
        ("portfolio.schema.json", schema_for!(Portfolio).to_value()),
        ("promises.schema.json", schema_for!(Promises).to_value()),
        ("recorded-map.schema.json", schema_for!(RecordedMap).to_value()),
        ("scenario.schema.json", schema_for!(Scenario).to_value()),
        ("script-report.schema.json", schema_for!(ScriptReport).to_value()),
        ("structure.schema.json", schema_for!(Structure).to_value()),
        ("summary.schema.json", schema_for!(Summary).to_value()),
    ]
}

/// The map, with the pieces that a fix lays over it spelled out: the tables of
/// all kinds, none of which must be there.
fn map() -> Value {
    let mut schema = schema_for!(MapDocument).to_value();
    let mut pieces = schema["properties"].clone();
    if let Some(pieces) = pieces.as_object_mut() {
        pieces.remove("fix");
        pieces.remove("calibration");
        pieces.insert("organisation".to_owned(), json!({ "type": "object" }));
    }
    let set = &mut schema["$defs"]["Fix"]["properties"]["set"];
    set["additionalProperties"] = Value::Bool(false);
    set["properties"] = pieces;
    schema
}

/// The form of `agent.toml`, in which each kind of check has keys of its own.
struct AgentFile;

impl JsonSchema for AgentFile {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AgentSettings".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let agent = generator.subschema_for::<AgentTable>();
        let id = generator.subschema_for::<Id>();
        let span = generator.subschema_for::<Span>();
        json_schema!({
            "description": "Settings of one agent, as in `agent.toml`.",
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "agent": agent,
                "check": {
                    "description": "Checks by kind, each `[[check.KIND]]`.",
                    "type": "object",
                    "additionalProperties": {
                        "type": "array",
                        "items": {
                            "description": "The keys that every kind has; each kind has more.",
                            "type": "object",
                            "properties": {
                                "name": {
                                    "description": "Unique name; kind and component unless given.",
                                    "type": "string",
                                    "maxLength": 200,
                                },
                                "component": id,
                                "every": span,
                                "deadline": span,
                            },
                        },
                    },
                },
            },
        })
    }
}
