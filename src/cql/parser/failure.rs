//! How a parse fails: where, against which expectation, and what else was expected there.

use std::cell::Cell;
use std::fmt;

use nom::error::{ErrorKind, ParseError};

use super::tokens::{Context, Tokens};
use crate::keyword::Keyword;
use crate::token::Symbol;

/// A failed parse. Of two alternatives that fail, the one that came further counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The index of the token that does not fit.
    pub at: usize,
    /// The index of the token where the alternatives that fail began.
    pub decision: usize,
    /// Why it does not fit.
    pub kind: Reason,
}

/// Why a token does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// None of several alternatives goes on so.
    NoAlternative,
    /// Only one thing could have followed.
    Mismatch(Expected),
    /// The input is well-formed but refused; the context has the text.
    Complaint,
    /// Too many levels of nesting.
    TooDeep,
    /// Too many elements in lists.
    TooMany,
}

impl Failure {
    /// No alternative goes on with the next token.
    pub fn no_alternative(input: Tokens<'_>) -> Self {
        let at = input.index();
        Self {
            at,
            decision: at,
            kind: Reason::NoAlternative,
        }
    }

    /// Only one thing could have stood in place of the next token.
    pub fn mismatch(input: Tokens<'_>, expected: Expected) -> Self {
        let at = input.index();
        Self {
            at,
            decision: at,
            kind: Reason::Mismatch(expected),
        }
    }

    /// Something is missing at the end.
    pub fn at_end(context: &Context<'_>) -> Self {
        let at = context.tokens.len().saturating_sub(1);
        Self {
            at,
            decision: at,
            kind: Reason::NoAlternative,
        }
    }

    /// Whether the input is well-formed so far, but refused.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self.kind,
            Reason::Complaint | Reason::TooDeep | Reason::TooMany
        )
    }

    /// The nesting goes too deep at the next token.
    pub fn too_deep(input: Tokens<'_>) -> Self {
        let at = input.index();
        Self {
            at,
            decision: at,
            kind: Reason::TooDeep,
        }
    }

    /// The lists have too many elements at the next token.
    pub fn too_many(input: Tokens<'_>) -> Self {
        let at = input.index();
        Self {
            at,
            decision: at,
            kind: Reason::TooMany,
        }
    }
}

impl ParseError<Tokens<'_>> for Failure {
    fn from_error_kind(input: Tokens<'_>, _: ErrorKind) -> Self {
        Self::no_alternative(input)
    }

    fn append(_: Tokens<'_>, _: ErrorKind, other: Self) -> Self {
        other
    }

    fn or(self, other: Self) -> Self {
        match self.at.cmp(&other.at) {
            std::cmp::Ordering::Greater => self,
            std::cmp::Ordering::Less => other,
            std::cmp::Ordering::Equal => Self {
                at: self.at,
                decision: self.decision.min(other.decision),
                kind: Reason::NoAlternative,
            },
        }
    }
}

/// Something that was expected: a keyword, a symbol, or a class of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected(u8);

const FIRST_SYMBOL: usize = Keyword::COUNT;
const FIRST_CLASS: usize = FIRST_SYMBOL + Symbol::COUNT;

/// A class of tokens or rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A name, quoted or not.
    Name,
    /// A constant, marker, collection or function.
    Term,
    /// An integer.
    Integer,
    /// A string.
    Text,
    /// A constant.
    Constant,
    /// A type.
    Type,
    /// A column, function or constant.
    Selector,
    /// The end of the statement.
    End,
}

const CLASSES: &[(Class, &str, &str)] = &[
    (Class::Name, "IDENT", "a name"),
    (Class::Term, "", "a value"),
    (Class::Integer, "INTEGER", "an integer"),
    (Class::Text, "STRING_LITERAL", "a string"),
    (Class::Constant, "", "a constant"),
    (Class::Type, "", "a type"),
    (Class::Selector, "", "a column, function or constant"),
    (Class::End, "EOF", "the end"),
];

impl From<Keyword> for Expected {
    fn from(keyword: Keyword) -> Self {
        Self(keyword as u8)
    }
}

impl From<Symbol> for Expected {
    fn from(symbol: Symbol) -> Self {
        Self((FIRST_SYMBOL + symbol as usize) as u8)
    }
}

impl From<Class> for Expected {
    fn from(class: Class) -> Self {
        Self((FIRST_CLASS + class as usize) as u8)
    }
}

impl Expected {
    /// The keyword, if it is one.
    pub fn keyword(self) -> Option<Keyword> {
        Keyword::all().nth(self.0 as usize)
    }

    /// The name that Cassandra's messages give to it.
    pub fn message_name(self) -> String {
        let index = self.0 as usize;
        match (
            self.keyword(),
            Symbol::from_index(index.wrapping_sub(FIRST_SYMBOL)),
        ) {
            (Some(keyword), _) => keyword.message_name(),
            (_, Some(symbol)) => format!("'{}'", symbol.as_str()),
            _ => CLASSES
                .get(index - FIRST_CLASS)
                .map_or("", |class| class.1)
                .into(),
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let index = self.0 as usize;
        match (
            self.keyword(),
            Symbol::from_index(index.wrapping_sub(FIRST_SYMBOL)),
        ) {
            (Some(keyword), _) => out.write_str(&keyword.as_str().to_ascii_uppercase()),
            (_, Some(symbol)) => write!(out, "'{}'", symbol.as_str()),
            _ => out.write_str(CLASSES.get(index - FIRST_CLASS).map_or("", |class| class.2)),
        }
    }
}

/// A set of expectations that can be filled through a shared reference.
#[derive(Default)]
pub struct ExpectedSet([Cell<u64>; 4]);

const _: () = assert!(FIRST_CLASS + CLASSES.len() <= 256);

impl ExpectedSet {
    /// Forgets all.
    pub fn clear(&self) {
        self.0.iter().for_each(|word| word.set(0));
    }

    /// Adds one.
    pub fn insert(&self, expected: Expected) {
        let word = &self.0[expected.0 as usize / 64];
        word.set(word.get() | 1 << (expected.0 % 64));
    }

    /// All that were added: classes first, then symbols and keywords.
    pub fn list(&self) -> Vec<Expected> {
        let contains = |index: &u8| self.0[*index as usize / 64].get() >> (index % 64) & 1 == 1;
        let mut all: Vec<u8> = (0..=u8::MAX).filter(contains).collect();
        all.sort_by_key(|index| {
            (
                (*index as usize) < FIRST_CLASS,
                (*index as usize) < FIRST_SYMBOL,
            )
        });
        all.into_iter().map(Expected).collect()
    }
}
