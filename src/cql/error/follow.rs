//! Where Cassandra's parser speaks of alternatives although only one thing could follow.
//!
//! Its rules of terms and selectors end with a choice between going on with an operator and being
//! followed by one of the tokens that can follow a term, or a selector, anywhere in the language.
//! A token that is none of these fits no alternative; any other one is a mismatch of what comes
//! after the term.

use crate::keyword::Keyword;
use crate::parser::failure::{Failure, Reason};
use crate::parser::tokens::Context;
use crate::token::{Kind, Symbol};

/// Why a parse failed, in Cassandra's view.
pub fn reason(context: &Context<'_>, failure: Failure) -> Reason {
    let kind = context.tokens[failure.at].kind;
    let after_term = failure.at == context.term_end.get() && !follows_term(kind);
    let after_selector = failure.at == context.selector_end.get() && !follows_selector(kind);
    match failure.kind {
        Reason::Mismatch(_) if failure.at > 0 && (after_term || after_selector) => {
            Reason::NoAlternative
        }
        reason => reason,
    }
}

fn follows_term(kind: Kind) -> bool {
    use Keyword::{
        Allow, And, Apply, Ascending, Delete, Descending, Group, If, Insert, Limit, Order, Per,
        Primary, Update, Where,
    };
    match kind {
        Kind::End => true,
        Kind::Keyword(word) => matches!(
            word,
            Allow
                | And
                | Apply
                | Ascending
                | Delete
                | Descending
                | Group
                | If
                | Insert
                | Limit
                | Order
                | Per
                | Primary
                | Update
                | Where
        ),
        Kind::Symbol(Symbol::Plus | Symbol::Minus | Symbol::Range | Symbol::Semicolon) => true,
        Kind::Symbol(symbol) => closes_or_separates(symbol),
        _ => false,
    }
}

fn follows_selector(kind: Kind) -> bool {
    use Symbol::{Minus, Percent, Plus, Semicolon, Slash, Star};
    match kind {
        Kind::End => true,
        Kind::Keyword(word) => matches!(
            word,
            Keyword::From
                | Keyword::As
                | Keyword::Order
                | Keyword::Per
                | Keyword::Limit
                | Keyword::Allow
        ),
        Kind::Symbol(Minus | Percent | Plus | Semicolon | Slash | Star) => true,
        Kind::Symbol(symbol) => closes_or_separates(symbol),
        _ => false,
    }
}

fn closes_or_separates(symbol: Symbol) -> bool {
    use Symbol::{CloseBrace, CloseBracket, CloseParenthesis, Colon, Comma};
    matches!(
        symbol,
        CloseBrace | CloseBracket | CloseParenthesis | Colon | Comma
    )
}
