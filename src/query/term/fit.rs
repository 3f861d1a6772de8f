//! How well an argument fits a type: what Cassandra calls assignability.
//!
//! A literal fits every type that can read it, exactly or weakly; a marker fits everything weakly;
//! what has a type of its own fits that type exactly and types with the same bytes weakly.

use std::fmt::Display;

use cql::tree::Literal;
use types::Type;
use types::literal::{self, Assignment, Constant};

/// The verdict. A function whose arguments all fit exactly beats others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// It cannot stand there.
    No,
    /// It can stand there.
    Weak,
    /// It belongs there.
    Exact,
}

/// An argument of a call: what is known of it, and how it was written.
pub struct Argument<'a> {
    /// What is known of it.
    pub shape: Shape<'a>,
    /// The argument as written.
    pub written: &'a dyn Display,
}

/// What is known of an argument before its type is chosen.
#[derive(Clone, Debug)]
pub enum Shape<'a> {
    /// Its type is certain.
    Known(Type),
    /// A constant as written.
    Literal(&'a Literal),
    /// A marker or null, which can be anything.
    Anything,
    /// A list, set, map, tuple or UDT literal with its parts' shapes.
    List(Vec<Shape<'a>>),
    /// `{a, b}`
    Set(Vec<Shape<'a>>),
    /// `{k: v}`
    Map(Vec<(Shape<'a>, Shape<'a>)>),
    /// `(a, b)`
    Tuple(Vec<Shape<'a>>),
    /// `{field: v}`
    UserType,
}

impl Shape<'_> {
    /// How well the argument fits a type.
    pub fn fit(&self, ty: &Type) -> Fit {
        match self {
            Shape::Known(known) => known_fit(known, ty),
            Shape::Literal(literal) => literal_fit(literal, ty),
            Shape::Anything => Fit::Weak,
            Shape::List(items) => match ty {
                Type::List { element, .. } => all(items.iter().map(|item| item.fit(element))),
                Type::Vector { element, dimension } if items.len() == *dimension as usize => {
                    all(items.iter().map(|item| item.fit(element)))
                }
                _ => Fit::No,
            },
            Shape::Set(items) => match ty {
                Type::Set { element, .. } => all(items.iter().map(|item| item.fit(element))),
                Type::Map { .. } if items.is_empty() => Fit::Weak,
                _ => Fit::No,
            },
            Shape::Map(pairs) => match ty {
                Type::Map { key, value, .. } => {
                    all(pairs.iter().flat_map(|(k, v)| [k.fit(key), v.fit(value)]))
                }
                _ => Fit::No,
            },
            Shape::Tuple(parts) => match ty {
                Type::Tuple(types) if parts.len() <= types.len() => all(parts
                    .iter()
                    .zip(types.iter())
                    .map(|(part, ty)| part.fit(ty))),
                // Parentheses around a value.
                ty if parts.len() == 1 => parts[0].fit(ty),
                _ => Fit::No,
            },
            Shape::UserType => match ty {
                Type::Udt { .. } => Fit::Weak,
                _ => Fit::No,
            },
        }
    }

    /// The type that the argument has where nothing else says it: `1` is an int, `1.5` a double.
    pub fn preferred(&self) -> Option<Type> {
        Some(match self {
            Shape::Known(ty) => ty.clone(),
            Shape::Literal(literal) => constant(literal).preferred_type(),
            Shape::Anything | Shape::UserType => return None,
            Shape::List(items) => Type::list(items.first()?.preferred()?, true),
            Shape::Set(items) => Type::set(items.first()?.preferred()?, true),
            Shape::Map(pairs) => {
                let (key, value) = pairs.first()?;
                Type::map(key.preferred()?, value.preferred()?, true)
            }
            Shape::Tuple(parts) if parts.len() == 1 => parts[0].preferred()?,
            Shape::Tuple(parts) => Type::tuple(
                parts
                    .iter()
                    .map(Shape::preferred)
                    .collect::<Option<Vec<_>>>()?,
            ),
        })
    }
}

fn all(fits: impl Iterator<Item = Fit>) -> Fit {
    fits.min().unwrap_or(Fit::Weak)
}

/// The literal as the crate of types knows it.
pub fn constant(literal: &Literal) -> Constant<'_> {
    match literal {
        Literal::Text(text) => Constant::Text(text),
        Literal::Integer(text) => Constant::Integer(text),
        Literal::Float(text) => Constant::Float(text),
        Literal::Boolean(value) => Constant::Boolean(*value),
        Literal::Uuid(text) => Constant::Uuid(text),
        Literal::Hex(text) => Constant::Hex(text),
        Literal::Duration(text) => Constant::Duration(text),
    }
}

fn literal_fit(literal: &Literal, ty: &Type) -> Fit {
    match literal::assignment(ty, &constant(literal)) {
        Assignment::Exact => Fit::Exact,
        Assignment::Weak => Fit::Weak,
        Assignment::Never => Fit::No,
    }
}

/// Whether a value of one type may be read as another: the same bytes mean the same or more.
pub fn known_fit(known: &Type, ty: &Type) -> Fit {
    if known == ty || known.freeze() == ty.freeze() {
        return Fit::Exact;
    }
    let compatible = match (known, ty) {
        (_, Type::Blob) => !known.is_multi_cell(),
        (Type::Ascii, Type::Text) | (Type::TimeUuid, Type::Uuid) => true,
        (Type::Timestamp, Type::BigInt) | (Type::BigInt, Type::Time | Type::Timestamp) => true,
        (Type::Int | Type::BigInt | Type::Timestamp, Type::VarInt) => true,
        (Type::Int, Type::Date) => true,
        (Type::Counter, Type::BigInt) => true,
        _ => false,
    };
    if compatible { Fit::Weak } else { Fit::No }
}
