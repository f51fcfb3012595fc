//! What every kind of backup has in common: its keys, its facts, its findings,
//! and what holds of it.
pub mod canary;
mod drilled;
mod judgement;
mod keys;
mod observe;
mod plausible;
mod sight;
mod states;

use evenkeel_config::record::Status;

use crate::checks::{FactKind, FindingKind};

pub(crate) use drilled::Drilled;
pub use judgement::judge;
pub use keys::{Keys, On, Prove};
pub(crate) use observe::observe;
pub use sight::{
    GroupSight, LockSeen, LocksSeen, MOST_GROUPS, NamesSight, Sight, SnapshotSight, subject,
};
pub use states::states;

const fn repository_fact(name: &'static str, metric: &'static str, help: &'static str) -> FactKind {
    FactKind { name, metric, help, subject: "", labels: &[] }
}

const fn group_fact(name: &'static str, metric: &'static str, help: &'static str) -> FactKind {
    FactKind { name, metric, help, subject: "group", labels: &[] }
}

/// Facts that every kind of backup can come to.
pub const FACTS: &[FactKind] = &[
    repository_fact("version", "", "Version of the tool."),
    repository_fact("repository_id", "", "Id of the repository, made with it."),
    repository_fact("snapshots", "backup_snapshots", "Snapshots that could be read."),
    repository_fact(
        "unreadable_snapshots",
        "backup_unreadable_snapshots",
        "Snapshots that are stored and cannot be read.",
    ),
    repository_fact("locks", "backup_locks", "Locks, held or left behind."),
    repository_fact(
        "oldest_lock",
        "backup_oldest_lock_timestamp_seconds",
        "Last renewal of the worst lock.",
    ),
    repository_fact("lock_exclusive", "", "Whether the worst lock keeps everybody out."),
    repository_fact("lock_holder", "", "Who holds the worst lock."),
    repository_fact("lock_dead", "", "Whether the holder is a process of this host that ended."),
    repository_fact("lock_alive", "", "Whether the holder is a process of this host that runs."),
    repository_fact("said", "", "What the tool said besides its answer."),
    repository_fact("stored_size", "backup_stored_bytes", "Bytes that all snapshots take."),
    repository_fact("groups_left_out", "", "Groups beyond the number that is looked at."),
    repository_fact(
        "canary_kept",
        "backup_canary_kept",
        "1 while the canary in the source is ours and fresh.",
    ),
    repository_fact("canary_changed", "", "Whether somebody changed the canary."),
    repository_fact("canary_why", "", "Why the canary could not be kept."),
    repository_fact("append_only", "", "Whether the settings of the repository refuse deletion."),
    group_fact("group", "", "Host, paths and tags of the group."),
    group_fact(
        "newest",
        "backup_newest_snapshot_timestamp_seconds",
        "Start of the newest snapshot of the group.",
    ),
    group_fact(
        "newest_end",
        "backup_newest_snapshot_end_timestamp_seconds",
        "End of the newest snapshot of the group.",
    ),
    group_fact("group_snapshots", "backup_group_snapshots", "Snapshots in the group."),
    group_fact("files", "backup_newest_snapshot_files", "Files in the newest snapshot."),
    group_fact("bytes", "backup_newest_snapshot_bytes", "Bytes in the newest snapshot."),
    group_fact("changed", "", "Files that are new or changed in the newest snapshot."),
    group_fact("removed", "", "Files that are gone since the snapshot before."),
    group_fact(
        "added_bytes",
        "backup_newest_snapshot_added_bytes",
        "Bytes of the newest snapshot that were new to the repository.",
    ),
    group_fact("removed_bytes", "", "Bytes that are gone since the snapshot before."),
    group_fact("rewritten_bytes", "", "Bytes that came into files that stayed."),
    group_fact("replaced_bytes", "", "Bytes that went out of files that stayed."),
    group_fact("complete", "", "Whether the newest snapshot holds all it was to hold."),
    group_fact("incomplete_why", "", "What is missing in the newest snapshot."),
    group_fact("size_unknown", "", "Whether the newest snapshot could not be counted in time."),
    group_fact("readable", "", "Whether the newest snapshot's list of files could be read."),
    group_fact(
        "changed_share",
        "backup_newest_snapshot_changed_ratio",
        "Share of files in the newest snapshot that are new or changed.",
    ),
    group_fact("changed_share_usual", "", "Median of that share in the snapshots before."),
    group_fact("changed_share_most", "", "The most of it that is usual."),
    group_fact("removed_share", "", "Share of files that are gone since the snapshot before."),
    group_fact("removed_share_usual", "", "Median of that share in the snapshots before."),
    group_fact("removed_share_most", "", "The most of it that is usual."),
    group_fact("added_share", "", "Share of bytes that were new to the repository."),
    group_fact("added_share_usual", "", "Median of that share in the snapshots before."),
    group_fact("added_share_most", "", "The most of it that is usual."),
    group_fact("rewritten_share", "", "Share of bytes that came into files that stayed."),
    group_fact("rewritten_share_usual", "", "Median of that share in the snapshots before."),
    group_fact("rewritten_share_most", "", "The most of it that is usual."),
    group_fact("came", "", "Files of new names in the newest snapshot."),
    group_fact("came_ending", "", "The ending that most of them have."),
    group_fact("came_alike", "", "How many have it."),
    group_fact("went_alike", "", "How many of the files that went had it."),
    group_fact("accepted", "", "Up to when somebody accepted what is there as usual."),
];

/// Findings that every kind of backup can come to.
pub const FINDINGS: &[FindingKind] = &[
    FindingKind {
        id: "backup_none",
        severity: Status::Critical,
        about: "There is no snapshot of what the check asks for.",
        advice: "Run the backup job, and compare what it writes with the check's keys.",
    },
    FindingKind {
        id: "backup_groups_left_out",
        severity: Status::Unknown,
        about: "There are more groups of snapshots than are looked at one by one.",
        advice: "Let several checks look at parts of it, by host, paths or tags.",
    },
    FindingKind {
        id: "backup_stale",
        severity: Status::Warning,
        about: "A group got no snapshot when one was due; critical after three missed ones.",
        advice: "Look at the log of that backup job; forget the group if it is retired.",
    },
    FindingKind {
        id: "backup_future",
        severity: Status::Warning,
        about: "The newest snapshot carries a time in the future, so its age cannot be told.",
        advice: "Set the clock of the machine that makes the backup.",
    },
    FindingKind {
        id: "backup_empty",
        severity: Status::Critical,
        about: "The newest snapshot holds no data.",
        advice: "See whether the source is mounted, then run the backup again.",
    },
    FindingKind {
        id: "backup_incomplete",
        severity: Status::Critical,
        about: "The newest snapshot does not hold all that it was to hold.",
        advice: "Look at the log of the backup job for what it could not read.",
    },
    FindingKind {
        id: "backup_size_unknown",
        severity: Status::Unknown,
        about: "The newest snapshot could not be counted, so nobody knows whether it is complete.",
        advice: "Raise the check's `deadline`; newer versions of most tools count while they work.",
    },
    FindingKind {
        id: "backup_collapsed",
        severity: Status::Critical,
        about: "The newest snapshot has less than half the usual bytes or files.",
        advice: "Compare it with the one before: a missing mount leaves this trace.",
    },
    FindingKind {
        id: "backup_grown",
        severity: Status::Warning,
        about: "The newest snapshot has more than three times the usual bytes or files.",
        advice: "Compare it with the one before: a tree may be mounted twice.",
    },
    FindingKind {
        id: "backup_churn",
        severity: Status::Warning,
        about: "Far more of the source changed than usual, as when somebody encrypts it.",
        advice: "Look at the source now; keep the older snapshots until the reason is known, \
                 then run `evenkeel-agent accept`.",
    },
    FindingKind {
        id: "backup_encrypted",
        severity: Status::Critical,
        about: "The source changed at large and in the way that encryption changes it.",
        advice: "Look at the source at once; stop retention from removing the older snapshots. If \
                 all is well, run `evenkeel-agent accept`.",
    },
    FindingKind {
        id: "backup_unreadable",
        severity: Status::Critical,
        about: "Stored snapshots, or the list of files of the newest one, cannot be read.",
        advice: "Copy the repository aside, then let the tool check the copy.",
    },
    FindingKind {
        id: "backup_history_lost",
        severity: Status::Critical,
        about: "The newest snapshot seen before is gone and none took its place, which retention \
                never does.",
        advice: "Find out who removed it; protect the repository against deletion.",
    },
    FindingKind {
        id: "backup_history_shrank",
        severity: Status::Warning,
        about: "Less than half the usual number of snapshots is left.",
        advice: "Compare with the retention rules; an attacker begins with the backups.",
    },
    FindingKind {
        id: "backup_replaced",
        severity: Status::Critical,
        about: "The repository has another id than before: it was made anew or swapped.",
        advice: "Find the old repository; if the change was meant, configure the check anew.",
    },
    FindingKind {
        id: "backup_lock_stale",
        severity: Status::Warning,
        about: "A lock was left behind; critical if it keeps the next backup out.",
        advice: "When the tool runs nowhere, let it remove the lock.",
    },
    FindingKind {
        id: "backup_complained",
        severity: Status::Warning,
        about: "The tool ended well and complained all the same.",
        advice: "Run its command that lists snapshots by hand and read what it says.",
    },
    FindingKind {
        id: "canary_changed",
        severity: Status::Critical,
        about: "Somebody changed the canary in the source, as encryption does.",
        advice: "Look at the source at once; remove the canary when all is well, and it comes anew.",
    },
    FindingKind {
        id: "canary_not_kept",
        severity: Status::Warning,
        about: "The canary cannot be written, so the age of restored data cannot be told by it.",
        advice: "Let the agent's user write the file that `canary` names.",
    },
    FindingKind {
        id: "backup_only_said",
        severity: Status::Unknown,
        about: "All that is known is what a job or a script said, and nobody has restored from it.",
        advice: "Restore something from it by hand, and record that with `evenkeel-agent drill \
                 --by-hand`.",
    },
    FindingKind {
        id: "never_drilled",
        severity: Status::Warning,
        about: "Nobody has ever restored from this backup as a test.",
        advice: "Run `evenkeel-agent drill` for it; what that cannot drill, restore by hand and note \
                 it with `--by-hand`.",
    },
    FindingKind {
        id: "drill_failed",
        severity: Status::Critical,
        about: "The last restore drill did not work.",
        advice: "Mend what failed and drill again: until then count on nothing from this backup.",
    },
    FindingKind {
        id: "drill_doubtful",
        severity: Status::Warning,
        about: "The last restore drill worked, and some files that came back are not sound.",
        advice: "Open those files at their source: if they are broken there too, nothing is lost by \
                 the backup.",
    },
    FindingKind {
        id: "drill_old",
        severity: Status::Warning,
        about: "The last restore drill was more than a year ago.",
        advice: "Run `evenkeel-agent drill` for it.",
    },
    FindingKind {
        id: "backup_deletable",
        severity: Status::Warning,
        about: "Deleting the agent's own canary beside the backups was allowed; critical if they \
                are said to be immutable.",
        advice: "Have the storage refuse deletion: object lock, an append-only server, or a \
                 copy that another machine fetches. Then run `evenkeel-agent prove-immutable`.",
    },
    FindingKind {
        id: "immutable_unproven",
        severity: Status::Warning,
        about: "Nobody has tried lately whether the backups can be deleted, though the check asks \
                for it.",
        advice: "Run `evenkeel-agent prove-immutable` for it, from a timer every few weeks.",
    },
];
