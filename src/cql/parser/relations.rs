//! Relations of WHERE and conditions of IF.

use nom::Parser;
use nom::combinator::{cut, map};
use nom::sequence::{delimited, preceded};

use super::combinators::{
    Parsed, conjunction, decided_at, keyword, list, list_in, list_until, nested, parenthesised,
    spanned, symbol, undecided, words,
};
use super::comparisons::{comparison_at, continues_condition, expect_operators};
use super::decisions::begins_columns_value;
use super::names::name;
use super::terms::{marker, term, tuple_literal};
use super::tokens::Tokens;
use crate::keyword::Keyword;
use crate::token::{Kind, Symbol};
use crate::tree::{
    Comparison, Condition, Conditions, Identifier, InValues, Part, Predicate, Relation,
    RelationSubject, Target, Term, TermKind,
};

pub fn where_clause(input: Tokens<'_>) -> Parsed<'_, Vec<Relation>> {
    preceded(words([Keyword::Where]), cut(conjunction(relation))).parse(input)
}

pub fn relation(input: Tokens<'_>) -> Parsed<'_, Relation> {
    let token = input.is_keyword(0, Keyword::Token);
    let tuple = input.is_symbol(0, Symbol::OpenParenthesis) && input.is_name(1);
    let parsed = if token {
        token_relation(input)
    } else if tuple
        && matches!(
            input.kind(2),
            Kind::Symbol(Symbol::Comma | Symbol::CloseParenthesis)
        )
    {
        columns_relation(input)
    } else if input.is_symbol(0, Symbol::OpenParenthesis) {
        input.decide_relation()?;
        return nested(parenthesised(relation)).parse(input);
    } else {
        column_relation(input)
    };
    let (rest, (subject, predicate)) = parsed?;
    Ok((
        rest,
        Relation {
            subject,
            predicate,
            span: input.span_to(&rest),
        },
    ))
}

pub fn token_relation(input: Tokens<'_>) -> Parsed<'_, (RelationSubject, Predicate)> {
    let mut subject = preceded(keyword(Keyword::Token), cut(column_tuple));
    let (rest, columns) = subject.parse(input)?;
    let (rest, predicate) = match rest.kind(0) {
        Kind::Keyword(Keyword::Between) => between(rest)?,
        _ => compare(rest)?,
    };
    Ok((rest, (RelationSubject::Token(columns), predicate)))
}

pub fn columns_relation(input: Tokens<'_>) -> Parsed<'_, (RelationSubject, Predicate)> {
    let (rest, columns) = column_tuple(input)?;
    let (rest, predicate) = match rest.kind(0) {
        Kind::Keyword(Keyword::In) => columns_in(rest)?,
        Kind::Keyword(Keyword::Between) => columns_between(rest)?,
        _ => columns_compare(rest)?,
    };
    Ok((rest, (RelationSubject::Columns(columns), predicate)))
}

pub fn column_relation(input: Tokens<'_>) -> Parsed<'_, (RelationSubject, Predicate)> {
    let (rest, column) = name(input)?;
    let (rest, subject) = if rest.is_symbol(0, Symbol::OpenBracket) {
        map(element_key, |key| {
            RelationSubject::Element(column.clone(), key)
        })
        .parse(rest)?
    } else {
        (rest, RelationSubject::Column(column))
    };
    let start = match subject {
        RelationSubject::Column(_) => input,
        _ => rest,
    };
    let (rest, predicate) = match rest.kind(0) {
        Kind::Keyword(Keyword::In) => decided_at(start, 1, in_values).parse(rest)?,
        Kind::Keyword(Keyword::Contains) => contains(rest)?,
        Kind::Keyword(Keyword::Between) => between(rest)?,
        Kind::Keyword(Keyword::Like) => like(rest)?,
        Kind::Keyword(Keyword::Is) => is_not_null(rest)?,
        _ if comparison_at(rest).is_some() => compare(rest)?,
        _ => {
            expect_operators(rest, true);
            return undecided(start, rest);
        }
    };
    Ok((rest, (subject, predicate)))
}

pub fn column_tuple(input: Tokens<'_>) -> Parsed<'_, Vec<Identifier>> {
    parenthesised(list(name)).parse(input)
}

pub fn element_key(input: Tokens<'_>) -> Parsed<'_, Term> {
    let close = cut(symbol(Symbol::CloseBracket));
    delimited(symbol(Symbol::OpenBracket), cut(term), close).parse(input)
}

pub fn comparison(input: Tokens<'_>) -> Parsed<'_, Comparison> {
    match comparison_at(input) {
        Some(comparison) => Ok((input.advance(), comparison)),
        None => {
            expect_operators(input, false);
            undecided(input, input)
        }
    }
}

pub fn compare(input: Tokens<'_>) -> Parsed<'_, Predicate> {
    map((comparison, cut(term)), |(comparison, term)| {
        Predicate::Compare(comparison, term)
    })
    .parse(input)
}

pub fn in_values(input: Tokens<'_>) -> Parsed<'_, Predicate> {
    let (rest, _) = keyword(Keyword::In).parse(input)?;
    if rest.is_symbol(0, Symbol::OpenParenthesis) {
        let terms = parenthesised(list_in(Symbol::CloseParenthesis, term));
        return map(terms, |terms| Predicate::In(InValues::Terms(terms))).parse(rest);
    }
    in_marker(rest)
}

pub fn in_marker(input: Tokens<'_>) -> Parsed<'_, Predicate> {
    if matches!(
        input.kind(0),
        Kind::Symbol(Symbol::QuestionMark | Symbol::Colon)
    ) {
        return map(marker, |marker| Predicate::In(InValues::Marker(marker))).parse(input);
    }
    input.expect(Symbol::QuestionMark.into());
    input.expect(Symbol::OpenParenthesis.into());
    undecided(input, input)
}

pub fn contains(input: Tokens<'_>) -> Parsed<'_, Predicate> {
    let (rest, _) = keyword(Keyword::Contains).parse(input)?;
    if rest.is_keyword(0, Keyword::Key) && !rest.is_symbol(1, Symbol::Dot) {
        return map(cut(term), Predicate::ContainsKey).parse(rest.advance());
    }
    rest.expect(Keyword::Key.into());
    map(cut(term), Predicate::Contains).parse(rest)
}

pub fn between(input: Tokens<'_>) -> Parsed<'_, Predicate> {
    let bounds = (cut(term), cut(keyword(Keyword::And)), cut(term));
    map(
        preceded(keyword(Keyword::Between), bounds),
        |(from, _, to)| Predicate::Between(from, to),
    )
    .parse(input)
}

pub fn like(input: Tokens<'_>) -> Parsed<'_, Predicate> {
    map(preceded(keyword(Keyword::Like), cut(term)), Predicate::Like).parse(input)
}

pub fn is_not_null(input: Tokens<'_>) -> Parsed<'_, Predicate> {
    map(words([Keyword::Is, Keyword::Not, Keyword::Null]), |()| {
        Predicate::IsNotNull
    })
    .parse(input)
}

pub fn columns_value(input: Tokens<'_>) -> Parsed<'_, Term> {
    let tuple = map(tuple_literal, TermKind::Tuple);
    match input.kind(0) {
        Kind::Symbol(Symbol::OpenParenthesis) => {
            map(spanned(nested(tuple)), Term::from).parse(input)
        }
        Kind::Symbol(Symbol::QuestionMark | Symbol::Colon) => {
            map(spanned(map(marker, TermKind::Marker)), Term::from).parse(input)
        }
        _ => {
            input.expect(Symbol::QuestionMark.into());
            input.expect(Symbol::OpenParenthesis.into());
            undecided(input, input)
        }
    }
}

pub fn columns_compare(input: Tokens<'_>) -> Parsed<'_, Predicate> {
    let parts = (comparison, decided_at(input, 0, cut(columns_value)));
    map(parts, |(comparison, term)| {
        Predicate::Compare(comparison, term)
    })
    .parse(input)
}

pub fn columns_in<'t>(input: Tokens<'t>) -> Parsed<'t, Predicate> {
    let (rest, _) = keyword(Keyword::In).parse(input)?;
    if rest.is_symbol(0, Symbol::OpenParenthesis) {
        let begins = |input: Tokens<'t>| !matches!(input.kind(0), Kind::End);
        if !begins_columns_value(rest.kind(1)) {
            return Err(rest.undecided(1));
        }
        let tuples = parenthesised(list_until(Symbol::CloseParenthesis, begins, columns_value));
        return map(tuples, |tuples| Predicate::In(InValues::Terms(tuples))).parse(rest);
    }
    in_marker(rest)
}

pub fn columns_between(input: Tokens<'_>) -> Parsed<'_, Predicate> {
    let bounds = (
        cut(columns_value),
        cut(keyword(Keyword::And)),
        cut(columns_value),
    );
    map(
        preceded(keyword(Keyword::Between), bounds),
        |(from, _, to)| Predicate::Between(from, to),
    )
    .parse(input)
}

pub fn conditions(input: Tokens<'_>) -> Parsed<'_, Conditions> {
    if input.is_keyword(0, Keyword::Exists) && !continues_condition(input) {
        input.decide_exists()?;
        return Ok((input.advance(), Conditions::Exists));
    }
    input.expect(Keyword::Exists.into());
    map(conjunction(condition), Conditions::Columns).parse(input)
}

pub fn condition(input: Tokens<'_>) -> Parsed<'_, Condition> {
    let (rest, target) = target(input)?;
    let (rest, predicate) = match rest.kind(0) {
        Kind::Keyword(Keyword::In) => in_values(rest)?,
        Kind::Keyword(Keyword::Contains) if target.part.is_none() => contains(rest)?,
        _ if comparison_at(rest).is_some() => compare(rest)?,
        _ => {
            expect_operators(rest, target.part.is_none());
            return undecided(rest, rest);
        }
    };
    Ok((
        rest,
        Condition {
            target,
            predicate,
            span: input.span_to(&rest),
        },
    ))
}

pub fn target(input: Tokens<'_>) -> Parsed<'_, Target> {
    let (rest, column) = name(input)?;
    let (rest, part) = match rest.kind(0) {
        Kind::Symbol(Symbol::OpenBracket) => {
            map(element_key, |key| Some(Part::Element(key))).parse(rest)?
        }
        Kind::Symbol(Symbol::Dot) => {
            map(cut(name), |field| Some(Part::Field(field))).parse(rest.advance())?
        }
        _ => (rest, None),
    };
    Ok((rest, Target { column, part }))
}
