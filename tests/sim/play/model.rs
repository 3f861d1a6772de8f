//! What one client's tables should hold, as maps: each change replaces what was there, since a client's changes follow
//! one another and a node's timestamps only grow.
//!
//! Time is the only thing that is not exact. A row with a TTL goes at some second between two, and may be seen again
//! while the wall clock stands behind a time that it has shown before; such a line *may* be there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// The table with everything in it; partitions of several clients.
pub const WIDE: &str = "wide";
/// The table whose rows all have a TTL; partitions of several clients.
pub const SHORT: &str = "short";

/// How long nobody may look at the clock.
const UNSEEN_SECONDS: i64 = 10;

/// A value of a cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Int(i32),
    Text(Arc<str>),
    Set(BTreeSet<i32>),
    List(Vec<i32>),
    Map(BTreeMap<i32, String>),
}

impl fmt::Display for Value {
    /// As a literal of CQL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn joined<T: ToString>(items: impl Iterator<Item = T>) -> String {
            let items: Vec<_> = items.map(|item| item.to_string()).collect();
            items.join(", ")
        }
        match self {
            Value::Int(number) => write!(f, "{number}"),
            Value::Text(text) => write!(f, "'{text}'"),
            Value::Set(items) => write!(f, "{{{}}}", joined(items.iter())),
            Value::List(items) => write!(f, "[{}]", joined(items.iter())),
            Value::Map(pairs) => {
                let pairs = pairs.iter().map(|(key, value)| format!("{key}: '{value}'"));
                write!(f, "{{{}}}", joined(pairs))
            }
        }
    }
}

/// Everything of one client.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    pub tables: BTreeMap<String, Table>,
}

/// A table, as far as it is this client's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The names of its columns.
    pub columns: BTreeSet<&'static str>,
    /// Whether rows come in descending order.
    pub descending: bool,
    pub partitions: BTreeMap<i32, Partition>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Partition {
    pub statics: Option<Value>,
    pub rows: BTreeMap<i32, Row>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// Whether the row is there without any cell.
    pub marker: bool,
    pub cells: BTreeMap<&'static str, Value>,
    /// The row goes at a second between these.
    pub expiry_seconds: Option<(i64, i64)>,
}

impl Row {
    pub fn is_there(&self) -> bool {
        self.marker || !self.cells.is_empty()
    }
}

/// When something is read: the wall clock before and after, and the latest that it ever showed.
#[derive(Clone, Copy, Debug)]
pub struct When {
    pub from_seconds: i64,
    pub latest_seconds: i64,
}

/// Whether a line has to be there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Presence {
    Must,
    May,
}

/// A row as it is shown: its columns that are not null, by name.
pub type Line = BTreeMap<String, String>;

impl Row {
    /// Whether it is seen; none if it cannot be.
    fn presence(&self, when: When) -> Option<Presence> {
        match self.expiry_seconds {
            None => Some(Presence::Must),
            Some((first, _)) if when.latest_seconds + UNSEEN_SECONDS < first => {
                Some(Presence::Must)
            }
            Some((_, last)) if when.from_seconds >= last => None,
            Some(_) => Some(Presence::May),
        }
    }
}

impl Partition {
    /// Removes rows that hold nothing any more.
    pub fn tidy(&mut self) {
        self.rows.retain(|_, row| row.is_there());
    }

    fn line(&self, key: i32, row: Option<(i32, &Row)>) -> Line {
        let mut line = Line::from([("p".to_owned(), key.to_string())]);
        if let Some(statics) = &self.statics {
            line.insert("s".into(), statics.to_string());
        }
        if let Some((clustering, row)) = row {
            line.insert("c".into(), clustering.to_string());
            let cells = row.cells.iter();
            line.extend(cells.map(|(name, value)| ((*name).to_owned(), value.to_string())));
        }
        line
    }
}

impl Table {
    /// The lines of a partition in their order; statics alone make one.
    pub fn lines(&self, key: i32, when: When) -> Vec<(Line, Presence)> {
        let Some(partition) = self.partitions.get(&key) else {
            return Vec::new();
        };
        let rows = partition.rows.iter();
        let shown =
            rows.filter_map(|(clustering, row)| Some((*clustering, row, row.presence(when)?)));
        let lines = shown.map(|(clustering, row, presence)| {
            (partition.line(key, Some((clustering, row))), presence)
        });
        let mut lines: Vec<_> = lines.collect();
        if self.descending {
            lines.reverse();
        }
        if lines.is_empty() && partition.statics.is_some() {
            lines.push((partition.line(key, None), Presence::Must));
        }
        lines
    }
}

/// Whether the lines found are those expected; if not, what differs.
pub fn compare(found: &[Line], expected: &[(Line, Presence)]) -> Result<(), String> {
    let mut found = found.iter().peekable();
    for (line, presence) in expected {
        if found
            .next_if(|found| is_shown(line, *presence, found))
            .is_some()
        {
            continue;
        }
        if *presence == Presence::Must {
            let instead = found
                .peek()
                .map_or("nothing".to_owned(), |line| short(line));
            return Err(format!("expected {}, found {instead}", short(line)));
        }
    }
    match found.next() {
        None => Ok(()),
        Some(line) => Err(format!("expected no more, found {}", short(line))),
    }
}

/// Whether a line is what was found. Of what may have gone a part may be left: a compaction that saw the later time has
/// made tombstones of the cells, and a clock that went back shows the row again.
fn is_shown(line: &Line, presence: Presence, found: &Line) -> bool {
    let has = |(name, value): (&String, &String)| line.get(name) == Some(value);
    match presence {
        Presence::Must => found == line,
        Presence::May => {
            found["p"] == line["p"] && found.get("c") == line.get("c") && found.iter().all(has)
        }
    }
}

/// A line without the bulk of its long values.
fn short(line: &Line) -> String {
    let cut = |value: &str| value.chars().take(40).collect::<String>();
    let cells: Vec<_> = line
        .iter()
        .map(|(name, value)| format!("{name}={}", cut(value)))
        .collect();
    cells.join(" ")
}
