//! From the sources to settings.

use std::collections::BTreeMap;

use base::text::nearest;

use super::error::{Error, Origin};
use super::keys::{self, KEYS, Key};
use super::settings::{Machine, Settings};
use super::value::Value;
use super::{cassandra, check, connections, defaults, document, seeds};

/// What the command line says about settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// `--listen-address`: one address for everything.
    pub listen_address: Option<String>,
    /// `--data-dir`: the parent of all directories.
    pub data_dir: Option<String>,
    /// `--seeds`.
    pub seeds: Option<String>,
    /// `--set key=value`, each.
    pub set: Vec<String>,
}

/// Everything that says something about settings, as text.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The settings file's name and text.
    pub file: Option<(String, String)>,
    /// The environment's variables; only those that begin with `HELENUS_` count.
    pub environment: Vec<(String, String)>,
    /// The command line.
    pub arguments: Arguments,
    /// For defaults.
    pub machine: Machine,
}

/// Complete settings, and what to tell about them.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// One line for each thing that was passed over.
    pub warnings: Vec<String>,
}

/// A written value.
pub(super) struct Given {
    value: Value,
    bare_unit: Option<u64>,
    /// Where it was written.
    pub(super) origin: Origin,
}

/// Written values by the name of their setting; later sources replace earlier ones.
pub(super) type Written = BTreeMap<&'static str, Given>;

/// Puts the sources together and checks them.
pub fn load(sources: &Sources) -> Result<Loaded, Error> {
    let mut collector = Collector::default();
    if let Some((name, text)) = &sources.file {
        collector.file(name, text)?;
    }
    collector.environment(&sources.environment)?;
    collector.arguments(&sources.arguments)?;
    let mut settings = defaults::defaults(&sources.machine);
    for key in KEYS {
        (key.default)(&mut settings, &sources.machine);
        if let Some(given) = collector.written.get(key.name)
            && given.value != Value::Null
        {
            (key.read)(&mut settings, &given.value, given.bare_unit).map_err(|message| {
                Error::new(given.origin.clone(), format!("{}: {message}", key.name))
            })?;
        }
    }
    defaults::finish(&mut settings, &sources.machine);
    check::check(&settings, &collector.written)?;
    let few = connections::limit(&mut settings, &sources.machine);
    collector.warnings.extend(few);
    Ok(Loaded {
        settings,
        warnings: collector.warnings,
    })
}

#[derive(Default)]
struct Collector {
    written: Written,
    warnings: Vec<String>,
}

/// What a name stands for.
enum Meaning {
    Setting(&'static Key, Option<u64>),
    SeedProvider,
    /// Passed over, because of this.
    Replaced(&'static str),
    /// The nearest name, if there is one.
    Unknown(Option<&'static str>),
}

fn meaning(name: &str) -> Meaning {
    if let Some((key, bare_unit)) = keys::find(name) {
        return Meaning::Setting(key, bare_unit);
    }
    if name == "seed_provider" {
        return Meaning::SeedProvider;
    }
    match cassandra::replacement(name) {
        Some(instead) => Meaning::Replaced(instead),
        None => Meaning::Unknown(
            nearest(name, KEYS.iter().map(|key| key.name))
                .or_else(|| nearest(name, cassandra::names())),
        ),
    }
}

fn unknown(name: &str, nearest: Option<&str>) -> String {
    match nearest {
        Some(nearest) => format!("unknown setting '{name}'; did you mean '{nearest}'?"),
        None => {
            format!("unknown setting '{name}'; 'helenus check' without it prints all there are")
        }
    }
}

impl Collector {
    fn file(&mut self, name: &str, text: &str) -> Result<(), Error> {
        let mut seen: BTreeMap<&'static str, String> = BTreeMap::new();
        for entry in document::read(name, text)? {
            let Some(setting) = self.take(
                &entry.name,
                entry.value,
                &entry.name_origin,
                entry.value_origin,
            )?
            else {
                continue;
            };
            if let Some(other) = seen.insert(setting, entry.name.clone()) {
                let message = format!("'{}' says again what '{other}' says; keep one", entry.name);
                return Err(Error::new(entry.name_origin, message));
            }
        }
        Ok(())
    }

    /// Variables named after settings. Others that begin so are warned about, save those that Kubernetes injects for
    /// a service of our name.
    fn environment(&mut self, variables: &[(String, String)]) -> Result<(), Error> {
        for (variable, text) in variables {
            let Some(name) = variable
                .strip_prefix("HELENUS_")
                .map(str::to_ascii_lowercase)
            else {
                continue;
            };
            let origin = Origin::Environment(variable.clone());
            match meaning(&name) {
                Meaning::Unknown(_)
                    if variable.starts_with("HELENUS_PORT")
                        || variable.starts_with("HELENUS_SERVICE_") => {}
                Meaning::Unknown(nearest) => {
                    self.warnings.push(format!(
                        "{origin} is passed over: {}",
                        unknown(&name, nearest)
                    ));
                }
                _ => {
                    let value = written_value(text, &origin)?;
                    self.take(&name, value, &origin.clone(), origin)?;
                }
            }
        }
        Ok(())
    }

    fn arguments(&mut self, arguments: &Arguments) -> Result<(), Error> {
        let mut put = |name: &'static str, text: &String, flag: &str| {
            let origin = Origin::CommandLine(format!("{flag} {text}"));
            self.written.insert(
                name,
                Given {
                    value: Value::Scalar(text.clone()),
                    bare_unit: None,
                    origin,
                },
            );
        };
        if let Some(address) = &arguments.listen_address {
            put("listen_address", address, "--listen-address");
            put("rpc_address", address, "--listen-address");
        }
        if let Some(directory) = &arguments.data_dir {
            put("data_dir", directory, "--data-dir");
        }
        if let Some(seeds) = &arguments.seeds {
            put("seeds", seeds, "--seeds");
        }
        if arguments.data_dir.is_some() {
            // It is the parent of all directories, whatever a file said of them.
            self.written.remove("data_file_directories");
            self.written.remove("commitlog_directory");
        }
        if arguments.listen_address.is_some() {
            self.written.remove("admin_address");
        }
        for argument in &arguments.set {
            let origin = Origin::CommandLine(format!("--set {argument}"));
            let Some((name, text)) = argument.split_once('=') else {
                return Err(Error::new(origin, "expected --set key=value"));
            };
            let value = written_value(text, &origin)?;
            self.take(name.trim(), value, &origin.clone(), origin)?;
        }
        Ok(())
    }

    /// Keeps an entry under the name of its setting, which is the answer.
    fn take(
        &mut self,
        name: &str,
        value: Value,
        name_origin: &Origin,
        origin: Origin,
    ) -> Result<Option<&'static str>, Error> {
        let (setting, value, bare_unit) = match meaning(name) {
            Meaning::Setting(key, bare_unit) => (key.name, value, bare_unit),
            Meaning::SeedProvider if value == Value::Null => return Ok(None),
            Meaning::SeedProvider => match seeds::from_provider(&value) {
                Ok(seeds) => ("seeds", seeds, None),
                Err(message) => return Err(Error::new(origin, format!("{name}: {message}"))),
            },
            Meaning::Replaced(instead) => {
                if let Some(message) = cassandra::refusal(name, &value) {
                    return Err(Error::new(origin, format!("{name}: {message}")));
                }
                self.warnings.push(format!(
                    "{name_origin}: {name} has no effect here: {instead}"
                ));
                return Ok(None);
            }
            Meaning::Unknown(nearest) => {
                return Err(Error::new(name_origin.clone(), unknown(name, nearest)));
            }
        };
        self.written.insert(
            setting,
            Given {
                value,
                bare_unit,
                origin,
            },
        );
        Ok(Some(setting))
    }
}

/// A value of the environment or of `--set`: the text itself, or a YAML list, mapping or quoted text.
fn written_value(text: &str, origin: &Origin) -> Result<Value, Error> {
    let text = text.trim();
    match text.chars().next() {
        None => Ok(Value::Null),
        Some('[' | '{' | '"' | '\'') => serde_saphyr::from_str(text).map_err(|_| {
            Error::new(
                origin.clone(),
                format!("expected a value or a YAML list or mapping, found '{text}'"),
            )
        }),
        Some(_) => Ok(Value::Scalar(text.into())),
    }
}
