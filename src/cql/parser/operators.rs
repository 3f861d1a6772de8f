//! Arithmetic operators, and how terms and selectors are joined by them.

use super::tokens::Tokens;
use crate::token::{Kind, Symbol};
use crate::tree::{ArithmeticOperator, Selector, SelectorKind, Span, Term, TermKind};

/// `+` or `-`, if it stands next.
pub fn additive(input: Tokens<'_>) -> Option<ArithmeticOperator> {
    match input.kind(0) {
        Kind::Symbol(Symbol::Plus) => Some(ArithmeticOperator::Add),
        Kind::Symbol(Symbol::Minus) => Some(ArithmeticOperator::Subtract),
        _ => None,
    }
}

/// `*`, `/` or `%`, if it stands next.
pub fn multiplicative(input: Tokens<'_>) -> Option<ArithmeticOperator> {
    match input.kind(0) {
        Kind::Symbol(Symbol::Star) => Some(ArithmeticOperator::Multiply),
        Kind::Symbol(Symbol::Slash) => Some(ArithmeticOperator::Divide),
        Kind::Symbol(Symbol::Percent) => Some(ArithmeticOperator::Modulo),
        _ => None,
    }
}

impl Term {
    /// Two terms with an operator between.
    pub(super) fn arithmetic(left: Self, operator: ArithmeticOperator, right: Self) -> Self {
        let span = left.span.to(right.span);
        let kind = TermKind::Arithmetic(operator, Box::new(left), Box::new(right));
        Self { kind, span }
    }
}

impl From<(TermKind, Span)> for Term {
    fn from((kind, span): (TermKind, Span)) -> Self {
        Self { kind, span }
    }
}

impl Selector {
    /// Two selectors with an operator between.
    pub(super) fn arithmetic(left: Self, operator: ArithmeticOperator, right: Self) -> Self {
        let span = left.span.to(right.span);
        let kind = SelectorKind::Arithmetic(operator, Box::new(left), Box::new(right));
        Self { kind, span }
    }
}

impl From<(SelectorKind, Span)> for Selector {
    fn from((kind, span): (SelectorKind, Span)) -> Self {
        Self { kind, span }
    }
}
