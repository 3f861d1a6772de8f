//! The words of types, and their parameters in angle brackets.

use nom::combinator::cut;
use nom::sequence::delimited;

use super::combinators::{Rule, keyword, nested_type, symbol};
use crate::keyword::Keyword;
use crate::token::Symbol;
use crate::tree::Native;

/// A keyword and parameters in angle brackets, one level deeper.
pub fn in_angles<'t, O>(word: Keyword, parameters: impl Rule<'t, O>) -> impl Rule<'t, O> {
    let open = (keyword(word), cut(symbol(Symbol::Less)));
    delimited(
        open,
        nested_type(cut(parameters)),
        cut(symbol(Symbol::Greater)),
    )
}

/// The type that a keyword names.
pub fn native_of(word: Keyword) -> Option<Native> {
    Some(match word {
        Keyword::Ascii => Native::Ascii,
        Keyword::BigInt => Native::BigInt,
        Keyword::Blob => Native::Blob,
        Keyword::Boolean => Native::Boolean,
        Keyword::Counter => Native::Counter,
        Keyword::Date => Native::Date,
        Keyword::Decimal => Native::Decimal,
        Keyword::Double => Native::Double,
        Keyword::Duration => Native::Duration,
        Keyword::Float => Native::Float,
        Keyword::Inet => Native::Inet,
        Keyword::Int => Native::Int,
        Keyword::SmallInt => Native::SmallInt,
        Keyword::Text | Keyword::Varchar => Native::Text,
        Keyword::Time => Native::Time,
        Keyword::Timestamp => Native::Timestamp,
        Keyword::TimeUuid => Native::TimeUuid,
        Keyword::TinyInt => Native::TinyInt,
        Keyword::Uuid => Native::Uuid,
        Keyword::VarInt => Native::VarInt,
        _ => return None,
    })
}
