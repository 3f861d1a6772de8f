//! Statements on user-defined types.

use nom::Parser;
use nom::branch::alt;
use nom::combinator::{cut, map};
use nom::sequence::{preceded, separated_pair};

use super::combinators::{Parsed, conjunction, keyword, loose_list};
use super::keyspaces::if_exists;
use super::modifications::if_not_exists;
use super::names::name;
use super::tables::rename;
use super::tokens::Tokens;
use super::types::{data_type, type_name};
use crate::keyword::Keyword;
use crate::tree::{AlterType, AlterTypeAction, CreateType, DropType, Field};

pub fn create_type(input: Tokens<'_>) -> Parsed<'_, CreateType> {
    let parts = preceded(
        keyword(Keyword::Type),
        cut((if_not_exists, type_name, fields)),
    );
    map(parts, |(if_not_exists, name, fields)| CreateType {
        name,
        if_not_exists,
        fields,
    })
    .parse(input)
}

pub fn fields(input: Tokens<'_>) -> Parsed<'_, Vec<Field>> {
    loose_list(|input| input.is_name(0), field).parse(input)
}

pub fn field(input: Tokens<'_>) -> Parsed<'_, Field> {
    map((name, cut(data_type)), |(name, data_type)| Field {
        name,
        data_type,
    })
    .parse(input)
}

pub fn alter_type(input: Tokens<'_>) -> Parsed<'_, AlterType> {
    let parts = preceded(
        keyword(Keyword::Type),
        cut((if_exists, type_name, alter_type_action)),
    );
    map(parts, |(if_exists, name, action)| AlterType {
        name,
        if_exists,
        action,
    })
    .parse(input)
}

pub fn alter_type_action(input: Tokens<'_>) -> Parsed<'_, AlterTypeAction> {
    alt((add_field, rename_fields, alter_field)).parse(input)
}

pub fn add_field(input: Tokens<'_>) -> Parsed<'_, AlterTypeAction> {
    let parts = preceded(keyword(Keyword::Add), cut((if_not_exists, field)));
    map(parts, |(if_not_exists, field)| AlterTypeAction::Add {
        if_not_exists,
        field,
    })
    .parse(input)
}

pub fn rename_fields(input: Tokens<'_>) -> Parsed<'_, AlterTypeAction> {
    let parts = preceded(
        keyword(Keyword::Rename),
        cut((if_exists, conjunction(rename))),
    );
    map(parts, |(if_exists, renames)| AlterTypeAction::Rename {
        if_exists,
        renames,
    })
    .parse(input)
}

pub fn alter_field(input: Tokens<'_>) -> Parsed<'_, AlterTypeAction> {
    let change = separated_pair(name, keyword(Keyword::Type), data_type);
    map(
        preceded(keyword(Keyword::Alter), cut((if_exists, change))),
        |(if_exists, change)| {
            let field = Field {
                name: change.0,
                data_type: change.1,
            };
            AlterTypeAction::AlterField { if_exists, field }
        },
    )
    .parse(input)
}

pub fn drop_type(input: Tokens<'_>) -> Parsed<'_, DropType> {
    let parts = preceded(keyword(Keyword::Type), cut((if_exists, type_name)));
    map(parts, |(if_exists, name)| DropType { name, if_exists }).parse(input)
}
