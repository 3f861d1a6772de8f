//! A settings file: its entries in order, each with the place of name and value.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use super::error::{Error, Origin};
use super::value::Value;

/// One entry.
pub struct Entry {
    /// The setting's name as written.
    pub name: String,
    /// Where the name stands.
    pub name_origin: Origin,
    /// The value.
    pub value: Value,
    /// Where the value stands.
    pub value_origin: Origin,
}

/// Reads the text of the file `name`.
pub fn read(name: &str, text: &str) -> Result<Vec<Entry>, Error> {
    // A file of comments only is no YAML mapping, and no settings.
    if text
        .lines()
        .all(|line| matches!(line.trim_start().chars().next(), None | Some('#')))
    {
        return Ok(Vec::new());
    }
    let place = |location: Location| Origin::File {
        name: name.into(),
        line: location.line().max(1),
        column: location.column().max(1),
    };
    let document: Document = serde_saphyr::from_str(text).map_err(|error| {
        let location = error.location().unwrap_or(Location::UNKNOWN);
        Error::new(
            place(location),
            format!(
                "this is not YAML of 'name: value' lines: {}",
                reason(&error)
            ),
        )
    })?;
    let entry = |(key, value): (Spanned<String>, Spanned<Value>)| Entry {
        value: as_written(text, &value),
        name: key.value,
        name_origin: place(key.referenced),
        value_origin: place(value.referenced),
    };
    Ok(document.0.into_iter().map(entry).collect())
}

/// The first line of the reader's message, without the place, which stands in front already.
fn reason(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    let line = text.lines().next().unwrap_or("").trim();
    line.split(" at line ").next().unwrap_or(line).into()
}

/// Numbers keep the text that was written: `01` and `1.10` are names too.
fn as_written(text: &str, value: &Spanned<Value>) -> Value {
    let span = value.defined.span();
    let slice = || {
        let start = usize::try_from(span.byte_offset()?).ok()?;
        let len = usize::try_from(span.byte_len()?).ok()?;
        text.get(start..start.checked_add(len)?)
    };
    match (&value.value, slice()) {
        (Value::Scalar(_), Some(written))
            if written.starts_with(|c: char| c.is_ascii_digit()) && !written.contains('\n') =>
        {
            Value::Scalar(written.trim().into())
        }
        (other, _) => other.clone(),
    }
}

struct Document(Vec<(Spanned<String>, Spanned<Value>)>);

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries)
    }
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("lines of 'name: value'")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut mapping: A) -> Result<Document, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = mapping.next_entry()? {
            entries.push(entry);
        }
        Ok(Document(entries))
    }
}
