//! Identifiers: when a name needs quotes, and how an unquoted one is folded.

use std::borrow::Cow;

/// An unquoted name as the language understands it: in lower case.
pub fn fold(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}
