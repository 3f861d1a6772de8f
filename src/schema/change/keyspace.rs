//! Keyspaces made, altered and dropped; replication options against the datacenters there are.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Effect, Outcome, Target, Topology, Verb, unless_missing};
use crate::keyspace::PACKAGE;
use crate::property::Properties;
use crate::{Catalog, Error, Keyspace, Replication, class, system};

type Applied = Result<(Catalog, Outcome), Error>;

/// The option of `SimpleStrategy`, and the default for datacenters in `NetworkTopologyStrategy`.
const FACTOR: &str = "replication_factor";

/// What `replication_factor` is if neither the statement nor the keyspace says.
const FACTOR_DEFAULT: &str = "1";

pub(super) fn create(
    catalog: &Catalog,
    topology: &Topology,
    name: &str,
    replication: &BTreeMap<String, String>,
    durable_writes: bool,
    if_not_exists: bool,
) -> Applied {
    if u16::try_from(name.len()).is_err() {
        return Err(Error::invalid(
            "The keyspace's name does not fit its binary form",
        ));
    }
    if catalog.keyspace(name).is_some() {
        if if_not_exists {
            return Ok(catalog.unchanged());
        }
        return Err(Error::AlreadyExists {
            keyspace: name.to_owned(),
            table: String::new(),
        });
    }
    let replication = Replication::resolve(name, replication, None, topology)
        .map_err(|error| error.about("replication"))?;
    let keyspace = Keyspace {
        name: name.into(),
        replication,
        durable_writes,
        tables: BTreeMap::new(),
        types: BTreeMap::new(),
    };
    let mut outcome = Outcome::of(Effect::new(Verb::Created, Target::Keyspace, name, ""));
    outcome.warnings = keyspace.replication.warnings(name, topology);
    Ok((catalog.with_keyspace(keyspace), outcome))
}

pub(super) fn alter(
    catalog: &Catalog,
    topology: &Topology,
    name: &str,
    replication: Option<&BTreeMap<String, String>>,
    durable_writes: Option<bool>,
    if_exists: bool,
) -> Applied {
    let Some(old) = existing(catalog, name, if_exists)? else {
        return Ok(catalog.unchanged());
    };
    let mut new = Keyspace::clone(old);
    if let Some(map) = replication.filter(|map| !map.is_empty()) {
        new.replication = Replication::resolve(name, map, Some(&old.replication), topology)
            .map_err(|error| error.about("replication"))?;
    }
    new.durable_writes = durable_writes.unwrap_or(old.durable_writes);
    let mut warnings = Vec::new();
    if replication.is_some() {
        warnings = new.replication.warnings(name, topology);
        warnings.extend(system::replication_warning(name));
        if new.replication.copies() > old.replication.copies() {
            warnings.push(
                "When increasing replication factor you need to run a full (-full) repair to distribute the data."
                    .to_owned(),
            );
        }
    }
    if new == **old {
        return Ok((
            catalog.clone(),
            Outcome {
                effect: None,
                warnings,
            },
        ));
    }
    let effect = Effect::new(Verb::Updated, Target::Keyspace, name, "");
    Ok((
        catalog.with_keyspace(new),
        Outcome {
            effect: Some(effect),
            warnings,
        },
    ))
}

pub(super) fn drop(catalog: &Catalog, name: &str, if_exists: bool) -> Applied {
    if existing(catalog, name, if_exists)?.is_none() {
        return Ok(catalog.unchanged());
    }
    let effect = Effect::new(Verb::Dropped, Target::Keyspace, name, "");
    Ok((catalog.without_keyspace(name), Outcome::of(effect)))
}

fn existing<'a>(
    catalog: &'a Catalog,
    name: &str,
    if_exists: bool,
) -> Result<Option<&'a Arc<Keyspace>>, Error> {
    unless_missing(catalog.keyspace(name), if_exists, || {
        format!("Keyspace '{name}' doesn't exist")
    })
}

impl Replication {
    /// What a `replication` map means, given what the keyspace had and which datacenters there are.
    pub(crate) fn resolve(
        keyspace: &str,
        map: &BTreeMap<String, String>,
        previous: Option<&Replication>,
        topology: &Topology,
    ) -> Result<Replication, Error> {
        let mut options = map.clone();
        let Some(class) = options.remove("class") else {
            return Err(Error::config("Missing replication strategy class"));
        };
        match class::short(&class, PACKAGE) {
            "SimpleStrategy" => Replication::simple(keyspace, options, previous),
            "NetworkTopologyStrategy" => {
                Replication::network(keyspace, options, previous, topology)
            }
            "LocalStrategy" => Err(Error::invalid(
                "Unable to use given strategy class: LocalStrategy is reserved for internal use.",
            )),
            "OldNetworkTopologyStrategy" => Err(Error::config(
                "The support for the OldNetworkTopologyStrategy has been removed in C* version 4.0. \
                 The keyspace strategy should be switch to NetworkTopologyStrategy",
            )),
            name => Err(Error::config(format!(
                "Unable to find replication strategy class '{}'",
                class::qualified(name, PACKAGE)
            ))),
        }
    }

    fn simple(
        keyspace: &str,
        options: BTreeMap<String, String>,
        previous: Option<&Replication>,
    ) -> Result<Replication, Error> {
        if let Some(name) = options.keys().find(|name| *name != FACTOR) {
            return Err(unrecognized(name, "SimpleStrategy", keyspace));
        }
        match (options.get(FACTOR), previous) {
            (Some(text), _) => Ok(Replication::Simple {
                factor: parse_factor(text)?,
            }),
            (None, Some(Replication::Simple { factor })) => {
                Ok(Replication::Simple { factor: *factor })
            }
            (None, _) => Ok(Replication::Simple {
                factor: parse_factor(FACTOR_DEFAULT)?,
            }),
        }
    }

    fn network(
        keyspace: &str,
        mut options: BTreeMap<String, String>,
        previous: Option<&Replication>,
        topology: &Topology,
    ) -> Result<Replication, Error> {
        let had = previous.map(Replication::options).unwrap_or_default();
        let mut factor = options.remove(FACTOR);
        if factor.is_none() && options.is_empty() {
            factor = Some(
                had.get(FACTOR)
                    .cloned()
                    .unwrap_or_else(|| FACTOR_DEFAULT.to_owned()),
            );
        } else if factor.is_some() {
            // A factor for all leaves the datacenters alone that have one already.
            for (name, value) in had.into_iter().filter(|(name, _)| name != FACTOR) {
                options.entry(name).or_insert(value);
            }
        }
        if let Some(factor) = factor {
            parse_factor(&factor)?;
            for name in topology.data_centers.keys() {
                options
                    .entry(name.clone())
                    .or_insert_with(|| factor.clone());
            }
        }
        let mut factors = BTreeMap::new();
        for (name, text) in options {
            let factor = parse_factor(&text)?;
            if factor == 0 {
                continue;
            }
            if !topology.data_centers.contains_key(&name) {
                return Err(unrecognized(&name, "NetworkTopologyStrategy", keyspace));
            }
            factors.insert(name, factor);
        }
        if factors.is_empty() {
            return Err(Error::config(
                "Configuration for at least one datacenter must be present",
            ));
        }
        Ok(Replication::Network { factors })
    }

    /// A map that was written by [`Replication::properties`].
    pub(crate) fn stored(map: &BTreeMap<String, String>) -> Result<Replication, Error> {
        let class = map.get("class").map(String::as_str).unwrap_or_default();
        let options = map.iter().filter(|(name, _)| *name != "class");
        match class::short(class, PACKAGE) {
            "LocalStrategy" => Ok(Replication::Local),
            "SimpleStrategy" => {
                let text = map.get(FACTOR).map(String::as_str).unwrap_or_default();
                Ok(Replication::Simple {
                    factor: parse_factor(text)?,
                })
            }
            "NetworkTopologyStrategy" => {
                let parse =
                    |(name, text): (&String, &String)| Ok((name.clone(), parse_factor(text)?));
                Ok(Replication::Network {
                    factors: options.map(parse).collect::<Result<_, Error>>()?,
                })
            }
            _ => Err(Error::config(format!(
                "Unable to find replication strategy class '{class}'"
            ))),
        }
    }

    fn warnings(&self, keyspace: &str, topology: &Topology) -> Vec<String> {
        if system::is_system(keyspace) {
            return Vec::new();
        }
        let warn = |factor: u32, nodes: usize, place: &str| {
            let too_many = nodes > 0 && usize::try_from(factor).is_ok_and(|factor| factor > nodes);
            too_many.then(|| {
                format!(
                    "Your replication factor {factor} for keyspace {keyspace} \
                     is higher than the number of nodes {nodes}{place}"
                )
            })
        };
        match self {
            Replication::Local => Vec::new(),
            Replication::Simple { factor } => {
                warn(*factor, topology.data_centers.values().sum(), "")
                    .into_iter()
                    .collect()
            }
            Replication::Network { factors } => factors
                .iter()
                .filter_map(|(name, factor)| {
                    let nodes = topology.data_centers.get(name).copied().unwrap_or_default();
                    warn(*factor, nodes, &format!(" for datacenter {name}"))
                })
                .collect(),
        }
    }
}

fn unrecognized(option: &str, class: &str, keyspace: &str) -> Error {
    Error::config(format!(
        "Unrecognized strategy option {{{option}}} passed to {class} for keyspace {keyspace}"
    ))
}

fn parse_factor(text: &str) -> Result<u32, Error> {
    if text.contains('/') {
        return Err(Error::config(
            "Transient replication is not enabled on this node",
        ));
    }
    match text
        .parse::<i32>()
        .map(|factor| (factor, u32::try_from(factor)))
    {
        Ok((_, Ok(factor))) => Ok(factor),
        Ok((factor, Err(_))) => Err(Error::config(format!(
            "Replication factor must be non-negative, found {factor}"
        ))),
        Err(_) => Err(Error::config(format!("For input string: \"{text}\""))),
    }
}

/// The properties of CREATE or ALTER KEYSPACE.
pub(crate) struct Options {
    /// `replication`, if given.
    pub replication: Option<BTreeMap<String, String>>,
    /// `durable_writes`, if given.
    pub durable_writes: Option<bool>,
}

impl Options {
    pub(crate) fn parse(properties: &Properties) -> Result<Options, Error> {
        let known = ["replication", "durable_writes"];
        if let Some(name) = properties
            .0
            .keys()
            .find(|name| !known.contains(&name.as_str()))
        {
            return Err(Error::syntax(format!("Unknown property '{name}'")).about(name));
        }
        let replication = properties.map("replication")?.cloned();
        if replication
            .as_ref()
            .is_some_and(|map| !map.is_empty() && !map.contains_key("class"))
        {
            let error = Error::config("Missing replication strategy class");
            return Err(error.about("replication"));
        }
        let durable_writes = properties.boolean("durable_writes")?;
        Ok(Options {
            replication,
            durable_writes,
        })
    }
}
