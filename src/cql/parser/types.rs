//! Types.

use nom::Parser;
use nom::combinator::map;

use super::combinators::{Parsed, complain, list, nothing_fits, symbol, token};
use super::failure::Class;
use super::lexemes::text_value;
use super::names::{name, plain_keyword};
use super::tokens::Tokens;
use super::type_words::{in_angles, native_of};
use crate::keyword::Keyword;
use crate::token::{Kind, Symbol};
use crate::tree::{DataType, Identifier, Native, QualifiedName, Span};

/// Names that Cassandra keeps for types to come.
const NAMES_KEPT: &[&str] = &[
    "byte",
    "complex",
    "enum",
    "interval",
    "macaddr",
    "bitstring",
];

pub fn data_type(input: Tokens<'_>) -> Parsed<'_, DataType> {
    if input.is_symbol(1, Symbol::Dot) {
        return map(type_name, DataType::User).parse(input);
    }
    if matches!(input.kind(0), Kind::Keyword(_)) && input.is_name(0) {
        input.decide_type()?;
    }
    let parameters_follow = input.is_symbol(1, Symbol::Less);
    match input.kind(0) {
        Kind::Keyword(Keyword::Frozen) if parameters_follow => frozen_type(input),
        Kind::Keyword(Keyword::Tuple) if parameters_follow => tuple_type(input),
        Kind::Keyword(Keyword::Vector) if parameters_follow => vector_type(input),
        Kind::Keyword(Keyword::List | Keyword::Map) if parameters_follow => collection_type(input),
        Kind::Keyword(Keyword::Set) => collection_type(input),
        Kind::Text => custom_type(input),
        _ => match native_type(input) {
            Ok((rest, native)) => Ok((rest, DataType::Native(native))),
            Err(_) if input.is_name(0) => map(type_name, DataType::User).parse(input),
            Err(_) => nothing_fits(input, Class::Type),
        },
    }
}

pub fn native_type(input: Tokens<'_>) -> Parsed<'_, Native> {
    let native = match input.kind(0) {
        Kind::Keyword(word) => native_of(word),
        _ => None,
    };
    match native {
        Some(native) => Ok((input.advance(), native)),
        None => nothing_fits(input, Class::Type),
    }
}

pub fn collection_type(input: Tokens<'_>) -> Parsed<'_, DataType> {
    let parameter = |input| map(data_type, Box::new).parse(input);
    match input.kind(0) {
        Kind::Keyword(Keyword::List) => {
            map(in_angles(Keyword::List, parameter), DataType::List).parse(input)
        }
        Kind::Keyword(Keyword::Map) => {
            let pair = (parameter, symbol(Symbol::Comma), parameter);
            map(in_angles(Keyword::Map, pair), |(key, _, value)| {
                DataType::Map(key, value)
            })
            .parse(input)
        }
        _ => map(in_angles(Keyword::Set, parameter), DataType::Set).parse(input),
    }
}

pub fn tuple_type(input: Tokens<'_>) -> Parsed<'_, DataType> {
    map(in_angles(Keyword::Tuple, list(data_type)), DataType::Tuple).parse(input)
}

pub fn vector_type(input: Tokens<'_>) -> Parsed<'_, DataType> {
    let parameters = (data_type, symbol(Symbol::Comma), dimension);
    map(
        in_angles(Keyword::Vector, parameters),
        |(element, _, dimension)| DataType::Vector(Box::new(element), dimension),
    )
    .parse(input)
}

pub fn dimension(input: Tokens<'_>) -> Parsed<'_, i32> {
    let (rest, digits) = token(Kind::Integer, Class::Integer).parse(input)?;
    match digits.parse() {
        Ok(dimension) => Ok((rest, dimension)),
        Err(_) => complain(input, format!("Invalid vector dimension {digits}")),
    }
}

pub fn frozen_type(input: Tokens<'_>) -> Parsed<'_, DataType> {
    map(in_angles(Keyword::Frozen, data_type), |inner| {
        DataType::Frozen(Box::new(inner))
    })
    .parse(input)
}

pub fn custom_type(input: Tokens<'_>) -> Parsed<'_, DataType> {
    let (rest, class) = token(Kind::Text, Class::Text).parse(input)?;
    let span: Span = input.span_to(&rest);
    Ok((rest, DataType::Custom(text_value(class), span)))
}

pub fn type_name(input: Tokens<'_>) -> Parsed<'_, QualifiedName> {
    if input.is_symbol(1, Symbol::Dot) {
        let (rest, keyspace) = name(input)?;
        let (rest, name) = unqualified_type(rest.advance())?;
        return Ok((
            rest,
            QualifiedName {
                keyspace: Some(keyspace),
                name,
            },
        ));
    }
    map(unqualified_type, |name| QualifiedName {
        keyspace: None,
        name,
    })
    .parse(input)
}

pub fn unqualified_type(input: Tokens<'_>) -> Parsed<'_, Identifier> {
    let identifier = input.identifier();
    match input.kind(0) {
        Kind::Identifier if NAMES_KEPT.contains(&identifier.as_str()) => complain(
            input,
            format!("Invalid (reserved) user type name {identifier}"),
        ),
        Kind::Identifier | Kind::QuotedName | Kind::Keyword(Keyword::Key) => {
            Ok((input.advance(), identifier))
        }
        _ => plain_keyword(input),
    }
}
