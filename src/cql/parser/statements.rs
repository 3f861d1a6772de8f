//! A statement: which one it is by its first words.

use nom::Parser;
use nom::branch::alt;
use nom::combinator::{cut, map};
use nom::sequence::{preceded, terminated};

use super::combinators::{Parsed, end, keyword, semicolons, undecided};
use super::describe::describe;
use super::keyspaces::{alter_keyspace, create_keyspace, drop_keyspace, use_statement};
use super::modifications::{batch, delete, insert, update};
use super::select::select;
use super::tables::{alter_table, create_table, drop_table, truncate};
use super::tokens::Tokens;
use super::unsupported::{UNSUPPORTED, begins_with, to_the_end};
use super::user_types::{alter_type, create_type, drop_type};
use crate::keyword::Keyword;
use crate::tree::Statement;

pub fn query(input: Tokens<'_>) -> Parsed<'_, Statement> {
    terminated(statement, cut((semicolons, end))).parse(input)
}

pub fn statement(input: Tokens<'_>) -> Parsed<'_, Statement> {
    alt((
        map(select, |select| Statement::Select(Box::new(select))),
        map(insert, Statement::Insert),
        map(update, Statement::Update),
        map(delete, Statement::Delete),
        map(batch, Statement::Batch),
        map(use_statement, Statement::Use),
        map(truncate, Statement::Truncate),
        map(describe, Statement::Describe),
        unsupported,
        create,
        alter,
        drop,
    ))
    .parse(input)
}

pub fn unsupported(input: Tokens<'_>) -> Parsed<'_, Statement> {
    match UNSUPPORTED.iter().find(|words| begins_with(input, words.0)) {
        Some((_, name)) => Ok((to_the_end(input), Statement::Unsupported { name })),
        None => undecided(input, input),
    }
}

pub fn create(input: Tokens<'_>) -> Parsed<'_, Statement> {
    let created = alt((
        map(create_table, Statement::CreateTable),
        map(create_keyspace, Statement::CreateKeyspace),
        map(create_type, Statement::CreateType),
        |rest| undecided(input, rest),
    ));
    preceded(keyword(Keyword::Create), cut(created)).parse(input)
}

pub fn alter(input: Tokens<'_>) -> Parsed<'_, Statement> {
    let altered = alt((
        map(alter_table, Statement::AlterTable),
        map(alter_keyspace, Statement::AlterKeyspace),
        map(alter_type, Statement::AlterType),
        |rest| undecided(input, rest),
    ));
    preceded(keyword(Keyword::Alter), cut(altered)).parse(input)
}

pub fn drop(input: Tokens<'_>) -> Parsed<'_, Statement> {
    let dropped = alt((
        map(drop_table, Statement::DropTable),
        map(drop_keyspace, Statement::DropKeyspace),
        map(drop_type, Statement::DropType),
        |rest| undecided(input, rest),
    ));
    preceded(keyword(Keyword::Drop), cut(dropped)).parse(input)
}
