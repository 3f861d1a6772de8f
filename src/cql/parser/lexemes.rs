//! From tokens to names and constants: folding, quotes, and what kind of value a token is.

use super::tokens::Tokens;
use super::type_words::native_of;
use crate::identifier;
use crate::keyword::Keyword;
use crate::token::{Kind, Symbol};
use crate::tree::{Identifier, Literal, Span};

impl Tokens<'_> {
    /// Whether a token ahead is a name: a word that is not reserved, or in quotes.
    pub fn is_name(&self, ahead: usize) -> bool {
        match self.kind(ahead) {
            Kind::Identifier | Kind::QuotedName => true,
            Kind::Keyword(word) => !word.is_reserved(),
            _ => false,
        }
    }

    /// Whether a token ahead is a symbol.
    pub fn is_symbol(&self, ahead: usize, symbol: Symbol) -> bool {
        self.kind(ahead) == Kind::Symbol(symbol)
    }

    /// Whether a token ahead is a keyword.
    pub fn is_keyword(&self, ahead: usize, word: Keyword) -> bool {
        self.kind(ahead) == Kind::Keyword(word)
    }

    /// Whether a token ahead is a function's name.
    pub fn is_function_name(&self, ahead: usize) -> bool {
        match self.kind(ahead) {
            Kind::Keyword(word) => is_function_keyword(word),
            _ => self.is_name(ahead),
        }
    }

    /// Whether a function's name stands next, with its parenthesis.
    pub fn is_function(&self) -> bool {
        let called = |ahead| {
            self.is_function_name(ahead) && self.is_symbol(ahead + 1, Symbol::OpenParenthesis)
        };
        match self.is_name(0) && self.is_symbol(1, Symbol::Dot) {
            true => called(2),
            false => called(0),
        }
    }

    /// The next token as a name.
    pub fn identifier(&self) -> Identifier {
        let text = self.text();
        let span = Span {
            start: self.next().start,
            end: self.next().end,
        };
        let text = match self.kind(0) {
            Kind::QuotedName => unquote(text, '"'),
            _ => identifier::fold(text).into_owned(),
        };
        Identifier { text, span }
    }

    /// The next token as a constant.
    pub fn literal(&self) -> Option<Literal> {
        let text = self.text();
        Some(match self.kind(0) {
            Kind::Text => Literal::Text(text_value(text)),
            Kind::Integer => Literal::Integer(text.into()),
            Kind::Float => Literal::Float(text.into()),
            Kind::Boolean => Literal::Boolean(text.eq_ignore_ascii_case("true")),
            Kind::Duration => Literal::Duration(text.into()),
            Kind::Uuid => Literal::Uuid(text.into()),
            Kind::Hex => Literal::Hex(text.into()),
            Kind::Keyword(Keyword::Nan) | Kind::NegativeNan => Literal::Float("NaN".into()),
            Kind::Keyword(Keyword::Infinity) => Literal::Float("Infinity".into()),
            Kind::NegativeInfinity => Literal::Float("-Infinity".into()),
            _ => return None,
        })
    }
}

/// Whether a keyword is a function's name without quotes: `token`, which is reserved, is; some that
/// are not reserved are no names of functions, because they mean something else there.
fn is_function_keyword(word: Keyword) -> bool {
    use Keyword::{Cast, Distinct, Json, Key, MaxWriteTime, TimeToLive, Token, WriteTime};
    let special = matches!(
        word,
        Cast | Distinct | Json | Key | MaxWriteTime | TimeToLive | WriteTime
    );
    word == Token || !word.is_reserved() && !special
}

/// Whether a keyword is a name of anything without quotes, also of a type.
pub fn is_plain(word: Keyword) -> bool {
    let other = matches!(word, Keyword::Token | Keyword::Count) || native_of(word).is_some();
    is_function_keyword(word) && !other
}

/// Whether digits are those of a number greater than all doubles.
pub fn is_beyond_doubles(number: &str) -> bool {
    number.ends_with(|last: char| last.is_ascii_digit() || last == '.')
        && number.parse().is_ok_and(f64::is_infinite)
}

/// A string token without its quotes and escapes.
pub fn text_value(token: &str) -> String {
    match token
        .strip_prefix("$$")
        .and_then(|rest| rest.strip_suffix("$$"))
    {
        Some(text) => text.into(),
        None => unquote(token, '\''),
    }
}

/// Text in quotes without them; a doubled quote inside stands for one.
pub fn unquote(token: &str, quote: char) -> String {
    let inner = token
        .strip_prefix(quote)
        .and_then(|rest| rest.strip_suffix(quote));
    let inner = inner.unwrap_or(token);
    if !inner.contains(quote) {
        return inner.into();
    }
    let mut text = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        text.push(character);
        if character == quote {
            characters.next();
        }
    }
    text
}
