//! USE, statements on keyspaces, and the properties of WITH.

use nom::Parser;
use nom::combinator::{cut, map};
use nom::sequence::preceded;

use super::combinators::{
    Parsed, ambiguous, conjunction, decided_at, flag, keyword, spanned, symbol,
};
use super::failure::Class;
use super::modifications::if_not_exists;
use super::names::{keyspace_name, name};
use super::properties::{check_names, constant_map};
use super::terms::{braced_literal, constant};
use super::tokens::Tokens;
use crate::keyword::Keyword;
use crate::token::{Kind, Symbol};
use crate::tree::{
    AlterKeyspace, CreateKeyspace, DropKeyspace, Literal, Properties, Property, PropertyValue, Use,
};

pub fn use_statement(input: Tokens<'_>) -> Parsed<'_, Use> {
    map(
        preceded(keyword(Keyword::Use), cut(keyspace_name)),
        |keyspace| Use { keyspace },
    )
    .parse(input)
}

pub fn create_keyspace(input: Tokens<'_>) -> Parsed<'_, CreateKeyspace> {
    let parts = (if_not_exists, keyspace_name, with);
    map(
        preceded(keyword(Keyword::Keyspace), cut(parts)),
        |(if_not_exists, name, properties)| CreateKeyspace {
            name,
            if_not_exists,
            properties,
        },
    )
    .parse(input)
}

pub fn alter_keyspace(input: Tokens<'_>) -> Parsed<'_, AlterKeyspace> {
    let parts = (if_exists, keyspace_name, with);
    map(
        preceded(keyword(Keyword::Keyspace), cut(parts)),
        |(if_exists, name, properties)| AlterKeyspace {
            name,
            if_exists,
            properties,
        },
    )
    .parse(input)
}

pub fn drop_keyspace(input: Tokens<'_>) -> Parsed<'_, DropKeyspace> {
    let parts = (if_exists, keyspace_name);
    map(
        preceded(keyword(Keyword::Keyspace), cut(parts)),
        |(if_exists, name)| DropKeyspace { name, if_exists },
    )
    .parse(input)
}

pub fn if_exists(input: Tokens<'_>) -> Parsed<'_, bool> {
    flag([Keyword::If, Keyword::Exists]).parse(input)
}

pub fn with(input: Tokens<'_>) -> Parsed<'_, Properties> {
    let (rest, all) = preceded(keyword(Keyword::With), cut(conjunction(property))).parse(input)?;
    check_names(input, &all)?;
    Ok((rest, Properties(all)))
}

pub fn property(input: Tokens<'_>) -> Parsed<'_, Property> {
    let equal = decided_at(input, 0, ambiguous(symbol(Symbol::Equal)));
    let value = decided_at(input, 0, property_value);
    let parts = spanned((name, cut(equal), cut(value)));
    map(parts, |((name, _, value), span)| Property {
        name,
        value,
        span,
    })
    .parse(input)
}

pub fn property_value(input: Tokens<'_>) -> Parsed<'_, PropertyValue> {
    match input.kind(0) {
        Kind::Symbol(Symbol::OpenBrace) => {
            let (rest, kind) = braced_literal(input)?;
            constant_map(input, kind).map(|map| (rest, PropertyValue::Map(map)))
        }
        Kind::Keyword(word) if !word.is_reserved() => {
            let text = Literal::Text(input.text().into());
            Ok((input.advance(), PropertyValue::Literal(text)))
        }
        _ => {
            input.expect(Class::Constant.into());
            map(constant, PropertyValue::Literal).parse(input)
        }
    }
}
