//! From tokens to names and constants: folding, quotes, and what kind of value a token is.

use super::tokens::Tokens;
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

    /// Whether a function's name stands next, with its parenthesis.
    pub fn is_function(&self) -> bool {
        let opens = |ahead| self.is_symbol(ahead, Symbol::OpenParenthesis);
        match self.kind(0) {
            Kind::Keyword(Keyword::Token) => opens(1),
            _ if !self.is_name(0) => false,
            _ if self.is_symbol(1, Symbol::Dot) => {
                opens(3) && (self.is_name(2) || self.is_keyword(2, Keyword::Token))
            }
            _ => opens(1),
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
            Kind::Hex => Literal::Hex(text[2..].into()),
            Kind::Keyword(Keyword::Nan) | Kind::NegativeNan => Literal::Float("NaN".into()),
            Kind::Keyword(Keyword::Infinity) => Literal::Float("Infinity".into()),
            Kind::NegativeInfinity => Literal::Float("-Infinity".into()),
            _ => return None,
        })
    }
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
