//! SELECT.

use nom::combinator::{cut, map, opt, value};
use nom::sequence::preceded;
use nom::{Err, Parser};

use super::combinators::{Parsed, clause, flag, keyword, list, words};
use super::hints::modifier;
use super::names::{name, table_name};
use super::relations::where_clause;
use super::selectors::{selection, selector};
use super::terms::{integer_value, term};
use super::tokens::Tokens;
use crate::keyword::Keyword;
use crate::tree::{Direction, Ordering, Select};

pub fn select(input: Tokens<'_>) -> Parsed<'_, Select> {
    let markers = input.markers_before();
    let (rest, _) = keyword(Keyword::Select).parse(input)?;
    let first = rest;
    let (rest, json) = modifier(rest, Keyword::Json);
    let (rest, distinct) = modifier(rest, Keyword::Distinct);
    let (rest, selection) = match cut(selection).parse(rest) {
        // What cannot be selected makes the word before it a column.
        Err(Err::Failure(failure)) if (json || distinct) && !failure.is_refusal() => {
            return Err(Err::Failure(match first.decide_column() {
                Err(Err::Error(column)) => column,
                _ => failure,
            }));
        }
        parsed => parsed?,
    };
    let (rest, table) = cut(preceded(keyword(Keyword::From), table_name)).parse(rest)?;
    let (rest, relations) = map(opt(where_clause), Option::unwrap_or_default).parse(rest)?;
    let (rest, group_by) = clause([Keyword::Group, Keyword::By], list(selector)).parse(rest)?;
    let (rest, order_by) = clause([Keyword::Order, Keyword::By], list(ordering)).parse(rest)?;
    let per_partition = [Keyword::Per, Keyword::Partition, Keyword::Limit];
    let (rest, per_partition_limit) = clause(per_partition, integer_value).parse(rest)?;
    let (rest, limit) = clause([Keyword::Limit], integer_value).parse(rest)?;
    let (rest, allow_filtering) = flag([Keyword::Allow, Keyword::Filtering]).parse(rest)?;
    let select = Select {
        json,
        distinct,
        selection,
        table,
        relations,
        group_by: group_by.unwrap_or_default(),
        order_by: order_by.unwrap_or_default(),
        per_partition_limit,
        limit,
        allow_filtering,
        markers: rest.markers_since(markers),
    };
    Ok((rest, select))
}

pub fn ordering(input: Tokens<'_>) -> Parsed<'_, Ordering> {
    let parts = (
        name,
        clause([Keyword::Ann, Keyword::Of], term),
        opt(direction),
    );
    map(parts, |(column, nearest_to, direction)| Ordering {
        column,
        nearest_to,
        direction: direction.unwrap_or_default(),
    })
    .parse(input)
}

pub fn direction(input: Tokens<'_>) -> Parsed<'_, Direction> {
    nom::branch::alt((
        value(Direction::Ascending, words([Keyword::Ascending])),
        value(Direction::Descending, words([Keyword::Descending])),
    ))
    .parse(input)
}
