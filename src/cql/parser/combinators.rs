//! Combinators over [`Tokens`] that the rules are built from.
//!
//! A rule decides by its first token and is then committed (`cut`): nothing is parsed twice, so the
//! time is proportional to the text, and the first token that does not fit is the one reported, as
//! in Cassandra. What recurses passes through [`nested`], which counts before it goes deeper.

use base::limits::{BOUND_VALUES_MAX, EXPRESSION_DEPTH_MAX, TYPE_DEPTH_MAX};
use nom::combinator::{cut, opt};
use nom::multi::fold_many0;
use nom::sequence::{delimited, preceded};
use nom::{Err, IResult, Parser};

use super::decisions::begins_term;
use super::failure::{Class, Expected, Failure, Reason};
use super::tokens::Tokens;
use crate::keyword::Keyword;
use crate::token::{Kind, Symbol, Token};
use crate::tree::Span;

/// What a rule gives.
pub type Parsed<'t, O> = IResult<Tokens<'t>, O, Failure>;

/// A parser over tokens.
pub trait Rule<'t, O>: Parser<Tokens<'t>, Output = O, Error = Failure> {}

impl<'t, O, P: Parser<Tokens<'t>, Output = O, Error = Failure>> Rule<'t, O> for P {}

/// Operators and modifiers in one term or selector: each may deepen the tree by one level.
const OPERATORS_MAX: usize = 2 * EXPRESSION_DEPTH_MAX;

/// Elements of lists in one statement, whatever the lists are of: four times as many as values may be bound. An element
/// takes up to 400 bytes, so a tree takes 100 MB at the very worst and some 25 MB if the elements are constants.
pub const ELEMENTS_MAX: usize = 4 * BOUND_VALUES_MAX;

/// The next token if it is of a kind; nothing else could follow.
fn exactly<'t>(input: Tokens<'t>, kind: Kind, expected: Expected) -> Parsed<'t, Token> {
    if input.kind(0) == kind {
        return Ok((input.advance(), input.next()));
    }
    input.expect(expected);
    Err(Err::Error(Failure::mismatch(input, expected)))
}

/// A keyword.
pub fn keyword<'t>(word: Keyword) -> impl Rule<'t, Token> + Copy {
    move |input| exactly(input, Kind::Keyword(word), word.into())
}

/// A symbol.
pub fn symbol<'t>(symbol: Symbol) -> impl Rule<'t, Token> + Copy {
    move |input| exactly(input, Kind::Symbol(symbol), symbol.into())
}

/// A token of a class, with its text.
pub fn token<'t>(kind: Kind, class: Class) -> impl Rule<'t, &'t str> + Copy {
    move |input: Tokens<'t>| {
        exactly(input, kind, class.into()).map(|(rest, _)| (rest, input.text()))
    }
}

/// The end of the text.
pub fn end(input: Tokens<'_>) -> Parsed<'_, ()> {
    exactly(input, Kind::End, Class::End.into()).map(|_| (input, ()))
}

/// Whether keywords stand next; after the first one the others must follow.
pub fn words<'t, const N: usize>(words: [Keyword; N]) -> impl Rule<'t, ()> + Copy {
    move |mut input: Tokens<'t>| {
        for (position, word) in words.into_iter().enumerate() {
            let mut one = keyword(word);
            let parsed = if position == 0 {
                one.parse(input)
            } else {
                cut(one).parse(input)
            };
            input = parsed?.0;
        }
        Ok((input, ()))
    }
}

/// Whether keywords stand next, looked at together: if not all do, none is taken.
pub fn all_words<'t, const N: usize>(words: [Keyword; N]) -> impl Rule<'t, ()> + Copy {
    move |input: Tokens<'t>| {
        let mut rest = input;
        for word in words {
            rest = match exactly(rest, Kind::Keyword(word), word.into()) {
                Ok((rest, _)) => rest,
                Err(_) => return Err(Err::Error(Failure::no_alternative(input))),
            };
        }
        Ok((rest, ()))
    }
}

/// Whether optional keywords stand next.
pub fn flag<'t, const N: usize>(list: [Keyword; N]) -> impl Rule<'t, bool> {
    opt(words(list)).map(|found| found.is_some())
}

/// An optional clause: keywords and what must follow them.
pub fn clause<'t, O, const N: usize>(
    list: [Keyword; N],
    rule: impl Rule<'t, O>,
) -> impl Rule<'t, Option<O>> {
    opt(preceded(words(list), cut(rule)))
}

/// One or more, with commas between.
pub fn list<'t, O>(rule: impl Rule<'t, O> + Copy) -> impl Rule<'t, Vec<O>> {
    separated(symbol(Symbol::Comma), rule)
}

/// One or more, with `AND` between.
pub fn conjunction<'t, O>(rule: impl Rule<'t, O> + Copy) -> impl Rule<'t, Vec<O>> {
    separated(keyword(Keyword::And), rule)
}

/// One or more with a separator between; after it another one must follow.
fn separated<'t, O>(
    separator: impl Rule<'t, Token> + Copy,
    rule: impl Rule<'t, O> + Copy,
) -> impl Rule<'t, Vec<O>> {
    move |input| {
        let mut rule = rule;
        let (rest, first) = rule.parse(input)?;
        collect(separator, rule, vec![first], rest)
    }
}

/// More of what was already begun with a first one, each after a comma.
pub fn further<'t, O>(rule: impl Rule<'t, O> + Copy, first: O) -> impl Rule<'t, Vec<O>> {
    let mut first = Some(first);
    move |input| {
        collect(
            symbol(Symbol::Comma),
            rule,
            first.take().into_iter().collect(),
            input,
        )
    }
}

fn collect<'t, O>(
    mut separator: impl Rule<'t, Token> + Copy,
    rule: impl Rule<'t, O> + Copy,
    mut all: Vec<O>,
    mut input: Tokens<'t>,
) -> Parsed<'t, Vec<O>> {
    while let Ok((rest, _)) = separator.parse(input) {
        count_element(rest)?;
        let (rest, next) = cut(rule).parse(rest)?;
        all.push(next);
        input = rest;
    }
    Ok((input, all))
}

/// None or more, with commas between, up to a closing symbol, which is not taken. Where none begins, the symbol is
/// what is missing.
pub fn list_until<'t, O>(
    close: Symbol,
    begins: impl Fn(Tokens<'t>) -> bool + Copy,
    rule: impl Rule<'t, O> + Copy,
) -> impl Rule<'t, Vec<O>> + Copy {
    move |input: Tokens<'t>| {
        if input.kind(0) == Kind::Symbol(close) {
            return Ok((input, Vec::new()));
        }
        if !begins(input) {
            return symbol(close).parse(input).map(|_| (input, Vec::new()));
        }
        input.expect(close.into());
        list(rule).parse(input)
    }
}

/// None or more of what begins like terms do, up to a closing symbol.
pub fn list_in<'t, O>(
    close: Symbol,
    rule: impl Rule<'t, O> + Copy,
) -> impl Rule<'t, Vec<O>> + Copy {
    let begins = move |input: Tokens<'t>| begins_term(input.kind(0), close);
    list_until(close, begins, rule)
}

/// A rule in something that a symbol or keyword closes.
pub fn inside<'t, O>(close: impl Into<Expected>, mut rule: impl Rule<'t, O>) -> impl Rule<'t, O> {
    let close = close.into();
    move |input: Tokens<'t>| {
        let closer = input.context.closer.replace(close);
        let parsed = rule.parse(input);
        input.context.closer.set(closer);
        parsed
    }
}

/// One or more in parentheses, with commas between; after the first one, commas may be left over.
pub fn loose_list<'t, O>(
    begins: fn(Tokens<'t>) -> bool,
    mut rule: impl Rule<'t, O> + Copy,
) -> impl Rule<'t, Vec<O>> {
    move |input| {
        let (rest, _) = symbol(Symbol::OpenParenthesis).parse(input)?;
        let (mut rest, first) = cut(rule).parse(rest)?;
        let mut all = vec![first];
        while let Ok((next, _)) = symbol(Symbol::Comma).parse(rest) {
            rest = next;
            if begins(next) {
                count_element(next)?;
                let (next, item) = cut(|next| rule.parse(next)).parse(next)?;
                all.push(item);
                rest = next;
            }
        }
        let (rest, _) = cut(symbol(Symbol::CloseParenthesis)).parse(rest)?;
        Ok((rest, all))
    }
}

/// Something in parentheses.
pub fn parenthesised<'t, O>(rule: impl Rule<'t, O>) -> impl Rule<'t, O> {
    delimited(
        symbol(Symbol::OpenParenthesis),
        cut(rule),
        cut(symbol(Symbol::CloseParenthesis)),
    )
}

/// What a rule gives, with the stretch of text it took.
pub fn spanned<'t, O>(mut rule: impl Rule<'t, O>) -> impl Rule<'t, (O, Span)> {
    move |input: Tokens<'t>| {
        let (rest, output) = rule.parse(input)?;
        Ok((rest, (output, input.span_to(&rest))))
    }
}

/// A rule one level deeper, or an error at the deepest level. Operators are counted per outermost
/// level.
pub fn nested<'t, O>(mut rule: impl Rule<'t, O>) -> impl Rule<'t, O> {
    move |input: Tokens<'t>| {
        let context = input.context;
        let depth = context.depth.get();
        if depth == 0 {
            context.operators.set(0);
        }
        if depth >= EXPRESSION_DEPTH_MAX {
            return Err(Err::Failure(Failure::too_deep(input)));
        }
        context.depth.set(depth + 1);
        let parsed = rule.parse(input);
        context.depth.set(depth);
        parsed
    }
}

/// A type one level deeper, or an error at the deepest level.
pub fn nested_type<'t, O>(mut rule: impl Rule<'t, O>) -> impl Rule<'t, O> {
    move |input: Tokens<'t>| {
        let context = input.context;
        let depth = context.type_depth.get();
        if depth >= TYPE_DEPTH_MAX {
            return Err(Err::Failure(Failure::too_deep(input)));
        }
        context.type_depth.set(depth + 1);
        let parsed = rule.parse(input);
        context.type_depth.set(depth);
        parsed
    }
}

/// Counts an operator or modifier of the present term or selector.
pub fn count_operator(input: Tokens<'_>) -> Result<(), Err<Failure>> {
    let operators = input.context.operators.get() + 1;
    input.context.operators.set(operators);
    if operators > OPERATORS_MAX {
        return Err(Err::Failure(Failure::too_deep(input)));
    }
    Ok(())
}

/// Counts an element of a list of the statement.
fn count_element(input: Tokens<'_>) -> Result<(), Err<Failure>> {
    let elements = input.context.elements.get() + 1;
    input.context.elements.set(elements);
    if elements > ELEMENTS_MAX {
        return Err(Err::Failure(Failure::too_many(input)));
    }
    Ok(())
}

/// Operands with left-associative operators between. How the operand behind an operator failed may be told otherwise
/// by that.
pub fn operation<'t, O, T>(
    mut operand: impl Rule<'t, T>,
    operator: impl Fn(Tokens<'t>) -> Option<O>,
    join: impl Fn(T, O, T) -> T,
    failed: impl Fn(Tokens<'t>, Failure) -> Failure,
) -> impl Rule<'t, T> {
    move |input| {
        let (mut input, mut left) = operand.parse(input)?;
        while let Some(found) = operator(input) {
            count_operator(input)?;
            let (rest, right) = cut(|rest| operand.parse(rest))
                .parse(input.advance())
                .map_err(|error| error.map(|failure| failed(input, failure)))?;
            left = join(left, found, right);
            input = rest;
        }
        Ok((input, left))
    }
}

/// If no alternative fits a token ahead in a rule, the decision was taken at `start`.
pub fn decided_at<'t, O>(
    start: Tokens<'t>,
    ahead: usize,
    mut rule: impl Rule<'t, O>,
) -> impl Rule<'t, O> {
    move |input: Tokens<'t>| {
        let at_start = |failure: Failure| match failure {
            Failure {
                at,
                kind: Reason::NoAlternative,
                ..
            } if at == input.index() + ahead => Failure {
                decision: start.index(),
                ..failure
            },
            other => other,
        };
        rule.parse(input).map_err(|error| error.map(at_start))
    }
}

/// A mismatch here means that none of several alternatives fits.
pub fn ambiguous<'t, O>(mut rule: impl Rule<'t, O>) -> impl Rule<'t, O> {
    move |input: Tokens<'t>| {
        rule.parse(input)
            .map_err(|error| error.map(|_| Failure::no_alternative(input)))
    }
}

/// No alternative fits the next token, where a class of things was expected.
pub fn nothing_fits<'t, O>(input: Tokens<'t>, class: Class) -> Parsed<'t, O> {
    input.expect(class.into());
    Err(Err::Error(Failure::no_alternative(input)))
}

/// No alternative that begins at `start` fits the next token of `input`.
pub fn undecided<'t, O>(start: Tokens<'t>, input: Tokens<'t>) -> Parsed<'t, O> {
    let failure = Failure {
        decision: start.index(),
        ..Failure::no_alternative(input)
    };
    Err(Err::Error(failure))
}

/// Refuses well-formed input in words of its own.
pub fn complain<'t, O>(input: Tokens<'t>, text: impl Into<String>) -> Parsed<'t, O> {
    *input.context.complaint.borrow_mut() = Some(text.into());
    let at = input.index();
    Err(Err::Failure(Failure {
        at,
        decision: at,
        kind: Reason::Complaint,
    }))
}

/// Any number of semicolons.
pub fn semicolons(input: Tokens<'_>) -> Parsed<'_, ()> {
    fold_many0(symbol(Symbol::Semicolon), || (), |(), _| ()).parse(input)
}
