//! Prints selectors.

use std::fmt::{self, Display, Formatter};

use super::names::FunctionName;
use super::{Pairs, listed, only_if};
use crate::tree::{Literal, SelectItem, Selection, Selector, SelectorKind, Term};

impl Display for Selection {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => out.write_str("*"),
            Self::Items(items) => listed(items).fmt(out),
        }
    }
}

impl Display for SelectItem {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match &self.alias {
            Some(alias) => write!(out, "{} AS {alias}", self.selector),
            None => self.selector.fmt(out),
        }
    }
}

impl Display for Selector {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        self.kind.fmt(out)
    }
}

impl Display for SelectorKind {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(name) => name.fmt(out),
            Self::Literal(literal) => literal.fmt(out),
            Self::Null => out.write_str("null"),
            Self::Marker(marker) => marker.fmt(out),
            Self::CountRows => out.write_str("count(*)"),
            Self::WriteTime(column) => write!(out, "writetime({column})"),
            Self::MaxWriteTime(column) => write!(out, "maxwritetime({column})"),
            Self::TimeToLive(column) => write!(out, "ttl({column})"),
            Self::Cast(selector, native) => write!(out, "CAST({selector} AS {native})"),
            Self::Function(name, arguments) => {
                write!(out, "{}({})", FunctionName(name), listed(arguments))
            }
            Self::TypeHint(data_type, selector) => write!(out, "({data_type}){selector}"),
            Self::Tuple(elements) => write!(out, "({})", listed(elements)),
            Self::List(elements) => write!(out, "[{}]", listed(elements)),
            Self::Set(elements) => write!(out, "{{{}}}", listed(elements)),
            Self::Map(entries) => write!(out, "{{{}}}", Pairs(entries, ": ")),
            Self::Field(whole, field) => {
                let blank = only_if(ends_in_number(whole), " ");
                write!(out, "{whole}{blank}.{field}")
            }
            Self::Element(whole, key) => write!(out, "{whole}[{key}]"),
            Self::Slice(whole, from, to) => {
                let (from, to) = (End(from.as_deref()), End(to.as_deref()));
                write!(out, "{whole}[{from}..{to}]")
            }
            Self::Arithmetic(operator, left, right) => write!(out, "{left} {operator} {right}"),
            Self::Negation(selector) => write!(out, "- {selector}"),
        }
    }
}

/// Whether a dot right after the selector would be taken for the point of its number.
fn ends_in_number(selector: &Selector) -> bool {
    match &selector.kind {
        SelectorKind::Literal(literal) => {
            matches!(literal, Literal::Integer(_) | Literal::Float(_))
        }
        SelectorKind::TypeHint(_, operand) => ends_in_number(operand),
        _ => false,
    }
}

/// An end of a slice; an open one is nothing.
struct End<'a>(Option<&'a Term>);

impl Display for End<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |term| term.fmt(out))
    }
}
