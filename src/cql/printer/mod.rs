//! The printer: trees as canonical CQL.
//!
//! Keywords are upper case, names in quotes only where they need them, one blank between words.
//! What is printed parses to the same tree; comments, white space, spellings such as `SCHEMA` for
//! `KEYSPACE` and parentheses around relations are not kept.

mod describe;
mod modifications;
mod names;
mod relations;
mod schema;
mod select;
mod selectors;
mod terms;
mod types;

use std::fmt::{self, Display, Formatter};

use crate::tree::Statement;

impl Display for Statement {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Use(statement) => statement.fmt(out),
            Self::CreateKeyspace(statement) => statement.fmt(out),
            Self::AlterKeyspace(statement) => statement.fmt(out),
            Self::DropKeyspace(statement) => statement.fmt(out),
            Self::CreateTable(statement) => statement.fmt(out),
            Self::AlterTable(statement) => statement.fmt(out),
            Self::DropTable(statement) => statement.fmt(out),
            Self::CreateType(statement) => statement.fmt(out),
            Self::AlterType(statement) => statement.fmt(out),
            Self::DropType(statement) => statement.fmt(out),
            Self::Truncate(statement) => statement.fmt(out),
            Self::Select(statement) => statement.fmt(out),
            Self::Insert(statement) => statement.fmt(out),
            Self::Update(statement) => statement.fmt(out),
            Self::Delete(statement) => statement.fmt(out),
            Self::Batch(statement) => statement.fmt(out),
            Self::Describe(statement) => statement.fmt(out),
            Self::Unsupported { name } => out.write_str(name),
        }
    }
}

/// Items with a separator between.
struct Joined<'a, T>(&'a [T], &'static str);

impl<T: Display> Display for Joined<'_, T> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        for (position, item) in self.0.iter().enumerate() {
            if position > 0 {
                out.write_str(self.1)?;
            }
            item.fmt(out)?;
        }
        Ok(())
    }
}

/// Items with commas between.
fn listed<T: Display>(items: &[T]) -> Joined<'_, T> {
    Joined(items, ", ")
}

/// Pairs with commas between, and something between the two of each.
struct Pairs<'a, K, V>(&'a [(K, V)], &'static str);

impl<K: Display, V: Display> Display for Pairs<'_, K, V> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        for (position, (key, value)) in self.0.iter().enumerate() {
            let comma = if position > 0 { ", " } else { "" };
            write!(out, "{comma}{key}{}{value}", self.1)?;
        }
        Ok(())
    }
}

/// A text if a condition holds, else nothing.
fn only_if(condition: bool, text: &'static str) -> &'static str {
    if condition { text } else { "" }
}
