//! `run`: the agent as a service, with its signals.
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::documents::Places;
use super::output::{Failure, tell};
use crate::agent::Agent;
use crate::serve;

/// Most threads for checks and documents beside the main one.
const MOST_THREADS: usize = 32;

pub(super) fn run(places: &Places) -> Result<u8, Failure> {
    let agent = places.open()?;
    let runtime = runtime()?;
    let done = runtime.block_on(served(places, &agent));
    // A check that holds its thread must not hold up the end.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    done.map(|()| 0)
}

/// One thread does it all, beside those that run checks: less memory at rest.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(MOST_THREADS)
        .thread_keep_alive(std::time::Duration::from_secs(2))
        .build()
        .map_err(Failure::other)
}

async fn served(places: &Places, agent: &Agent) -> Result<(), Failure> {
    // Before anybody is told that the agent is there, so that no signal is missed.
    let signals = Signals::new()?;
    let address = agent.setup().settings.agent.listen.clone();
    let listener = serve::listen(&address).await.map_err(crate::agent::AgentError::from)?;
    let local = listener.local_addr().map_err(Failure::other)?;
    let scheme = if agent.setup().settings.agent.tls.is_some() { "https" } else { "http" };
    tell(&format!(
        "{} checks; {scheme}://{local}/metrics is served; /evidence and /map need the token in {}",
        agent.check_names().len(),
        agent.data().join("token").display()
    ));
    let (stop, stopped) = watch::channel(false);
    let until = |mut stopped: watch::Receiver<bool>| async move {
        // An error means that the sender is gone, which is the end, too.
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    let serving = async {
        let done = agent.serve(listener, until(stopped.clone())).await;
        stop.send_replace(true);
        done
    };
    let obeying = async {
        obey(places, agent, signals, until(stopped.clone())).await;
        stop.send_replace(true);
    };
    let (ran, served, ()) = tokio::join!(agent.run(until(stopped.clone())), serving, obeying);
    ran?;
    served?;
    Ok(())
}

/// The signals the agent listens to.
struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let on = |kind| signal(kind).map_err(Failure::other);
        Ok(Self {
            hangup: on(SignalKind::hangup())?,
            terminate: on(SignalKind::terminate())?,
            interrupt: on(SignalKind::interrupt())?,
        })
    }
}

/// Reloads on SIGHUP; returns on SIGTERM, on Ctrl-C, or when stopped.
async fn obey(
    places: &Places,
    agent: &Agent,
    mut signals: Signals,
    stopped: impl Future<Output = ()>,
) {
    tokio::pin!(stopped);
    loop {
        tokio::select! {
            _ = signals.hangup.recv() => reload(places, agent),
            _ = signals.terminate.recv() => return,
            _ = signals.interrupt.recv() => return,
            () = &mut stopped => return,
        }
    }
}

fn reload(places: &Places, agent: &Agent) {
    let before = agent.setup();
    let reloaded = places.read().map_err(|failure| {
        agent.reload_failed();
        failure.text().to_owned()
    });
    let reloaded = reloaded.and_then(|documents| {
        agent.reload(documents.settings, documents.map).map_err(|error| error.to_string())
    });
    match reloaded {
        Err(why) => tell(&format!("the settings are not reloaded, the old ones stay:\n{why}")),
        Ok(()) => {
            let after = agent.setup();
            tell(&format!("the settings are reloaded: {} checks", after.checks.len()));
            let (old, new) = (&before.settings.agent, &after.settings.agent);
            if (&old.listen, &old.tls, &old.names) != (&new.listen, &new.tls, &new.names) {
                tell("`listen`, `tls` and `names` take effect at the next start");
            }
        }
    }
}
