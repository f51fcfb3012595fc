//! An agent in one value: its checks, its store, what it knows now, and how to run it.
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use evenkeel_config::agent::AgentSettings;
use evenkeel_config::id::Id;
use evenkeel_config::map::DependencyMap;
use evenkeel_config::problem::Problems;
use evenkeel_config::record::{Evidence, EvidenceSet, RecordedMap, SCHEMA_VERSION};
use jiff::Timestamp;

use crate::plan::{self, Configured};
use crate::serve::{self, ServeError, token};
use crate::store::{self, Store, StoreError};
use crate::{
    discover, drill, judge,
    latest::{self, Latest},
    metrics, planned, schedule,
};

/// Why an agent cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The checks are not configured rightly.
    #[error("{0}")]
    Settings(Problems),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The access token cannot be read or made.
    #[error(transparent)]
    Token(#[from] token::TokenError),
    /// The server cannot be started.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

impl From<Problems> for AgentError {
    fn from(problems: Problems) -> Self {
        Self::Settings(problems)
    }
}

/// A running or ready agent. Clones share everything.
#[derive(Debug, Clone)]
pub struct Agent {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    data: PathBuf,
    token: String,
    started: Timestamp,
    setup: RwLock<Arc<Setup>>,
    store: Mutex<Store>,
    latest: Mutex<Latest>,
    recorded: Mutex<RecordedMap>,
    changed: tokio::sync::watch::Sender<u64>,
    stopping: tokio::sync::watch::Sender<bool>,
}

/// What the configuration says; replaced as a whole on reload.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) settings: AgentSettings,
    pub(crate) host: Id,
    pub(crate) map: Option<DependencyMap>,
    pub(crate) checks: Vec<Arc<Configured>>,
}

impl Agent {
    /// Opens the store in the data folder, builds the checks, and reads or
    /// makes the access token. Nothing runs yet.
    ///
    /// # Errors
    /// Every problem of the settings; a store or token that cannot be used.
    pub fn open(
        settings: AgentSettings,
        map: Option<DependencyMap>,
        data: &Path,
    ) -> Result<Self, AgentError> {
        Self::assemble(setup(settings, map)?, data)
    }

    /// An agent from a configuration that is already resolved.
    pub(crate) fn assemble(setup: Setup, data: &Path) -> Result<Self, AgentError> {
        let now = Timestamp::now();
        let store = Store::open(data)?;
        let token = token::load_or_make(data, setup.settings.agent.token_file.as_deref())?;
        let stored = store.latest()?;
        let mut blind = Vec::new();
        for evidence in stored.iter().filter(|evidence| !latest::has_facts(evidence)) {
            blind.extend(store.last_observed(&evidence.check)?);
        }
        let latest = Latest::new(stored, blind);
        let earlier = store.recorded_map()?;
        let recorded = discover::join(
            &setup.host,
            setup.map.as_ref(),
            earlier.as_ref(),
            &discover::Sample::default(),
            now,
        );
        Ok(Self {
            inner: Arc::new(Inner {
                data: data.to_owned(),
                token,
                started: now,
                setup: RwLock::new(Arc::new(setup)),
                store: Mutex::new(store),
                latest: Mutex::new(latest),
                recorded: Mutex::new(recorded),
                changed: tokio::sync::watch::Sender::new(0),
                stopping: tokio::sync::watch::Sender::new(false),
            }),
        })
    }

    /// Replaces the configuration as a whole; on an error the old one stays,
    /// and `evenkeel_config_last_reload_successful` says so.
    ///
    /// # Errors
    /// Every problem of the settings.
    pub fn reload(
        &self,
        settings: AgentSettings,
        map: Option<DependencyMap>,
    ) -> Result<(), AgentError> {
        match setup(settings, map) {
            Ok(mut setup) => {
                self.setup().hand_over(&mut setup.checks);
                *self.inner.setup.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(setup);
                self.latest().reload_ok = true;
                self.inner.changed.send_modify(|version| *version += 1);
                Ok(())
            }
            Err(problems) => {
                self.reload_failed();
                Err(problems.into())
            }
        }
    }

    /// Notes that a new configuration could not be read.
    pub fn reload_failed(&self) {
        self.latest().reload_ok = false;
    }

    /// Runs every check once, stores the evidence and returns it in the order
    /// of the settings.
    pub async fn run_all_once(&self) -> Vec<Evidence> {
        schedule::once_each(self, &[]).await
    }

    /// As [`Agent::run_all_once`], for the checks with these names only.
    pub async fn run_once(&self, names: &[String]) -> Vec<Evidence> {
        schedule::once_each(self, names).await
    }

    /// Looks at the host's dependencies once and stores the recorded map.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn sample(&self) -> Result<RecordedMap, AgentError> {
        schedule::sample(self, true)?;
        Ok(self.recorded_map())
    }

    /// Accepts that a target of a check is gone for good; `false` if it was
    /// not known.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn forget(&self, check: &str, target: &str) -> Result<bool, AgentError> {
        Ok(self.store().forget(check, target)?)
    }

    /// Names of the configured checks, in the order of the settings; drills,
    /// which no command but `drill` runs, are not among them.
    pub fn check_names(&self) -> Vec<String> {
        let setup = self.setup();
        let checks = setup.checks.iter().filter(|check| !check.is_drill());
        checks.map(|check| check.entry.name.clone()).collect()
    }

    /// Runs the schedule and samples the host's dependencies until `shutdown`.
    ///
    /// # Errors
    /// None at present: a check that fails is evidence.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) -> Result<(), AgentError> {
        schedule::run(self, shutdown).await;
        Ok(())
    }

    /// Answers HTTP on a listener until `shutdown`.
    ///
    /// # Errors
    /// The listener is off loopback without TLS, or the certificate is unusable.
    pub async fn serve(
        &self,
        listener: tokio::net::TcpListener,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<(), AgentError> {
        serve::serve(self, listener, shutdown).await.map_err(AgentError::from)
    }

    /// The token that `/evidence` and `/map` ask for.
    pub fn token(&self) -> &str {
        &self.inner.token
    }

    /// The name of this host on the map.
    pub fn host(&self) -> Id {
        self.setup().host.clone()
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        &self.inner.data
    }

    /// Declared and discovered components and dependencies.
    pub fn recorded_map(&self) -> RecordedMap {
        lock(&self.inner.recorded).clone()
    }

    /// The newest evidence of each configured check, judged now, and all
    /// restore drills.
    pub fn evidence(&self) -> EvidenceSet {
        let now = Timestamp::now();
        let mut evidence = self.judged(now);
        if let Ok(drills) = self.store().drills() {
            let is_listed = |drill: &Evidence| {
                evidence.iter().any(|one| one.check == drill.check && one.started == drill.started)
            };
            let earlier: Vec<Evidence> =
                drills.into_iter().filter(|drill| !is_listed(drill)).collect();
            evidence.splice(0..0, earlier);
        }
        EvidenceSet { schema_version: SCHEMA_VERSION, as_of: now, evidence }
    }

    /// The page for Prometheus; runs no check.
    pub fn metrics(&self) -> String {
        let now = Timestamp::now();
        let checks = self.checks(now);
        let latest = self.latest();
        let state = metrics::State {
            host: self.host(),
            started: self.inner.started,
            reload_ok: latest.reload_ok,
            store_ok: latest.store_ok(),
            store_bytes: store::size(&self.inner.data),
            resident_bytes: metrics::resident_bytes(),
            edges: latest.edges,
            checks,
        };
        drop(latest);
        metrics::render(&state)
    }

    /// The newest evidence of each configured check, judged at an instant.
    fn judged(&self, now: Timestamp) -> Vec<Evidence> {
        let setup = self.setup();
        let latest = self.latest();
        let mut all = Vec::new();
        for configured in &setup.checks {
            let Some(evidence) = latest.of(&configured.entry) else { continue };
            let mut evidence = evidence.clone();
            evidence.status = judge::status_at(&evidence, setup.is_planned(configured, now), now);
            all.push(evidence);
        }
        all
    }

    /// Each configured check with its newest evidence, as the metrics show it.
    fn checks(&self, now: Timestamp) -> Vec<metrics::CheckState> {
        let setup = self.setup();
        let latest = self.latest();
        let state = |configured: &Arc<Configured>| metrics::CheckState {
            configured: Arc::clone(configured),
            evidence: latest.of(&configured.entry).cloned(),
            facts: latest.facts_of(&configured.entry).cloned(),
            planned: setup.is_planned(configured, now),
            vanished: latest.vanished(&configured.entry).to_vec(),
            now,
        };
        let mut all: Vec<metrics::CheckState> = setup.checks.iter().map(state).collect();
        // Drills that nobody scheduled are shown once there was one.
        let scheduled = |name: &str| setup.checks.iter().any(|check| check.entry.name == name);
        let by_hand = setup.checks.iter().filter(|check| check.kind.backup.is_some());
        let by_hand = by_hand.map(|check| Arc::new(drill::by_hand(check)));
        let shown = by_hand.filter(|drill| !scheduled(&drill.entry.name));
        all.extend(shown.map(|drill| state(&drill)).filter(|drill| drill.evidence.is_some()));
        all
    }

    pub(crate) fn setup(&self) -> Arc<Setup> {
        Arc::clone(&self.inner.setup.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        lock(&self.inner.store)
    }

    pub(crate) fn latest(&self) -> MutexGuard<'_, Latest> {
        lock(&self.inner.latest)
    }

    pub(crate) fn recorded(&self) -> MutexGuard<'_, RecordedMap> {
        lock(&self.inner.recorded)
    }

    /// Set while the schedule ends: running checks are given up.
    pub(crate) fn stopping(&self) -> &tokio::sync::watch::Sender<bool> {
        &self.inner.stopping
    }

    /// Counts the reloads.
    pub(crate) fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        self.inner.changed.subscribe()
    }
}

impl Setup {
    pub(crate) fn is_planned(&self, configured: &Configured, now: Timestamp) -> bool {
        self.map
            .as_ref()
            .is_some_and(|map| planned::is_planned(map, &configured.entry.component, now))
    }
}

impl Setup {
    /// Makes checks that take the place of running ones wait for their end.
    pub(crate) fn hand_over(&self, checks: &mut [Arc<Configured>]) {
        for check in checks.iter_mut().filter_map(Arc::get_mut) {
            let same = |old: &&Arc<Configured>| old.entry.name == check.entry.name;
            if let Some(old) = self.checks.iter().find(same) {
                check.running = Arc::clone(&old.running);
            }
        }
    }
}

fn setup(settings: AgentSettings, map: Option<DependencyMap>) -> Result<Setup, Problems> {
    let checks = plan::plan(&settings)?;
    let host = settings.agent.host.clone().unwrap_or_else(own_name);
    Ok(Setup { settings, host, map, checks })
}

/// The machine's own name as an id.
pub fn own_name() -> Id {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let short = name.split('.').next().unwrap_or_default();
    Id::slug(short).unwrap_or_else(|| "host".parse().expect("a constant id"))
}

/// A panic elsewhere must not take the whole agent down: what the lock guards
/// is replaced as a whole and never half written.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
