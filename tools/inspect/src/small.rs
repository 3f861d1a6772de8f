//! The two small files of a data directory: its mark and the clock's reservation.

use std::io;

use coordinator::clock::format as clock;

use crate::report::Report;

/// The mark's name.
pub const MARK: &str = "helenus.directory";
/// How the mark begins, up to its version.
pub const MARK_TITLE: &str = "A data directory of Helenus, version ";
/// What stands before the identity in version 1.
const MARK_LINE: &str = "A data directory of Helenus, version 1. Its identity:\n";
/// Hexadecimal digits of an identity.
const IDENTITY_DIGITS: usize = 32;

/// Reports on the mark, which is a line of text and the identity.
pub fn mark(bytes: &[u8], report: &mut Report<'_>) -> io::Result<()> {
    let text = std::str::from_utf8(bytes).unwrap_or("");
    let Some(rest) = text.strip_prefix(MARK_LINE) else {
        report.damage(
            0,
            format_args!("expected the line '{}'", MARK_LINE.trim_end()),
        );
        return Ok(());
    };
    let identity = rest.strip_suffix('\n').unwrap_or(rest);
    let is_hexadecimal = identity.bytes().all(|byte| byte.is_ascii_hexdigit());
    if identity.len() != IDENTITY_DIGITS || !is_hexadecimal || identity == rest {
        let what = format_args!("expected a line of {IDENTITY_DIGITS} hexadecimal digits");
        report.damage(MARK_LINE.len() as u64, what);
        return Ok(());
    }
    report.line(format_args!(
        "data directory {identity}; all directories of a node have the same"
    ))
}

/// Reports on the clock's reservation, whose slots may be torn one at a time.
pub fn clock(bytes: &[u8], report: &mut Report<'_>) -> io::Result<()> {
    match clock::newest(bytes) {
        Some(found) => report.line(format_args!(
            "timestamps up to {} microseconds may have been issued (reservation {})",
            found.until_micros, found.sequence
        )),
        None if clock::is_damaged(bytes) => {
            report.damage(0, "neither of the two reservations is whole");
            Ok(())
        }
        None => report.line("no timestamp was reserved yet"),
    }
}
