//! The parser's input: a slice of tokens with what one parse remembers.
//!
//! [`Tokens`] is a small copy that combinators pass along; [`Context`] is shared by all copies of
//! one parse. It remembers the furthest token that a test failed at and all that was expected
//! there, the bind markers so far, and how deep the parser has recursed.

use std::cell::{Cell, RefCell};
use std::iter::{Copied, Enumerate};
use std::slice::Iter;

use nom::{Input, Needed};

use super::failure::{Expected, ExpectedSet};
use crate::keyword::Keyword;
use crate::token::{Kind, Token};
use crate::tree::{Identifier, Marker, Span};

/// What one parse remembers.
pub struct Context<'t> {
    /// The statement's text.
    pub text: &'t str,
    /// All tokens; the last one is `End`.
    pub tokens: &'t [Token],
    /// The furthest token that a test failed at.
    furthest: Cell<usize>,
    /// What was expected there.
    expected: ExpectedSet,
    /// The bind markers so far.
    pub markers: RefCell<Vec<Marker>>,
    /// Levels of nesting that the parser is in.
    pub depth: Cell<usize>,
    /// Levels of nested types that the parser is in.
    pub type_depth: Cell<usize>,
    /// Operators and modifiers in the outermost term or selector so far.
    pub operators: Cell<usize>,
    /// Elements of lists so far.
    pub elements: Cell<usize>,
    /// The last token that Cassandra's parser has read.
    pub seen: Cell<usize>,
    /// What must come after the whole selector that the parser is in.
    pub closer: Cell<Expected>,
    /// The text of the error that refuses well-formed input.
    pub complaint: RefCell<Option<String>>,
}

impl<'t> Context<'t> {
    /// The context of a new parse.
    pub fn new(text: &'t str, tokens: &'t [Token]) -> Self {
        Self {
            text,
            tokens,
            furthest: Cell::new(0),
            expected: ExpectedSet::default(),
            markers: RefCell::default(),
            depth: Cell::new(0),
            type_depth: Cell::new(0),
            operators: Cell::new(0),
            elements: Cell::new(0),
            seen: Cell::default(),
            closer: Cell::new(Keyword::From.into()),
            complaint: RefCell::default(),
        }
    }

    /// What was expected at a token, if it is the furthest that a test failed at.
    pub fn expected_at(&self, index: usize) -> Vec<Expected> {
        if self.furthest.get() == index {
            self.expected.list()
        } else {
            Vec::new()
        }
    }
}

/// The tokens not yet parsed; never empty, because `End` is never taken.
#[derive(Clone, Copy)]
pub struct Tokens<'t> {
    rest: &'t [Token],
    /// What this parse remembers.
    pub context: &'t Context<'t>,
}

impl<'t> Tokens<'t> {
    /// All tokens of a parse.
    pub fn new(context: &'t Context<'t>) -> Self {
        Self {
            rest: context.tokens,
            context,
        }
    }

    /// The index of the next token.
    pub fn index(&self) -> usize {
        self.context.tokens.len() - self.rest.len()
    }

    /// The next token.
    pub fn next(&self) -> Token {
        self.rest.first().copied().unwrap_or(Token {
            kind: Kind::End,
            start: 0,
            end: 0,
        })
    }

    /// The kind of a token ahead; the next one is at 0.
    pub fn kind(&self, ahead: usize) -> Kind {
        self.rest.get(ahead).map_or(Kind::End, |token| token.kind)
    }

    /// The text of the next token.
    pub fn text(&self) -> &'t str {
        self.next().text(self.context.text)
    }

    /// The tokens after the next one.
    pub fn advance(&self) -> Self {
        Self {
            rest: self.rest.get(1..).unwrap_or_default(),
            context: self.context,
        }
    }

    /// The input from a token ahead; the end stays.
    pub fn ahead(&self, count: usize) -> Self {
        let count = count.min(self.rest.len().saturating_sub(1));
        Self {
            rest: self.rest.get(count..).unwrap_or_default(),
            context: self.context,
        }
    }

    /// The stretch from the next token here to the last token taken by `after`.
    pub fn span_to(&self, after: &Self) -> Span {
        let last = after
            .index()
            .checked_sub(1)
            .and_then(|index| self.context.tokens.get(index));
        let start = self.next().start;
        Span {
            start,
            end: last.map_or(start, |token| token.end.max(start)),
        }
    }

    /// Remembers that something was expected instead of the next token.
    pub fn expect(&self, expected: Expected) {
        let index = self.index();
        if index > self.context.furthest.get() {
            self.context.furthest.set(index);
            self.context.expected.clear();
        }
        if index == self.context.furthest.get() {
            self.context.expected.insert(expected);
        }
    }

    /// A new bind marker.
    pub fn marker(&self, name: Option<Identifier>, span: Span) -> Marker {
        let mut markers = self.context.markers.borrow_mut();
        let marker = Marker {
            index: markers.len() as u32,
            name,
            span,
        };
        markers.push(marker.clone());
        marker
    }

    /// How many bind markers there are so far.
    pub fn markers_before(&self) -> usize {
        self.context.markers.borrow().len()
    }

    /// The bind markers after the first `count`.
    pub fn markers_since(&self, count: usize) -> Vec<Marker> {
        self.context
            .markers
            .borrow()
            .get(count..)
            .unwrap_or_default()
            .to_vec()
    }
}

impl<'t> Input for Tokens<'t> {
    type Item = Token;
    type Iter = Copied<Iter<'t, Token>>;
    type IterIndices = Enumerate<Self::Iter>;

    fn input_len(&self) -> usize {
        self.rest.len()
    }

    fn take(&self, count: usize) -> Self {
        Self {
            rest: &self.rest[..count],
            context: self.context,
        }
    }

    fn take_from(&self, count: usize) -> Self {
        Self {
            rest: &self.rest[count..],
            context: self.context,
        }
    }

    fn take_split(&self, count: usize) -> (Self, Self) {
        (self.take_from(count), self.take(count))
    }

    fn position<P: Fn(Token) -> bool>(&self, test: P) -> Option<usize> {
        self.rest.iter().position(|token| test(*token))
    }

    fn iter_elements(&self) -> Self::Iter {
        self.rest.iter().copied()
    }

    fn iter_indices(&self) -> Self::IterIndices {
        self.iter_elements().enumerate()
    }

    fn slice_index(&self, count: usize) -> Result<usize, Needed> {
        match count.checked_sub(self.rest.len()) {
            None | Some(0) => Ok(count),
            Some(missing) => Err(Needed::new(missing)),
        }
    }
}
