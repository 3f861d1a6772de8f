//! Quotes from the statement's text: Cassandra's excerpt in parentheses, and our carets.

use crate::lexer::tokenize_all;
use crate::parser::failure::Failure;
use crate::parser::lexemes::{text_value, unquote};
use crate::parser::tokens::Context;
use crate::token::{Kind, Token};
use crate::tree::Span;

/// How many tokens before the offending one Cassandra shows, white space included.
const TOKENS_BEFORE: usize = 10;
/// How many tokens after the offending one, if its parser had looked so far.
const TOKENS_AFTER: usize = 2;
/// How many characters of the text a caret line quotes.
const CARET_CHARACTERS_MAX: usize = 200;

/// A token as Cassandra's messages show it: strings and quoted names without their quotes.
pub fn shown(text: &str, token: Token) -> String {
    match token.kind {
        Kind::End => "<EOF>".into(),
        _ => escaped(&value(text, token)),
    }
}

/// Line ends and tabs as escapes.
pub fn escaped(text: &str) -> String {
    // Java sees characters beyond the basic plane as halves that it cannot print alone.
    text.replace(|character: char| character.len_utf16() > 1, "?")
        .replace('\n', "\\n")
        .replace('\r', "\\r")
        .replace('\t', "\\t")
}

fn value(text: &str, token: Token) -> String {
    let written = token.text(text);
    match token.kind {
        Kind::Text => text_value(written),
        Kind::QuotedName => unquote(written, '"'),
        _ => written.into(),
    }
}

/// Cassandra's excerpt: ` (...tokens before [offending] tokens after...)`, on one line. It is
/// empty where Cassandra's parser has seen the end of the text.
pub fn excerpt(context: &Context<'_>, failure: Failure) -> String {
    let text = context.text;
    let all = tokenize_all(text).tokens;
    let listed = |index: usize| {
        let start = context.tokens[index].start;
        all.iter()
            .position(|token| token.start == start && token.kind != Kind::Hidden)
    };
    let (Some(offending), Some(seen)) = (
        listed(failure.decision),
        listed(failure.at.max(context.seen.get())),
    ) else {
        return String::new();
    };
    let first = all[offending.saturating_sub(TOKENS_BEFORE)];
    let last = all[seen.min(offending + TOKENS_AFTER)];
    let offending = all[offending];
    if last.kind == Kind::End || offending.kind == Kind::End {
        return String::new();
    }
    let quoted = |start: u32, end: u32| text.get(start as usize..end as usize).unwrap_or("");
    let offending_end = value_end(text, offending);
    let last_end = value_end(text, last).max(offending_end);
    let before = if first.start == 0 { "" } else { "..." };
    let whole = last_end as usize == text.trim_end_matches('\n').len();
    let after = if whole { "" } else { "..." };
    let head = quoted(first.start, offending.start);
    let middle = quoted(offending.start, offending_end);
    let tail = quoted(offending_end, last_end);
    format!(" ({before}{head}[{middle}]{tail}{after})").replace('\n', "")
}

/// Where Cassandra takes a token to end: it adds the length of its value to its start, so the
/// brackets close too early after a string or quoted name.
fn value_end(text: &str, token: Token) -> u32 {
    let end = token.start + value(text, token).len() as u32;
    let range = token.start..=end.min(token.end);
    range
        .rev()
        .find(|byte| text.is_char_boundary(*byte as usize))
        .unwrap_or(token.end)
}

/// The line that a stretch of text begins in, at most 200 characters of it, and below it carets
/// under the stretch. Both lines are indented by two blanks; no line end follows.
pub fn caret(text: &str, span: Span) -> String {
    let start = (span.start as usize).min(text.len());
    let start = (0..=start)
        .rfind(|byte| text.is_char_boundary(*byte))
        .unwrap_or_default();
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = text[start..]
        .find('\n')
        .map_or(text.len(), |length| start + length);
    let end = (start..=(span.end as usize).clamp(start, line_end))
        .rfind(|byte| text.is_char_boundary(*byte))
        .unwrap_or(start);
    let column = text[line_start..start].chars().count();
    let skipped = column.saturating_sub(CARET_CHARACTERS_MAX / 2);
    let visible = |character: char| {
        if character.is_control() {
            ' '
        } else {
            character
        }
    };
    let line: String = text[line_start..line_end]
        .chars()
        .skip(skipped)
        .take(CARET_CHARACTERS_MAX)
        .map(visible)
        .collect();
    let column = column - skipped;
    let width = text[start..end]
        .chars()
        .count()
        .clamp(1, CARET_CHARACTERS_MAX - column);
    format!(
        "  {}\n  {}{}",
        line.trim_end(),
        " ".repeat(column),
        "^".repeat(width)
    )
}
