//! Exercise packs through the program: every example, strict CSV, and names that mean harm.
use evenkeel_config::library::EXAMPLES;
use evenkeel_config::record::Exercise;

use crate::nights::{functions, scenarios};
use crate::program::{program, text};
use crate::support::{HEAD, blow};

/// Reads CSV by RFC 4180 and nothing else: quoted fields, CR LF.
fn strict_csv(text: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let (mut row, mut field) = (Vec::new(), String::new());
    let mut letters = text.chars().peekable();
    loop {
        assert_eq!(letters.next(), Some('"'), "a field begins with a quote");
        loop {
            match letters.next().expect("a field ends") {
                '"' if letters.peek() == Some(&'"') => {
                    letters.next();
                    field.push('"');
                }
                '"' => break,
                other => field.push(other),
            }
        }
        row.push(std::mem::take(&mut field));
        match letters.next().expect("a row ends") {
            ',' => continue,
            '\r' => assert_eq!(letters.next(), Some('\n')),
            other => panic!("{other:?} after a field"),
        }
        rows.push(std::mem::take(&mut row));
        if letters.peek().is_none() {
            return rows;
        }
    }
}

fn exercise(map: &str, scenario: &str, format: &str, more: &[&str]) -> String {
    let args =
        ["exercise", "--map", map, "--scenario", scenario, "--trials", "20", "--format", format];
    let out = program(&[&args[..], more].concat());
    assert!(out.status.success(), "{map} {scenario} {more:?}: {}", text(&out.stderr));
    text(&out.stdout)
}

#[test]
fn every_example_gives_a_pack() {
    for example in EXAMPLES {
        let map = format!("example:{}", example.name);
        let functions = functions(example);
        for (number, scenario) in scenarios(example).iter().enumerate() {
            let function = functions[number % functions.len()].as_str();
            let night = ["bad", "likely", "3"][number % 3];
            let more = ["--function", function, "--night", night];
            let pack = exercise(&map, scenario, "json", &more);
            let pack: Exercise = serde_json::from_str(&pack).expect("an exercise");
            let rows = strict_csv(&exercise(&map, scenario, "csv", &more));
            assert_eq!(rows.len(), pack.injects.len() + 1, "{map} {scenario} {function}");
            assert!(rows.iter().all(|row| row.len() == rows[0].len()));
            let times: Vec<i64> = pack.injects.iter().map(|inject| inject.at_ms).collect();
            assert!(times.is_sorted() && pack.injects.len() <= 24);
            for inject in &pack.injects {
                assert!(pack.modules.iter().any(|module| module.number == inject.module));
                assert!(pack.objectives.iter().any(|goal| goal.number == inject.objective));
                assert!(!inject.expected.is_empty() && !inject.to.is_empty());
            }
        }
    }
}

#[test]
fn the_pack_is_made_of_the_night() {
    let more = ["--function", "tax-and-deeds", "--night", "bad", "--most", "60"];
    let pack = exercise("example:city-hall", "ransomware", "json", &more);
    let pack: Exercise = serde_json::from_str(&pack).expect("an exercise");
    let has = |words: &str| pack.injects.iter().any(|inject| inject.text.contains(words));
    for words in ["The first sign", "What first?", "waits for", "RTO"] {
        assert!(has(words), "no inject says {words}");
    }
    let few = exercise("example:city-hall", "ransomware", "json", &["--most", "3"]);
    let few: Exercise = serde_json::from_str(&few).expect("an exercise");
    assert!(few.injects.len() == 3 && few.left_out > 0);
    let words = exercise("example:city-hall", "ransomware", "md", &more);
    for expected in ["## Situation", "## Module 3", "## Evaluator's sheet", "Writing measured"] {
        assert!(words.contains(expected), "{expected} is missing");
    }
    // Ids of people are first names in this example; shared pages show roles.
    for name in ["Dana", "dana", "Ravi", "ravi"] {
        assert!(!words.contains(name), "{name} is named");
    }
}

#[test]
fn packs_are_the_same_bytes_on_any_number_of_threads() {
    for (map, scenario, night) in [
        ("example:city-hall", "ransomware", "bad"),
        ("example:small-business", "host_failure", "likely"),
        ("example:non-profit", "account_loss", "17"),
    ] {
        for format in ["md", "csv", "json"] {
            let on = |threads: &str| {
                let more = ["--night", night, "--threads", threads, "--trials", "600"];
                let args = ["exercise", "--map", map, "--scenario", scenario, "--format", format];
                let out = program(&[&args[..], &more].concat());
                assert!(out.status.success(), "{}", text(&out.stderr));
                out.stdout
            };
            let one = on("1");
            assert!(!one.is_empty() && one == on("2"), "{map} {scenario} {format}");
        }
    }
}

/// The injects of a small map's first night.
fn small(body: &str, strike: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let (map, scenario) = (folder.path().join("map.toml"), folder.path().join("s.toml"));
    std::fs::write(&map, format!("{HEAD}{body}")).expect("written");
    std::fs::write(&scenario, strike).expect("written");
    let (map, scenario) = (map.display().to_string(), scenario.display().to_string());
    let pack = exercise(&map, &scenario, "json", &["--night", "0"]);
    let pack: Exercise = serde_json::from_str(&pack).expect("an exercise");
    pack.injects.into_iter().map(|inject| inject.text).collect()
}

#[test]
fn an_intruder_who_comes_back_is_brought_in() {
    let body = "[function.f]\nneeds = [\"s\"]\n\
         [service.s]\nneeds = [\"data\"]\nruns_on = \"h\"\n\
         [host.h]\nrecover = [{ step = \"build\", effort = \"1h\" }]\n\
         clear = [{ step = \"clear\", effort = \"3h\" }]\n\
         [dataset.data]\nsize = \"1 GB\"\nstored_on = \"h\"\n\
         backups = [{ copy = \"nas\", every = \"24h\", keep = \"10d\" }]\n\
         recover = [{ step = \"restore\", dataset = \"data\", unclean = true }]\n\
         [copy.nas]\nrestore_success = 1\n";
    let strike = blow("\"h\", \"data\"", "lost", "").replace("when =", "dwell = \"30d\"\nwhen =");
    let told = small(body, &strike);
    let back = told.iter().position(|text| text.starts_with("The intruder is back with"));
    let clear = told.iter().position(|text| text.starts_with("F is usable again"));
    assert!(back.is_some() && back < clear.or(Some(usize::MAX)), "{told:#?}");
    assert!(told.iter().any(|text| text.starts_with("The intruder is out;")), "{told:#?}");
}

#[test]
fn spares_and_work_entered_again_are_told_in_plain_words() {
    let body = "[function.f]\nneeds = [\"a\", \"b\", \"data\"]\n\
         [host.a]\nrecover = [{ step = \"swap\", spare = \"board\" }]\n\
         [host.b]\nrecover = [{ step = \"swap it\", spare = \"board\" }]\n\
         [spare.board]\nname = \"control board\"\nstock = 1\nlead_time = \"9d\"\n\
         [dataset.data]\nsize = \"1 GB\"\nstored_on = \"a\"\n\
         recover = [{ step = \"restore\", dataset = \"data\", reentry = \"40h\" }]\n";
    let told = small(body, &blow("\"a\", \"b\"", "lost", ""));
    let says = |words: &str| told.iter().any(|text| text.contains(words));
    assert!(
        says("waits for control board: none is in stock; one is ordered, not before"),
        "{told:#?}"
    );
    assert!(says("entered again by hand, until"), "{told:#?}");
    // The piece for the shelf keeps nobody waiting.
    assert!(!says("another control board"), "{told:#?}");
    assert!(says("It is clear what happened"), "{told:#?}");
}

#[test]
fn nothing_is_asked_twice_and_equal_waits_are_one() {
    let pack = exercise("example:city-hall", "ransomware", "json", &["--most", "60"]);
    let pack: Exercise = serde_json::from_str(&pack).expect("an exercise");
    let mut asked = std::collections::BTreeSet::new();
    for inject in &pack.injects {
        for question in &inject.questions {
            let new = asked.insert((inject.module, &question.ask, &question.map_says));
            assert!(new, "{question:?} is asked twice in module {}", inject.module);
        }
    }
    let calls = pack.injects.iter().filter(|inject| inject.text.contains(" is called for "));
    let mut known = std::collections::BTreeSet::new();
    for call in calls {
        let (who, rest) = call.text.split_once(" is called for ").expect("it is there");
        let (_, until) = rest.rsplit_once(" and keeps us waiting ").expect("until when");
        assert!(known.insert((call.at_ms, who, until)), "{}", call.text);
    }
}

#[test]
fn hostile_names_stay_text() {
    let folder = tempfile::tempdir().expect("a folder");
    let map = folder.path().join("map.toml");
    let hostile = r#"=HYPERLINK(\"http://evil\") | <script>x</script> [a](http://evil) \u202e"#;
    let body = format!(
        "[organisation]\nname = \"{hostile}\"\n[function.f]\nname = \"{hostile}\"\n\
         objectives = {{ rto = \"1h\" }}\nneeds = [\"s\"]\n\
         workaround = {{ name = \"{hostile}\", capacity = 0.5, after = \"1h\", lasts = \"2h\" }}\n\
         minimum = 1.0\n\
         [person.p]\nrole = \"{hostile}\"\nskills = [\"k\"]\n\
         [service.s]\nname = \"{hostile}\"\n\
         recover = [{{ step = \"{hostile}\", effort = \"5h\", who = \"p\", success = 0.5 }}]\n"
    );
    std::fs::write(&map, body).expect("written");
    let scenario = folder.path().join("s.toml");
    let strike = format!(
        "title = \"{hostile}\"\nquestion = \"q\"\nstory = \"{hostile}\"\n[[strike]]\n\
         name = \"{hostile}\"\nreach = {{ ids = [\"s\"] }}\neffect = \"down\"\n\
         [[phase]]\nphase = \"detect\"\nname = \"{hostile}\"\ntakes = \"1h\"\n"
    );
    std::fs::write(&scenario, strike).expect("written");
    let (map, scenario) = (map.display().to_string(), scenario.display().to_string());
    let rows = strict_csv(&exercise(&map, &scenario, "csv", &[]));
    assert!(rows.len() > 3);
    for cell in rows.iter().flatten() {
        assert!(!cell.trim_start().starts_with(['=', '+', '-', '@']), "{cell}");
        assert!(!cell.chars().any(|c| c.is_control() || c == '\u{202e}'), "{cell}");
    }
    assert!(rows.iter().flatten().any(|cell| cell.starts_with("'=HYPERLINK")));
    let words = exercise(&map, &scenario, "md", &[]);
    // What a backslash takes the meaning from is text; the rest must be harmless.
    let mut letters = words.chars();
    let mut live = String::new();
    while let Some(letter) = letters.next() {
        if letter == '\\' {
            letters.next();
        } else {
            live.push(letter);
        }
    }
    for bad in ["<script", "](http", "://evil", "\u{1b}", "\u{202e}"] {
        assert!(!live.contains(bad), "{bad:?} in\n{words}");
    }
    let columns = |line: &str| line.replace("\\|", "").matches('|').count();
    let table: Vec<&str> = words.lines().filter(|line| line.starts_with("| 1 |")).collect();
    assert!(table.iter().all(|line| columns(line) == 9), "{table:?}");
    let out = program(&["explain", "--map", &map, "--scenario", &scenario, "--trials", "10"]);
    let both = text(&out.stdout) + &text(&out.stderr);
    assert!(out.status.success() && !both.contains('\u{202e}') && !both.contains('\u{1b}'));
}
