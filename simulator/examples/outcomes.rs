//! One line for each shipped organisation and scenario: a hash of everything that came of its
//! trials, to see that a change of the kernel's speed changed nothing else.
//!
//! `cargo run -p evenkeel-simulator --example outcomes > before`, change, and
//! compare. A change of meaning moves the lines that it is about, and no others.
use evenkeel_config::library::EXAMPLES;
use evenkeel_config::load::{Source, evidence_from, map_from, scenario_from};
use evenkeel_simulator::DEFAULT_SEED;
use evenkeel_simulator::compile::{Inputs, compile};
use evenkeel_simulator::draw::Tables;
use evenkeel_simulator::kernel::Trial;
use evenkeel_simulator::model::Model;
use evenkeel_simulator::outcome::{intervals, outcome};
use xxhash_rust::xxh3::Xxh3;

const TRIALS: u32 = 300;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for example in EXAMPLES {
        let sources: Vec<Source> =
            example.map.iter().map(|(file, text)| Source::new(*file, *text)).collect();
        let map = map_from(&sources)?.value;
        let evidence = [evidence_from(&Source::new("evidence.json", example.evidence))?];
        let mut tables = Tables::default();
        for (file, text) in example.scenarios {
            let scenario = scenario_from(&Source::new(*file, *text))?.value;
            if scenario.modifier {
                continue;
            }
            let inputs = Inputs {
                map: &map,
                scenario: &scenario,
                modifiers: &[],
                evidence: &evidence,
                as_of: evidence[0].as_of,
                seen_on: None,
            };
            let model = compile(&inputs, &mut tables)?.model;
            println!("{} {file} {:032x}", example.name, hash(&model));
        }
    }
    Ok(())
}

fn hash(model: &Model) -> u128 {
    let mut hash = Xxh3::new();
    let mut trial = Trial::new(model);
    for number in 0..TRIALS {
        trial.run(DEFAULT_SEED, number);
        for function in 0..model.functions.len() {
            let result = outcome(model, &mut trial, function);
            hash.update(
                format!("{:?}", (result.usable, result.system_back, result.recovered)).as_bytes(),
            );
            hash.update(format!("{:?}", (result.data_loss, result.cost, result.never)).as_bytes());
            hash.update(format!("{:?}", (result.below_minimum, result.lost)).as_bytes());
            let mut chain: Vec<_> = intervals(&trial.chain, result.why).collect();
            chain.reverse();
            for interval in chain {
                hash.update(format!("{interval:?}").as_bytes());
            }
        }
        hash.update(format!("{:?}", (&trial.loss, &trial.hit, trial.spent)).as_bytes());
    }
    hash.digest128()
}
