//! The operators of relations and conditions.

use super::tokens::Tokens;
use crate::keyword::Keyword;
use crate::token::{Kind, Symbol};
use crate::tree::Comparison;

const COMPARISONS: [(Symbol, Comparison); 6] = [
    (Symbol::Equal, Comparison::Equal),
    (Symbol::NotEqual, Comparison::NotEqual),
    (Symbol::Less, Comparison::Less),
    (Symbol::LessOrEqual, Comparison::LessOrEqual),
    (Symbol::Greater, Comparison::Greater),
    (Symbol::GreaterOrEqual, Comparison::GreaterOrEqual),
];

/// The comparison that stands next.
pub fn comparison_at(input: Tokens<'_>) -> Option<Comparison> {
    let Kind::Symbol(symbol) = input.kind(0) else {
        return None;
    };
    COMPARISONS
        .iter()
        .find(|(candidate, _)| *candidate == symbol)
        .map(|(_, found)| *found)
}

/// Remembers that an operator was expected.
pub fn expect_operators(input: Tokens<'_>, whole_column: bool) {
    COMPARISONS
        .iter()
        .for_each(|(symbol, _)| input.expect((*symbol).into()));
    input.expect(Keyword::In.into());
    if whole_column {
        input.expect(Keyword::Contains.into());
    }
}

/// Whether `EXISTS` at the beginning of a condition is a column of that name.
pub fn continues_condition(input: Tokens<'_>) -> bool {
    matches!(
        input.kind(1),
        Kind::Keyword(Keyword::In | Keyword::Contains)
    ) || matches!(
        input.kind(1),
        Kind::Symbol(Symbol::OpenBracket | Symbol::Dot)
    ) || comparison_at(input.advance()).is_some()
}
