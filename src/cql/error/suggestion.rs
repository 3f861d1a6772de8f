//! Which word may have been meant.

use base::text::nearest;

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
            let word = word.to_ascii_lowercase();
            let keywords = expected
                .iter()
                .filter_map(|expected| Some(expected.keyword()?.as_str()));
            let nearest = nearest(&word, keywords.filter(|keyword| *keyword != word))?;
            Some(format!("did you mean {}?", nearest.to_ascii_uppercase()))
        }
        _ => None,
    }
}
