//! Terms: values that a statement writes or compares with.

use super::{DataType, Identifier, Native, QualifiedName, Span};

/// A value, known or bound later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// What it is.
    pub kind: TermKind,
    /// Where it stood.
    pub span: Span,
}

impl Term {
    /// The marker, if the term is nothing but one.
    pub fn as_marker(&self) -> Option<&Marker> {
        match &self.kind {
            TermKind::Marker(marker) => Some(marker),
            _ => None,
        }
    }
}

/// The kinds of terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TermKind {
    /// A constant.
    Literal(Literal),
    /// `null`
    Null,
    /// `?` or `:name`
    Marker(Marker),
    /// `[a, b]`, a list or a vector
    List(Vec<Term>),
    /// `{a, b}`; also `{}`, which may be an empty map
    Set(Vec<Term>),
    /// `{k: v}`
    Map(Vec<(Term, Term)>),
    /// `{field: v}`
    UserType(Vec<(Identifier, Term)>),
    /// `(a, b)`; with one element it may be a tuple or just parentheses, as the type asks
    Tuple(Vec<Term>),
    /// `name(arguments)`
    Function(QualifiedName, Vec<Term>),
    /// `(type) term`
    TypeHint(DataType, Box<Term>),
    /// `CAST(term AS type)`
    Cast(Box<Term>, Native),
    /// `a + b` and its like
    Arithmetic(ArithmeticOperator, Box<Term>, Box<Term>),
    /// `-a`
    Negation(Box<Term>),
}

/// A constant, as written: which value it is depends on the type it meets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Literal {
    /// A string without quotes and escapes.
    Text(String),
    /// Decimal digits, maybe after a minus.
    Integer(String),
    /// A number with a point or exponent, `NaN` or `Infinity`, maybe after a minus.
    Float(String),
    /// `true` or `false`
    Boolean(bool),
    /// 36 characters, as written.
    Uuid(String),
    /// Hexadecimal digits after `0x` or `0X`, as written.
    Hex(String),
    /// A duration in one of three notations, as written.
    Duration(String),
}

impl Literal {
    /// The constant's text without quotes, as options in `WITH` use it.
    pub fn raw_text(&self) -> std::borrow::Cow<'_, str> {
        match self {
            Self::Text(text)
            | Self::Integer(text)
            | Self::Float(text)
            | Self::Uuid(text)
            | Self::Hex(text)
            | Self::Duration(text) => text.as_str().into(),
            Self::Boolean(true) => "true".into(),
            Self::Boolean(false) => "false".into(),
        }
    }
}

/// A bind marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// The index among the statement's markers, in order of appearance.
    pub index: u32,
    /// The name of a `:name` marker.
    pub name: Option<Identifier>,
    /// Where it stood.
    pub span: Span,
}

/// An operator between two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ArithmeticOperator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
}

/// A column, or an element or field of it, to be written, deleted or tested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The column.
    pub column: Identifier,
    /// The part of it, if not the whole.
    pub part: Option<Part>,
}

/// A part of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// `column[key]`
    Element(Term),
    /// `column.field`
    Field(Identifier),
}
