//! Statements on tables.

use nom::Parser;
use nom::branch::alt;
use nom::combinator::{cut, map, opt, value};
use nom::sequence::{pair, preceded, separated_pair};

use super::combinators::{
    Parsed, all_words, clause, complain, conjunction, flag, keyword, list, list_in, loose_list,
    parenthesised, spanned, symbol, token, words,
};
use super::definitions::{Item, TableOption, table_of};
use super::failure::Class;
use super::keyspaces::{if_exists, property, with};
use super::modifications::if_not_exists;
use super::names::{function_name, name, table_name};
use super::select::direction;
use super::terms::term;
use super::tokens::Tokens;
use super::types::data_type;
use crate::keyword::Keyword;
use crate::token::{Kind, Symbol, Token};
use crate::tree::{
    AlterTable, AlterTableAction, ColumnDefinition, CreateTable, Direction, DropTable, Identifier,
    Mask, PrimaryKey, Rename, Truncate,
};

pub fn truncate(input: Tokens<'_>) -> Parsed<'_, Truncate> {
    let parts = preceded(opt(table_word), table_name);
    map(preceded(keyword(Keyword::Truncate), cut(parts)), |table| {
        Truncate { table }
    })
    .parse(input)
}

pub fn table_word(input: Tokens<'_>) -> Parsed<'_, Token> {
    alt((keyword(Keyword::Table), keyword(Keyword::ColumnFamily))).parse(input)
}

pub fn create_table(input: Tokens<'_>) -> Parsed<'_, CreateTable> {
    let options = clause([Keyword::With], conjunction(table_option));
    let parts = (if_not_exists, table_name, table_items, options);
    let (rest, (if_not_exists, name, items, options)) =
        preceded(table_word, cut(parts)).parse(input)?;
    let table = table_of(
        input,
        name,
        if_not_exists,
        items,
        options.unwrap_or_default(),
    )?;
    Ok((rest, table))
}

pub fn table_items(input: Tokens<'_>) -> Parsed<'_, Vec<Item>> {
    let begins = |input: Tokens<'_>| input.is_name(0) || input.is_keyword(0, Keyword::Primary);
    loose_list(begins, table_item).parse(input)
}

pub fn table_item(input: Tokens<'_>) -> Parsed<'_, Item> {
    if input.is_keyword(0, Keyword::Primary) {
        return map(primary_key, Item::PrimaryKey).parse(input);
    }
    input.expect(Keyword::Primary.into());
    let key = spanned(flag([Keyword::Primary, Keyword::Key]));
    map(pair(column_definition, key), |(column, (is_key, span))| {
        Item::Column(column, is_key.then_some(span))
    })
    .parse(input)
}

pub fn column_definition(input: Tokens<'_>) -> Parsed<'_, ColumnDefinition> {
    let parts = (name, cut(data_type), flag([Keyword::Static]), opt(mask));
    map(
        spanned(parts),
        |((name, data_type, is_static, mask), span)| ColumnDefinition {
            name,
            data_type,
            is_static,
            mask,
            span,
        },
    )
    .parse(input)
}

pub fn mask(input: Tokens<'_>) -> Parsed<'_, Mask> {
    input.decide_mask()?;
    let with = words([Keyword::Masked, Keyword::With]);
    preceded(with, cut(alt((default_mask, mask_function)))).parse(input)
}

pub fn default_mask(input: Tokens<'_>) -> Parsed<'_, Mask> {
    if matches!(
        input.kind(1),
        Kind::Symbol(Symbol::OpenParenthesis | Symbol::Dot)
    ) {
        return mask_function(input);
    }
    value(Mask::Default, keyword(Keyword::Default)).parse(input)
}

pub fn mask_function(input: Tokens<'_>) -> Parsed<'_, Mask> {
    let arguments = parenthesised(list_in(Symbol::CloseParenthesis, term));
    map((function_name, arguments), |(name, arguments)| {
        Mask::Function(name, arguments)
    })
    .parse(input)
}

pub fn primary_key(input: Tokens<'_>) -> Parsed<'_, PrimaryKey> {
    let more = preceded(symbol(Symbol::Comma), cut(list(name)));
    let columns = parenthesised((partition_key, opt(more)));
    let parts = preceded(words([Keyword::Primary, Keyword::Key]), cut(columns));
    map(spanned(parts), |((partition, clustering), span)| {
        PrimaryKey {
            partition,
            clustering: clustering.unwrap_or_default(),
            span,
        }
    })
    .parse(input)
}

pub fn partition_key(input: Tokens<'_>) -> Parsed<'_, Vec<Identifier>> {
    alt((parenthesised(list(name)), map(name, |column| vec![column]))).parse(input)
}

pub fn table_option(input: Tokens<'_>) -> Parsed<'_, TableOption> {
    alt((
        value(
            TableOption::CompactStorage,
            all_words([Keyword::Compact, Keyword::Storage]),
        ),
        map(clustering_order, TableOption::ClusteringOrder),
        map(property, TableOption::Property),
    ))
    .parse(input)
}

pub fn clustering_order(input: Tokens<'_>) -> Parsed<'_, Vec<(Identifier, Direction)>> {
    let start = all_words([Keyword::Clustering, Keyword::Order]);
    let columns = parenthesised(list(ordered_column));
    preceded(start, cut(preceded(keyword(Keyword::By), columns))).parse(input)
}

pub fn ordered_column(input: Tokens<'_>) -> Parsed<'_, (Identifier, Direction)> {
    pair(name, cut(direction)).parse(input)
}

pub fn alter_table(input: Tokens<'_>) -> Parsed<'_, AlterTable> {
    let parts = (if_exists, table_name, alter_table_action);
    map(
        preceded(table_word, cut(parts)),
        |(if_exists, name, action)| AlterTable {
            name,
            if_exists,
            action,
        },
    )
    .parse(input)
}

pub fn alter_table_action(input: Tokens<'_>) -> Parsed<'_, AlterTableAction> {
    if input.is_keyword(0, Keyword::Alter) || input.is_keyword(0, Keyword::Drop) {
        input.decide_change()?;
    }
    alt((
        add_columns,
        drop_compact_storage,
        drop_columns,
        rename_columns,
        alter_column,
        map(with, AlterTableAction::With),
    ))
    .parse(input)
}

pub fn add_columns(input: Tokens<'_>) -> Parsed<'_, AlterTableAction> {
    let several = parenthesised(list(column_definition));
    let columns = alt((several, map(column_definition, |column| vec![column])));
    let parts = preceded(keyword(Keyword::Add), cut((if_not_exists, columns)));
    map(parts, |(if_not_exists, columns)| AlterTableAction::Add {
        if_not_exists,
        columns,
    })
    .parse(input)
}

pub fn drop_compact_storage(input: Tokens<'_>) -> Parsed<'_, AlterTableAction> {
    let parts = all_words([Keyword::Drop, Keyword::Compact, Keyword::Storage]);
    value(AlterTableAction::DropCompactStorage, parts).parse(input)
}

pub fn drop_columns(input: Tokens<'_>) -> Parsed<'_, AlterTableAction> {
    let columns = alt((parenthesised(list(name)), map(name, |column| vec![column])));
    let timestamp = clause([Keyword::Using, Keyword::Timestamp], microseconds);
    let parts = preceded(keyword(Keyword::Drop), cut((if_exists, columns, timestamp)));
    map(parts, |(if_exists, columns, timestamp)| {
        AlterTableAction::Drop {
            if_exists,
            columns,
            timestamp,
        }
    })
    .parse(input)
}

pub fn microseconds(input: Tokens<'_>) -> Parsed<'_, i64> {
    let (rest, digits) = token(Kind::Integer, Class::Integer).parse(input)?;
    match digits.parse() {
        Ok(timestamp) => Ok((rest, timestamp)),
        Err(_) => complain(input, format!("Invalid timestamp {digits}")),
    }
}

pub fn rename_columns(input: Tokens<'_>) -> Parsed<'_, AlterTableAction> {
    let parts = preceded(
        keyword(Keyword::Rename),
        cut((if_exists, conjunction(rename))),
    );
    map(parts, |(if_exists, renames)| AlterTableAction::Rename {
        if_exists,
        renames,
    })
    .parse(input)
}

pub fn rename(input: Tokens<'_>) -> Parsed<'_, Rename> {
    map(
        separated_pair(name, cut(keyword(Keyword::To)), cut(name)),
        |(from, to)| Rename { from, to },
    )
    .parse(input)
}

pub fn alter_column(input: Tokens<'_>) -> Parsed<'_, AlterTableAction> {
    let mut head = preceded(keyword(Keyword::Alter), cut((if_exists, name)));
    let (rest, (if_exists, column)) = head.parse(input)?;
    let mask_change = alt((
        map(mask, Some),
        value(None, words([Keyword::Drop, Keyword::Masked])),
    ));
    let new_type = preceded(keyword(Keyword::Type), cut(data_type));
    let (rest, (data_type, mask)) = cut(alt((
        map(new_type, |data_type| (Some(data_type), None)),
        map(mask_change, |mask| (None, mask)),
    )))
    .parse(rest)?;
    let action = match data_type {
        Some(data_type) => AlterTableAction::AlterColumn {
            if_exists,
            column,
            data_type,
        },
        None => AlterTableAction::Mask {
            if_exists,
            column,
            mask,
        },
    };
    Ok((rest, action))
}

pub fn drop_table(input: Tokens<'_>) -> Parsed<'_, DropTable> {
    let parts = preceded(table_word, cut((if_exists, table_name)));
    map(parts, |(if_exists, name)| DropTable { name, if_exists }).parse(input)
}
