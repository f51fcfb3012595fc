//! Every mention of one component by another: where it is written and what it means.
use super::component::Component;
use super::details::Details;
use super::kind::Kind;
use super::need::{AllOf, AnyOf, AtLeast, Need};
use super::step::RecoveryStep;
use crate::id::Id;

/// One mention of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference<'a> {
    /// Key path within the component, such as `needs[1].any[0]`.
    pub key: String,
    /// The component mentioned.
    pub id: &'a Id,
    /// In what part.
    pub role: Role,
}

/// The part in which a component is mentioned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Needed to run or to recover.
    Need,
    /// Where it stands.
    Site,
    /// What feeds it.
    Power,
    /// What it runs on.
    RunsOn,
    /// What it is stored on.
    StoredOn,
    /// Who answers for it.
    Owner,
    /// Who does a step.
    Who,
    /// Whose engineers a step waits for.
    Vendor,
    /// The spare that a step uses.
    Spare,
    /// The data that a step restores.
    Dataset,
    /// The repository that holds a backup.
    Copy,
    /// A link that a restore crosses.
    Link,
    /// Who stands in.
    Deputy,
    /// Who holds a registration.
    Registrar,
    /// What takes over.
    Failover,
}

impl Role {
    /// The kinds that can stand in this part; empty when any can.
    pub fn kinds(self) -> &'static [Kind] {
        match self {
            Self::Need => &[],
            Self::Site => &[Kind::Site],
            Self::Power => &[Kind::Power],
            Self::RunsOn => {
                &[Kind::Host, Kind::Vm, Kind::Fleet, Kind::Storage, Kind::Service, Kind::Vendor]
            }
            Self::StoredOn => &[
                Kind::Host,
                Kind::Vm,
                Kind::Fleet,
                Kind::Storage,
                Kind::Service,
                Kind::Vendor,
                Kind::Site,
            ],
            Self::Owner | Self::Who => &[Kind::Person, Kind::Team, Kind::Vendor],
            Self::Vendor | Self::Registrar => &[Kind::Vendor],
            Self::Spare => &[Kind::Spare],
            Self::Dataset => &[Kind::Dataset],
            Self::Copy => &[Kind::Copy],
            Self::Link => &[Kind::Link],
            Self::Deputy => &[Kind::Person],
            Self::Failover => &[
                Kind::Service,
                Kind::Host,
                Kind::Vm,
                Kind::Fleet,
                Kind::Storage,
                Kind::Dataset,
                Kind::Link,
                Kind::Voice,
                Kind::Site,
                Kind::Power,
                Kind::Vendor,
            ],
        }
    }
}

impl Component {
    /// Every mention of another component, in the order of the document's keys.
    pub fn references(&self) -> Vec<Reference<'_>> {
        let mut found = References(Vec::new());
        let common = &self.common;
        found.one("site", &common.site, Role::Site);
        found.one("power", &common.power, Role::Power);
        found.many("runs_on", &common.runs_on, Role::RunsOn);
        found.many("stored_on", &common.stored_on, Role::StoredOn);
        found.one("owner", &common.owner, Role::Owner);
        found.needs("needs", &common.needs);
        found.needs("recover_needs", &common.recover_needs);
        for (name, steps) in common.step_lists() {
            found.steps(name, steps);
        }
        if let Some(failover) = &common.failover {
            found.one("failover.to", &failover.to, Role::Failover);
        }
        found.details(&self.details);
        found.0
    }
}

impl super::component::Common {
    /// The lists of recovery steps by key.
    pub fn step_lists(&self) -> [(&'static str, &[RecoveryStep]); 3] {
        [("recover", &self.recover), ("repair", &self.repair), ("clear", &self.clear)]
    }
}

struct References<'a>(Vec<Reference<'a>>);

impl<'a> References<'a> {
    fn push(&mut self, key: impl Into<String>, id: &'a Id, role: Role) {
        self.0.push(Reference { key: key.into(), id, role });
    }

    fn one(&mut self, key: &str, id: &'a Option<Id>, role: Role) {
        if let Some(id) = id {
            self.push(key, id, role);
        }
    }

    fn many(&mut self, key: &str, ids: &'a [Id], role: Role) {
        for (index, id) in ids.iter().enumerate() {
            self.push(format!("{key}[{index}]"), id, role);
        }
    }

    fn needs(&mut self, key: &str, needs: &'a [Need]) {
        for (index, need) in needs.iter().enumerate() {
            self.need(format!("{key}[{index}]"), need);
        }
    }

    fn need(&mut self, key: String, need: &'a Need) {
        match need {
            Need::Id(id) => self.push(key, id, Role::Need),
            Need::Edge(edge) => self.push(format!("{key}.id"), &edge.id, Role::Need),
            Need::Any(AnyOf { any, .. }) => self.needs(&format!("{key}.any"), any),
            Need::All(AllOf { all }) => self.needs(&format!("{key}.all"), all),
            Need::AtLeast(AtLeast { of, .. }) => self.needs(&format!("{key}.of"), of),
        }
    }

    fn steps(&mut self, name: &str, steps: &'a [RecoveryStep]) {
        for (index, step) in steps.iter().enumerate() {
            let key = format!("{name}[{index}]");
            self.one(&format!("{key}.who"), &step.who, Role::Who);
            self.one(&format!("{key}.vendor"), &step.vendor, Role::Vendor);
            self.one(&format!("{key}.spare"), &step.spare, Role::Spare);
            self.one(&format!("{key}.dataset"), &step.dataset, Role::Dataset);
            self.needs(&format!("{key}.needs"), &step.needs);
        }
    }

    fn details(&mut self, details: &'a Details) {
        match details {
            Details::Function(function) => {
                for (index, step) in function.path.iter().enumerate() {
                    self.one(&format!("path[{index}].who"), &step.who, Role::Who);
                    self.needs(&format!("path[{index}].needs"), &step.needs);
                }
                if let Some(workaround) = &function.workaround {
                    self.needs("workaround.needs", &workaround.needs);
                }
            }
            Details::Dataset(dataset) => {
                for (index, backup) in dataset.backups.iter().enumerate() {
                    self.push(format!("backups[{index}].copy"), &backup.copy, Role::Copy);
                }
            }
            Details::Copy(copy) => self.many("links", &copy.links, Role::Link),
            Details::DnsZone(zone) => self.one("registrar", &zone.registrar, Role::Registrar),
            Details::Person(person) => self.one("deputy", &person.deputy, Role::Deputy),
            _ => {}
        }
    }
}
