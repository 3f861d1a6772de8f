//! Prints names.

use std::fmt::{self, Display, Formatter};

use crate::identifier::quote_if_needed;
use crate::tree::{Identifier, QualifiedName};

impl Display for Identifier {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(&quote_if_needed(&self.text))
    }
}

/// A function's name. `token` is a reserved word, yet a function's name without quotes.
pub struct FunctionName<'a>(pub &'a QualifiedName);

impl Display for FunctionName<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        if let Some(keyspace) = &self.0.keyspace {
            write!(out, "{keyspace}.")?;
        }
        match self.0.name.as_str() {
            "token" => out.write_str("token"),
            _ => self.0.name.fmt(out),
        }
    }
}

impl Display for QualifiedName {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match &self.keyspace {
            Some(keyspace) => write!(out, "{keyspace}.{}", self.name),
            None => self.name.fmt(out),
        }
    }
}
