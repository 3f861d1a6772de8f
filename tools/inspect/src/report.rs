//! What is said about a file: lines, and what is damaged.

use std::fmt::Display;
use std::io::{self, Write};

/// Something in a file that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Where.
    pub offset: u64,
    /// What.
    pub what: String,
}

/// Lines go out as they come; damage is collected.
pub struct Report<'a> {
    out: &'a mut dyn Write,
    /// Whether contents are wanted, or only the check.
    pub dump: bool,
    /// What is damaged.
    pub damages: Vec<Damage>,
}

impl<'a> Report<'a> {
    /// A report that writes to `out`.
    pub fn new(out: &'a mut dyn Write, dump: bool) -> Report<'a> {
        Report {
            out,
            dump,
            damages: Vec::new(),
        }
    }

    /// A line of the contents.
    pub fn line(&mut self, line: impl Display) -> io::Result<()> {
        match self.dump {
            true => writeln!(self.out, "{line}"),
            false => Ok(()),
        }
    }

    /// Notes damage.
    pub fn damage(&mut self, offset: u64, what: impl Display) {
        self.damages.push(Damage {
            offset,
            what: what.to_string(),
        });
    }
}
