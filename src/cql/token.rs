//! Tokens: what the lexer makes of the text.

use crate::keyword::Keyword;

/// One token: its kind and the bytes of the text that it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Offset of its first byte.
    pub start: u32,
    /// Offset after its last byte.
    pub end: u32,
}

impl Token {
    /// The token's bytes within the text it was made from.
    pub fn text<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }
}

/// The kinds of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A keyword, reserved or not.
    Keyword(Keyword),
    /// A name without quotes.
    Identifier,
    /// `"name"`
    QuotedName,
    /// `""`, which is a token but no name
    EmptyQuotedName,
    /// `'text'` or `$$text$$`
    Text,
    /// Digits, maybe after a minus.
    Integer,
    /// A number with a point or exponent, maybe after a minus.
    Float,
    /// `-NaN`
    NegativeNan,
    /// `-Infinity`
    NegativeInfinity,
    /// `true` or `false`
    Boolean,
    /// A duration in one of three notations.
    Duration,
    /// `0x` and hexadecimal digits
    Hex,
    /// 36 characters of a uuid
    Uuid,
    /// An operator or a mark.
    Symbol(Symbol),
    /// White space or a comment; only listed on request.
    Hidden,
    /// What cannot begin or go on as any token; nothing follows it but the end.
    Bad,
    /// The end of the text.
    End,
}

macro_rules! symbols {
    ($($name:ident $text:literal,)*) => {
        /// Operators and marks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Symbol {
            $(#[doc = concat!("`", $text, "`")] $name,)*
        }

        /// All symbols; the position is the discriminant.
        const SYMBOLS: &[(&str, Symbol)] = &[$(($text, Symbol::$name),)*];
    };
}

symbols! {
    OpenParenthesis "(",
    CloseParenthesis ")",
    OpenBracket "[",
    CloseBracket "]",
    OpenBrace "{",
    CloseBrace "}",
    Comma ",",
    Semicolon ";",
    Colon ":",
    Dot ".",
    Range "..",
    QuestionMark "?",
    Plus "+",
    Minus "-",
    Star "*",
    Slash "/",
    Percent "%",
    PlusEqual "+=",
    MinusEqual "-=",
    Equal "=",
    NotEqual "!=",
    Less "<",
    LessOrEqual "<=",
    Greater ">",
    GreaterOrEqual ">=",
}

impl Symbol {
    /// How many symbols there are.
    pub const COUNT: usize = SYMBOLS.len();

    /// The symbol as written.
    pub fn as_str(self) -> &'static str {
        SYMBOLS[self as usize].0
    }

    /// The symbol of a discriminant.
    pub fn from_index(index: usize) -> Option<Self> {
        SYMBOLS.get(index).map(|(_, symbol)| *symbol)
    }
}
