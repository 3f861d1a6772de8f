//! INSERT, UPDATE, DELETE and BATCH.

use nom::Parser;
use nom::branch::alt;
use nom::combinator::{cut, map, opt, value};
use nom::multi::many0;
use nom::sequence::{preceded, terminated};

use super::assignments::check_assignments;
use super::combinators::{
    Parsed, Rule, clause, complain, conjunction, flag, keyword, list, parenthesised, spanned,
    symbol, token, undecided, words,
};
use super::failure::Class;
use super::lexemes::text_value;
use super::names::{name, table_name};
use super::operators::additive;
use super::relations::{conditions, target, where_clause};
use super::terms::{integer_value, marker, term};
use super::tokens::Tokens;
use crate::keyword::Keyword;
use crate::token::{Kind, Symbol};
use crate::tree::{
    ArithmeticOperator, Assignment, Attribute, Attributes, Batch, BatchKind, Delete, Identifier,
    Insert, InsertSource, JsonDefault, Literal, Modification, Operation, Term, TermKind, Update,
};

pub fn insert(input: Tokens<'_>) -> Parsed<'_, Insert> {
    let markers = input.markers_before();
    let (rest, ()) = words([Keyword::Insert, Keyword::Into]).parse(input)?;
    let source = alt((insert_json, insert_values));
    let tail = (table_name, source, if_not_exists, opt(using));
    let (rest, (table, source, if_not_exists, attributes)) = cut(tail).parse(rest)?;
    let markers = rest.markers_since(markers);
    let attributes = attributes.unwrap_or_default();
    Ok((
        rest,
        Insert {
            table,
            source,
            if_not_exists,
            attributes,
            markers,
        },
    ))
}

pub fn insert_values(input: Tokens<'_>) -> Parsed<'_, InsertSource> {
    let columns = parenthesised(list(name));
    let values = preceded(
        keyword(Keyword::Values),
        cut(spanned(parenthesised(list(term)))),
    );
    map(
        (columns, cut(values)),
        |(columns, (values, values_span))| InsertSource::Values {
            columns,
            values,
            values_span,
        },
    )
    .parse(input)
}

pub fn insert_json(input: Tokens<'_>) -> Parsed<'_, InsertSource> {
    let default = clause([Keyword::Default], json_default);
    let parts = (cut(json_value), default);
    map(
        preceded(keyword(Keyword::Json), parts),
        |(value, default)| InsertSource::Json {
            value,
            default: default.unwrap_or_default(),
        },
    )
    .parse(input)
}

pub fn json_value(input: Tokens<'_>) -> Parsed<'_, Term> {
    let text = map(token(Kind::Text, Class::Text), |text| {
        TermKind::Literal(Literal::Text(text_value(text)))
    });
    match input.kind(0) {
        Kind::Symbol(Symbol::QuestionMark | Symbol::Colon) => {
            map(spanned(map(marker, TermKind::Marker)), Term::from).parse(input)
        }
        Kind::Text => map(spanned(text), Term::from).parse(input),
        _ => {
            input.expect(Class::Text.into());
            undecided(input, input)
        }
    }
}

pub fn json_default(input: Tokens<'_>) -> Parsed<'_, JsonDefault> {
    alt((
        value(JsonDefault::Null, words([Keyword::Null])),
        value(JsonDefault::Unset, words([Keyword::Unset])),
    ))
    .parse(input)
}

pub fn if_not_exists(input: Tokens<'_>) -> Parsed<'_, bool> {
    flag([Keyword::If, Keyword::Not, Keyword::Exists]).parse(input)
}

pub fn using(input: Tokens<'_>) -> Parsed<'_, Attributes> {
    let attributes = map(conjunction(attribute), Attributes);
    preceded(keyword(Keyword::Using), cut(attributes)).parse(input)
}

pub fn attribute(input: Tokens<'_>) -> Parsed<'_, Attribute> {
    alt((timestamp_attribute, time_to_live_attribute)).parse(input)
}

pub fn timestamp_attribute(input: Tokens<'_>) -> Parsed<'_, Attribute> {
    map(
        preceded(keyword(Keyword::Timestamp), cut(integer_value)),
        Attribute::Timestamp,
    )
    .parse(input)
}

pub fn time_to_live_attribute(input: Tokens<'_>) -> Parsed<'_, Attribute> {
    map(
        preceded(keyword(Keyword::TimeToLive), cut(integer_value)),
        Attribute::TimeToLive,
    )
    .parse(input)
}

pub fn update(input: Tokens<'_>) -> Parsed<'_, Update> {
    let markers = input.markers_before();
    let (rest, _) = keyword(Keyword::Update).parse(input)?;
    let set = preceded(keyword(Keyword::Set), list(assignment));
    let condition = clause([Keyword::If], conditions);
    let tail = (table_name, opt(using), set, where_clause, condition);
    let (rest, (table, attributes, assignments, relations, conditions)) = cut(tail).parse(rest)?;
    check_assignments(input, &assignments)?;
    let attributes = attributes.unwrap_or_default();
    let markers = rest.markers_since(markers);
    Ok((
        rest,
        Update {
            table,
            attributes,
            assignments,
            relations,
            conditions,
            markers,
        },
    ))
}

pub fn assignment(input: Tokens<'_>) -> Parsed<'_, Assignment> {
    let (rest, target) = target(input)?;
    let (rest, operation) = match rest.kind(0) {
        Kind::Symbol(Symbol::PlusEqual) if target.part.is_none() => {
            map(cut(term), Operation::Add).parse(rest.advance())?
        }
        Kind::Symbol(Symbol::MinusEqual) if target.part.is_none() => {
            map(cut(term), Operation::Subtract).parse(rest.advance())?
        }
        Kind::Symbol(Symbol::Equal) if target.part.is_none() => {
            new_value(rest.advance(), &target.column)?
        }
        _ if target.part.is_some() => {
            let equal = preceded(symbol(Symbol::Equal), term);
            map(cut(equal), Operation::Set).parse(rest)?
        }
        _ => {
            rest.expect(Symbol::Equal.into());
            return undecided(rest, rest);
        }
    };
    Ok((
        rest,
        Assignment {
            target,
            operation,
            span: input.span_to(&rest),
        },
    ))
}

pub fn new_value<'t>(input: Tokens<'t>, column: &Identifier) -> Parsed<'t, Operation> {
    let signed = input.advance().kind(0) == Kind::Integer;
    if input.is_name(0) && (additive(input.advance()).is_some() || signed) {
        return changed_value(input, column);
    }
    let (rest, value) = term(input)?;
    if !rest.is_symbol(0, Symbol::Plus) {
        return Ok((rest, Operation::Set(value)));
    }
    let (rest, ()) = cut(same_column(column, "X = <value> + X")).parse(rest.advance())?;
    Ok((rest, Operation::Prepend(value)))
}

pub fn changed_value<'t>(input: Tokens<'t>, column: &Identifier) -> Parsed<'t, Operation> {
    let operator = additive(input.advance());
    let form = match operator {
        Some(ArithmeticOperator::Add) => "X = X +<value>",
        Some(_) => "X = X -<value>",
        None if input.advance().text().starts_with('-') => "X = X - <value>",
        None => "X = X + <value>",
    };
    let (rest, ()) = same_column(column, form).parse(input)?;
    match operator {
        Some(ArithmeticOperator::Add) => map(cut(term), Operation::Add).parse(rest.advance()),
        Some(_) => map(cut(term), Operation::Subtract).parse(rest.advance()),
        None => map(cut(integer_value), Operation::Add).parse(rest),
    }
}

pub fn same_column<'t>(column: &Identifier, form: &'static str) -> impl Rule<'t, ()> {
    move |input| match name(input)? {
        (rest, other) if other == *column => Ok((rest, ())),
        _ => complain(
            input,
            format!("Only expressions of the form {form} are supported."),
        ),
    }
}

pub fn delete<'t>(input: Tokens<'t>) -> Parsed<'t, Delete> {
    let markers = input.markers_before();
    let (rest, _) = keyword(Keyword::Delete).parse(input)?;
    let deleted = |input: Tokens<'t>| {
        if input.is_name(0) {
            input.decide_target()?;
        }
        target(input)
    };
    let (rest, targets) = if rest.is_name(0) {
        cut(list(deleted)).parse(rest)?
    } else {
        rest.expect(Class::Name.into());
        (rest, Vec::new())
    };
    let table = preceded(keyword(Keyword::From), table_name);
    let condition = clause([Keyword::If], conditions);
    let tail = (table, opt(using_timestamp), where_clause, condition);
    let (rest, (table, attributes, relations, conditions)) = cut(tail).parse(rest)?;
    let attributes = attributes.unwrap_or_default();
    let markers = rest.markers_since(markers);
    Ok((
        rest,
        Delete {
            targets,
            table,
            attributes,
            relations,
            conditions,
            markers,
        },
    ))
}

pub fn using_timestamp(input: Tokens<'_>) -> Parsed<'_, Attributes> {
    let attribute = map(timestamp_attribute, |attribute| Attributes(vec![attribute]));
    preceded(keyword(Keyword::Using), cut(attribute)).parse(input)
}

pub fn batch(input: Tokens<'_>) -> Parsed<'_, Batch> {
    let markers = input.markers_before();
    let (rest, _) = keyword(Keyword::Begin).parse(input)?;
    let (rest, kind) = cut(terminated(batch_kind, keyword(Keyword::Batch))).parse(rest)?;
    let (rest, attributes) = opt(using).parse(rest)?;
    let one = terminated(modification, opt(symbol(Symbol::Semicolon)));
    let (rest, statements) = many0(one).parse(rest)?;
    let (rest, ()) = cut(words([Keyword::Apply, Keyword::Batch])).parse(rest)?;
    let attributes = attributes.unwrap_or_default();
    let markers = rest.markers_since(markers);
    Ok((
        rest,
        Batch {
            kind,
            attributes,
            statements,
            markers,
        },
    ))
}

pub fn batch_kind(input: Tokens<'_>) -> Parsed<'_, BatchKind> {
    let kind = alt((
        value(BatchKind::Unlogged, keyword(Keyword::Unlogged)),
        value(BatchKind::Counter, keyword(Keyword::Counter)),
    ));
    map(opt(kind), Option::unwrap_or_default).parse(input)
}

pub fn modification(input: Tokens<'_>) -> Parsed<'_, Modification> {
    alt((
        map(insert, Modification::Insert),
        map(update, Modification::Update),
        map(delete, Modification::Delete),
    ))
    .parse(input)
}
