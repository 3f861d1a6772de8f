//! The lexer: text to tokens, by hand, in one pass.
//!
//! 1. Skip white space and comments.
//! 2. By the first byte, take the longest token of the kinds that begin so. A uuid wins over a
//!    number or name, a duration over a number; a minus directly before a number belongs to it.
//! 3. At a character that no token begins with, or an end inside of a token, add a `Bad` token and
//!    stop: the parser reports it if it comes that far.
//!
//! What always holds: tokens ascend and do not overlap, and the last one is `End`. Tokens borrow
//! nothing; [`Token::text`] cuts them from the text.
//!
//! Left out: escapes. `''` and `""` stay as written until the parser makes a string of them.

mod number;

use crate::keyword::Keyword;
use crate::token::{Kind, Symbol, Token};

/// Why the lexer stopped early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The byte where it stopped; the text's length at its end.
    pub offset: usize,
    /// What should have stood there.
    pub missing: Missing,
}

/// What a text that cannot be cut into tokens lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// A character without which the token is not complete.
    Character(char),
    /// One of several characters.
    OneOf,
    /// Anything that a token begins or goes on with.
    Token,
}

/// All tokens of a text.
pub struct Lexed {
    /// The tokens, the last one being `End`.
    pub tokens: Vec<Token>,
    /// Why the token before the last is `Bad`, if it is.
    pub stop: Option<Stop>,
}

/// Cuts a text into tokens, without white space and comments.
pub fn tokenize(text: &str) -> Lexed {
    run(text, false)
}

/// Cuts a text into tokens; white space and comments are `Hidden` tokens.
pub fn tokenize_all(text: &str) -> Lexed {
    run(text, true)
}

fn run(text: &str, keep_hidden: bool) -> Lexed {
    let mut lexer = Lexer {
        text,
        bytes: text.as_bytes(),
        at: 0,
    };
    let mut tokens = Vec::with_capacity(text.len().min(1 << 20) / 3 + 2);
    let mut stop = None;
    loop {
        let start = lexer.at;
        let kind = match lexer.next() {
            Ok(Kind::Hidden) if !keep_hidden => continue,
            Ok(kind) => kind,
            Err(found) => {
                stop = Some(found);
                lexer.at = text.len();
                Kind::Bad
            }
        };
        tokens.push(Token {
            kind,
            start: start as u32,
            end: lexer.at as u32,
        });
        if kind == Kind::End {
            return Lexed { tokens, stop };
        }
    }
}

struct Lexer<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
}

impl Lexer<'_> {
    fn next(&mut self) -> Result<Kind, Stop> {
        let Some(first) = self.peek(0) else {
            return Ok(Kind::End);
        };
        match first {
            b' ' | b'\t' | b'\n' | b'\r' => {
                self.skip_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
                Ok(Kind::Hidden)
            }
            b'0'..=b'9' => match self.uuid() {
                Some(kind) => Ok(kind),
                None => self.number(),
            },
            b'a'..=b'z' | b'A'..=b'Z' => Ok(self.uuid().unwrap_or_else(|| self.word())),
            b'-' => self.minus(),
            b'\'' => self.quoted(b'\'').map(|_| Kind::Text),
            b'"' => self.quoted(b'"').map(|length| {
                if length == 0 {
                    Kind::EmptyQuotedName
                } else {
                    Kind::QuotedName
                }
            }),
            b'$' => self.dollars(),
            b'/' => self.slash(),
            _ => self.symbol(),
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn skip_while(&mut self, test: impl Fn(u8) -> bool) {
        while self.peek(0).is_some_and(&test) {
            self.at += 1;
        }
    }

    fn take(&mut self, length: usize, kind: Kind) -> Kind {
        self.at += length;
        kind
    }

    fn missing(&self, offset: usize, character: char) -> Stop {
        Stop {
            offset,
            missing: Missing::Character(character),
        }
    }

    /// A keyword, a name, a boolean, or a duration such as `P3Y`.
    fn word(&mut self) -> Kind {
        if let Some(length) = number::iso_duration(&self.bytes[self.at..]) {
            return self.take(length, Kind::Duration);
        }
        let start = self.at;
        self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let word = &self.text[start..self.at];
        match Keyword::find(word) {
            Some(keyword) => Kind::Keyword(keyword),
            None if word.eq_ignore_ascii_case("true") || word.eq_ignore_ascii_case("false") => {
                Kind::Boolean
            }
            None => Kind::Identifier,
        }
    }

    fn uuid(&mut self) -> Option<Kind> {
        number::is_uuid(&self.bytes[self.at..]).then(|| self.take(36, Kind::Uuid))
    }

    fn number(&mut self) -> Result<Kind, Stop> {
        let rest = &self.bytes[self.at..];
        let (length, kind) = number::number(rest);
        match number::cut_short(rest, length, kind) {
            Some((length, missing)) => Err(Stop {
                offset: self.at + length,
                missing,
            }),
            None => Ok(self.take(length, kind)),
        }
    }

    /// A negative number, a comment, `-=` or a lone minus.
    fn minus(&mut self) -> Result<Kind, Stop> {
        let rest = &self.bytes[self.at + 1..];
        Ok(match rest.first() {
            Some(b'-') => self.line_comment(),
            Some(b'=') => self.take(2, Kind::Symbol(Symbol::MinusEqual)),
            Some(b'0'..=b'9') => {
                self.at += 1;
                match number::number(rest) {
                    // Blobs have no sign: `-0x01` is an integer and a name.
                    (_, Kind::Hex) => self.take(1, Kind::Integer),
                    _ => return self.number(),
                }
            }
            _ if starts_with_word(rest, "nan") => self.take(4, Kind::NegativeNan),
            _ if starts_with_word(rest, "infinity") => self.take(9, Kind::NegativeInfinity),
            _ => match number::iso_duration(rest) {
                Some(length) => self.take(length + 1, Kind::Duration),
                None => self.take(1, Kind::Symbol(Symbol::Minus)),
            },
        })
    }

    fn slash(&mut self) -> Result<Kind, Stop> {
        match self.peek(1) {
            Some(b'/') => Ok(self.line_comment()),
            Some(b'*') => match self.text[self.at + 2..].find("*/") {
                Some(length) => Ok(self.take(length + 4, Kind::Hidden)),
                None => Err(self.missing(self.text.len(), '*')),
            },
            _ => Ok(self.take(1, Kind::Symbol(Symbol::Slash))),
        }
    }

    /// To the end of the line, the line's end excluded; the text may end too.
    fn line_comment(&mut self) -> Kind {
        self.skip_while(|byte| byte != b'\n' && byte != b'\r');
        Kind::Hidden
    }

    /// Text in quotes, a doubled quote standing for one; the number of bytes inside.
    fn quoted(&mut self, quote: u8) -> Result<usize, Stop> {
        let start = self.at + 1;
        let mut at = start;
        loop {
            let found = self.bytes[at..].iter().position(|byte| *byte == quote);
            at += found.ok_or_else(|| self.missing(self.text.len(), quote as char))?;
            if self.bytes.get(at + 1) != Some(&quote) {
                self.at = at + 1;
                return Ok(at - start);
            }
            at += 2;
        }
    }

    /// `$$text$$`
    fn dollars(&mut self) -> Result<Kind, Stop> {
        if self.peek(1) != Some(b'$') {
            return Err(self.missing(self.at + 1, '$'));
        }
        match self.text[self.at + 2..].find("$$") {
            Some(length) => Ok(self.take(length + 4, Kind::Text)),
            // Whether two characters are left is asked before each one is taken.
            None => {
                let inside = &self.text[self.at + 2..];
                let last = inside.chars().next_back().filter(|last| *last != '$');
                let last = last.map_or(0, char::len_utf8);
                Err(self.missing(self.text.len() - last, '$'))
            }
        }
    }

    fn symbol(&mut self) -> Result<Kind, Stop> {
        let equal_follows = self.peek(1) == Some(b'=');
        let symbol = match self.bytes[self.at] {
            b'(' => Symbol::OpenParenthesis,
            b')' => Symbol::CloseParenthesis,
            b'[' => Symbol::OpenBracket,
            b']' => Symbol::CloseBracket,
            b'{' => Symbol::OpenBrace,
            b'}' => Symbol::CloseBrace,
            b',' => Symbol::Comma,
            b';' => Symbol::Semicolon,
            b':' => Symbol::Colon,
            b'.' if self.peek(1) == Some(b'.') => Symbol::Range,
            b'.' => Symbol::Dot,
            b'?' => Symbol::QuestionMark,
            b'+' if equal_follows => Symbol::PlusEqual,
            b'+' => Symbol::Plus,
            b'*' => Symbol::Star,
            b'%' => Symbol::Percent,
            b'=' => Symbol::Equal,
            b'<' if equal_follows => Symbol::LessOrEqual,
            b'<' => Symbol::Less,
            b'>' if equal_follows => Symbol::GreaterOrEqual,
            b'>' => Symbol::Greater,
            b'!' if equal_follows => Symbol::NotEqual,
            b'!' => return Err(self.missing(self.at + 1, '=')),
            _ => {
                return Err(Stop {
                    offset: self.at,
                    missing: Missing::Token,
                });
            }
        };
        Ok(self.take(symbol.as_str().len(), Kind::Symbol(symbol)))
    }
}

/// Whether a word, in any case, stands at the beginning and ends there.
fn starts_with_word(bytes: &[u8], word: &str) -> bool {
    bytes
        .get(..word.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
        && !bytes
            .get(word.len())
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

#[cfg(test)]
mod tests;
