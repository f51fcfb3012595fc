//! Where settings, map and data are, and reading them.
use std::path::{Path, PathBuf};

use evenkeel_config::agent::AgentSettings;
use evenkeel_config::load::{Loaded, agent_from, map_from, read_sources};
use evenkeel_config::map::DependencyMap;
use evenkeel_config::problem::{Place, Problems};

use super::output::Failure;
use crate::agent::Agent;

/// Settings for the whole machine.
const SYSTEM_SETTINGS: &str = "/etc/evenkeel/agent.toml";

/// What the command line says about places.
#[derive(Debug)]
pub(super) struct Places {
    config: Option<PathBuf>,
    data: Option<PathBuf>,
}

/// Settings and map as read, with their warnings.
#[derive(Debug)]
pub(super) struct Documents {
    pub(super) settings: AgentSettings,
    pub(super) map: Option<DependencyMap>,
    pub(super) warnings: Problems,
}

/// What could be read of both, with everything that is wrong.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) settings: Option<AgentSettings>,
    pub(super) map: Option<DependencyMap>,
    pub(super) map_file: Option<PathBuf>,
    pub(super) problems: Problems,
}

impl Places {
    pub(super) fn new(config: Option<PathBuf>, data: Option<PathBuf>) -> Self {
        Self { config, data }
    }

    /// The settings file: the one named, else that of the data folder, else
    /// that of the machine.
    pub(super) fn config(&self) -> PathBuf {
        let own = || self.default_data().join("agent.toml");
        self.config.clone().unwrap_or_else(|| {
            let own = own();
            let system = PathBuf::from(SYSTEM_SETTINGS);
            if !own.exists() && system.exists() { system } else { own }
        })
    }

    /// The data folder: the one named, else that of the settings, else the default.
    pub(super) fn data(&self, settings: &AgentSettings) -> PathBuf {
        let configured = settings.agent.data.as_ref().map(|data| self.beside(data));
        self.data.clone().or(configured).unwrap_or_else(|| self.default_data())
    }

    /// What systemd gives the service, else the user's own data folder.
    pub(super) fn default_data(&self) -> PathBuf {
        if let Some(data) = &self.data {
            return data.clone();
        }
        let folder = |name: &str| {
            std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
        };
        let own = || folder("HOME").map(|home| home.join(".local/share"));
        folder("STATE_DIRECTORY")
            .or_else(|| folder("XDG_DATA_HOME").or_else(own).map(|base| base.join("evenkeel")))
            .unwrap_or_else(|| PathBuf::from("/var/lib/evenkeel"))
    }

    /// A path of the settings file, which counts from the file's own folder.
    pub(super) fn beside(&self, path: &str) -> PathBuf {
        self.config().parent().unwrap_or(Path::new("")).join(path)
    }

    /// Reads settings and map.
    pub(super) fn read(&self) -> Result<Documents, Failure> {
        let found = self.find()?;
        match found.settings {
            Some(settings) if !found.problems.is_fatal() => {
                Ok(Documents { settings, map: found.map, warnings: found.problems })
            }
            _ => Err(found.problems.into()),
        }
    }

    /// Reads as much of settings and map as can be read.
    pub(super) fn find(&self) -> Result<Found, Failure> {
        let file = self.config();
        if !file.exists() {
            return Err(Failure::config(format!(
                "{}: there are no settings\n  hint: `evenkeel-agent init` writes them for this \
                 host; or name a file with `--config`",
                file.display()
            )));
        }
        let mut problems = Problems::default();
        let read = read_sources(&file).and_then(|sources| match sources.as_slice() {
            [source] => agent_from(source),
            _ => Err(several(&file)),
        });
        let settings = take(&mut problems, read);
        let map_file = settings.as_ref().and_then(|settings| self.map_file(settings));
        let map = map_file.as_ref().and_then(|file| {
            take(&mut problems, read_sources(file).and_then(|sources| map_from(&sources)))
        });
        Ok(Found { settings, map, map_file, problems })
    }

    /// The map that the settings name, else `map.toml` beside them if it is there.
    fn map_file(&self, settings: &AgentSettings) -> Option<PathBuf> {
        match &settings.agent.map {
            Some(map) => Some(self.beside(map)),
            None => Some(self.beside("map.toml")).filter(|file| file.exists()),
        }
    }

    /// Reads the documents and opens the agent on its data folder.
    pub(super) fn open(&self) -> Result<Agent, Failure> {
        let documents = self.read()?;
        for warning in &documents.warnings.list {
            super::output::tell(&warning.to_string());
        }
        let data = self.data(&documents.settings);
        Ok(Agent::open(documents.settings, documents.map, &data)?)
    }
}

/// The value if there is one; all that is wrong is added to the problems.
fn take<T>(problems: &mut Problems, read: Result<Loaded<T>, Problems>) -> Option<T> {
    let (found, value) = match read {
        Ok(loaded) => (loaded.warnings, Some(loaded.value)),
        Err(found) => (found, None),
    };
    problems.list.extend(found.list);
    value
}

/// Settings stand in one file, other than a map.
fn several(folder: &Path) -> Problems {
    let mut problems = Problems::default();
    let place = Place { file: folder.display().to_string(), ..Place::default() };
    problems.error(place, "holds several files", "name one, as in `--config agent.toml`");
    problems
}
