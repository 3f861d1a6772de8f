//! What is said of literals that do not fit their places.

use types::Type;

use crate::error::Error;
use crate::marker::Receiver;

/// The refusal of `[..]` where neither a list nor a vector can stand.
pub fn no_list(ty: &Type) -> Error {
    Error::invalid(format!(
        "Unexpected receiver type '{ty}'; only list and vector are expected"
    ))
}

/// The refusal of a literal of one kind in a place of another.
pub fn wrong_literal(kind: &str, receiver: &Receiver, ty: &Type) -> Error {
    Error::invalid(format!(
        "Invalid {kind} literal for {} of type {ty}",
        receiver.name
    ))
}

/// The refusal of null as an element.
pub fn null_inside(ty: &Type) -> Error {
    Error::invalid(match ty {
        Type::Vector { .. } => "null is not supported inside vectors",
        _ => "null is not supported inside collections",
    })
}

/// The word for a collection in sentences on its literals.
pub fn collection_word(ty: &Type) -> &'static str {
    match ty {
        Type::List { .. } => "list",
        Type::Set { .. } => "set",
        Type::Map { .. } => "map",
        Type::Vector { .. } => "vector",
        _ => "tuple",
    }
}
