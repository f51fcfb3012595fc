//! What a component needs: all of, any of, or k of several others.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::Id;
use crate::quantity::{Share, Span};

/// A need, as a tree. In documents: `"ad"`, `{ id = "ups-1", hold_up = "30min" }`,
/// `{ any = ["isp-fibre", "isp-lte"] }`, `{ all = [..] }`, `{ at_least = 2, of = [..] }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Need {
    /// One component, by id.
    Id(Id),
    /// One component, with properties of the dependency.
    Edge(Edge),
    /// Any one of several is enough.
    Any(AnyOf),
    /// All of several.
    All(AllOf),
    /// At least k of several.
    AtLeast(AtLeast),
}

/// A dependency on one component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Edge {
    /// The component needed.
    pub id: Id,
    /// How long the loss goes unnoticed: a UPS battery, a cache, a DNS TTL.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub hold_up: Span,
    /// Share of capacity that hangs on it: 0.3 = three tenths are lost without it.
    #[serde(default = "whole", skip_serializing_if = "is_whole")]
    pub share: Share,
}

/// Any one is enough.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnyOf {
    /// The alternatives, in the order in which they are recovered.
    pub any: Vec<Need>,
    /// All that are struck recover at once; else one after the other in the
    /// order written, unless something else needs a later one outright.
    #[serde(default, skip_serializing_if = "is_false")]
    pub parallel: bool,
}

/// All are needed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AllOf {
    /// The parts.
    pub all: Vec<Need>,
}

/// k of several are needed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AtLeast {
    /// How many, at least 1 and at most the number in `of`.
    pub at_least: usize,
    /// Those that count.
    pub of: Vec<Need>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_zero(span: &Span) -> bool {
    *span == Span::ZERO
}

fn whole() -> Share {
    Share::ONE
}

fn is_whole(share: &Share) -> bool {
    *share == Share::ONE
}

impl Need {
    /// Calls `visit` for every edge of the tree, in order.
    pub fn edges(&self, visit: &mut impl FnMut(&Id, Span, Share)) {
        match self {
            Self::Id(id) => visit(id, Span::ZERO, Share::ONE),
            Self::Edge(edge) => visit(&edge.id, edge.hold_up, edge.share),
            Self::Any(AnyOf { any: parts, .. })
            | Self::All(AllOf { all: parts })
            | Self::AtLeast(AtLeast { of: parts, .. }) => {
                for part in parts {
                    part.edges(visit);
                }
            }
        }
    }

    /// Every component named in the tree, in order, with repeats.
    pub fn ids(&self) -> Vec<&Id> {
        fn walk<'a>(need: &'a Need, out: &mut Vec<&'a Id>) {
            match need {
                Need::Id(id) => out.push(id),
                Need::Edge(edge) => out.push(&edge.id),
                Need::Any(AnyOf { any: parts, .. })
                | Need::All(AllOf { all: parts })
                | Need::AtLeast(AtLeast { of: parts, .. }) => {
                    for part in parts {
                        walk(part, out);
                    }
                }
            }
        }
        let mut out = Vec::new();
        walk(self, &mut out);
        out
    }

    /// Whether losing this one edge alone can be borne (it stands below an
    /// `any` or an `at_least` with slack).
    pub fn is_alternative(&self) -> bool {
        match self {
            Self::Any(any) => any.any.len() > 1,
            Self::AtLeast(some) => some.at_least < some.of.len(),
            Self::Id(_) | Self::Edge(_) | Self::All(_) => false,
        }
    }
}
