//! What Cassandra's parser refuses in the properties of WITH although it is well-formed.

use std::collections::BTreeSet;

use nom::Err;

use super::combinators::complain;
use super::failure::Failure;
use super::tokens::Tokens;
use crate::tree::{Literal, Property, Term, TermKind};

/// Refuses a name that is given twice.
pub fn check_names(input: Tokens<'_>, all: &[Property]) -> Result<(), Err<Failure>> {
    let mut names = BTreeSet::new();
    match all
        .iter()
        .find(|property| !names.insert(property.name.as_str()))
    {
        None => Ok(()),
        Some(property) => {
            let name = &property.name.text;
            refuse(input, format!("Multiple definitions for property '{name}'"))
        }
    }
}

/// The constants of a map literal; refuses anything else in it, and a key that is given twice.
pub fn constant_map(
    input: Tokens<'_>,
    kind: TermKind,
) -> Result<Vec<(Literal, Literal)>, Err<Failure>> {
    let entries = match kind {
        TermKind::Map(entries) => entries,
        TermKind::Set(elements) if elements.is_empty() => Vec::new(),
        _ => {
            return refuse(
                input,
                "Invalid property value: a map of constants is expected".into(),
            );
        }
    };
    let mut keys = BTreeSet::new();
    let mut map = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        let TermKind::Literal(name) = key.kind else {
            return refuse(input, format!("Invalid property name: {key}{}", hint(&key)));
        };
        let TermKind::Literal(constant) = value.kind else {
            let text = format!("Invalid property value: {value} for property: {name}");
            return refuse(input, text + hint(&value));
        };
        if !keys.insert(name.raw_text().into_owned()) {
            return refuse(
                input,
                format!("Multiple definition for property {}", name.raw_text()),
            );
        }
        map.push((name, constant));
    }
    Ok(map)
}

fn hint(term: &Term) -> &'static str {
    match term.as_marker() {
        Some(_) => " (bind variables are not supported in DDL queries)",
        None => "",
    }
}

fn refuse<O>(input: Tokens<'_>, text: String) -> Result<O, Err<Failure>> {
    complain(input, text).map(|(_, output)| output)
}
