//! Identifiers: when a name needs quotes, and how an unquoted one is folded.

use std::borrow::Cow;

use crate::keyword::Keyword;

/// An unquoted name as the language understands it: in lower case.
pub fn fold(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// Whether a name must be quoted to be read back as it is.
pub fn needs_quotes(name: &str) -> bool {
    let mut bytes = name.bytes();
    let plain = bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    !plain
        || matches!(name, "true" | "false")
        || Keyword::find(name).is_some_and(Keyword::is_reserved)
}

/// A name as it is written in a statement, in quotes only where it needs them.
pub fn quote_if_needed(name: &str) -> Cow<'_, str> {
    if needs_quotes(name) {
        Cow::Owned(format!("\"{}\"", name.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_where_needed() {
        for (name, written) in [
            ("plain_1", "plain_1"),
            ("Upper", "\"Upper\""),
            ("1st", "\"1st\""),
            ("_a", "\"_a\""),
            ("", "\"\""),
            ("a\"b", "\"a\"\"b\""),
            ("select", "\"select\""),
            ("true", "\"true\""),
            ("key", "key"),
            ("é", "\"é\""),
        ] {
            assert_eq!(quote_if_needed(name), written);
        }
    }

    #[test]
    fn unquoted_names_are_folded() {
        assert_eq!(fold("KeySpace1"), "keyspace1");
        assert!(matches!(fold("a"), Cow::Borrowed("a")));
    }
}
