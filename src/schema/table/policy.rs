//! The options `speculative_retry`, `additional_write_policy` and `read_repair`.

use std::fmt;

use crate::Error;

/// When a read is sent to one replica more: `speculative_retry`, `additional_write_policy`.
#[derive(Debug, Clone, PartialEq)]
pub enum Speculation {
    /// `NEVER`
    Never,
    /// `ALWAYS`
    Always,
    /// `99p`: after the time that this share of requests took, in percent.
    Percentile(f64),
    /// `50ms`: after a fixed time, in milliseconds.
    Fixed(u32),
    /// `MIN(99p,50ms)`: the earlier of both.
    Earlier(f64, u32),
    /// `MAX(99p,50ms)`: the later of both.
    Later(f64, u32),
}

impl Default for Speculation {
    fn default() -> Speculation {
        Speculation::Percentile(99.0)
    }
}

impl Speculation {
    pub(crate) fn parse(text: &str) -> Result<Speculation, Error> {
        let lower = text.trim().to_ascii_lowercase();
        match lower.as_str() {
            "none" | "never" => return Ok(Speculation::Never),
            "always" => return Ok(Speculation::Always),
            _ => {}
        }
        if let Some((kind, (percentile, fixed))) = parse_hybrid(&lower) {
            check_percentile(percentile, text)?;
            return Ok(match kind {
                Hybrid::Earlier => Speculation::Earlier(percentile, fixed),
                Hybrid::Later => Speculation::Later(percentile, fixed),
            });
        }
        if let Some(percentile) = parse_percentile(&lower) {
            check_percentile(percentile, text)?;
            return Ok(Speculation::Percentile(percentile));
        }
        if let Some(fixed) = parse_fixed(&lower) {
            return Ok(Speculation::Fixed(fixed));
        }
        Err(Error::config(format!(
            "Specified Speculative Retry Policy [{text}] is not supported"
        )))
    }
}

enum Hybrid {
    Earlier,
    Later,
}

/// `min(a,b)` or `max(a,b)` of one percentile and one fixed time, in either order.
fn parse_hybrid(text: &str) -> Option<(Hybrid, (f64, u32))> {
    let (kind, rest) = match (text.strip_prefix("min"), text.strip_prefix("max")) {
        (Some(rest), _) => (Hybrid::Earlier, rest),
        (_, Some(rest)) => (Hybrid::Later, rest),
        _ => return None,
    };
    let inner = rest.trim().strip_prefix('(')?.strip_suffix(')')?;
    let (left, right) = inner.split_once(',')?;
    let (left, right) = (left.trim(), right.trim());
    let pair = match (parse_percentile(left), parse_percentile(right)) {
        (Some(percentile), None) => (percentile, parse_fixed(right)?),
        (None, Some(percentile)) => (percentile, parse_fixed(left)?),
        _ => return None,
    };
    Some((kind, pair))
}

/// At most four digits after the point count, as in Cassandra.
fn parse_percentile(text: &str) -> Option<f64> {
    let number = text
        .strip_suffix("percentile")
        .or_else(|| text.strip_suffix('p'))?;
    Some((parse_plain(number)? * 1e4).round_ties_even() / 1e4)
}

/// Whole milliseconds: what is less is cut off, as in Cassandra.
fn parse_fixed(text: &str) -> Option<u32> {
    let number = parse_plain(text.strip_suffix("ms")?)?;
    Some(number.min(f64::from(i32::MAX)) as u32)
}

fn parse_plain(text: &str) -> Option<f64> {
    let plain = !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
    if plain { text.parse().ok() } else { None }
}

fn check_percentile(percentile: f64, text: &str) -> Result<(), Error> {
    if percentile > 0.0 && percentile < 100.0 {
        return Ok(());
    }
    Err(Error::config(format!(
        "Invalid value {text} for PERCENTILE option 'speculative_retry': must be between (0.0 and 100.0)"
    )))
}

impl fmt::Display for Speculation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Speculation::Never => out.write_str("NEVER"),
            Speculation::Always => out.write_str("ALWAYS"),
            Speculation::Percentile(percentile) => write!(out, "{percentile}p"),
            Speculation::Fixed(milliseconds) => write!(out, "{milliseconds}ms"),
            Speculation::Earlier(percentile, milliseconds) => {
                write!(out, "MIN({percentile}p,{milliseconds}ms)")
            }
            Speculation::Later(percentile, milliseconds) => {
                write!(out, "MAX({percentile}p,{milliseconds}ms)")
            }
        }
    }
}

/// Whether a read that finds replicas apart waits until they agree: `read_repair`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadRepair {
    /// `BLOCKING`
    Blocking,
    /// `NONE`
    None,
}

impl ReadRepair {
    /// As CQL spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            ReadRepair::Blocking => "BLOCKING",
            ReadRepair::None => "NONE",
        }
    }

    pub(crate) fn parse(text: &str) -> Result<ReadRepair, Error> {
        match text.to_ascii_uppercase().as_str() {
            "BLOCKING" => Ok(ReadRepair::Blocking),
            "NONE" => Ok(ReadRepair::None),
            _ => Err(Error::config(format!(
                "Invalid value {text} for read_repair. It should be BLOCKING or NONE"
            ))),
        }
    }
}
