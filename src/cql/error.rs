//! Syntax errors: Cassandra's message on the first line, ours below.
//!
//! Clients and people match on the first line, so it follows Cassandra's ANTLR parser to the
//! letter: where, what, and an excerpt of the text from ten tokens before (white space counts as
//! tokens) with the offending one in brackets. The lines below quote the place with carets under
//! it, and say what was expected there and which word may have been meant.

mod excerpt;
mod suggestion;

use std::fmt;

use base::limits::{EXPRESSION_DEPTH_MAX, TYPE_DEPTH_MAX};

use crate::lexer::{Missing, Stop};
use crate::parser::combinators::ELEMENTS_MAX;
use crate::parser::failure::{Expected, Failure, Reason};
use crate::parser::tokens::Context;
use crate::token::Kind;
use crate::tree::Span;

pub use excerpt::caret;

/// The longest text of an error in bytes; messages travel in frames and land in logs.
pub const TEXT_BYTES_MAX: usize = 4096;

/// The longest first line, so that the lines below always find room.
const MESSAGE_BYTES_MAX: usize = 2048;

/// A text that is not a statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Error {
    /// Where the first thing that does not fit stands.
    pub position: Position,
    /// The first line, as Cassandra would say it.
    pub message: String,
    /// The lines below: carets, what was expected, a suggestion.
    pub detail: String,
}

/// A place in a statement's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The byte, counted from 0.
    pub offset: usize,
    /// The line, counted from 1.
    pub line: usize,
    /// The character within the line, counted from 0 as Cassandra does.
    pub column: usize,
}

impl Position {
    /// The line and column of a byte.
    pub fn of(text: &str, offset: usize) -> Self {
        let offset = (0..=offset.min(text.len())).rfind(|byte| text.is_char_boundary(*byte));
        let before = &text[..offset.unwrap_or_default()];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            offset: before.len(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].encode_utf16().count(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)?;
        out.write_str(&self.detail)
    }
}

impl Error {
    /// The error of a failed parse.
    pub(crate) fn syntax(context: &Context<'_>, failure: Failure, stop: Option<Stop>) -> Self {
        let text = context.text;
        let token = context.tokens[failure.at.min(context.tokens.len() - 1)];
        if let (Kind::Bad, Some(stop)) = (token.kind, stop) {
            return Self::lexical(text, stop);
        }
        let position = Position::of(text, token.start as usize);
        let place = match token.kind {
            Kind::End => "line 0:-1".to_string(),
            _ => format!("line {}:{}", position.line, position.column),
        };
        let message = match failure.kind {
            Reason::Complaint => context.complaint.take().unwrap_or_default(),
            Reason::TooDeep => format!(
                "{place} nested too deeply: at most {EXPRESSION_DEPTH_MAX} levels, {TYPE_DEPTH_MAX} of types"
            ),
            Reason::TooMany => {
                format!("{place} too many elements: at most {ELEMENTS_MAX} in a statement")
            }
            Reason::NoAlternative => format!(
                "{place} no viable alternative at input '{}'{}",
                excerpt::shown(text, token),
                excerpt::excerpt(context, failure)
            ),
            Reason::Mismatch(expected) => format!(
                "{place} mismatched input '{}' expecting {}{}",
                excerpt::shown(text, token),
                expected.message_name(),
                excerpt::excerpt(context, failure)
            ),
        };
        let expected = match failure.kind {
            Reason::NoAlternative | Reason::Mismatch(_) => context.expected_at(failure.at),
            _ => Vec::new(),
        };
        let span = Span {
            start: token.start,
            end: token.end,
        };
        let place = match text.trim().is_empty() {
            true => String::new(),
            false => format!("\n{}", caret(text, span)),
        };
        let detail = place + &hints(text, token, &expected);
        Self {
            position,
            message: cut(message, MESSAGE_BYTES_MAX),
            detail: cut(detail, MESSAGE_BYTES_MAX),
        }
    }

    /// The error of a text that cannot be cut into tokens.
    fn lexical(text: &str, stop: Stop) -> Self {
        let position = Position::of(text, stop.offset);
        let found = match text[position.offset..].chars().next() {
            Some(character) => excerpt::escaped(&character.to_string()),
            None => "<EOF>".into(),
        };
        let problem = match stop.missing {
            Missing::Character(missing) => {
                format!("mismatched character '{found}' expecting '{missing}'")
            }
            // The words that Cassandra has for it.
            Missing::OneOf => format!("mismatched character '{found}' expecting set null"),
            Missing::Token => format!("no viable alternative at character '{found}'"),
        };
        let message = format!("line {}:{} {problem}", position.line, position.column);
        let start = position.offset as u32;
        let detail = format!(
            "\n{}",
            caret(
                text,
                Span {
                    start,
                    end: start + 1
                }
            )
        );
        Self {
            position,
            message,
            detail,
        }
    }

    /// The error of a text beyond all limits.
    pub(crate) fn too_long(text: &str) -> Self {
        let message = format!("a statement of {} bytes is too long", text.len());
        Self {
            position: Position::of(text, 0),
            message,
            detail: String::new(),
        }
    }
}

/// What was expected, and what may have been meant.
fn hints(text: &str, token: crate::token::Token, expected: &[Expected]) -> String {
    let mut hints = String::new();
    if let Some((last, others)) = expected.split_last() {
        let others: Vec<String> = others.iter().map(Expected::to_string).collect();
        let or = if others.is_empty() { "" } else { " or " };
        hints = format!("\nexpected {}{or}{last}", others.join(", "));
    }
    if let Some(suggestion) = suggestion::suggest(text, token, expected) {
        let separator = if hints.is_empty() { "\n" } else { "; " };
        hints += &format!("{separator}{suggestion}");
    }
    hints
}

/// At most so many bytes of a text, whole characters only.
fn cut(mut text: String, bytes_max: usize) -> String {
    if text.len() > bytes_max {
        let end = (0..=bytes_max)
            .rfind(|byte| text.is_char_boundary(*byte))
            .unwrap_or_default();
        text.truncate(end);
    }
    text
}

const _: () = assert!(2 * MESSAGE_BYTES_MAX <= TEXT_BYTES_MAX);
