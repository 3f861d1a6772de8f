//! A built-in table in the shape it is written down: columns as text.

use types::Type;

use super::{AUTH, DISTRIBUTED, SCHEMA, SYSTEM, TRACES, kind, table_id};
use crate::Table;
use crate::table::compaction::{Compaction, Strategy};
use crate::table::{Draft, Options, Order};

/// A built-in table.
pub(crate) struct Definition {
    /// Its name.
    pub name: &'static str,
    /// Its comment.
    pub comment: &'static str,
    /// The key: partition columns, then `|` and clustering columns if there are any.
    pub key: &'static str,
    /// The other columns.
    pub columns: &'static str,
}

impl Definition {
    /// The table it defines.
    pub fn table(&self, keyspace: &str) -> Table {
        let (partition, clustering) = self.key.split_once('|').unwrap_or((self.key, ""));
        let clustering = columns(clustering)
            .into_iter()
            .map(|(name, ty)| (name, ty, Order::Asc));
        let draft = Draft {
            id: table_id(keyspace, self.name),
            keyspace: keyspace.into(),
            name: self.name.into(),
            partition_key: columns(partition),
            clustering: clustering.collect(),
            statics: Vec::new(),
            regulars: columns(self.columns),
            options: self.options(keyspace),
            kind: kind(keyspace, self.name),
        };
        draft.finish()
    }

    /// The options that Cassandra's tables of this keyspace have.
    fn options(&self, keyspace: &str) -> Options {
        let mut options = Options {
            comment: self.comment.to_owned(),
            ..Options::default()
        };
        let (gc_grace_seconds, flush_period_ms) = match keyspace {
            SYSTEM => (0, HOUR_MS),
            TRACES => (0, 0),
            SCHEMA => (7 * DAY_SECONDS, HOUR_MS),
            AUTH => (90 * DAY_SECONDS, 0),
            _ => (options.gc_grace_seconds, 0),
        };
        options.compaction = self.compaction(keyspace);
        options.gc_grace_seconds = gc_grace_seconds;
        options.memtable_flush_period_ms = flush_period_ms;
        options.default_time_to_live_seconds = match (keyspace, self.name) {
            (SYSTEM, "compaction_history") => 7 * DAY_SECONDS,
            (DISTRIBUTED, "parent_repair_history" | "repair_history") => 30 * DAY_SECONDS,
            _ => 0,
        };
        options
    }
}

impl Definition {
    fn compaction(&self, keyspace: &str) -> Compaction {
        let mut compaction = match (keyspace, self.name) {
            (SYSTEM, "paxos") => Compaction::new(Strategy::Leveled),
            (DISTRIBUTED, "parent_repair_history" | "repair_history") => {
                Compaction::new(Strategy::TimeWindow)
            }
            _ => Compaction::default(),
        };
        let others: &[(&str, &str)] = match (keyspace, self.name) {
            (SYSTEM, "batches") => &[("min_threshold", "2")],
            (DISTRIBUTED, "parent_repair_history" | "repair_history") => &[
                ("compaction_window_size", "1"),
                ("compaction_window_unit", "DAYS"),
            ],
            _ => &[],
        };
        let others = others.iter();
        compaction
            .options
            .extend(others.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        compaction
    }
}

const DAY_SECONDS: u32 = 24 * 60 * 60;
const HOUR_MS: u32 = 60 * 60 * 1000;

/// `name type, ..`
fn columns(text: &str) -> Vec<(String, Type)> {
    let columns = split(text).into_iter().filter(|column| !column.is_empty());
    columns
        .map(|column| {
            let (name, ty) = column
                .split_once(char::is_whitespace)
                .expect("a built-in column has a type: tested below");
            (name.to_owned(), parse(ty.trim()))
        })
        .collect()
}

/// The parts between commas that are not inside angle brackets.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut depth) = (0, 0_u32);
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'<' => depth += 1,
            b'>' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                parts.push(text[start..index].trim());
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts
}

fn parse(text: &str) -> Type {
    if let Some(native) = Type::native(text) {
        return native;
    }
    let (name, inner) = text
        .split_once('<')
        .expect("a built-in column's type is known: tested below");
    let parts: Vec<Type> = if name == "frozen" {
        return parse(strip(inner)).freeze();
    } else {
        split(strip(inner)).into_iter().map(parse).collect()
    };
    match (name, parts.as_slice()) {
        ("list", [element]) => Type::list(element.clone(), false),
        ("set", [element]) => Type::set(element.clone(), false),
        ("map", [key, value]) => Type::map(key.clone(), value.clone(), false),
        _ => Type::tuple(parts),
    }
}

fn strip(inner: &str) -> &str {
    inner.strip_suffix('>').unwrap_or(inner)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::system;

    #[test]
    fn all_definitions_parse_and_differ() {
        let mut ids = BTreeSet::new();
        for keyspace in system::keyspaces() {
            for table in keyspace.tables.values() {
                assert!(!table.partition_key.is_empty(), "{}", table.name);
                assert!(ids.insert(table.id), "{}.{}", keyspace.name, table.name);
                let names: BTreeSet<_> = table.columns().map(|column| &column.name).collect();
                assert_eq!(
                    names.len(),
                    table.columns().count(),
                    "{}.{}",
                    keyspace.name,
                    table.name
                );
            }
        }
        assert!(ids.len() > 60, "{}", ids.len());
    }

    #[test]
    fn types_come_back_as_written() {
        let check = |text: &str| assert_eq!(super::parse(text).to_string(), text);
        check("text");
        check("frozen<map<text, blob>>");
        check("map<uuid, frozen<list<int>>>");
        check("frozen<set<frozen<tuple<inet, smallint>>>>");
    }

    #[test]
    fn ids_never_change() {
        let id = |keyspace, name| system::table_id(keyspace, name).to_string();
        assert_eq!(
            id("system", "local"),
            "1b363f02-8fee-8c29-8f2e-ea787fd9fcdd"
        );
        assert_eq!(
            id("system_schema", "tables"),
            "a990f9b0-b6b8-8e6a-b627-a1e5044342a1"
        );
    }
}
