//! Predicted recovery as metrics, so that an alert can fire when a promise breaks.
use evenkeel_config::record::{Chance, Elapsed, Quantile};
use prometheus::{Encoder, GaugeVec, Opts, Registry, TextEncoder};

use crate::picture::Picture;

/// Every metric family of the hub: name and help.
pub const FAMILIES: &[(&str, &str)] = &[
    (PREDICTED, "Predicted time until a function is usable again; +Inf when never"),
    (LOSS, "Predicted work lost, as time before the strike; +Inf when all of it"),
    (MET, "Share of simulated nights in which an objective is kept"),
    (SIMULATED, "Moment of the facts that the prediction rests on"),
    (HEARD, "When a host's agent was last heard from"),
    (RULE, "3-2-1-1-0 for each data set: 1 met, 0 not met, -1 cannot tell"),
    (HUB, "Version of the hub; always 1"),
];

const PREDICTED: &str = "evenkeel_predicted_recovery_seconds";
const LOSS: &str = "evenkeel_predicted_data_loss_seconds";
const MET: &str = "evenkeel_objective_met_ratio";
const SIMULATED: &str = "evenkeel_simulation_facts_timestamp_seconds";
const HEARD: &str = "evenkeel_hub_last_heard_timestamp_seconds";
const RULE: &str = "evenkeel_backup_rule_met";
const HUB: &str = "evenkeel_hub_info";

/// Renders the page in the Prometheus text format.
///
/// # Errors
/// Two series with the same labels, which a valid map cannot bring about.
pub fn metrics(picture: &Picture) -> prometheus::Result<String> {
    let registry = Registry::new();
    let family = |name: &str, labels: &[&str]| -> prometheus::Result<GaugeVec> {
        let help = FAMILIES.iter().find(|(known, _)| *known == name).map_or("", |(_, help)| help);
        let gauge = GaugeVec::new(Opts::new(name, help), labels)?;
        registry.register(Box::new(gauge.clone()))?;
        Ok(gauge)
    };
    family(HUB, &["version"])?.with_label_values(&[picture.version]).set(1.0);
    let heard = family(HEARD, &["host"])?;
    for (host, about) in &picture.hosts {
        heard.with_label_values(&[host.as_str()]).set(about.last_heard.as_second() as f64);
    }
    let rule = family(RULE, &["dataset", "digit"])?;
    for score in picture.rule() {
        for one in &score.digits {
            let labels = [score.dataset.as_str(), one.digit.name()];
            rule.with_label_values(&labels).set(f64::from(one.met.code()));
        }
    }
    let predicted = family(PREDICTED, &["function", "scenario", "quantile"])?;
    let loss = family(LOSS, &["function", "scenario", "quantile"])?;
    let met = family(MET, &["function", "scenario", "objective"])?;
    let simulated = family(SIMULATED, &["scenario"])?;
    for summary in &picture.summaries {
        let scenario = summary.scenario.id.as_str();
        simulated.with_label_values(&[scenario]).set(summary.as_of.as_second() as f64);
        for function in &summary.functions {
            let id = function.id.as_str();
            let put = |family: &GaugeVec, quantiles: &[Quantile]| {
                for quantile in quantiles {
                    let labels = [id, scenario, &quantile.p.to_string()];
                    family.with_label_values(&labels).set(seconds(quantile.value));
                }
            };
            put(&predicted, &function.usable);
            put(&loss, &function.data_loss);
            let chances = [("rto", function.rto), ("rpo", function.rpo), ("mtd", function.mtd)];
            for (objective, chance) in chances {
                if let Some(Chance { share, .. }) = chance {
                    met.with_label_values(&[id, scenario, objective]).set(share);
                }
            }
        }
    }
    let mut page = Vec::new();
    TextEncoder::new().encode(&registry.gather(), &mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

fn seconds(elapsed: Elapsed) -> f64 {
    elapsed.ms().map_or(f64::INFINITY, |ms| ms as f64 / 1e3)
}
