//! The map page: every line in the table, folding, and hostile names.
use super::*;
use crate::pages::town;

fn shown(picture: &Picture, function: &str) -> String {
    let ask = Ask { function: Some(function.to_owned()), ..Ask::default() };
    page(picture, &ask).into_string()
}

fn body_rows(page: &str) -> usize {
    page.matches("<th scope=\"row\">").count()
}

/// Two hundred components in many layers, all below one function.
fn large_map() -> String {
    let mut map = format!("{}[function.all]\nneeds = [", town::EMPTY);
    map += &(0..10).map(|at| format!("\"s{at}\"")).collect::<Vec<_>>().join(", ");
    map += "]\n";
    for at in 0..10 {
        map += &format!("[service.s{at}]\nneeds = [\"v{at}\", \"v{}\"]\n", at + 10);
    }
    for at in 0..95 {
        let below: Vec<String> = (1..3)
            .map(|way| at * 2 + 18 + way)
            .filter(|to| *to < 95)
            .map(|to| format!("\"v{to}\""))
            .collect();
        map += &format!(
            "[vm.v{at}]\nruns_on = \"h{at}\"\nneeds = [{}]\n[host.h{at}]\n",
            below.join(", ")
        );
    }
    map
}

#[test]
fn the_town_is_drawn_with_its_worst_finding_as_headline() {
    let picture = town::picture();
    let page = shown(&picture, "payroll");
    town::show("map", &page);
    town::assert_sound(&page);
    assert!(page.contains("IT lead"), "people appear by role");
    assert!(page.contains("any 1 of 2"));
}

#[test]
fn the_table_has_as_many_rows_as_the_picture_has_lines() {
    let picture = town::picture();
    let net = Net::below(&"payroll".parse().expect("an id"), &picture);
    let folded = fold(&net);
    assert!(folded.hidden.is_empty());
    let page = shown(&picture, "payroll");
    let lines = ["ed", "ed-d", "ed-r", "ed-x"]
        .map(|class| page.matches(&format!("<path class=\"{class}\" d=\"M")).count());
    // the key has one line of each kind
    assert_eq!(lines.iter().sum::<usize>() - 4, folded.edges.len());
    assert_eq!(body_rows(&page), folded.edges.len());
}

#[test]
fn no_line_of_a_large_map_is_lost() {
    let picture = town::of_map(&large_map());
    let net = Net::below(&"all".parse().expect("an id"), &picture);
    let folded = fold(&net);
    assert!(net.components() > 150, "{}", net.components());
    assert!(folded.nodes.len() <= fold::MOST_NODES);
    assert!(folded.rows.iter().all(|row| *row < fold::MOST_ROWS));
    assert_eq!(folded.edges.len() + folded.hidden.len(), net.edges.len());
    let page = shown(&picture, "all");
    town::show("map-large", &page);
    assert_eq!(body_rows(&page), net.edges.len());
    assert!(page.contains(" more below"));
}

#[test]
fn the_same_map_gives_the_same_page() {
    let picture = town::of_map(&large_map());
    assert_eq!(shown(&picture, "all"), shown(&picture, "all"));
}

#[test]
fn like_siblings_are_one_mark_with_a_count() {
    let mut map =
        format!("{}[function.web]\nneeds = [\"a\", \"b\", \"c\", \"d\", \"odd\"]\n", town::EMPTY);
    for name in ["a", "b", "c", "d"] {
        map += &format!("[service.{name}]\nruns_on = \"srv\"\n");
    }
    map += "[service.odd]\n[host.srv]\n";
    let picture = town::of_map(&map);
    let net = Net::below(&"web".parse().expect("an id"), &picture);
    let folded = fold(&net);
    let titles: Vec<&str> = folded.nodes.iter().map(|node| node.title.as_str()).collect();
    assert_eq!(titles, ["Web", "4 services", "odd", "srv"]);
    assert_eq!(folded.edges.len(), 3);
    assert_eq!(folded.hidden.len(), 8, "the four lines above and the four below");
}

#[test]
fn a_loop_is_drawn_with_a_line_that_runs_upwards() {
    let map = format!(
        "{}[function.f]\nneeds = [\"hv\"]\n[host.hv]\nrecover_needs = [\"vault\"]\n[vm.vault]\nruns_on = \"hv\"\n",
        town::EMPTY
    );
    let picture = town::of_map(&map);
    let folded = fold(&Net::below(&"f".parse().expect("an id"), &picture));
    assert_eq!(folded.rows, [0, 1, 2]);
    assert_eq!(folded.edges.len(), 3);
}

#[test]
fn an_empty_map_says_what_to_do() {
    let page = page(&town::of_map(town::EMPTY), &Ask::default()).into_string();
    assert!(page.contains("Nothing is on the map yet."));
    town::assert_sound(&page);
}

#[test]
fn hostile_names_stay_text() {
    let map = format!(
        "{}[function.f]\nname = \"<script>alert(1)</script>\"\nneeds = [\"s\"]\n\
         [service.s]\nname = \"abc\\u202edcba\"\nsummary = \"<b>\"\n",
        town::EMPTY
    );
    let page = shown(&town::of_map(&map), "f\"><script>");
    town::assert_sound(&page);
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
}

#[test]
fn any_component_can_be_asked_for() {
    let page = shown(&town::picture(), "hv-1");
    assert!(page.contains("<option value=\"hv-1\" selected>"));
}

#[test]
fn every_function_of_the_examples_is_drawn_whole() {
    for example in evenkeel_config::library::EXAMPLES {
        let texts: Vec<&str> = example.map.iter().map(|(_, text)| *text).collect();
        let picture = town::of_map(&texts.join("\n"));
        for function in functions(&picture) {
            let net = Net::below(function, &picture);
            let folded = fold(&net);
            assert!(folded.nodes.len() <= fold::MOST_NODES, "{function}");
            assert!(folded.edges.len() + folded.hidden.len() >= net.edges.len(), "{function}");
            let page = shown(&picture, function.as_str());
            town::show(&format!("map-{}-{function}", example.name), &page);
            town::assert_sound(&page);
            assert_eq!(body_rows(&page), folded.edges.len() + folded.hidden.len(), "{function}");
        }
    }
}
