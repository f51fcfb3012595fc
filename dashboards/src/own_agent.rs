//! The agent that `up` runs in its own process: same checks, same store, same HTTP.
use std::path::Path;

use evenkeel_agent::agent::Agent;
use evenkeel_agent::discover;
use evenkeel_config::load;
use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::cli::{Failure, say};
use crate::hub::AgentSource;
use crate::online::{agent_settings, own_files};
use crate::paths;

/// What this program is when a drill starts it once more; `None` in ordinary life.
pub(crate) fn drill_child() -> Option<std::process::ExitCode> {
    evenkeel_agent::drill::child()
}

/// A running agent; it ends when this value is dropped.
#[derive(Debug)]
pub(crate) struct OwnAgent {
    source: AgentSource,
    _stop: watch::Sender<bool>,
}

impl OwnAgent {
    /// Writes settings and a draft map if there are none, runs every check
    /// once, and goes on in the background.
    ///
    /// # Errors
    /// Settings or map have problems, or the folder cannot be used.
    pub(crate) fn start(folder: &Path, runtime: &Handle) -> Result<Self, Failure> {
        write_missing(folder)?;
        let [settings, _] = own_files(folder);
        let mut settings = agent_settings(&settings)?;
        let listen = std::mem::replace(&mut settings.agent.listen, "127.0.0.1:0".to_owned());
        let map = load::read_sources(&crate::organisation::own_map(folder))
            .and_then(|sources| load::map_from(&sources))
            .map_err(|problems| Failure::document(&problems))?;
        let data = folder.join("agent");
        paths::make(&data).map_err(Failure::other)?;
        let agent = Agent::open(settings, Some(map.value), &data)?;
        say("looking at this host");
        let listener = runtime.block_on(bind(&listen))?;
        let url = format!("http://{}", listener.local_addr()?);
        runtime.block_on(agent.run_all_once());
        let source =
            AgentSource { name: agent.host().to_string(), url, token: agent.token().to_owned() };
        let (stop, stopped) = watch::channel(false);
        let until = |mut stopped: watch::Receiver<bool>| async move {
            // An error means that the sender is gone, which is the end, too.
            let _ = stopped.wait_for(|stop| *stop).await;
        };
        let (serving, watching) = (agent.clone(), agent);
        let (serve_until, run_until) = (until(stopped.clone()), until(stopped));
        runtime.spawn(async move {
            if let Err(error) = serving.serve(listener, serve_until).await {
                tracing::error!("{error}");
            }
        });
        runtime.spawn(async move {
            if let Err(error) = watching.run(run_until).await {
                tracing::error!("{error}");
            }
        });
        Ok(Self { source, _stop: stop })
    }

    /// Where the hub asks it.
    pub(crate) fn source(&self) -> AgentSource {
        self.source.clone()
    }
}

/// The configured port, so that Prometheus finds it, else any free one.
async fn bind(listen: &str) -> Result<tokio::net::TcpListener, Failure> {
    match tokio::net::TcpListener::bind(listen).await {
        Ok(listener) => {
            say(&format!("metrics of this host are on http://{}/metrics", listener.local_addr()?));
            Ok(listener)
        }
        Err(error) => {
            say(&format!("{listen} is taken ({error}); the agent uses another port"));
            Ok(tokio::net::TcpListener::bind("127.0.0.1:0").await?)
        }
    }
}

/// Settings and map as discovered; files that exist are never touched.
fn write_missing(folder: &Path) -> Result<(), Failure> {
    let [settings, map] = own_files(folder);
    let has_map = crate::organisation::own_map(folder).exists();
    if settings.exists() && has_map {
        return Ok(());
    }
    let proposal = discover::propose(Path::new("/"), Timestamp::now());
    let files =
        [(settings, proposal.agent_toml, "settings"), (map, proposal.map_toml, "a draft map")];
    for (file, text, what) in files {
        if file.exists() || what == "a draft map" && has_map {
            continue;
        }
        std::fs::write(&file, text).map_err(|error| {
            Failure::other(format!(
                "cannot write {}: {error}\n  hint: choose another folder with --data DIR",
                file.display()
            ))
        })?;
        say(&format!("wrote {what}: {}", file.display()));
    }
    for note in &proposal.notes {
        say(note);
    }
    Ok(())
}
