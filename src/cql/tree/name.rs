//! Names and the places they stood.

/// A stretch of the statement's text, in bytes.
///
/// Two spans are always equal: where a thing stood is not part of what it says, so a statement
/// equals its printed form parsed again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

impl Span {
    /// From the start of this span to the end of another one.
    pub fn to(self, last: Self) -> Self {
        Self {
            start: self.start,
            end: last.end,
        }
    }
}

impl PartialEq for Span {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Span {}

impl std::hash::Hash for Span {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

/// A name: folded to lower case, or as written if it was quoted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identifier {
    /// The name without quotes.
    pub text: String,
    /// Where it stood.
    pub span: Span,
}

impl Identifier {
    /// A name that stood nowhere, for trees that are built rather than parsed.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            span: Span::default(),
        }
    }

    /// The name without quotes.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// A name of a table, type or function, with its keyspace if one was given.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct QualifiedName {
    /// The keyspace, if written.
    pub keyspace: Option<Identifier>,
    /// The name within the keyspace.
    pub name: Identifier,
}

impl QualifiedName {
    /// The stretch from the keyspace to the end of the name.
    pub fn span(&self) -> Span {
        match &self.keyspace {
            Some(keyspace) => keyspace.span.to(self.name.span),
            None => self.name.span,
        }
    }
}
