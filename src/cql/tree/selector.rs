//! Selectors: what a SELECT computes from each row.

use super::{
    ArithmeticOperator, DataType, Identifier, Literal, Marker, Native, QualifiedName, Span, Term,
};

/// One value to be computed from a row or a group of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// What it is.
    pub kind: SelectorKind,
    /// Where it stood.
    pub span: Span,
}

/// The kinds of selectors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SelectorKind {
    /// A column.
    Column(Identifier),
    /// A constant.
    Literal(Literal),
    /// `null`
    Null,
    /// `?` or `:name`
    Marker(Marker),
    /// `count(*)`, also written `count(1)`
    CountRows,
    /// `writetime(column)`, of a whole column or a part
    WriteTime(Box<Selector>),
    /// `maxwritetime(column)`
    MaxWriteTime(Box<Selector>),
    /// `ttl(column)`
    TimeToLive(Box<Selector>),
    /// `CAST(selector AS type)`
    Cast(Box<Selector>, Native),
    /// `name(arguments)`; `token(..)` too
    Function(QualifiedName, Vec<Selector>),
    /// `(type) selector`
    TypeHint(DataType, Box<Selector>),
    /// `(a, b)`; with one element it may be a tuple or just parentheses
    Tuple(Vec<Selector>),
    /// `[a, b]`
    List(Vec<Selector>),
    /// `{a, b}`; also `{}`, which may be an empty map
    Set(Vec<Selector>),
    /// `{k: v}`; a user-defined type if its type says so: then the keys are columns by look
    Map(Vec<(Selector, Selector)>),
    /// `selector.field`
    Field(Box<Selector>, Identifier),
    /// `selector[key]`
    Element(Box<Selector>, Box<Term>),
    /// `selector[from..to]`; an end that is left out is open
    Slice(Box<Selector>, Option<Box<Term>>, Option<Box<Term>>),
    /// `a + b` and its like
    Arithmetic(ArithmeticOperator, Box<Selector>, Box<Selector>),
    /// `-a`
    Negation(Box<Selector>),
}
