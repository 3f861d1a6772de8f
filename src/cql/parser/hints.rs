//! What a few tokens ahead tell: whether parentheses hold a type, whether a word is a keyword here.

use nom::{Err, Input, Parser};

use super::combinators::{nested_type, symbol};
use super::failure::{Failure, Reason};
use super::tokens::Tokens;
use super::types::data_type;
use crate::keyword::Keyword;
use crate::token::{Kind, Symbol};

/// Whether a type in parentheses stands next, and after it something that it can be the type of.
/// Types hold no parentheses, so looking ahead costs no more than the type's own length.
pub fn hint_follows(
    input: Tokens<'_>,
    starts_operand: fn(Tokens<'_>) -> bool,
) -> Result<bool, Err<Failure>> {
    let parsed = (nested_type(data_type), symbol(Symbol::CloseParenthesis)).parse(input.advance());
    match parsed {
        Ok((rest, _)) => Ok(starts_operand(rest)),
        Err(Err::Failure(failure)) if failure.kind == Reason::TooDeep => Err(Err::Failure(failure)),
        Err(_) => Ok(false),
    }
}

/// Whether a term without sign and operators can begin here.
pub fn starts_term(input: Tokens<'_>) -> bool {
    use Symbol::{Colon, OpenBrace, OpenBracket, OpenParenthesis, QuestionMark};
    match input.kind(0) {
        Kind::Symbol(symbol) => {
            matches!(
                symbol,
                Colon | OpenBrace | OpenBracket | OpenParenthesis | QuestionMark
            )
        }
        Kind::Keyword(Keyword::Null) => true,
        Kind::Keyword(Keyword::Cast) if input.is_symbol(1, OpenParenthesis) => true,
        _ => input.literal().is_some() || input.is_function(),
    }
}

/// Whether a selector without sign and operators can begin here. `AS name` is an alias and
/// `PER PARTITION` a limit, not columns; brackets with `..` are a slice, not a list.
pub fn starts_selector(input: Tokens<'_>) -> bool {
    if input.is_symbol(0, Symbol::OpenBracket) {
        return !is_slice(input);
    }
    let alias = input.is_keyword(0, Keyword::As) && input.is_name(1);
    let limit = input.is_keyword(0, Keyword::Per) && input.is_keyword(1, Keyword::Partition);
    starts_term(input) || (input.is_name(0) && !alias && !limit)
}

/// Whether the brackets that open here hold a `..` of their own. Each level of nesting looks once,
/// and nesting is bounded.
fn is_slice(input: Tokens<'_>) -> bool {
    use Symbol::{
        CloseBrace, CloseBracket, CloseParenthesis, OpenBrace, OpenBracket, OpenParenthesis, Range,
    };
    let mut level = 0_usize;
    for token in input.iter_elements() {
        match token.kind {
            Kind::Symbol(OpenBrace | OpenBracket | OpenParenthesis) => level += 1,
            Kind::Symbol(CloseBrace | CloseBracket | CloseParenthesis) if level <= 1 => {
                return false;
            }
            Kind::Symbol(CloseBrace | CloseBracket | CloseParenthesis) => level -= 1,
            Kind::Symbol(Range) if level == 1 => return true,
            _ => {}
        }
    }
    false
}

/// Takes a word before a selection, `JSON` or `DISTINCT`, if it is the keyword and not a column of
/// that name: then a selection follows.
pub fn modifier(input: Tokens<'_>, word: Keyword) -> (Tokens<'_>, bool) {
    let after = input.advance();
    let operator = matches!(after.kind(0), Kind::Symbol(Symbol::Star | Symbol::Minus));
    if input.is_keyword(0, word) && (operator || starts_selector(after)) {
        (after, true)
    } else {
        input.expect(word.into());
        (input, false)
    }
}
