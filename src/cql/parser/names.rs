//! Names of columns, tables, keyspaces and functions.

use nom::Parser;
use nom::combinator::map;

use super::combinators::{Parsed, complain, nothing_fits};
use super::failure::Class;
use super::tokens::Tokens;
use crate::keyword::Keyword;
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
    if input.is_symbol(1, Symbol::Dot) {
        let (rest, keyspace) = keyspace_name(input)?;
        let (rest, name) = relation_name(rest.advance())?;
        return Ok((
            rest,
            QualifiedName {
                keyspace: Some(keyspace),
                name,
            },
        ));
    }
    map(relation_name, |name| QualifiedName {
        keyspace: None,
        name,
    })
    .parse(input)
}

pub fn relation_name(input: Tokens<'_>) -> Parsed<'_, Identifier> {
    if input.is_symbol(0, Symbol::QuestionMark) {
        return complain(input, "Bind variables cannot be used for table names");
    }
    name(input)
}

pub fn function_name(input: Tokens<'_>) -> Parsed<'_, QualifiedName> {
    if input.is_symbol(1, Symbol::Dot) {
        let (rest, keyspace) = keyspace_name(input)?;
        let (rest, name) = function_word(rest.advance())?;
        return Ok((
            rest,
            QualifiedName {
                keyspace: Some(keyspace),
                name,
            },
        ));
    }
    map(function_word, |name| QualifiedName {
        keyspace: None,
        name,
    })
    .parse(input)
}

pub fn function_word(input: Tokens<'_>) -> Parsed<'_, Identifier> {
    if input.is_keyword(0, Keyword::Token) {
        return Ok((input.advance(), input.identifier()));
    }
    name(input)
}
