//! Every document of Evenkeel: what people write and what programs exchange.
//!
//! | Document | Written by | Read by | Type |
//! |---|---|---|---|
//! | `agent.toml` | people, `evenkeel-agent init` | agent | [`agent::AgentSettings`] |
//! | `map.toml` or a folder | people, `evenkeel-agent init` | all | [`map::DependencyMap`] |
//! | scenario | people; a library is shipped | simulator | [`scenario::Scenario`] |
//! | `hub.toml` | people | hub | [`hub::HubSettings`] |
//! | evidence | agent | simulator, dashboards | [`record::EvidenceSet`] |
//! | recorded map | agent | dashboards | [`record::RecordedMap`] |
//! | patch | people | simulator | [`map::Patch`] |
//! | comparison, promises, portfolio | simulator | people | [`record::Comparison`] and neighbours |
//! | summary | simulator | dashboards | [`record::Summary`] |
//!
//! What people write is read strictly: an unknown key is an error, and all
//! problems are reported at once with file, line, cause and hint. What programs
//! write is read leniently: unknown fields are ignored.
//!
//! [`load`] turns text into these types, [`graph`] answers what hangs on what,
//! [`library`] holds what ships, [`schema`] the JSON Schemas. Nothing here
//! reads a clock or the network.
pub mod agent;
pub mod calendar;
pub mod frequency;
pub mod fuzz;
pub mod graph;
pub mod hub;
pub mod id;
pub mod law;
pub mod library;
pub mod load;
pub mod map;
pub mod problem;
pub mod provenance;
pub mod quantity;
pub mod record;
pub mod restore_time;
pub mod rule_32110;
pub mod scenario;
pub mod schema;
