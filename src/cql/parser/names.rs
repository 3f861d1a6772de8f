//! Names of columns, tables, keyspaces and functions.

use nom::Parser;
use nom::combinator::map;

use super::combinators::{Parsed, complain, nothing_fits};
use super::failure::Class;
use super::lexemes::is_plain;
use super::tokens::Tokens;
use crate::token::{Kind, Symbol};
use crate::tree::{Identifier, QualifiedName};

pub fn name(input: Tokens<'_>) -> Parsed<'_, Identifier> {
    match input.kind(0) {
        Kind::Identifier | Kind::QuotedName => Ok((input.advance(), input.identifier())),
        _ => unreserved_keyword(input),
    }
}

pub fn unreserved_keyword(input: Tokens<'_>) -> Parsed<'_, Identifier> {
    match input.kind(0) {
        Kind::Keyword(word) if !word.is_reserved() => Ok((input.advance(), input.identifier())),
        _ => nothing_fits(input, Class::Name),
    }
}

pub fn keyspace_name(input: Tokens<'_>) -> Parsed<'_, Identifier> {
    if input.is_symbol(0, Symbol::QuestionMark) {
        return complain(input, "Bind variables cannot be used for keyspace names");
    }
    name(input)
}

pub fn table_name(input: Tokens<'_>) -> Parsed<'_, QualifiedName> {
    if input.is_name(0) || input.is_symbol(0, Symbol::QuestionMark) {
        input.decide_table()?;
    }
    if input.is_symbol(1, Symbol::Dot) {
        let (rest, keyspace) = keyspace_name(input)?;
        let (rest, name) = unqualified_table(rest.advance())?;
        return Ok((
            rest,
            QualifiedName {
                keyspace: Some(keyspace),
                name,
            },
        ));
    }
    map(unqualified_table, |name| QualifiedName {
        keyspace: None,
        name,
    })
    .parse(input)
}

pub fn unqualified_table(input: Tokens<'_>) -> Parsed<'_, Identifier> {
    if input.is_symbol(0, Symbol::QuestionMark) {
        return complain(input, "Bind variables cannot be used for table names");
    }
    name(input)
}

pub fn function_name(input: Tokens<'_>) -> Parsed<'_, QualifiedName> {
    if input.is_symbol(1, Symbol::Dot) {
        let (rest, keyspace) = keyspace_name(input)?;
        let (rest, name) = unqualified_function(rest.advance())?;
        return Ok((
            rest,
            QualifiedName {
                keyspace: Some(keyspace),
                name,
            },
        ));
    }
    map(unqualified_function, |name| QualifiedName {
        keyspace: None,
        name,
    })
    .parse(input)
}

pub fn unqualified_function(input: Tokens<'_>) -> Parsed<'_, Identifier> {
    match input.kind(0) {
        Kind::Identifier | Kind::QuotedName => Ok((input.advance(), input.identifier())),
        _ => function_keyword(input),
    }
}

pub fn function_keyword(input: Tokens<'_>) -> Parsed<'_, Identifier> {
    if input.is_function_name(0) {
        return Ok((input.advance(), input.identifier()));
    }
    nothing_fits(input, Class::Name)
}

pub fn plain_keyword(input: Tokens<'_>) -> Parsed<'_, Identifier> {
    match input.kind(0) {
        Kind::Keyword(word) if is_plain(word) => Ok((input.advance(), input.identifier())),
        _ => nothing_fits(input, Class::Name),
    }
}
