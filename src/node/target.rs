//! What an operation of an operator is about: its tables, how it is told, and what becomes of failures.
//!
//! An operation goes on with the next table when one fails: a damaged file of one table is no reason to leave all
//! others as they are. The answer names the first failure and counts the rest; the log has them all.

use std::fmt;
use std::sync::Arc;

use admin::{Failure, Target};
use metadata::State;
use schema::Table;

/// The tables that a target means: those that are stored.
pub fn tables(state: &State, target: &Target) -> Result<Vec<Arc<Table>>, Failure> {
    let stored = state.catalog.tables().filter(|table| table.is_stored());
    let Some(keyspace) = &target.keyspace else {
        return Ok(stored.cloned().collect());
    };
    if state.catalog.keyspace(keyspace).is_none() {
        return Err(Failure::Unknown(format!(
            "Keyspace [{keyspace}] does not exist."
        )));
    }
    if target.tables.is_empty() {
        let of_keyspace = |table: &&Arc<Table>| *table.keyspace == **keyspace;
        return Ok(stored.filter(of_keyspace).cloned().collect());
    }
    let named = |name: &String| match state.catalog.table(keyspace, name) {
        Some(table) if table.is_stored() => Ok(table.clone()),
        _ => Err(Failure::Unknown(format!(
            "Unknown keyspace/cf pair ({keyspace}.{name})"
        ))),
    };
    target.tables.iter().map(named).collect()
}

/// A target as the log tells it.
pub struct Told<'a>(pub &'a Target);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match (&self.0.keyspace, self.0.tables.as_slice()) {
            (None, _) => f.write_str("all tables"),
            (Some(keyspace), []) => write!(f, "all tables of {keyspace}"),
            (Some(keyspace), [first, others @ ..]) => {
                write!(f, "{keyspace}.{first}")?;
                others.iter().try_for_each(|name| write!(f, ", {name}"))
            }
        }
    }
}

/// What failed so far.
#[derive(Default)]
pub struct Failures {
    first: Option<(String, storage::Error)>,
    count: usize,
}

impl Failures {
    /// Notes what became of a table. One that was dropped meanwhile needs nothing more.
    pub fn note(&mut self, table: &Table, result: Result<(), storage::Error>) {
        match result {
            Ok(()) | Err(storage::Error::NoTable(_)) => {}
            Err(error) => {
                self.count += 1;
                self.first.get_or_insert((table.qualified_name(), error));
            }
        }
    }

    /// The answer about all tables.
    pub fn end(self) -> Result<(), Failure> {
        let Some((table, error)) = self.first else {
            return Ok(());
        };
        let more = match self.count - 1 {
            0 => String::new(),
            1 => "; and 1 more table failed, as the log says".into(),
            count => format!("; and {count} more tables failed, as the log says"),
        };
        let told = format!("{table}: {error}{more}");
        Err(match error {
            storage::Error::Unavailable(_) | storage::Error::Overloaded(_) => {
                Failure::Unavailable(told)
            }
            _ => Failure::Failed(told),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schema::system;

    #[test]
    fn a_target_is_told_as_it_was_typed() {
        let check = |keyspace: Option<&str>, tables: &[&str], expected: &str| {
            let target = Target {
                keyspace: keyspace.map(String::from),
                tables: tables.iter().map(ToString::to_string).collect(),
            };
            assert_eq!(Told(&target).to_string(), expected);
        };
        check(None, &[], "all tables");
        check(Some("ks"), &[], "all tables of ks");
        check(Some("ks"), &["t"], "ks.t");
        check(Some("ks"), &["t", "u"], "ks.t, u");
    }

    #[test]
    fn the_first_failure_is_told_and_the_others_are_counted() {
        let table = system::table(system::SYSTEM, "local").expect("it is built in");
        let io = || Err(storage::Error::Io("no room".into()));
        let dropped = || Err(storage::Error::NoTable(table.id));
        let busy = || Err(storage::Error::Overloaded("too much waits".into()));
        let check = |results: Vec<Result<(), storage::Error>>, expected: Result<(), Failure>| {
            let mut failures = Failures::default();
            for result in results {
                failures.note(&table, result);
            }
            assert_eq!(failures.end(), expected);
        };
        check(vec![], Ok(()));
        check(vec![Ok(()), dropped()], Ok(()));
        check(
            vec![Ok(()), io(), Ok(())],
            Err(Failure::Failed("system.local: no room".into())),
        );
        check(
            vec![io(), dropped(), io()],
            Err(Failure::Failed(
                "system.local: no room; and 1 more table failed, as the log says".into(),
            )),
        );
        check(
            vec![busy(), io(), io()],
            Err(Failure::Unavailable(
                "system.local: too much waits; and 2 more tables failed, as the log says".into(),
            )),
        );
    }
}
