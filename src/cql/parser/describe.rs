//! DESCRIBE.

use nom::Parser;
use nom::branch::alt;
use nom::combinator::{cut, map, opt, value};
use nom::sequence::preceded;

use super::combinators::{Parsed, flag, keyword, words};
use super::names::{function_name, keyspace_name, table_name};
use super::tables::table_word;
use super::tokens::Tokens;
use super::types::type_name;
use crate::keyword::Keyword;
use crate::token::Symbol;
use crate::tree::{Describe, DescribeSubject};

pub fn describe(input: Tokens<'_>) -> Parsed<'_, Describe> {
    let word = alt((keyword(Keyword::Describe), keyword(Keyword::Descending)));
    let internals = flag([Keyword::With, Keyword::Internals]);
    map(
        preceded(word, cut((describe_subject, internals))),
        |(subject, with_internals)| Describe {
            subject,
            with_internals,
        },
    )
    .parse(input)
}

pub fn describe_subject(input: Tokens<'_>) -> Parsed<'_, DescribeSubject> {
    // A keyspace may be named as one of the words.
    if input.is_symbol(1, Symbol::Dot) {
        return describe_any(input);
    }
    alt((
        describe_list,
        describe_schema,
        describe_keyspace,
        describe_element,
        describe_any,
    ))
    .parse(input)
}

pub fn describe_list(input: Tokens<'_>) -> Parsed<'_, DescribeSubject> {
    let tables = alt((keyword(Keyword::Tables), keyword(Keyword::ColumnFamilies)));
    alt((
        value(DescribeSubject::Cluster, keyword(Keyword::Cluster)),
        value(DescribeSubject::Keyspaces, keyword(Keyword::Keyspaces)),
        value(DescribeSubject::Tables, tables),
        value(DescribeSubject::Types, keyword(Keyword::Types)),
        value(DescribeSubject::Functions, keyword(Keyword::Functions)),
        value(DescribeSubject::Aggregates, keyword(Keyword::Aggregates)),
    ))
    .parse(input)
    .inspect(|_| input.look(2))
}

pub fn describe_schema(input: Tokens<'_>) -> Parsed<'_, DescribeSubject> {
    alt((
        value(
            DescribeSubject::Schema { full: true },
            words([Keyword::Full, Keyword::Schema]),
        ),
        value(
            DescribeSubject::Schema { full: false },
            words([Keyword::Schema]),
        ),
    ))
    .parse(input)
}

pub fn describe_keyspace(input: Tokens<'_>) -> Parsed<'_, DescribeSubject> {
    let only = preceded(keyword(Keyword::Only), cut(keyword(Keyword::Keyspace)));
    let (rest, only) =
        alt((value(true, only), value(false, keyword(Keyword::Keyspace)))).parse(input)?;
    let (rest, name) = opt(keyspace_name).parse(rest)?;
    Ok((rest, DescribeSubject::Keyspace { only, name }))
}

pub fn describe_element(input: Tokens<'_>) -> Parsed<'_, DescribeSubject> {
    let view = words([Keyword::Materialized, Keyword::View]);
    alt((
        map(
            preceded(table_word, cut(table_name)),
            DescribeSubject::Table,
        ),
        map(
            preceded(keyword(Keyword::Index), cut(table_name)),
            DescribeSubject::Index,
        ),
        map(preceded(view, cut(table_name)), DescribeSubject::View),
        map(
            preceded(keyword(Keyword::Type), type_name),
            DescribeSubject::Type,
        ),
        map(
            preceded(keyword(Keyword::Function), function_name),
            DescribeSubject::Function,
        ),
        map(
            preceded(keyword(Keyword::Aggregate), function_name),
            DescribeSubject::Aggregate,
        ),
    ))
    .parse(input)
}

pub fn describe_any(input: Tokens<'_>) -> Parsed<'_, DescribeSubject> {
    map(table_name, DescribeSubject::Any).parse(input)
}
