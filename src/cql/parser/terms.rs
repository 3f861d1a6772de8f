//! Terms: constants, markers, literals of collections, functions and arithmetic.

use nom::Parser;
use nom::combinator::{cut, map};
use nom::sequence::{delimited, preceded, terminated};

use super::combinators::{
    Parsed, complain, further, keyword, list, list_in, nested, nothing_fits, operation,
    parenthesised, spanned, symbol,
};
use super::decisions::{begins_term, follows_term};
use super::failure::{Class, Failure, Reason};
use super::hints::{hint_follows, starts_term};
use super::lexemes::is_beyond_doubles;
use super::names::{function_name, name};
use super::operators;
use super::tokens::Tokens;
use super::types::{data_type, native_type};
use crate::keyword::Keyword;
use crate::token::{Kind, Symbol};
use crate::tree::{Identifier, Literal, Marker, Term, TermKind};

pub fn term(input: Tokens<'_>) -> Parsed<'_, Term> {
    nested(sum).parse(input)
}

pub fn sum(input: Tokens<'_>) -> Parsed<'_, Term> {
    // In `c = t + c` the column on the right is no operand; see `new_value`.
    let operator = |input: Tokens<'_>| {
        let operator = operators::additive(input)?;
        let operand = input.advance();
        let called = operand.is_function() || operand.is_symbol(1, Symbol::OpenParenthesis);
        (called || !operand.is_name(0)).then_some(operator)
    };
    // Behind a plus a column may stand instead; see `new_value`. So the plus is where it is decided.
    let failed = |operator: Tokens<'_>, failure: Failure| match failure.kind {
        Reason::NoAlternative
            if operator.is_symbol(0, Symbol::Plus) && failure.decision == operator.index() + 1 =>
        {
            Failure {
                decision: operator.index(),
                ..failure
            }
        }
        _ => failure,
    };
    let (rest, term) = operation(product, operator, Term::arithmetic, failed).parse(input)?;
    if !follows_term(rest.kind(0)) {
        return Err(rest.undecided(0));
    }
    rest.look(1);
    Ok((rest, term))
}

pub fn product(input: Tokens<'_>) -> Parsed<'_, Term> {
    let failed = |_, failure| failure;
    let arithmetic = Term::arithmetic;
    operation(factor, operators::multiplicative, arithmetic, failed).parse(input)
}

pub fn factor(input: Tokens<'_>) -> Parsed<'_, Term> {
    if !input.is_symbol(0, Symbol::Minus) {
        return simple_term(input);
    }
    let negated = preceded(symbol(Symbol::Minus), cut(simple_term));
    let kind = map(negated, |term| TermKind::Negation(Box::new(term)));
    map(spanned(kind), Term::from).parse(input)
}

pub fn simple_term(input: Tokens<'_>) -> Parsed<'_, Term> {
    input.decide_marker(|kind| kind == Kind::Keyword(Keyword::As) || follows_term(kind))?;
    // No term is a bare name, so what can be a type is one; a string can be either.
    let goes_on = match input.kind(1) {
        Kind::Text => starts_term,
        _ => |_: Tokens<'_>| true,
    };
    let (rest, kind) = match input.kind(0) {
        Kind::Symbol(Symbol::QuestionMark | Symbol::Colon) => {
            map(marker, TermKind::Marker).parse(input)?
        }
        Kind::Symbol(Symbol::OpenBracket) => list_literal(input)?,
        Kind::Symbol(Symbol::OpenBrace) => {
            input.decide_elements()?;
            braced_literal(input)?
        }
        Kind::Symbol(Symbol::OpenParenthesis) if hint_follows(input, goes_on)? => type_hint(input)?,
        Kind::Symbol(Symbol::OpenParenthesis) => {
            input.decide_tuple()?;
            map(tuple_literal, TermKind::Tuple).parse(input)?
        }
        Kind::Keyword(Keyword::Null) => (input.advance(), TermKind::Null),
        Kind::Keyword(Keyword::Cast) if input.is_symbol(1, Symbol::OpenParenthesis) => cast(input)?,
        Kind::Keyword(Keyword::Token) => function(input)?,
        _ if input.is_name(0) => function(input)?,
        _ => map(constant, TermKind::Literal).parse(input)?,
    };
    Ok((
        rest,
        Term {
            kind,
            span: input.span_to(&rest),
        },
    ))
}

pub fn constant(input: Tokens<'_>) -> Parsed<'_, Literal> {
    match input.literal() {
        // Cassandra asks a double what type a number has, and then for the digits of the infinity that it is.
        Some(Literal::Float(number)) if is_beyond_doubles(&number) => complain(
            input,
            format!(
                "Failed parsing statement: [{}] reason: NumberFormatException Character I is neither a decimal digit number, decimal point, nor \"e\" notation exponential mark.",
                input.context.text
            ),
        ),
        Some(literal) => Ok((input.advance(), literal)),
        None => nothing_fits(input, Class::Term),
    }
}

pub fn marker(input: Tokens<'_>) -> Parsed<'_, Marker> {
    if input.is_symbol(0, Symbol::QuestionMark) {
        let rest = input.advance();
        return Ok((rest, input.marker(None, input.span_to(&rest))));
    }
    let (rest, name) = preceded(symbol(Symbol::Colon), cut(name)).parse(input)?;
    Ok((rest, input.marker(Some(name), input.span_to(&rest))))
}

pub fn integer_value(input: Tokens<'_>) -> Parsed<'_, Term> {
    let kind = match input.kind(0) {
        Kind::Integer => map(constant, TermKind::Literal).parse(input),
        Kind::Symbol(Symbol::QuestionMark | Symbol::Colon) => {
            map(marker, TermKind::Marker).parse(input)
        }
        _ => nothing_fits(input, Class::Integer),
    };
    kind.map(|(rest, kind)| {
        (
            rest,
            Term {
                kind,
                span: input.span_to(&rest),
            },
        )
    })
}

pub fn list_literal(input: Tokens<'_>) -> Parsed<'_, TermKind> {
    let elements = cut(list_in(Symbol::CloseBracket, term));
    let close = cut(symbol(Symbol::CloseBracket));
    map(
        delimited(symbol(Symbol::OpenBracket), elements, close),
        TermKind::List,
    )
    .parse(input)
}

pub fn tuple_literal(input: Tokens<'_>) -> Parsed<'_, Vec<Term>> {
    parenthesised(list(term)).parse(input)
}

pub fn braced_literal(input: Tokens<'_>) -> Parsed<'_, TermKind> {
    let (inside, _) = symbol(Symbol::OpenBrace).parse(input)?;
    let (rest, kind) = if !begins_term(inside.kind(0), Symbol::OpenBrace) {
        (inside, TermKind::Set(Vec::new()))
    } else if inside.is_name(0) && inside.is_symbol(1, Symbol::Colon) {
        map(cut(list(field_value)), TermKind::UserType).parse(inside)?
    } else {
        cut(elements).parse(inside)?
    };
    let (rest, _) = cut(symbol(Symbol::CloseBrace)).parse(rest)?;
    Ok((rest, kind))
}

pub fn field_value(input: Tokens<'_>) -> Parsed<'_, (Identifier, Term)> {
    (name, preceded(cut(symbol(Symbol::Colon)), cut(term))).parse(input)
}

pub fn elements(input: Tokens<'_>) -> Parsed<'_, TermKind> {
    let (rest, first) = term(input)?;
    if rest.is_symbol(0, Symbol::Colon) {
        let (rest, value) = cut(term).parse(rest.advance())?;
        return map(further(entry, (first, value)), TermKind::Map).parse(rest);
    }
    rest.expect(Symbol::Colon.into());
    map(further(term, first), TermKind::Set).parse(rest)
}

pub fn entry(input: Tokens<'_>) -> Parsed<'_, (Term, Term)> {
    (term, preceded(cut(symbol(Symbol::Colon)), cut(term))).parse(input)
}

pub fn type_hint(input: Tokens<'_>) -> Parsed<'_, TermKind> {
    let hint = parenthesised(data_type);
    map((hint, cut(nested(simple_term))), |(data_type, term)| {
        TermKind::TypeHint(data_type, Box::new(term))
    })
    .parse(input)
}

pub fn cast(input: Tokens<'_>) -> Parsed<'_, TermKind> {
    let inside = (
        nested(simple_term),
        cut(keyword(Keyword::As)),
        cut(native_type),
    );
    map(
        preceded(keyword(Keyword::Cast), parenthesised(inside)),
        |(term, _, native)| TermKind::Cast(Box::new(term), native),
    )
    .parse(input)
}

pub fn function(input: Tokens<'_>) -> Parsed<'_, TermKind> {
    input.decide_function()?;
    let (rest, name) = terminated(function_name, symbol(Symbol::OpenParenthesis)).parse(input)?;
    let arguments = cut(list_in(Symbol::CloseParenthesis, term));
    let (rest, arguments) =
        terminated(arguments, cut(symbol(Symbol::CloseParenthesis))).parse(rest)?;
    Ok((rest, TermKind::Function(name, arguments)))
}
