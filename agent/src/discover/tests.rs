//! Discovery on recorded hosts, and with real sockets of this very process.
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;

use evenkeel_config::id::Id;
use evenkeel_config::load::{self, Source};
use evenkeel_config::map::Kind;
use evenkeel_config::record::{RecordedMap, Relation, Seen};
use jiff::SignedDuration;

use super::*;

fn host(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/hosts").join(name)
}

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn id(text: &str) -> Id {
    text.parse().unwrap()
}

fn edges(map: &RecordedMap) -> Vec<String> {
    map.edges.iter().map(|edge| format!("{} > {} {}", edge.from, edge.to, edge.via)).collect()
}

fn map(text: &str) -> evenkeel_config::map::DependencyMap {
    load::map_from(&[Source::new("map.toml", text)]).unwrap().value
}

#[test]
fn a_recorded_host_shows_what_it_needs_and_who_needs_it() {
    let seen = sample(&host("old-server"), now());
    assert_eq!(
        edges(&join(&id("srv-old"), None, None, &seen, now())),
        [
            "evenkeel-agent > srv-old unit",
            "nginx > peer-192-0-2-20 tcp",
            "nginx > postgresql-11-main tcp",
            "nginx > srv-old unit",
            "peer-192-0-2-77 > nginx tcp",
            "postgresql-11-main > srv-old unit",
            "smbd > srv-old unit",
            "srv-old > nas-2 mount",
            "srv-old > peer-192-0-2-53 dns",
            "srv-old > peer-192-0-2-99 tcp",
            "ssh > srv-old unit",
        ]
    );
}

#[test]
fn what_is_declared_and_what_is_seen_are_laid_together() {
    let declared = map("[organisation]\nname = \"Town\"\n\
         [host.srv-old]\nneeds = [\"nas-2\"]\n\
         [storage.nas-2]\nname = \"NAS\"\n\
         [host.srv-db]\n\
         [service.nginx]\nruns_on = \"srv-old\"\nneeds = [\"srv-db\", \"spare-db\"]\n\
         [service.spare-db]\n");
    let seen = sample(&host("old-server"), now());
    let host = id("srv-old");
    let first = join(&host, Some(&declared), None, &seen, now());
    let edge = |map: &RecordedMap, from: &str, to: &str| {
        map.edges.iter().find(|edge| edge.from == id(from) && edge.to == id(to)).cloned()
    };
    // Known by its address in /etc/hosts.
    assert_eq!(edge(&first, "nginx", "srv-db").unwrap().seen, Seen::DeclaredAndSeen);
    assert_eq!(edge(&first, "srv-old", "nas-2").unwrap().seen, Seen::DeclaredAndSeen);
    assert_eq!(edge(&first, "nginx", "spare-db").unwrap().seen, Seen::Declared);
    assert_eq!(edge(&first, "srv-old", "peer-192-0-2-99").unwrap().seen, Seen::Seen);
    assert_eq!(first.nodes[&id("nas-2")].detail, "NAS");
    assert_eq!(first.nodes[&id("spare-db")].seen, Seen::Declared);

    let later = now() + SignedDuration::from_secs(30);
    let nothing = Sample { taken: later, ..Sample::default() };
    let second =
        join(&host, Some(&declared), Some(&first), &Sample { taken: later, ..seen }, later);
    let kept = edge(&second, "nginx", "srv-db").unwrap();
    assert_eq!((kept.samples, kept.first_seen, kept.last_seen), (2, Some(now()), Some(later)));
    let third = join(&host, Some(&declared), Some(&second), &nothing, later);
    assert_eq!(edge(&third, "nginx", "srv-db").unwrap().last_seen, Some(later));

    let much_later = now() + SignedDuration::from_hours(24 * 91);
    let fourth = join(
        &host,
        Some(&declared),
        Some(&third),
        &Sample { taken: much_later, ..Sample::default() },
        much_later,
    );
    assert!(edge(&fourth, "srv-old", "peer-192-0-2-99").is_none());
    assert_eq!(edge(&fourth, "nginx", "srv-db").unwrap().seen, Seen::DeclaredAndSeen);
}

#[test]
fn edges_above_the_cap_are_counted_and_what_we_need_is_kept() {
    let peer = |number: u32| IpAddr::from(std::net::Ipv4Addr::from(0x0a00_0000 + number));
    let flow = |number: u32, ours: bool| {
        let (us, them) = (End::Program("web".to_owned()), End::Peer(peer(number)));
        let (from, to) = if ours { (us, them) } else { (them, us) };
        Flow { from, to, port: 443 }
    };
    let flows = (0..700).map(|number| flow(number, number < 100)).collect();
    let seen = Sample { taken: now(), flows, ..Sample::default() };
    let joined = join(&id("srv"), None, None, &seen, now());
    assert_eq!(joined.edges.len(), MOST_EDGES);
    assert_eq!(joined.dropped_edges, 200);
    let needed = joined.edges.iter().filter(|edge| edge.from == id("web")).count();
    assert_eq!(needed, 100);
    assert!(joined.nodes.len() <= MOST_EDGES + 2);
    assert!(joined.edges.iter().all(|edge| edge.relation == Relation::ToRun));
}

#[test]
fn a_program_named_like_the_host_gets_an_id_of_its_own() {
    let listener = Listener {
        port: 443,
        program: Some("srv".to_owned()),
        addresses: BTreeSet::from([IpAddr::from([0, 0, 0, 0])]),
    };
    let seen = Sample { taken: now(), listeners: vec![listener], ..Sample::default() };
    let joined = join(&id("srv"), None, None, &seen, now());
    assert_eq!(joined.nodes[&id("service-srv")].kind, Kind::Service);
    assert_eq!(joined.nodes[&id("srv")].kind, Kind::Host);
}

#[test]
fn real_sockets_are_found() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let (server, _) = listener.accept().unwrap();
    let seen = sample(Path::new("/"), now());
    let found = seen.listeners.iter().find(|listener| listener.port == port).unwrap();
    assert!(found.is_local());
    let own = std::fs::read_to_string("/proc/self/comm").unwrap();
    let program = found.program.clone().unwrap();
    // A test runner may itself stand in a unit.
    let unit = std::fs::read_to_string("/proc/self/cgroup").unwrap();
    assert!(program == own.trim() || unit.contains(&program), "{program}");
    // Both ends are the same program, so the connection is no dependency.
    let itself = End::Program(program);
    assert!(!seen.flows.iter().any(|flow| flow.from == itself && flow.to == itself));
    drop((client, server));
}

#[test]
fn a_connection_between_two_programs_is_a_dependency() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = format!("exec 3<>/dev/tcp/127.0.0.1/{port}; read -r -u 3 line");
    let mut client = std::process::Command::new("bash").args(["-c", &script]).spawn().unwrap();
    let (server, _) = listener.accept().unwrap();
    let seen = sample(Path::new("/"), now());
    // Ends the line that it waits for.
    drop(server);
    client.wait().unwrap();
    let owner = seen.listeners.iter().find(|listener| listener.port == port).unwrap().name();
    let flow = seen.flows.iter().find(|flow| flow.port == port);
    let program = flow.map(|flow| flow.from.clone());
    // Where the tests run as one unit, both are that unit.
    let own_unit = std::fs::read_to_string("/proc/self/cgroup").unwrap().contains(&owner);
    let expected = if own_unit { None } else { Some(End::Program("bash".to_owned())) };
    assert_eq!(program, expected);
}

#[test]
fn a_connection_that_was_closed_is_still_seen() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    // Whoever closes first keeps the row; each end waits until it has heard the other's close.
    client.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(server.read(&mut [0]).unwrap(), 0);
    drop(server);
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    drop(client);
    // The kernel hands the table out in pieces, and other tests change it meanwhile.
    let is_seen = (0..10).any(|_| {
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let rows = sockets::parse(&table);
        rows.iter().any(|row| row.state == State::Closed && row.remote.port() == port)
    });
    assert!(is_seen);
    drop(listener);
}

fn check_proposal(name: &str) -> Proposal {
    let proposal = propose(&host(name), now());
    let agent = load::agent_from(&Source::new("agent.toml", proposal.agent_toml.as_str()));
    let agent =
        agent.unwrap_or_else(|problems| panic!("{problems}\n{}", proposal.agent_toml)).value;
    if let Err(problems) = crate::plan::plan(&agent) {
        panic!("{problems}\n{}", proposal.agent_toml);
    }
    let map = load::map_from(&[Source::new("map.toml", proposal.map_toml.as_str())]);
    let map = map.unwrap_or_else(|problems| panic!("{problems}\n{}", proposal.map_toml)).value;
    for check in &agent.checks {
        assert!(map.components.contains_key(&check.component), "{} is on no map", check.component);
    }
    assert!(map.components.contains_key(&proposal.host));
    proposal
}

#[test]
fn a_proposal_can_be_used_at_once() {
    let old = check_proposal("old-server");
    assert_eq!(old.host, id("srv-old"));
    for part in [
        "[[check.mdraid]]",
        "[[check.smart]]",
        "repository = \"/srv/restic\"",
        "path = \"/var/backups/pg/*\"",
        "endpoint = \"127.0.0.1:443\"",
        "server_name = \"www.town.example\"",
        "# [[check.dns]]",
    ] {
        assert!(old.agent_toml.contains(part), "{part}\n{}", old.agent_toml);
    }
    for part in [
        "[function.web-pages]",
        "[function.file-shares]",
        "[service.postgresql-11-main]",
        "[storage.nas-2]",
    ] {
        assert!(old.map_toml.contains(part), "{part}\n{}", old.map_toml);
    }
    // Nobody's business function.
    assert!(!old.map_toml.contains("[service.ssh]"));
    check_proposal("workgroup-server");
}

/// What is commented out must be right, too, once somebody takes the marks away.
#[test]
fn commented_checks_can_be_used_as_they_stand() {
    let old = propose(&host("old-server"), now());
    let mut text = String::new();
    let mut in_check = false;
    for line in old.agent_toml.lines() {
        in_check = line.starts_with("# [[check.") || (in_check && !line.is_empty());
        text += if in_check { line.trim_start_matches("# ") } else { line };
        text.push('\n');
    }
    let agent = load::agent_from(&Source::new("agent.toml", text.as_str())).unwrap().value;
    assert!(agent.checks.iter().any(|check| check.name == "domain town.example"), "{text}");
    assert!(agent.checks.iter().any(|check| check.component == id("restic-vault")), "{text}");
    if let Err(problems) = crate::plan::plan(&agent) {
        panic!("{problems}\n{text}");
    }
}

#[test]
fn whoever_would_be_contacted_is_named_and_only_in_a_comment() {
    let old = check_proposal("old-server");
    let remote: Vec<&str> =
        old.agent_toml.lines().filter(|line| line.contains("vault.example")).collect();
    assert!(!remote.is_empty());
    assert!(remote.iter().all(|line| line.starts_with('#')), "{remote:?}");
    assert!(old.agent_toml.contains("it contacts vault.example"));
    assert!(!format!("{old:?}").contains("hunter2"));
}

#[test]
fn a_host_with_nothing_to_find_still_has_a_map() {
    let quiet = check_proposal("quiet-vm");
    assert!(quiet.map_toml.contains("[host.vm-quiet]"));
    assert!(
        !quiet.map_toml.lines().any(|line| line.starts_with("[service.")),
        "{}",
        quiet.map_toml
    );
    let empty = tempfile::tempdir().unwrap();
    let proposal = propose(empty.path(), now());
    assert_eq!(proposal.host, id("this-host"));
    load::map_from(&[Source::new("map.toml", proposal.map_toml)]).unwrap();
}

#[test]
fn hostile_names_stay_inside_their_strings() {
    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("etc/hostname", "srv\"]\u{1b}[31m\u{202e}\n[x]\n");
    write("etc/os-release", "PRETTY_NAME=\"a\\\" = 1 '''\"\n");
    write("etc/default/restic", "RESTIC_REPOSITORY=/a\"\\\u{7}b]\nRESTIC_PASSWORD_FILE=/k\"\n");
    write("proc/self/mountinfo", "1 0 0:1 / /m\\012[host.evil] rw - nfs4 \"evil\\012]:/x rw\n");
    write("etc/nginx/conf.d/a", "ssl_certificate /x\"y;\nserver_name a.b\"c;\n");
    let proposal = propose(folder.path(), now());
    let agent = load::agent_from(&Source::new("agent.toml", proposal.agent_toml.as_str()));
    assert!(agent.is_ok(), "{agent:?}\n{}", proposal.agent_toml);
    let map = load::map_from(&[Source::new("map.toml", proposal.map_toml.as_str())]);
    let map = map.unwrap_or_else(|problems| panic!("{problems}\n{}", proposal.map_toml)).value;
    assert_eq!(map.components["evil"].kind, Kind::Storage, "{}", proposal.map_toml);
    assert_eq!(map.components.values().filter(|one| one.kind == Kind::Host).count(), 1);
    let shown = format!("{}{}", proposal.map_toml, proposal.agent_toml);
    assert!(!shown.contains(['\u{1b}', '\u{202e}', '\u{7}']), "{shown:?}");
}
