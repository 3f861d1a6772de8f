//! Selectors: what a SELECT computes.

use nom::combinator::{cut, map};
use nom::sequence::{delimited, preceded};
use nom::{Err, Parser};

use super::combinators::{
    Parsed, clause, count_operator, further, inside, keyword, list, list_in, nested, nothing_fits,
    operation, parenthesised, spanned, symbol,
};
use super::decisions::{begins_term, follows_selector};
use super::failure::{Class, Failure};
use super::hints::{hint_follows, starts_selector};
use super::modifier::Modifier;
use super::names::{function_name, name};
use super::operators;
use super::terms::{constant, marker, term};
use super::tokens::Tokens;
use super::types::{data_type, native_type};
use crate::keyword::Keyword;
use crate::token::{Kind, Symbol};
use crate::tree::{SelectItem, Selection, Selector, SelectorKind};

pub fn selection(input: Tokens<'_>) -> Parsed<'_, Selection> {
    if input.is_symbol(0, Symbol::Star) {
        return Ok((input.advance(), Selection::All));
    }
    input.expect(Symbol::Star.into());
    map(list(select_item), Selection::Items).parse(input)
}

pub fn select_item(input: Tokens<'_>) -> Parsed<'_, SelectItem> {
    map(
        (selector, clause([Keyword::As], name)),
        |(selector, alias)| SelectItem { selector, alias },
    )
    .parse(input)
}

pub fn selector(input: Tokens<'_>) -> Parsed<'_, Selector> {
    nested(selector_sum).parse(input)
}

pub fn selector_sum(input: Tokens<'_>) -> Parsed<'_, Selector> {
    let failed = |_, failure| failure;
    let arithmetic = Selector::arithmetic;
    operation(selector_product, operators::additive, arithmetic, failed).parse(input)
}

pub fn selector_product(input: Tokens<'_>) -> Parsed<'_, Selector> {
    operation(
        selector_factor,
        operators::multiplicative,
        Selector::arithmetic,
        |_, failure| failure,
    )
    .parse(input)
}

pub fn selector_factor(input: Tokens<'_>) -> Parsed<'_, Selector> {
    if !input.is_symbol(0, Symbol::Minus) {
        return selector_part(input);
    }
    let negated = preceded(symbol(Symbol::Minus), cut(nested(selector_factor)));
    let kind = map(negated, |selector| {
        SelectorKind::Negation(Box::new(selector))
    });
    map(spanned(kind), Selector::from).parse(input)
}

pub fn selector_part(input: Tokens<'_>) -> Parsed<'_, Selector> {
    if input.literal().is_some() || input.is_keyword(0, Keyword::Null) {
        input.look(2);
    }
    let (rest, whole) = simple_selector(input)?;
    // Cassandra tries modifiers as a whole first: what is wrong with them, or behind them, is found where they begin.
    let refused = || {
        Err(Err::Failure(Failure::mismatch(
            rest,
            rest.context.closer.get(),
        )))
    };
    match modifiers(rest, whole) {
        Ok((after, whole)) if after.index() == rest.index() || follows_selector(after.kind(0)) => {
            Ok((after, whole))
        }
        Err(Err::Failure(failure)) if failure.is_refusal() => Err(Err::Failure(failure)),
        Ok((after, _)) => {
            after.look(0);
            refused()
        }
        Err(Err::Error(failure) | Err::Failure(failure)) => {
            let seen = &rest.context.seen;
            seen.set(seen.get().max(failure.at));
            refused()
        }
        Err(incomplete) => Err(incomplete),
    }
}

pub fn modifiers(mut input: Tokens<'_>, mut selector: Selector) -> Parsed<'_, Selector> {
    while matches!(
        input.kind(0),
        Kind::Symbol(Symbol::Dot | Symbol::OpenBracket)
    ) {
        count_operator(input)?;
        let (rest, modify) = if input.is_symbol(0, Symbol::Dot) {
            map(preceded(symbol(Symbol::Dot), cut(name)), Modifier::Field).parse(input)?
        } else {
            element_or_slice(input)?
        };
        let end = input.span_to(&rest);
        selector = Selector {
            span: selector.span.to(end),
            kind: modify.apply(selector),
        };
        input = rest;
    }
    Ok((input, selector))
}

pub fn element_or_slice(input: Tokens<'_>) -> Parsed<'_, Modifier> {
    let (inside, _) = symbol(Symbol::OpenBracket).parse(input)?;
    let (rest, from) = if inside.is_symbol(0, Symbol::Range) {
        (inside, None)
    } else {
        inside.expect(Symbol::Range.into());
        map(cut(term), |term| Some(Box::new(term))).parse(inside)?
    };
    let (rest, modifier) = match from {
        Some(key) if !rest.is_symbol(0, Symbol::Range) => {
            rest.expect(Symbol::Range.into());
            (rest, Modifier::Element(key))
        }
        from => {
            let rest = rest.advance();
            if from.is_some() && rest.is_symbol(0, Symbol::CloseBracket) {
                (rest, Modifier::Slice(from, None))
            } else {
                let (rest, to) = cut(term).parse(rest)?;
                (rest, Modifier::Slice(from, Some(Box::new(to))))
            }
        }
    };
    let (rest, _) = cut(symbol(Symbol::CloseBracket)).parse(rest)?;
    Ok((rest, modifier))
}

pub fn simple_selector(input: Tokens<'_>) -> Parsed<'_, Selector> {
    input.decide_marker(|kind| kind == Kind::Symbol(Symbol::Dot) || follows_selector(kind))?;
    let (rest, kind) = match input.kind(0) {
        Kind::Symbol(Symbol::QuestionMark | Symbol::Colon) => {
            map(marker, SelectorKind::Marker).parse(input)?
        }
        Kind::Symbol(Symbol::OpenBracket) => selector_list(input)?,
        Kind::Symbol(Symbol::OpenBrace) => selector_braced(input)?,
        Kind::Symbol(Symbol::OpenParenthesis) if hint_follows(input, starts_selector)? => {
            selector_type_hint(input)?
        }
        Kind::Symbol(Symbol::OpenParenthesis) => selector_tuple(input)?,
        Kind::Keyword(Keyword::Null) => (input.advance(), SelectorKind::Null),
        Kind::Keyword(Keyword::Token) => selector_function(input)?,
        Kind::Keyword(
            Keyword::Cast | Keyword::WriteTime | Keyword::MaxWriteTime | Keyword::TimeToLive,
        ) if input.is_symbol(1, Symbol::OpenParenthesis) => selector_function(input)?,
        _ if input.is_function() => selector_function(input)?,
        _ if input.is_name(0) => {
            input.decide_column()?;
            map(name, SelectorKind::Column).parse(input)?
        }
        _ if input.literal().is_some() => map(constant, SelectorKind::Literal).parse(input)?,
        _ => nothing_fits(input, Class::Selector)?,
    };
    Ok((
        rest,
        Selector {
            kind,
            span: input.span_to(&rest),
        },
    ))
}

pub fn selector_list(input: Tokens<'_>) -> Parsed<'_, SelectorKind> {
    let elements = cut(inside(
        Symbol::CloseBracket,
        list_in(Symbol::CloseBracket, selector),
    ));
    let close = cut(symbol(Symbol::CloseBracket));
    map(
        delimited(symbol(Symbol::OpenBracket), elements, close),
        SelectorKind::List,
    )
    .parse(input)
}

pub fn selector_tuple(input: Tokens<'_>) -> Parsed<'_, SelectorKind> {
    let elements = inside(Symbol::CloseParenthesis, list(selector));
    map(parenthesised(elements), SelectorKind::Tuple).parse(input)
}

pub fn selector_braced(input: Tokens<'_>) -> Parsed<'_, SelectorKind> {
    if !begins_term(input.kind(1), Symbol::CloseBrace) {
        return Err(input.undecided(1));
    }
    let (inside, _) = symbol(Symbol::OpenBrace).parse(input)?;
    let (rest, kind) = if inside.is_symbol(0, Symbol::CloseBrace) {
        (inside, SelectorKind::Set(Vec::new()))
    } else {
        cut(super::combinators::inside(
            Symbol::CloseBrace,
            selector_elements,
        ))
        .parse(inside)?
    };
    let (rest, _) = cut(symbol(Symbol::CloseBrace)).parse(rest)?;
    Ok((rest, kind))
}

pub fn selector_elements(input: Tokens<'_>) -> Parsed<'_, SelectorKind> {
    let (rest, first) = selector(input)?;
    if rest.is_symbol(0, Symbol::Colon) {
        let (rest, value) = cut(selector).parse(rest.advance())?;
        return map(further(selector_entry, (first, value)), SelectorKind::Map).parse(rest);
    }
    rest.expect(Symbol::Colon.into());
    map(further(selector, first), SelectorKind::Set).parse(rest)
}

pub fn selector_entry(input: Tokens<'_>) -> Parsed<'_, (Selector, Selector)> {
    (
        selector,
        preceded(cut(symbol(Symbol::Colon)), cut(selector)),
    )
        .parse(input)
}

pub fn selector_type_hint(input: Tokens<'_>) -> Parsed<'_, SelectorKind> {
    map(
        (parenthesised(data_type), cut(nested(simple_selector))),
        |(data_type, selector)| SelectorKind::TypeHint(data_type, Box::new(selector)),
    )
    .parse(input)
}

pub fn selector_function(input: Tokens<'_>) -> Parsed<'_, SelectorKind> {
    match input.kind(0) {
        _ if input.is_symbol(1, Symbol::Dot) => function_call(input),
        Kind::Keyword(Keyword::Count) => count_rows(input),
        Kind::Keyword(Keyword::Cast) => selector_cast(input),
        Kind::Keyword(Keyword::WriteTime) => map(
            preceded(keyword(Keyword::WriteTime), column_part),
            SelectorKind::WriteTime,
        )
        .parse(input),
        Kind::Keyword(Keyword::MaxWriteTime) => map(
            preceded(keyword(Keyword::MaxWriteTime), column_part),
            SelectorKind::MaxWriteTime,
        )
        .parse(input),
        Kind::Keyword(Keyword::TimeToLive) => map(
            preceded(keyword(Keyword::TimeToLive), column_part),
            SelectorKind::TimeToLive,
        )
        .parse(input),
        _ => function_call(input),
    }
}

pub fn count_rows(input: Tokens<'_>) -> Parsed<'_, SelectorKind> {
    let inside = input.advance().advance();
    let all = matches!(inside.kind(0), Kind::Symbol(Symbol::Star) | Kind::Integer);
    if !all || !inside.is_symbol(1, Symbol::CloseParenthesis) {
        inside.expect(Symbol::Star.into());
        return function_call(input);
    }
    Ok((inside.advance().advance(), SelectorKind::CountRows))
}

pub fn column_part(input: Tokens<'_>) -> Parsed<'_, Box<Selector>> {
    let (inside, _) = symbol(Symbol::OpenParenthesis).parse(input)?;
    let column = spanned(map(name, SelectorKind::Column));
    let (rest, column) = cut(map(column, Selector::from)).parse(inside)?;
    let (rest, part) = modifiers(rest, column)?;
    if !rest.is_symbol(0, Symbol::CloseParenthesis) && rest.kind(0) != Kind::End {
        return Err(rest.undecided(0));
    }
    let (rest, _) = cut(symbol(Symbol::CloseParenthesis)).parse(rest)?;
    Ok((rest, Box::new(part)))
}

pub fn selector_cast(input: Tokens<'_>) -> Parsed<'_, SelectorKind> {
    let inside = (
        super::combinators::inside(Keyword::As, selector),
        cut(keyword(Keyword::As)),
        cut(native_type),
    );
    map(
        preceded(keyword(Keyword::Cast), parenthesised(inside)),
        |(selector, _, native)| SelectorKind::Cast(Box::new(selector), native),
    )
    .parse(input)
}

pub fn function_call(input: Tokens<'_>) -> Parsed<'_, SelectorKind> {
    let arguments = parenthesised(inside(
        Symbol::CloseParenthesis,
        list_in(Symbol::CloseParenthesis, selector),
    ));
    map((function_name, arguments), |(name, arguments)| {
        SelectorKind::Function(name, arguments)
    })
    .parse(input)
}
