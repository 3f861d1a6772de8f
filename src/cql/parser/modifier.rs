//! What follows a selector to pick a part of it.

use crate::tree::{Identifier, Selector, SelectorKind, Term};

/// A part of a selected value.
#[derive(Clone)]
pub enum Modifier {
    /// `.field`
    Field(Identifier),
    /// `[key]`
    Element(Box<Term>),
    /// `[from..to]`
    Slice(Option<Box<Term>>, Option<Box<Term>>),
}

impl Modifier {
    /// The part of a selector.
    pub fn apply(self, selector: Selector) -> SelectorKind {
        let whole = Box::new(selector);
        match self {
            Self::Field(name) => SelectorKind::Field(whole, name),
            Self::Element(key) => SelectorKind::Element(whole, key),
            Self::Slice(from, to) => SelectorKind::Slice(whole, from, to),
        }
    }
}
