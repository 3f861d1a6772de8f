//! Keys, images and cells as text: values as CQL literals where the table's definition is at hand, else in hexadecimal.

use std::fmt::Write;

use model::cell::{Cell, Kind};
use model::image::{self, Column};
use model::key::{Order, RangeTombstoneRef, clustering, partition};
use model::{ColumnId, Deletion, Liveness, PartitionKeyRef, TableId};
use schema::Table;
use types::Type;

/// Bytes of a value that are shown.
const VALUE_BYTES_SHOWN: usize = 64;

/// Characters of a literal that are shown.
const LITERAL_CHARS_SHOWN: usize = 200;

/// Bytes in hexadecimal, cut when there are many.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::from("0x");
    for byte in bytes.iter().take(VALUE_BYTES_SHOWN) {
        let _ = write!(text, "{byte:02x}");
    }
    if bytes.len() > VALUE_BYTES_SHOWN {
        let _ = write!(text, "... ({} bytes)", bytes.len());
    }
    text
}

/// A table by its name, if it is known, and its id.
pub fn table(id: TableId, known: Option<&Table>) -> String {
    match known {
        Some(table) => format!("table {} ({id})", table.qualified_name()),
        None => format!("table {id}"),
    }
}

/// A deletion.
pub fn deletion(deletion: Deletion) -> String {
    format!(
        "deleted at {} ({})",
        deletion.timestamp.0, deletion.local_seconds
    )
}

/// How the contents of one table are shown.
pub struct Show<'a> {
    table: Option<&'a Table>,
    clustering: Vec<(Type, Order)>,
}

impl<'a> Show<'a> {
    /// By this definition, or in hexadecimal.
    pub fn new(table: Option<&'a Table>) -> Show<'a> {
        let columns = table.map_or(&[][..], |table| &table.clustering);
        Show {
            table,
            clustering: columns
                .iter()
                .map(|column| (column.ty.clone(), column.order))
                .collect(),
        }
    }

    /// A partition's key with its token.
    pub fn key(&self, key: PartitionKeyRef<'_>) -> String {
        let text = self.table.and_then(|table| {
            let count = table.partition_key.len();
            partition::check(key.bytes, count).ok()?;
            let components = partition::components(key.bytes, count);
            let columns = table.partition_key.iter().zip(components);
            let values = columns.map(|(column, value)| literal(&column.ty, value));
            Some(values.collect::<Vec<_>>().join(", "))
        });
        let text = text.unwrap_or_else(|| hex(key.bytes));
        format!("{text} (token {})", key.token)
    }

    /// The key of a row.
    pub fn row_key(&self, key: &[u8]) -> String {
        if self.table.is_none() {
            return hex(key);
        }
        match clustering::decode(&self.clustering, key) {
            Ok(values) if values.is_empty() => "()".into(),
            Ok(values) => self.components(&values).join(", "),
            Err(_) => hex(key),
        }
    }

    /// A range tombstone.
    pub fn range(&self, tombstone: RangeTombstoneRef<'_>) -> String {
        format!(
            "from {} to {} {}",
            self.bound(tombstone.start),
            self.bound(tombstone.end),
            deletion(tombstone.deletion)
        )
    }

    /// A bound: a prefix of a key, before or behind all keys that begin with it.
    fn bound(&self, bound: &[u8]) -> String {
        let (prefix, place) = match bound.split_last() {
            None => return "the first row".into(),
            Some((&clustering::ABOVE, [])) => return "the last row".into(),
            Some((&clustering::ABOVE, prefix)) => (prefix, "behind"),
            Some(_) => (bound, "before"),
        };
        let known = (1..=self.clustering.len())
            .find_map(|count| clustering::decode(&self.clustering[..count], prefix).ok());
        match known {
            Some(values) => format!("{place} {}", self.components(&values).join(", ")),
            None => hex(bound),
        }
    }

    fn components(&self, values: &[Option<Vec<u8>>]) -> Vec<String> {
        let columns = self.clustering.iter().zip(values);
        let shown = columns.map(|((ty, _), value)| match value {
            Some(value) => literal(ty, value),
            None => "null".into(),
        });
        shown.collect()
    }

    /// A row image in one line.
    pub fn image(&self, bytes: &[u8]) -> String {
        let view = image::View::new(bytes);
        let mut parts = Vec::new();
        parts.extend(view.liveness().map(liveness));
        parts.extend(view.deletion().map(deletion));
        for (id, column) in view.columns() {
            let (name, ty) = self.column(id);
            match column {
                Column::Simple(found) => parts.push(format!("{name}={}", cell(ty, &found))),
                Column::Complex(complex) => {
                    let mut elements: Vec<String> =
                        complex.deletion().map(deletion).into_iter().collect();
                    let shown = complex
                        .elements()
                        .map(|(path, found)| element(ty, path, &found));
                    elements.extend(shown);
                    parts.push(format!("{name}={{{}}}", elements.join(", ")));
                }
            }
        }
        parts.join(", ")
    }

    fn column(&self, id: ColumnId) -> (String, Option<&'a Type>) {
        if id == ColumnId::ORIGINALS {
            return ("(key as written)".into(), None);
        }
        match self.table.and_then(|table| table.column_by_id(id)) {
            Some(column) => (column.name.to_string(), Some(&column.ty)),
            None => (id.0.to_string(), None),
        }
    }
}

fn liveness(liveness: Liveness) -> String {
    match liveness.ttl_seconds {
        0 => format!("live at {}", liveness.timestamp.0),
        ttl => format!(
            "live at {} for {ttl} s until {}",
            liveness.timestamp.0, liveness.expiry_seconds
        ),
    }
}

fn element(ty: Option<&Type>, path: &[u8], found: &Cell<'_>) -> String {
    let (path, of) = match ty {
        Some(Type::Set { element, .. }) => (literal(element, path), None),
        Some(Type::Map { key, value, .. }) => (literal(key, path), Some(&**value)),
        Some(Type::List { element, .. }) => (hex(path), Some(&**element)),
        Some(Type::Udt { definition, .. }) => {
            let number = path.try_into().ok().map(u16::from_be_bytes);
            match number.and_then(|number| definition.fields.get(usize::from(number))) {
                Some((name, ty)) => (name.to_string(), Some(ty)),
                None => (hex(path), None),
            }
        }
        _ => (hex(path), None),
    };
    format!("{path}={}", cell(of, found))
}

fn cell(ty: Option<&Type>, cell: &Cell<'_>) -> String {
    let at = cell.timestamp.0;
    let shown = |value: &[u8]| match ty {
        Some(ty) => literal(ty, value),
        None => hex(value),
    };
    match cell.kind {
        Kind::Value(value) => format!("{} at {at}", shown(value)),
        Kind::Expiring {
            ttl_seconds,
            expiry_seconds,
            value,
        } => {
            let value = value.map_or("(expired)".into(), shown);
            format!("{value} at {at} for {ttl_seconds} s until {expiry_seconds}")
        }
        Kind::Tombstone { local_seconds } => format!("deleted at {at} ({local_seconds})"),
    }
}

/// A value as its CQL literal, in one line, cut when it is long; hexadecimal if it is not of its type.
fn literal(ty: &Type, value: &[u8]) -> String {
    if ty.validate(value).is_err() {
        return hex(value);
    }
    let text = ty.format(value);
    let plain = |c: char| {
        if c.is_control() {
            c.escape_default().to_string()
        } else {
            c.to_string()
        }
    };
    match text.char_indices().nth(LITERAL_CHARS_SHOWN) {
        None => text.chars().map(plain).collect(),
        Some((end, _)) => {
            let cut: String = text[..end].chars().map(plain).collect();
            format!("{cut}... ({} bytes)", value.len())
        }
    }
}
