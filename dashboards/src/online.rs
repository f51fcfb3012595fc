//! `up` and `serve`: the running hub, with or without an agent of its own.
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use evenkeel_agent::serve::token;
use evenkeel_config::agent::AgentSettings;
use evenkeel_config::hub::HubSettings;
use evenkeel_config::load::{self, Source};
use jiff::Timestamp;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::access::Access;
use crate::cli::{Failure, Format, UpArguments, print, say};
use crate::hub::{AgentSource, HubStore};
use crate::keeper::{Depth, Effort, Keeper, KeeperError, MapSource, Sources};
use crate::own_agent::OwnAgent;
use crate::serve::Site;
use crate::{offline, organisation, paths, serve as server};

/// How many ports after the asked one are tried.
const PORTS_TRIED: u16 = 20;

/// Observes this host (or takes a shipped organisation), simulates, and serves.
///
/// # Errors
/// The data folder or the map cannot be used, or no port is free.
pub(crate) fn up(
    data: &Path,
    arguments: &UpArguments,
    format: Format,
) -> Result<ExitCode, Failure> {
    let folder = organisation::folder(data, &arguments.what);
    paths::make(&folder).map_err(Failure::other)?;
    let runtime = runtime()?;
    let own = match arguments.what.example {
        Some(_) => None,
        None => Some(OwnAgent::start(&folder, runtime.handle())?),
    };
    let agents = own.iter().map(OwnAgent::source).collect();
    let mut keeper = organisation::open(data, &arguments.what, agents)?;
    for silent in keeper.collect()? {
        say(&silent.to_string());
    }
    let depth = if arguments.once { Depth::Fixes } else { Depth::Nights };
    let picture = keeper.picture(Timestamp::now(), depth, false, &|words| say(words))?;
    print(&offline::shown(&picture, format)?);
    if arguments.once {
        return Ok(ExitCode::SUCCESS);
    }
    let listener = bind(arguments.listen, PORTS_TRIED)?;
    let address = listener.local_addr()?;
    if address.port() != arguments.listen.port() && arguments.listen.port() != 0 {
        say(&format!("port {} is taken; using {}", arguments.listen.port(), address.port()));
    }
    let token = token::load_or_make(&folder, None)?;
    let end = EndSignals::listen(&runtime)?;
    say(&format!(
        "\nopen http://{address}/?token={token}\nfacts and history are in {}; Ctrl-C ends",
        folder.display()
    ));
    let site = Site::new(picture, Access::new(address, &[], token, false));
    runtime.block_on(run(site, listener, None, keeper, end))?;
    drop(own);
    say("ended cleanly");
    Ok(ExitCode::SUCCESS)
}

/// Collects from the agents of `hub.toml` and serves the pages.
///
/// # Errors
/// The settings or the map have problems, or the address cannot be served on.
pub(crate) fn serve(data: Option<&Path>, config: &Path) -> Result<ExitCode, Failure> {
    let settings = read_settings(config)?;
    let base = config.parent().unwrap_or(Path::new("."));
    let hub = &settings.hub;
    let folder = match (data, &hub.data) {
        (Some(data), _) => data.to_owned(),
        (None, Some(folder)) => base.join(folder),
        (None, None) => base.join("data"),
    };
    paths::make(&folder).map_err(Failure::other)?;
    let address: SocketAddr = hub.listen.parse().map_err(|_| {
        Failure::document(&format!(
            "hub.listen: `{}` is no address and port, as in 127.0.0.1:8420",
            hub.listen
        ))
    })?;
    if !address.ip().is_loopback() && hub.tls.is_none() && !hub.insecure {
        let words = format!("hub.listen: {address} can be reached by others, so TLS is needed");
        let hint =
            "add `tls = { certificate = \"..\", key = \"..\" }` under [hub], or `insecure = true`";
        return Err(Failure::document(&format!("{words}\n  hint: {hint}")));
    }
    let mut keeper = open_hub(&settings, base, &folder)?;
    for silent in keeper.collect()? {
        say(&silent.to_string());
    }
    let picture = keeper.picture(Timestamp::now(), Depth::Nights, false, &|words| say(words))?;
    let listener = bind(address, 0)?;
    let address = listener.local_addr()?;
    let runtime = runtime()?;
    let tls = match &hub.tls {
        Some(tls) => Some(
            runtime
                .block_on(crate::tls::load(&base.join(&tls.certificate), &base.join(&tls.key)))?,
        ),
        None => None,
    };
    let scheme = if tls.is_some() { "https" } else { "http" };
    let token = token::load_or_make(&folder, None)?;
    let end = EndSignals::listen(&runtime)?;
    say(&format!("open {scheme}://{address}/?token={token}\nCtrl-C ends"));
    let site = Site::new(picture, Access::new(address, &hub.names, token, tls.is_some()));
    runtime.block_on(run(site, listener, tls, keeper, end))?;
    say("ended cleanly");
    Ok(ExitCode::SUCCESS)
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

fn read_settings(config: &Path) -> Result<HubSettings, Failure> {
    let sources = load::read_sources(config).map_err(|error| Failure::document(&error))?;
    let source = sources.first().ok_or_else(|| Failure::other("no settings"))?;
    load::hub_from(source).map(|loaded| loaded.value).map_err(|error| Failure::document(&error))
}

fn open_hub(settings: &HubSettings, base: &Path, folder: &Path) -> Result<Keeper, Failure> {
    let mut agents = Vec::new();
    for agent in &settings.agent {
        let file = base.join(&agent.token_file);
        let token = std::fs::read_to_string(&file).map_err(|error| {
            Failure::document(&format!(
                "the token file {} of {} cannot be read: {error}",
                file.display(),
                agent.name
            ))
        })?;
        let (name, url) = (agent.name.clone(), agent.url.clone());
        agents.push(AgentSource { name, url, token: token.trim().to_owned() });
    }
    let scenarios = match &settings.hub.scenarios {
        Some(own) => read_scenarios(&base.join(own))?,
        None => organisation::library_scenarios()?,
    };
    let effort = Effort {
        trials: settings.hub.trials,
        collect_every: jiff::SignedDuration::from_millis(settings.hub.collect_every.as_ms()),
        simulate_every: jiff::SignedDuration::from_millis(settings.hub.simulate_every.as_ms()),
        ..Effort::default()
    };
    let map = MapSource::Path(base.join(&settings.hub.map));
    let sources = Sources { map, scenarios, agents, shipped: None };
    Keeper::open(HubStore::open(folder)?, sources, effort, Timestamp::now()).map_err(|error| {
        match error {
            KeeperError::Map(problems) => Failure::document(&problems),
            KeeperError::Store(error) => error.into(),
        }
    })
}

fn read_scenarios(folder: &Path) -> Result<Vec<evenkeel_config::scenario::Scenario>, Failure> {
    let sources = load::read_sources(folder).map_err(|error| Failure::document(&error))?;
    let read = |source: &Source| load::scenario_from(source).map(|loaded| loaded.value);
    let all: Result<Vec<_>, _> = sources.iter().map(read).collect();
    all.map_err(|error| Failure::document(&error))
}

/// Binds the address, or one of the next `more` ports if it is taken.
fn bind(address: SocketAddr, more: u16) -> Result<TcpListener, Failure> {
    let mut last = None;
    for step in 0..=more {
        let port = address.port().saturating_add(step);
        match TcpListener::bind(SocketAddr::new(address.ip(), port)) {
            Ok(listener) => {
                listener.set_nonblocking(true)?;
                return Ok(listener);
            }
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => last = Some(error),
            Err(error) => {
                return Err(Failure::other(format!("cannot serve on {address}: {error}")));
            }
        }
    }
    let why = last.map_or(String::new(), |error| format!(": {error}"));
    Err(Failure::other(format!(
        "cannot serve on {address}{why}\n  hint: end the other program, or choose another port"
    )))
}

/// Serves until Ctrl-C or SIGTERM, while the keeper works in a thread of its own.
async fn run(
    site: Site,
    listener: TcpListener,
    tls: Option<axum_server::tls_rustls::RustlsConfig>,
    keeper: Keeper,
    end: EndSignals,
) -> Result<(), Failure> {
    let (wake, woken) = channel();
    let keeping = std::thread::spawn({
        let site = site.clone();
        move || keep(keeper, &site, &woken)
    });
    let handle = axum_server::Handle::new();
    let stop = handle.clone();
    let refresh = wake.clone();
    let bell = site.clone();
    let ringing = tokio::spawn(async move {
        loop {
            bell.asked_to_refresh().await;
            if refresh.send(Wake::Anew).is_err() {
                break;
            }
        }
    });
    tokio::spawn(async move {
        end.wait().await;
        stop.graceful_shutdown(Some(Duration::from_secs(3)));
    });
    let served = server::serve(&site, listener, tls, handle).await;
    ringing.abort();
    end_keeper(&wake);
    let _ = tokio::task::spawn_blocking(move || keeping.join()).await;
    served.map_err(Failure::from)
}

/// Ctrl-C and SIGTERM. Made before the address is printed, so that whoever
/// reads it can end the program cleanly from then on.
struct EndSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl EndSignals {
    fn listen(runtime: &tokio::runtime::Runtime) -> std::io::Result<Self> {
        let _inside = runtime.enter();
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    async fn wait(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// What wakes the keeper before its time.
enum Wake {
    /// Somebody wants new facts.
    Anew,
    /// The program ends.
    End,
}

fn end_keeper(wake: &Sender<Wake>) {
    let _ = wake.send(Wake::End);
}

/// Collects and redraws in the rhythm of the settings. Fixes come with the
/// second picture, the year and what would move the promises one by one after it, so that the
/// first is there at once.
fn keep(mut keeper: Keeper, site: &Site, woken: &Receiver<Wake>) {
    let rhythm = Duration::from_millis(
        u64::try_from(keeper.effort().collect_every.as_millis()).unwrap_or(60_000),
    );
    let mut anew = false;
    loop {
        let draw = |keeper: &mut Keeper, depth, anew| match keeper.picture(
            Timestamp::now(),
            depth,
            anew,
            &|_| {},
        ) {
            Ok(picture) => site.show(picture),
            Err(error) => tracing::error!("the picture stays as it was: {error}"),
        };
        let began = Instant::now();
        draw(&mut keeper, Depth::Fixes, anew);
        // What is left is done after the next collection: facts come first. Whoever ends the program, or wants new facts, does not wait for the rest.
        let mut early = woken.try_recv().ok();
        while early.is_none() && began.elapsed() < rhythm {
            match keeper.work_on(&|_| {}) {
                Ok(true) => draw(&mut keeper, Depth::Fixes, false),
                Ok(false) => break,
                Err(error) => {
                    tracing::error!("what a picture shows below its first answer waits: {error}");
                    break;
                }
            }
            early = woken.try_recv().ok();
        }
        anew = match early
            .map_or_else(|| woken.recv_timeout(rhythm.saturating_sub(began.elapsed())), Ok)
        {
            Ok(Wake::End) | Err(RecvTimeoutError::Disconnected) => return,
            Ok(Wake::Anew) => true,
            Err(RecvTimeoutError::Timeout) => false,
        };
        match keeper.collect() {
            Ok(silent) => silent.iter().for_each(|error| tracing::warn!("{error}")),
            Err(error) => tracing::error!("{error}"),
        }
    }
}

/// The files that `up` keeps beside the history.
pub(crate) fn own_files(folder: &Path) -> [PathBuf; 2] {
    [folder.join("agent.toml"), folder.join("map.toml")]
}

/// Reads the agent's settings.
///
/// # Errors
/// Every problem in them.
pub(crate) fn agent_settings(file: &Path) -> Result<AgentSettings, Failure> {
    let sources = load::read_sources(file).map_err(|error| Failure::document(&error))?;
    let source = sources.first().ok_or_else(|| Failure::other("no settings"))?;
    load::agent_from(source).map(|loaded| loaded.value).map_err(|error| Failure::document(&error))
}
