//! The kinds of components, their table names and their words on pages.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What kind of thing a component is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A business function: what people outside see work or not work.
    Function,
    /// A program or platform that functions or services need.
    Service,
    /// A physical machine or appliance.
    Host,
    /// A virtual machine.
    Vm,
    /// Many alike PCs, terminals or tablets.
    Fleet,
    /// A disk array, NAS or object store.
    Storage,
    /// Data that can be lost and restored.
    Dataset,
    /// A backup repository that holds copies of data sets.
    Copy,
    /// A network link.
    Link,
    /// Telephony.
    Voice,
    /// A building or room.
    Site,
    /// Mains, UPS or generator.
    Power,
    /// A DNS zone and its registration.
    DnsZone,
    /// A TLS certificate.
    Certificate,
    /// A password, key or token.
    Credential,
    /// A document such as the plan or the insurance policy.
    Document,
    /// A supplier or other outside party.
    Vendor,
    /// One person.
    Person,
    /// Several people who stand in for each other.
    Team,
    /// Spare parts in stock.
    Spare,
}

impl Kind {
    /// Every kind, in the order of the map document.
    pub const ALL: [Self; 20] = [
        Self::Function,
        Self::Service,
        Self::Host,
        Self::Vm,
        Self::Fleet,
        Self::Storage,
        Self::Dataset,
        Self::Copy,
        Self::Link,
        Self::Voice,
        Self::Site,
        Self::Power,
        Self::DnsZone,
        Self::Certificate,
        Self::Credential,
        Self::Document,
        Self::Vendor,
        Self::Person,
        Self::Team,
        Self::Spare,
    ];

    /// The table name in a map document, such as `dns-zone`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Service => "service",
            Self::Host => "host",
            Self::Vm => "vm",
            Self::Fleet => "fleet",
            Self::Storage => "storage",
            Self::Dataset => "dataset",
            Self::Copy => "copy",
            Self::Link => "link",
            Self::Voice => "voice",
            Self::Site => "site",
            Self::Power => "power",
            Self::DnsZone => "dns-zone",
            Self::Certificate => "certificate",
            Self::Credential => "credential",
            Self::Document => "document",
            Self::Vendor => "vendor",
            Self::Person => "person",
            Self::Team => "team",
            Self::Spare => "spare",
        }
    }

    /// The word on pages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Vm => "virtual machine",
            Self::Fleet => "many PCs",
            Self::Dataset => "data",
            Self::Copy => "backup copy",
            Self::Link => "network link",
            Self::Voice => "phones",
            Self::DnsZone => "domain",
            Self::Vendor => "outside party",
            Self::Spare => "spare parts",
            other => other.key(),
        }
    }
}
