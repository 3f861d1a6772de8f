//! Prints terms and targets.

use std::fmt::{self, Display, Formatter};

use super::names::FunctionName;
use super::{Pairs, listed};
use crate::tree::{ArithmeticOperator, Literal, Marker, Part, Target, Term, TermKind};

impl Display for Term {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        self.kind.fmt(out)
    }
}

impl Display for TermKind {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(literal) => literal.fmt(out),
            Self::Null => out.write_str("NULL"),
            Self::Marker(marker) => marker.fmt(out),
            Self::List(elements) => write!(out, "[{}]", listed(elements)),
            Self::Set(elements) => write!(out, "{{{}}}", listed(elements)),
            Self::Map(entries) => write!(out, "{{{}}}", Pairs(entries, ": ")),
            Self::UserType(fields) => write!(out, "{{{}}}", Pairs(fields, ": ")),
            Self::Tuple(elements) => write!(out, "({})", listed(elements)),
            Self::Function(name, arguments) => {
                write!(out, "{}({})", FunctionName(name), listed(arguments))
            }
            Self::TypeHint(data_type, term) => write!(out, "({data_type}){term}"),
            Self::Cast(term, native) => write!(out, "CAST({term} AS {native})"),
            Self::Arithmetic(operator, left, right) => write!(out, "{left} {operator} {right}"),
            Self::Negation(term) => write!(out, "- {term}"),
        }
    }
}

impl Display for Literal {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(out, "'{}'", text.replace('\'', "''")),
            Self::Boolean(value) => value.fmt(out),
            Self::Integer(text)
            | Self::Float(text)
            | Self::Uuid(text)
            | Self::Hex(text)
            | Self::Duration(text) => out.write_str(text),
        }
    }
}

impl Display for Marker {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(out, ":{name}"),
            None => out.write_str("?"),
        }
    }
}

impl Display for ArithmeticOperator {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
        })
    }
}

impl Display for Target {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match &self.part {
            None => self.column.fmt(out),
            Some(Part::Element(key)) => write!(out, "{}[{key}]", self.column),
            Some(Part::Field(field)) => write!(out, "{}.{field}", self.column),
        }
    }
}
