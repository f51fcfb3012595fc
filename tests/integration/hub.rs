//! The hub: collects from agents over HTTP, shows who is silent, demands TLS off loopback.
use std::process::Command;
use std::time::Duration;

use crate::support::{AGENT, EVENKEEL, Running, address_and_token, folder, get, run, said};

const MAP: &str = "[organisation]\nname = \"Two Hosts\"\n[host.srv-a]\n[host.srv-b]\n";

#[test]
fn agents_are_asked_and_the_silent_one_is_shown() {
    let place = folder();
    let path = |name: &str| place.path().join(name).display().to_string();
    std::fs::create_dir(path("agent")).unwrap();
    std::fs::write(path("map.toml"), MAP).unwrap();
    let settings = "[agent]\nhost = \"srv-a\"\nlisten = \"127.0.0.1:0\"\n[[check.os_support]]\ncomponent = \"srv-a\"\n";
    std::fs::write(path("agent/agent.toml"), settings).unwrap();
    let mut command = Command::new(AGENT);
    command.args(["run", "--data", &path("agent")]);
    let mut agent = Running::start(command);
    let line = agent.line_with("/metrics is served", Duration::from_secs(30));
    let url = line.split_whitespace().find_map(|word| word.strip_suffix("/metrics")).unwrap();
    let hub = format!(
        "[hub]\nmap = \"map.toml\"\nlisten = \"127.0.0.1:0\"\ntrials = 100\ncollect_every = \"1s\"\n\
         [[agent]]\nname = \"srv-a\"\nurl = \"{url}\"\ntoken_file = \"agent/token\"\n\
         [[agent]]\nname = \"srv-b\"\nurl = \"http://127.0.0.1:9\"\ntoken_file = \"agent/token\"\n"
    );
    std::fs::write(path("hub.toml"), hub).unwrap();
    let mut command = Command::new(EVENKEEL);
    command.args(["serve", "--config", &path("hub.toml")]);
    let mut hub = Running::start(command);
    hub.line_with("srv-b at http://127.0.0.1:9 does not answer", Duration::from_secs(60));
    let (address, token) = address_and_token(&hub.line_with("open http", Duration::from_secs(60)));
    let page =
        get(&format!("{address}/evidence"), &[("authorization", &format!("Bearer {token}"))]);
    for words in ["Two Hosts", "srv-a", "srv-b", "One server is silent"] {
        assert!(page.body.contains(words), "the page does not say `{words}`");
    }
    let metrics = get(&format!("{address}/metrics"), &[]).body;
    assert!(
        metrics.contains("evenkeel_hub_last_heard_timestamp_seconds{host=\"srv-a\"}"),
        "{metrics}"
    );

    std::fs::write(path("map.toml"), MAP.replace("[host.srv-b]", "[host.srv-b]\nsiet = \"x\""))
        .unwrap();
    hub.line_with("the map is refused", Duration::from_secs(30));
    let bearer = format!("Bearer {token}");
    // The words are logged just before the page is drawn anew.
    let says_so = (0..2000).any(|_| {
        let page = get(&format!("{address}/"), &[("authorization", &bearer)]).body;
        page.contains("the last right one is shown") && page.contains("map.toml, line 5")
    });
    assert!(says_so, "a wrong map must be said on the page");
    assert!(hub.interrupt() && agent.interrupt());
}

#[test]
fn settings_of_the_hub_are_refused_with_place_and_hint() {
    let cases = [
        ("[hub]\nmap = \"map.toml\"\nlisten = \"0.0.0.0:8434\"\n", "TLS"),
        ("[hub]\nmapp = \"map.toml\"\n", "did you mean `map`"),
        ("[hub]\nmap = \"gone.toml\"\n", "gone.toml"),
    ];
    for (settings, expected) in cases {
        let place = folder();
        std::fs::write(place.path().join("map.toml"), MAP).unwrap();
        let file = place.path().join("hub.toml");
        std::fs::write(&file, settings).unwrap();
        let output = run(EVENKEEL, &["serve", "--config", &file.display().to_string()]);
        assert_eq!(output.status.code(), Some(78), "{}", said(&output));
        assert!(said(&output).contains(expected), "{}", said(&output));
    }
}
