//! A settings file: its entries in order, each with the place of name and value.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_saphyr::{Error as Refused, Location, Spanned};

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
        Error::new(place(location), reason(&error))
    })?;
    let entry = |(key, value): (Spanned<String>, Spanned<Value>)| Entry {
        value: as_written(text, &value),
        name: key.value,
        name_origin: place(key.referenced),
        value_origin: place(value.referenced),
    };
    Ok(document.0.into_iter().map(entry).collect())
}

/// What keeps a text from being settings, and what would be right; `error` is the reader's.
fn reason(error: &Refused) -> String {
    match error.without_snippet() {
        Refused::DuplicateMappingKey { key: Some(key), .. } => {
            format!("'{key}' stands a second time; keep one")
        }
        Refused::DuplicateMappingKey { key: None, .. } => {
            "the same name stands a second time; keep one".into()
        }
        Refused::MultipleDocuments { .. } => {
            "a second document begins before this; remove the line '---' and what belongs to one of the two".into()
        }
        Refused::UnknownAnchor { .. } => {
            "'*' names an anchor that is not there; write the value, in quotes if '*' is part of it".into()
        }
        Refused::AliasReplayCounterOverflow { .. }
        | Refused::AliasReplayLimitExceeded { .. }
        | Refused::AliasExpansionLimitExceeded { .. }
        | Refused::AliasReplayStackDepthExceeded { .. }
        | Refused::Budget { .. } => TOO_LARGE.into(),
        Refused::AliasError { error, .. } => reason(error),
        Refused::Message { msg, .. } | Refused::ExternalMessage { msg, .. } => {
            of_scanner(msg).into()
        }
        _ => NOT_LINES.into(),
    }
}

/// What is said of text that has the form of something else.
const NOT_LINES: &str = "expected lines of 'name: value'";

/// What is said of text that would take more room than settings do.
const TOO_LARGE: &str =
    "this is larger or deeper than settings are; write plain values, without anchors";

/// What is said of text that is no YAML at all: the reader tells what it met in words alone.
fn of_scanner(message: &str) -> &'static str {
    const COLON: &str = "':' ends a name, and none can stand here; put the value in quotes, or begin the line where the others begin";
    const COLUMN: &str = "begin the line where the others begin";
    const QUOTED: &str = "more text follows a quoted value; put all of it in quotes";
    let meanings = [
        ("tabs", "a tab stands where only blanks may; use blanks"),
        ("unclosed bracket", "a bracket is not closed; close it"),
        (
            "mismatched bracket",
            "a bracket is closed by one of the other kind",
        ),
        (
            "misplaced bracket",
            "a bracket is closed that was not opened",
        ),
        ("unclosed quote", "a quote is not closed; close it"),
        ("invalid trailing content", QUOTED),
        (
            "escape",
            "'\\' and this are no escape; use single quotes for plain text",
        ),
        (
            "unexpected character",
            "a value cannot begin with this character; put it in quotes",
        ),
        ("mapping values are not allowed", COLON),
        ("illegal placement of ':'", COLON),
        ("did not find expected key", COLUMN),
        ("did not find expected '-'", COLUMN),
        ("did not find expected <document start>", COLUMN),
        ("indentation", COLUMN),
        ("recursion", TOO_LARGE),
    ];
    let lower = message.to_ascii_lowercase();
    let found = meanings.iter().find(|(part, _)| lower.contains(part));
    found.map_or(NOT_LINES, |(_, meaning)| meaning)
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
