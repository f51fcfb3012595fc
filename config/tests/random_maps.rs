//! Maps made at random: what is written is read back, and order means nothing.
use evenkeel_config::load::{self, Source};
use evenkeel_config::map::DependencyMap;
use proptest::prelude::*;

fn load(text: &str) -> DependencyMap {
    let loaded = load::map_from(&[Source::new("map.toml", text)]);
    loaded.unwrap_or_else(|problems| panic!("{text}\n{problems}")).value
}

fn span() -> impl Strategy<Value = String> {
    (1_u32..10_000, prop::sample::select(vec!["ms", "s", "min", "h", "d"]))
        .prop_map(|(count, unit)| format!("\"{count}{unit}\""))
}

fn law() -> impl Strategy<Value = String> {
    prop_oneof![
        span(),
        (1_u32..50, 0_u32..50, 0_u32..50).prop_map(|(low, more, most)| {
            let (likely, high) = (low + more, low + more + most);
            format!("{{ low = \"{low}h\", likely = \"{likely}h\", high = \"{high}h\" }}")
        }),
        (1_u32..50, 0_u32..50)
            .prop_map(|(low, more)| format!("{{ between = [\"{low}h\", \"{}h\"] }}", low + more)),
        (1_u32..400, 1_u32..50, 0_u32..50).prop_map(|(thousandths, low, more)| {
            let high = low + more;
            format!("{{ lognormal = [[0.{thousandths:03}, \"{low}min\"], [0.9, \"{high}min\"]] }}")
        }),
        prop::collection::vec(span(), 1..5)
            .prop_map(|spans| format!("{{ samples = [{}] }}", spans.join(", "))),
        (1_u32..100, span()).prop_map(|(tenths, mean)| format!(
            "{{ gamma = {{ shape = {}.5, mean = {mean} }} }}",
            tenths
        )),
    ]
}

/// A need of one of the components before `below`.
fn need(below: usize) -> BoxedStrategy<String> {
    let one = (0..below).prop_map(|index| format!("\"c-{index}\""));
    let edge = (0..below, span(), 1_u32..=100).prop_map(|(index, span, share)| {
        format!("{{ id = \"c-{index}\", hold_up = {span}, share = \"{share} %\" }}")
    });
    prop_oneof![one, edge]
        .prop_recursive(3, 12, 3, |inner| {
            let parts = prop::collection::vec(inner, 1..4);
            (parts, 0_usize..3).prop_map(|(parts, form)| match form {
                0 => format!("{{ any = [{}] }}", parts.join(", ")),
                1 => format!("{{ all = [{}] }}", parts.join(", ")),
                _ => format!("{{ at_least = {}, of = [{}] }}", parts.len(), parts.join(", ")),
            })
        })
        .boxed()
}

/// One component that may need those before it.
fn component(index: usize) -> BoxedStrategy<String> {
    let kind =
        prop::sample::select(vec!["service", "host", "storage", "function", "voice", "document"]);
    let needs = prop::collection::vec(need(index.max(1)), 0..if index == 0 { 1 } else { 4 });
    (kind, needs, prop::collection::vec(law(), 0..3), any::<bool>())
        .prop_map(move |(kind, needs, laws, glass)| {
            let steps: Vec<String> = laws
                .iter()
                .enumerate()
                .map(|(step, law)| {
                    format!("{{ step = \"s{step}\", effort = {law}, break_glass = {glass} }}")
                })
                .collect();
            format!(
                "[{kind}.c-{index}]\nneeds = [{}]\nrecover = [{}]\n",
                needs.join(", "),
                steps.join(", ")
            )
        })
        .boxed()
}

/// The tables of a map.
fn tables() -> impl Strategy<Value = Vec<String>> {
    (1_usize..12).prop_flat_map(|count| (0..count).map(component).collect::<Vec<_>>())
}

const HEAD: &str = "[organisation]\nname = \"x\"\n";

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(tables in tables()) {
        let map = load(&format!("{HEAD}{}", tables.concat()));
        let text = toml::to_string(&map.document).expect("a map is TOML");
        prop_assert_eq!(load(&text), map);
    }

    #[test]
    fn the_order_of_tables_and_files_means_nothing(
        (tables, shuffled) in tables().prop_flat_map(|tables| {
            (Just(tables.clone()), Just(tables).prop_shuffle())
        }),
        cut in any::<prop::sample::Index>(),
    ) {
        let map = load(&format!("{HEAD}{}", tables.concat()));
        prop_assert_eq!(&load(&format!("{HEAD}{}", shuffled.concat())), &map);
        let (first, second) = shuffled.split_at(cut.index(shuffled.len()));
        let files = [
            Source::new("a.toml", first.concat()),
            Source::new("b.toml", format!("{HEAD}{}", second.concat())),
        ];
        let folder = load::map_from(&files);
        prop_assert_eq!(&folder.expect("one map of two files").value, &map);
    }
}
