//! Estimates: the distribution laws in which people state how long something takes.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::quantity::{LONGEST_SPAN, Span};

/// A law for a time span. In a document a plain span (`"8h"`) is a fixed value;
/// anything else is a table whose keys say which law it is.
///
/// ```toml
/// effort = "2h"                                       # fixed
/// effort = { low = "2h", likely = "4h", high = "8h" } # PERT, lambda 4
/// effort = { between = ["2h", "8h"] }                 # uniform
/// effort = { triangular = ["2h", "4h", "8h"] }
/// effort = { mean = "8h" }                            # exponential
/// effort = { gamma = { shape = 2.0, mean = "8h" } }
/// effort = { weibull = { shape = 1.5, scale = "8h" } }
/// effort = { median = "3h", p95 = "12h" }             # lognormal
/// effort = { median = "3h", sigma = 0.84 }            # lognormal by sigma of the logarithm
/// effort = { lognormal = [[0.1, "1h"], [0.9, "9h"]] } # by two quantiles
/// effort = { samples = ["50min", "62min", "3h"] }     # empirical
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "document::Law", into = "document::Law")]
pub enum Law {
    /// Always the same.
    Fixed(Span),
    /// Any value between the two, equally likely.
    Uniform {
        /// Shortest.
        low: Span,
        /// Longest.
        high: Span,
    },
    /// Triangular with mode `likely`.
    Triangular {
        /// Shortest.
        low: Span,
        /// Most likely.
        likely: Span,
        /// Longest.
        high: Span,
    },
    /// Beta-PERT with lambda 4: alpha = 1 + 4 (likely - low) / (high - low),
    /// beta = 1 + 4 (high - likely) / (high - low).
    Pert {
        /// Shortest.
        low: Span,
        /// Most likely.
        likely: Span,
        /// Longest.
        high: Span,
    },
    /// Exponential.
    Exponential {
        /// Mean.
        mean: Span,
    },
    /// Gamma by shape and mean.
    Gamma {
        /// Shape, above 0.
        shape: f64,
        /// Mean; the scale is mean / shape.
        mean: Span,
    },
    /// Weibull by shape and scale.
    Weibull {
        /// Shape, above 0.
        shape: f64,
        /// Scale: the 63.2 % quantile.
        scale: Span,
    },
    /// Lognormal.
    Lognormal {
        /// Median = exp(mu), in whole milliseconds.
        median_ms: f64,
        /// Sigma of the logarithm, at least 0.
        sigma: f64,
    },
    /// One of the samples, equally likely.
    Empirical {
        /// At least one sample, sorted ascending.
        samples: Vec<Span>,
    },
}

impl Law {
    /// The one value of a fixed law.
    pub fn fixed(&self) -> Option<Span> {
        match self {
            Self::Fixed(span) => Some(*span),
            _ => None,
        }
    }

    /// The same law, taking `factor` times as long.
    #[must_use]
    pub fn times(&self, factor: f64) -> Self {
        let longer = |span: &Span| {
            let ms = (span.as_ms() as f64 * factor).clamp(0.0, LONGEST_SPAN.as_ms() as f64);
            Span::from_ms(libm::rint(ms) as i64)
        };
        match self {
            Self::Fixed(span) => Self::Fixed(longer(span)),
            Self::Uniform { low, high } => Self::Uniform { low: longer(low), high: longer(high) },
            Self::Triangular { low, likely, high } => {
                Self::Triangular { low: longer(low), likely: longer(likely), high: longer(high) }
            }
            Self::Pert { low, likely, high } => {
                Self::Pert { low: longer(low), likely: longer(likely), high: longer(high) }
            }
            Self::Exponential { mean } => Self::Exponential { mean: longer(mean) },
            Self::Gamma { shape, mean } => Self::Gamma { shape: *shape, mean: longer(mean) },
            Self::Weibull { shape, scale } => Self::Weibull { shape: *shape, scale: longer(scale) },
            Self::Lognormal { median_ms, sigma } => {
                Self::Lognormal { median_ms: (median_ms * factor).max(1.0), sigma: *sigma }
            }
            Self::Empirical { samples } => {
                Self::Empirical { samples: samples.iter().map(longer).collect() }
            }
        }
    }
}

impl From<Span> for Law {
    fn from(span: Span) -> Self {
        Self::Fixed(span)
    }
}

impl JsonSchema for Law {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Law".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mut schema = document::Law::json_schema(generator);
        schema.insert("format".to_owned(), "law".into());
        schema
    }
}

/// The forms in which a law is written.
mod document {
    use super::*;

    /// How long something takes.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(untagged)]
    pub(crate) enum Law {
        /// Always the same.
        Fixed(Span),
        /// Any other law.
        Table(Box<Table>),
    }

    /// A law by its keys; exactly one of the forms.
    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub(crate) struct Table {
        /// Shortest, with `likely` and `high`: a PERT law.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub(crate) low: Option<Span>,
        /// Most likely.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub(crate) likely: Option<Span>,
        /// Longest.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub(crate) high: Option<Span>,
        /// Uniform between two spans.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub(crate) between: Option<[Span; 2]>,
        /// Triangular: shortest, most likely, longest.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub(crate) triangular: Option<[Span; 3]>,
        /// Exponential by its mean.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub(crate) mean: Option<Span>,
        /// Gamma by shape and mean.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub(crate) gamma: Option<Gamma>,
        /// Weibull by shape and scale.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub(crate) weibull: Option<Weibull>,
        /// Lognormal: the median, with `p95` or `sigma`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub(crate) median: Option<Span>,
        /// Lognormal: the value that 95 of 100 stay below.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub(crate) p95: Option<Span>,
        /// Lognormal: the standard deviation of the logarithm.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub(crate) sigma: Option<f64>,
        /// Lognormal by two quantiles: `[[0.1, "1h"], [0.9, "9h"]]`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub(crate) lognormal: Option<[(f64, Span); 2]>,
        /// Empirical: one of these.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub(crate) samples: Option<Vec<Span>>,
    }

    /// Gamma by shape and mean.
    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub(crate) struct Gamma {
        /// Above 0.
        pub(crate) shape: f64,
        /// Mean.
        pub(crate) mean: Span,
    }

    /// Weibull by shape and scale.
    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub(crate) struct Weibull {
        /// Above 0.
        pub(crate) shape: f64,
        /// The 63.2 % quantile.
        pub(crate) scale: Span,
    }
}

const ONE_LAW: &str = "give exactly one law: low, likely and high; between; triangular; mean; gamma; \
                       weibull; median and p95; median and sigma; lognormal; or samples";

impl TryFrom<document::Law> for Law {
    type Error = String;

    fn try_from(law: document::Law) -> Result<Self, String> {
        let table = match law {
            document::Law::Fixed(span) => return Ok(Self::Fixed(span)),
            document::Law::Table(table) => *table,
        };
        let parts = [
            table.low.is_some() || table.likely.is_some() || table.high.is_some(),
            table.between.is_some(),
            table.triangular.is_some(),
            table.mean.is_some(),
            table.gamma.is_some(),
            table.weibull.is_some(),
            table.median.is_some() || table.p95.is_some() || table.sigma.is_some(),
            table.lognormal.is_some(),
            table.samples.is_some(),
        ];
        if parts.iter().filter(|present| **present).count() != 1 {
            return Err(ONE_LAW.to_owned());
        }
        if let Some([low, high]) = table.between {
            return ordered(&[low, high]).map(|()| Self::Uniform { low, high });
        }
        if let Some([low, likely, high]) = table.triangular {
            return ordered(&[low, likely, high]).map(|()| Self::Triangular { low, likely, high });
        }
        if let Some(mean) = table.mean {
            return Ok(Self::Exponential { mean });
        }
        if let Some(document::Gamma { shape, mean }) = table.gamma {
            return positive(shape).map(|shape| Self::Gamma { shape, mean });
        }
        if let Some(document::Weibull { shape, scale }) = table.weibull {
            return positive(shape).map(|shape| Self::Weibull { shape, scale });
        }
        if let Some(points) = table.lognormal {
            return lognormal(points);
        }
        if let Some(mut samples) = table.samples {
            if samples.is_empty() {
                return Err("`samples` needs at least one span, as in `[\"50min\", \"3h\"]`".into());
            }
            samples.sort();
            return Ok(Self::Empirical { samples });
        }
        if let (Some(low), Some(likely), Some(high)) = (table.low, table.likely, table.high) {
            return ordered(&[low, likely, high]).map(|()| Self::Pert { low, likely, high });
        }
        match (table.median, table.p95, table.sigma) {
            (None, None, None) => Err("`low`, `likely` and `high` go together".into()),
            (Some(median), Some(p95), None) => lognormal([(0.5, median), (0.95, p95)]),
            (Some(median), None, Some(sigma)) => by_sigma(median, sigma),
            _ => Err("`median` goes with either `p95` or `sigma`".into()),
        }
    }
}

impl From<Law> for document::Law {
    fn from(law: Law) -> Self {
        let mut table = document::Table::default();
        match law {
            Law::Fixed(span) => return Self::Fixed(span),
            Law::Uniform { low, high } => table.between = Some([low, high]),
            Law::Triangular { low, likely, high } => table.triangular = Some([low, likely, high]),
            Law::Pert { low, likely, high } => {
                (table.low, table.likely, table.high) = (Some(low), Some(likely), Some(high));
            }
            Law::Exponential { mean } => table.mean = Some(mean),
            Law::Gamma { shape, mean } => table.gamma = Some(document::Gamma { shape, mean }),
            Law::Weibull { shape, scale } => {
                table.weibull = Some(document::Weibull { shape, scale });
            }
            Law::Lognormal { median_ms, sigma } => {
                table.median = Some(Span::from_ms(median_ms.round() as i64));
                table.sigma = Some(sigma);
            }
            Law::Empirical { samples } => table.samples = Some(samples),
        }
        Self::Table(Box::new(table))
    }
}

fn ordered(spans: &[Span]) -> Result<(), String> {
    if spans.is_sorted() {
        Ok(())
    } else {
        Err("the spans must rise, as in `{ low = \"2h\", likely = \"4h\", high = \"8h\" }`".into())
    }
}

fn positive(shape: f64) -> Result<f64, String> {
    if shape.is_finite() && shape > 0.01 && shape < 1e6 {
        Ok(shape)
    } else {
        Err("`shape` must lie between 0.01 and 1,000,000".into())
    }
}

fn lognormal([(p, low), (q, high)]: [(f64, Span); 2]) -> Result<Law, String> {
    let inside = |p: f64| p > 0.0 && p < 1.0;
    if !(inside(p) && inside(q) && p < q) {
        return Err("the two shares of a lognormal law must rise between 0 and 1".into());
    }
    if low.as_ms() == 0 || low > high {
        return Err("the two spans of a lognormal law must be above zero and rise".into());
    }
    let (a, b) = (normal_quantile(p), normal_quantile(q));
    let (x, y) = (libm::log(low.as_ms() as f64), libm::log(high.as_ms() as f64));
    let sigma = (y - x) / (b - a);
    // Whole milliseconds, so that the law survives being written and read.
    let median_ms = libm::round(libm::exp(x - sigma * a)).max(1.0);
    if sigma > WIDEST || median_ms > LONGEST_SPAN.as_ms() as f64 {
        return Err("the two spans of a lognormal law are too far apart".into());
    }
    Ok(Law::Lognormal { median_ms, sigma })
}

/// The largest sigma of a logarithm; at 20, P95 is 10^14 times the median.
const WIDEST: f64 = 20.0;

fn by_sigma(median: Span, sigma: f64) -> Result<Law, String> {
    if median.as_ms() == 0 || !(0.0..=WIDEST).contains(&sigma) {
        return Err("`median` must be above zero and `sigma` between 0 and 20".into());
    }
    Ok(Law::Lognormal { median_ms: median.as_ms() as f64, sigma })
}

/// Quantile of the standard normal law, relative error below 1e-9 refined by
/// one Halley step; after P. J. Acklam's rational approximation (2003).
pub fn normal_quantile(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 5] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
    ];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 4] = [
        7.784_695_709_041_462e-3,
        3.224_671_290_700_398e-1,
        2.445_134_137_142_996,
        3.754_408_661_907_416,
    ];
    let tail = |q: f64| {
        (((((C[0] * q + C[1]) * q + C[2]) * q + C[3]) * q + C[4]) * q + C[5])
            / ((((D[0] * q + D[1]) * q + D[2]) * q + D[3]) * q + 1.0)
    };
    let x = if p < 0.024_25 {
        tail(libm::sqrt(-2.0 * libm::log(p)))
    } else if p <= 0.975_75 {
        let q = p - 0.5;
        let r = q * q;
        (((((A[0] * r + A[1]) * r + A[2]) * r + A[3]) * r + A[4]) * r + A[5]) * q
            / (((((B[0] * r + B[1]) * r + B[2]) * r + B[3]) * r + B[4]) * r + 1.0)
    } else {
        -tail(libm::sqrt(-2.0 * libm::log(1.0 - p)))
    };
    let error = 0.5 * libm::erfc(-x / std::f64::consts::SQRT_2) - p;
    let step = error * libm::sqrt(2.0 * std::f64::consts::PI) * libm::exp(x * x / 2.0);
    x - step / (1.0 + x * step / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Law, toml::de::Error> {
        #[derive(Deserialize)]
        struct Holder {
            law: Law,
        }
        toml::from_str::<Holder>(&format!("law = {text}")).map(|holder| holder.law)
    }

    #[test]
    fn every_written_form_reads_and_writes_back() {
        let forms = [
            "\"8h\"",
            "{ low = \"2h\", likely = \"4h\", high = \"8h\" }",
            "{ between = [\"2h\", \"8h\"] }",
            "{ triangular = [\"2h\", \"4h\", \"8h\"] }",
            "{ mean = \"8h\" }",
            "{ gamma = { shape = 2.0, mean = \"8h\" } }",
            "{ weibull = { shape = 1.5, scale = \"8h\" } }",
            "{ median = \"3h\", p95 = \"12h\" }",
            "{ median = \"3h\", sigma = 0.84 }",
            "{ lognormal = [[0.1, \"1h\"], [0.9, \"9h\"]] }",
            "{ lognormal = [[0.07, \"7ms\"], [0.3, \"11ms\"]] }",
            "{ samples = [\"50min\", \"62min\", \"3h\"] }",
        ];
        for form in forms {
            let law = read(form).expect(form);
            let json = serde_json::to_string(&law).expect("laws serialise");
            assert_eq!(serde_json::from_str::<Law>(&json).expect("and back"), law, "{form}");
        }
    }

    #[test]
    fn half_stated_or_doubled_laws_are_refused() {
        for form in [
            "{ low = \"2h\", high = \"8h\" }",
            "{ low = \"9h\", likely = \"4h\", high = \"8h\" }",
            "{ median = \"3h\" }",
            "{ sigma = 0.5 }",
            "{ lognormal = [[0.49, \"1ms\"], [0.51, \"100y\"]] }",
            "{ lognormal = [[0.1, \"1ms\"], [0.2, \"900y\"]] }",
            "{ median = \"3h\", sigma = -1.0 }",
            "{ median = \"3h\", p95 = \"9h\", sigma = 1.0 }",
            "{ low = \"1h\", likely = \"2h\", high = \"3h\", median = \"3h\" }",
            "{ mean = \"3h\", median = \"3h\", p95 = \"4h\" }",
            "{ samples = [] }",
            "{ gamma = { shape = 0.0, mean = \"8h\" } }",
            "{}",
            "8",
        ] {
            assert!(read(form).is_err(), "{form}");
        }
    }

    #[test]
    fn lognormal_by_median_and_p95_has_the_known_sigma() {
        let Law::Lognormal { median_ms, sigma } =
            read("{ median = \"12h\", p95 = \"36h\" }").expect("a law")
        else {
            panic!("not lognormal")
        };
        assert!((sigma - 0.667_908_8).abs() < 1e-6, "{sigma}");
        assert!((median_ms / 3.6e6 - 12.0).abs() < 1e-9);
    }
}
