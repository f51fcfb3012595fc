//! The names of the agent's own metric families, declared once.

/// What every name begins with.
pub const PREFIX: &str = "evenkeel_";

/// A family of the agent's own; those of facts stand in the kinds' tables.
#[derive(Debug)]
pub struct Family {
    /// Name without [`PREFIX`].
    pub name: &'static str,
    /// Help text.
    pub help: &'static str,
    /// Labels, in the order in which values are given.
    pub labels: &'static [&'static str],
}

/// Every family of the agent's own, sorted by name.
pub const FAMILIES: &[Family] = &[
    Family {
        name: "agent_info",
        help: "Version of the agent and the name of its host on the map; always 1.",
        labels: &["version", "host"],
    },
    Family {
        name: "agent_resident_memory_bytes",
        help: "Resident memory of the agent.",
        labels: &[],
    },
    Family {
        name: "agent_start_timestamp_seconds",
        help: "When the agent started, in seconds since 1970.",
        labels: &[],
    },
    Family {
        name: "backup_state",
        help: "What holds of a group of snapshots: 1 holds, 0 fails, -1 cannot tell, \
               -2 never tested.",
        labels: &["check", "component", "group", "aspect"],
    },
    Family {
        name: "backup_state_grade",
        help: "How well that is known: 0 declared, 1 configured, 2 listed by the tool, 3 read, \
               4 proven.",
        labels: &["check", "component", "group", "aspect"],
    },
    Family {
        name: "backup_state_timestamp_seconds",
        help: "When that was last told.",
        labels: &["check", "component", "group", "aspect"],
    },
    Family {
        name: "check_duration_seconds",
        help: "How long the last run of a check took.",
        labels: &["check", "component"],
    },
    Family {
        name: "check_failure",
        help: "1 while the last run of a check came to no facts, with the typed reason.",
        labels: &["check", "component", "reason"],
    },
    Family {
        name: "check_last_facts_timestamp_seconds",
        help: "When the last run of a check that came to facts started: the age of its series.",
        labels: &["check", "component"],
    },
    Family {
        name: "check_last_run_timestamp_seconds",
        help: "When the last run of a check started, in seconds since 1970.",
        labels: &["check", "component"],
    },
    Family {
        name: "check_status",
        help: "Judgement of a check: 0 ok, 1 warning, 2 critical, 3 unknown, 4 planned work.",
        labels: &["check", "component", "kind"],
    },
    Family {
        name: "config_last_reload_successful",
        help: "1 if the configuration in use is the one last read, 0 if that one was refused.",
        labels: &[],
    },
    Family {
        name: "discovered_dependencies",
        help: "Dependencies on the recorded map.",
        labels: &[],
    },
    Family {
        name: "discovered_dependencies_dropped",
        help: "Dependencies left off the recorded map because there were too many.",
        labels: &[],
    },
    Family {
        name: "finding",
        help: "1 for each named problem that the last run of a check found.",
        labels: &["check", "component", "id", "severity"],
    },
    Family {
        name: "series_dropped",
        help: "Series left off this page because their family had too many.",
        labels: &["family"],
    },
    Family {
        name: "store_last_write_successful",
        help: "1 if all evidence so far is stored, 0 while some waits in memory.",
        labels: &[],
    },
    Family { name: "store_size_bytes", help: "Size of the evidence store on disk.", labels: &[] },
    Family {
        name: "target_vanished_last_seen_timestamp_seconds",
        help: "When a target that is gone was last seen; its other series keep their last value.",
        labels: &["check", "component", "target"],
    },
];
