//! The map as people write it: one table per kind, every key known.
use std::collections::BTreeMap;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::calibration::Calibration;
use super::component::{Alternative, Common, Component, MaintenanceWindow, Organisation};
use super::details::{
    Backup, Copy, Dataset, Details, Dns, Fleet, Function, Hardware, Leave, Link, LossStep, Medium,
    Objectives, PathStep, Person, Power, Sharing, Spare, Team, Vendor, Workaround,
};
use super::fix::Fix;
use super::kind::Kind;
use super::need::Need;
use super::reliability::CommonCause;
use super::step::RecoveryStep;
use crate::calendar::{Deadline, Hours, WrittenDate};
use crate::frequency::Frequency;
use crate::id::Id;
use crate::law::Law;
use crate::provenance::Provenance;
use crate::quantity::{Rate, Share, Size, Span};

/// An id or a list of ids.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OneOrMany {
    /// One id.
    One(Id),
    /// Several ids.
    Many(Vec<Id>),
}

impl From<OneOrMany> for Vec<Id> {
    fn from(ids: OneOrMany) -> Self {
        match ids {
            OneOrMany::One(id) => vec![id],
            OneOrMany::Many(ids) => ids,
        }
    }
}

/// Declares one table of the document: the keys that every kind has, the keys
/// of this kind, and how the latter become [`Details`].
macro_rules! entry {
    (
        $(#[$about:meta])*
        $entry:ident { $( $(#[$doc:meta])* $field:ident : $type:ty ),* $(,)? } => $details:expr
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct $entry {
            /// Name on pages; the id with spaces unless given.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub name: Option<String>,
            /// A few words shown under the name.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub summary: Option<String>,
            /// The site where it stands.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub site: Option<Id>,
            /// The power that feeds it.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub power: Option<Id>,
            /// What it runs on.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub runs_on: Option<OneOrMany>,
            /// What it is stored on.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub stored_on: Option<OneOrMany>,
            /// The login whose holder can destroy it.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub credential_domain: Option<String>,
            /// Free labels that scenarios can reach.
            #[serde(skip_serializing_if = "Vec::is_empty")]
            pub tags: Vec<String>,
            /// Who answers for it.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub owner: Option<Id>,
            /// Where its runbook is.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub runbook: Option<String>,
            /// When the entry was last reviewed.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schemars(with = "Option<WrittenDate>")]
            pub reviewed: Option<Date>,
            /// What it needs to run.
            #[serde(skip_serializing_if = "Vec::is_empty")]
            pub needs: Vec<Need>,
            /// What must be up or at hand before its recovery can start.
            #[serde(skip_serializing_if = "Vec::is_empty")]
            pub recover_needs: Vec<Need>,
            /// Steps that bring it back when it is lost.
            #[serde(skip_serializing_if = "Vec::is_empty")]
            pub recover: Vec<RecoveryStep>,
            /// Steps that bring it back when it is down but whole.
            #[serde(skip_serializing_if = "Vec::is_empty")]
            pub repair: Vec<RecoveryStep>,
            /// Steps that clear it when it is suspect.
            #[serde(skip_serializing_if = "Vec::is_empty")]
            pub clear: Vec<RecoveryStep>,
            /// A fail-over, tried before recovery.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub failover: Option<Alternative>,
            /// Start-up time once everything it needs is back.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub start: Option<Law>,
            /// Share of time in which it works, by itself: 0.999.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub availability: Option<Share>,
            /// Mean time between failures, of its own.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub mtbf: Option<Span>,
            /// Mean time to repair.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub mttr: Option<Span>,
            /// How often it fails by itself, for the annual view.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub fails: Option<Frequency>,
            /// What fails it together with others, beyond what the map shows.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub common_cause: Option<CommonCause>,
            /// Planned work.
            #[serde(skip_serializing_if = "Vec::is_empty")]
            pub maintenance: Vec<MaintenanceWindow>,
            /// Purchase date.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schemars(with = "Option<WrittenDate>")]
            pub bought: Option<Date>,
            /// End of warranty or contract.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schemars(with = "Option<WrittenDate>")]
            pub warranty_until: Option<Date>,
            /// End of support by its maker.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schemars(with = "Option<WrittenDate>")]
            pub support_until: Option<Date>,
            /// The day it lapses.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schemars(with = "Option<WrittenDate>")]
            pub expires: Option<Date>,
            /// Free text; never simulated.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub notes: Option<String>,
            $( $(#[$doc])* pub $field: $type, )*
        }

        impl $entry {
            fn resolve(self, id: &Id, kind: Kind) -> Component {
                let common = Common {
                    name: self.name,
                    summary: self.summary,
                    site: self.site,
                    power: self.power,
                    runs_on: self.runs_on.map(Vec::from).unwrap_or_default(),
                    stored_on: self.stored_on.map(Vec::from).unwrap_or_default(),
                    credential_domain: self.credential_domain,
                    tags: self.tags,
                    owner: self.owner,
                    runbook: self.runbook,
                    reviewed: self.reviewed,
                    needs: self.needs,
                    recover_needs: self.recover_needs,
                    recover: self.recover,
                    repair: self.repair,
                    clear: self.clear,
                    failover: self.failover,
                    start: self.start,
                    availability: self.availability,
                    mtbf: self.mtbf,
                    mttr: self.mttr,
                    fails: self.fails,
                    common_cause: self.common_cause,
                    maintenance: self.maintenance,
                    bought: self.bought,
                    warranty_until: self.warranty_until,
                    support_until: self.support_until,
                    expires: self.expires,
                    notes: self.notes,
                };
                $( let $field = self.$field; )*
                let details = $details;
                Component { id: id.clone(), kind, common, details, provenance: Provenance::Declared }
            }
        }
    };
}

entry! {
    /// A component with the common keys alone.
    PlainEntry {} => Details::Plain
}

entry! {
    /// A business function.
    FunctionEntry {
        /// RTO, RPO, MTD.
        objectives: Objectives,
        /// Lives hang on it.
        life_safety: bool,
        /// Capacity from which it counts as usable.
        #[serde(skip_serializing_if = "Option::is_none")]
        minimum: Option<Share>,
        /// Loss in steps.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        loss: Vec<LossStep>,
        /// A date that must be met.
        #[serde(skip_serializing_if = "Option::is_none")]
        deadline: Option<Deadline>,
        /// Sum lost when it is down at the deadline.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 0.0))]
        deadline_loss: Option<f64>,
        /// How many people feel it.
        #[serde(skip_serializing_if = "Option::is_none")]
        people_affected: Option<u32>,
        /// Hours in which it is wanted.
        #[serde(skip_serializing_if = "Option::is_none")]
        demand: Option<Hours>,
        /// Speed of clearing the backlog, as a share of normal work.
        #[serde(skip_serializing_if = "Option::is_none")]
        catch_up: Option<Share>,
        /// The work, step by step.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        path: Vec<PathStep>,
        /// The stopgap.
        #[serde(skip_serializing_if = "Option::is_none")]
        workaround: Option<Workaround>,
    } => Details::Function(Function {
        objectives, life_safety, minimum, loss, deadline, deadline_loss, people_affected, demand,
        catch_up, path, workaround,
    })
}

entry! {
    /// A physical machine or appliance.
    HostEntry {
        /// Operating system in words.
        #[serde(skip_serializing_if = "Option::is_none")]
        os: Option<String>,
        /// The name its agent reports under, if not the id.
        #[serde(skip_serializing_if = "Option::is_none")]
        agent: Option<String>,
    } => Details::Host(Hardware { os, agent })
}

entry! {
    /// Many alike machines.
    FleetEntry {
        /// How many.
        count: u32,
        /// Share that must be ready for the fleet to be usable.
        #[serde(skip_serializing_if = "Option::is_none")]
        usable_at: Option<Share>,
    } => Details::Fleet(Fleet { count, usable_at: usable_at.unwrap_or(Share::ONE) })
}

entry! {
    /// Data that can be lost and restored.
    DatasetEntry {
        /// How much there is to restore.
        size: Size,
        /// How many files.
        #[serde(skip_serializing_if = "Option::is_none")]
        files: Option<u64>,
        /// Its backups.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        backups: Vec<Backup>,
    } => Details::Dataset(Dataset { size, files, backups })
}

entry! {
    /// A backup repository.
    CopyEntry {
        /// The tool in words.
        #[serde(skip_serializing_if = "Option::is_none")]
        tool: Option<String>,
        /// Links that a restore crosses.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        links: Vec<Id>,
        /// Restore speed when nothing else shares the links.
        #[serde(skip_serializing_if = "Option::is_none")]
        speed: Option<Rate>,
        /// Time before the first byte.
        #[serde(skip_serializing_if = "Option::is_none")]
        overhead: Option<Law>,
        /// Chance that a restore from it works.
        #[serde(skip_serializing_if = "Option::is_none")]
        restore_success: Option<Share>,
        /// Time that each file adds to a restore, as in `2ms`.
        #[serde(skip_serializing_if = "Option::is_none")]
        per_file: Option<Span>,
        /// What it lies on, for the rule 3-2-1-1-0: `disk`, `removable-disk`,
        /// `tape`, `optical` or `cloud`; else the device it stands on.
        #[serde(skip_serializing_if = "Option::is_none")]
        medium: Option<Medium>,
    } => Details::Copy(Copy { tool, links, speed, overhead, restore_success, per_file, medium })
}

entry! {
    /// A network link.
    LinkEntry {
        /// What it carries in the direction of a restore.
        #[serde(skip_serializing_if = "Option::is_none")]
        bandwidth: Option<Rate>,
        /// How transfers share it.
        sharing: Sharing,
    } => Details::Link(Link { bandwidth, sharing })
}

entry! {
    /// Mains, UPS or generator.
    PowerEntry {
        /// How long it feeds its load after the mains fail.
        #[serde(skip_serializing_if = "Option::is_none")]
        runtime: Option<Span>,
        /// How long the hosts behind it need for a clean shutdown.
        #[serde(skip_serializing_if = "Option::is_none")]
        shutdown_needs: Option<Span>,
        /// Battery installed on.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<WrittenDate>")]
        battery_from: Option<Date>,
    } => Details::Power(Power { runtime, shutdown_needs, battery_from })
}

entry! {
    /// A DNS zone and its registration.
    DnsZoneEntry {
        /// The domain name.
        #[serde(skip_serializing_if = "Option::is_none")]
        domain: Option<String>,
        /// Who holds the registration.
        #[serde(skip_serializing_if = "Option::is_none")]
        registrar: Option<Id>,
    } => Details::DnsZone(Dns { domain, registrar })
}

entry! {
    /// A supplier or other outside party.
    VendorEntry {
        /// Time from the call to somebody working on it.
        #[serde(skip_serializing_if = "Option::is_none")]
        response: Option<Law>,
        /// What the contract says.
        #[serde(skip_serializing_if = "Option::is_none")]
        promised: Option<Span>,
        /// When they work.
        #[serde(skip_serializing_if = "Option::is_none")]
        hours: Option<Hours>,
        /// How many of our tickets they work on at once.
        #[serde(skip_serializing_if = "Option::is_none")]
        engineers: Option<u8>,
        /// End of contract.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<WrittenDate>")]
        contract_until: Option<Date>,
        /// Cost of one hour of theirs.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 0.0))]
        per_hour: Option<f64>,
    } => Details::Vendor(Vendor { response, promised, hours, engineers, contract_until, per_hour })
}

entry! {
    /// One person.
    PersonEntry {
        /// The role shown on pages.
        #[serde(skip_serializing_if = "Option::is_none")]
        role: Option<String>,
        /// What they can do.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        skills: Vec<String>,
        /// When they work.
        #[serde(skip_serializing_if = "Option::is_none")]
        hours: Option<Hours>,
        /// Wider hours in an emergency.
        #[serde(skip_serializing_if = "Option::is_none")]
        overtime: Option<Hours>,
        /// Most hands-on time in one local day.
        #[serde(skip_serializing_if = "Option::is_none")]
        fatigue: Option<Span>,
        /// Chance to be away when it happens.
        #[serde(skip_serializing_if = "Option::is_none")]
        away: Option<Share>,
        /// How long they stay away then.
        #[serde(skip_serializing_if = "Option::is_none")]
        away_for: Option<Law>,
        /// Declared days away.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        leave: Vec<Leave>,
        /// Who stands in when they are away.
        #[serde(skip_serializing_if = "Option::is_none")]
        deputy: Option<Id>,
    } => Details::Person(Person { role, skills, hours, overtime, fatigue, away, away_for, leave, deputy })
}

entry! {
    /// Several people who stand in for each other.
    TeamEntry {
        /// How many people.
        count: u8,
        /// How many must be present for the team to work.
        #[serde(skip_serializing_if = "Option::is_none")]
        at_least: Option<u8>,
        /// What each can do.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        skills: Vec<String>,
        /// When they work.
        #[serde(skip_serializing_if = "Option::is_none")]
        hours: Option<Hours>,
        /// Chance of each to be away when it happens.
        #[serde(skip_serializing_if = "Option::is_none")]
        away: Option<Share>,
    } => Details::Team(Team { count, at_least, skills, hours, away })
}

entry! {
    /// Spare parts in stock.
    SpareEntry {
        /// Pieces in stock.
        stock: u32,
        /// Time to get one when none is in stock.
        #[serde(skip_serializing_if = "Option::is_none")]
        lead_time: Option<Law>,
        /// How many pieces of this kind are in use; with `failure_rate` it
        /// says how often the stock is drawn on in normal times.
        #[serde(skip_serializing_if = "Option::is_none")]
        units_in_use: Option<u32>,
        /// How often one piece in use fails, per year: 0.0157 is 1.57 % a year.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 0.0, max = 1000.0))]
        failure_rate: Option<f64>,
    } => Details::Spare(Spare { stock, lead_time, units_in_use, failure_rate })
}

/// Declares the document from one list of kinds, so that a kind cannot be
/// parsed and then forgotten.
macro_rules! map_document {
    ($( $(#[$doc:meta])* $field:ident : $entry:ident = $kind:ident ),* $(,)?) => {
        /// A whole map as written: an organisation, one table of tables per
        /// kind, and fixes.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct MapDocument {
            /// The organisation.
            pub organisation: Organisation,
            /// How facts become figures.
            #[serde(default, skip_serializing_if = "Calibration::is_default")]
            pub calibration: Calibration,
            $(
                $(#[$doc])*
                #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
                pub $field: BTreeMap<Id, $entry>,
            )*
            /// Priced changes.
            #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
            pub fix: BTreeMap<Id, Fix>,
        }

        impl MapDocument {
            /// A map with an organisation and nothing else.
            pub fn empty(organisation: Organisation) -> Self {
                Self {
                    organisation,
                    calibration: Calibration::default(),
                    $( $field: BTreeMap::new(), )*
                    fix: BTreeMap::new(),
                }
            }

            /// Every entry as a component, in the order of kinds and ids; an id
            /// that stands under two kinds comes twice.
            pub(crate) fn components(&self) -> Vec<Component> {
                let mut all = Vec::new();
                $(
                    all.extend(
                        self.$field.iter().map(|(id, entry)| entry.clone().resolve(id, Kind::$kind)),
                    );
                )*
                all
            }
        }
    };
}

map_document! {
    /// Business functions.
    function: FunctionEntry = Function,
    /// Programs and platforms.
    service: PlainEntry = Service,
    /// Physical machines.
    host: HostEntry = Host,
    /// Virtual machines.
    vm: HostEntry = Vm,
    /// Many alike machines.
    fleet: FleetEntry = Fleet,
    /// Disk arrays and NAS.
    storage: PlainEntry = Storage,
    /// Data.
    dataset: DatasetEntry = Dataset,
    /// Backup repositories.
    copy: CopyEntry = Copy,
    /// Network links.
    link: LinkEntry = Link,
    /// Telephony.
    voice: PlainEntry = Voice,
    /// Buildings and rooms.
    site: PlainEntry = Site,
    /// Mains, UPS, generators.
    power: PowerEntry = Power,
    /// DNS zones.
    #[serde(rename = "dns-zone")]
    dns_zone: DnsZoneEntry = DnsZone,
    /// TLS certificates.
    certificate: PlainEntry = Certificate,
    /// Passwords, keys, tokens.
    credential: PlainEntry = Credential,
    /// Documents.
    document: PlainEntry = Document,
    /// Outside parties.
    vendor: VendorEntry = Vendor,
    /// People.
    person: PersonEntry = Person,
    /// Teams.
    team: TeamEntry = Team,
    /// Spare parts.
    spare: SpareEntry = Spare,
}
