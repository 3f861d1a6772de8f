//! Which word may have been meant.

use crate::keyword::Keyword;
use crate::parser::failure::{Class, Expected};
use crate::token::{Kind, Token};

/// A suggestion for a token that does not fit, given what was expected there.
pub fn suggest(text: &str, token: Token, expected: &[Expected]) -> Option<String> {
    let word = token.text(text);
    match token.kind {
        Kind::Keyword(keyword)
            if keyword.is_reserved() && expected.contains(&Class::Name.into()) =>
        {
            let name = keyword.as_str();
            Some(format!(
                "{} is a reserved word: write \"{name}\" to use it as a name",
                word
            ))
        }
        Kind::Keyword(_) | Kind::Identifier => {
            let nearest = nearest(
                word,
                expected.iter().filter_map(|expected| expected.keyword()),
            )?;
            Some(format!(
                "did you mean {}?",
                nearest.as_str().to_ascii_uppercase()
            ))
        }
        _ => None,
    }
}

/// The keyword that is most like a word, if one is like it: at most a third of it is wrong.
fn nearest(word: &str, keywords: impl Iterator<Item = Keyword>) -> Option<Keyword> {
    let word = word.get(..word.len().min(32))?.to_ascii_lowercase();
    let allowed = (word.len() / 3).clamp(1, 3);
    keywords
        .map(|keyword| {
            (
                distance(word.as_bytes(), keyword.as_str().as_bytes()),
                keyword,
            )
        })
        .filter(|(distance, _)| (1..=allowed).contains(distance))
        .min()
        .map(|(_, keyword)| keyword)
}

/// How many letters must be changed, added, removed or swapped with their neighbour.
fn distance(left: &[u8], right: &[u8]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, letter) in left.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, other) in right.iter().enumerate() {
            let changed = last[column] + usize::from(letter != other);
            let mut best = changed.min(last[column + 1] + 1).min(next[column] + 1);
            let swapped =
                row > 0 && column > 0 && left[row - 1] == *other && *letter == right[column - 1];
            if swapped {
                best = best.min(before[column - 1] + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut last, next);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (left, right, expected) in [
            ("from", "from", 0),
            ("form", "from", 1),
            ("selct", "select", 1),
            ("", "as", 2),
            ("where", "order", 4),
        ] {
            assert_eq!(
                distance(left.as_bytes(), right.as_bytes()),
                expected,
                "{left} {right}"
            );
        }
    }
}
