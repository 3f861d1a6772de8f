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
        let lower = text.to_ascii_lowercase();
        match lower.as_str() {
            "none" | "never" => return Ok(Speculation::Never),
            "always" => return Ok(Speculation::Always),
            _ => {}
        }
        let parsed = match split_hybrid(&lower) {
            Some((constructor, left, right)) => hybrid(constructor, left, right),
            None => Delay::parse(&lower).and_then(|delay| match delay {
                Delay::Percentile(percentile) if is_share(percentile) => {
                    Ok(Speculation::Percentile(percentile))
                }
                Delay::Percentile(_) => Err(Invalid::OutOfRange),
                Delay::Fixed(milliseconds) => Ok(Speculation::Fixed(milliseconds)),
            }),
        };
        parsed.map_err(|invalid| {
            Error::config(match invalid {
                Invalid::Form => format!("Invalid value {text} for option 'speculative_retry'"),
                Invalid::OutOfRange => format!(
                    "Invalid value {text} for PERCENTILE option 'speculative_retry': \
                     must be between (0.0 and 100.0)"
                ),
                Invalid::SameKind(kind) => format!(
                    "Invalid value {text} for option 'speculative_retry': MIN()/MAX() arguments should be \
                     of different types, but both are of type {kind}"
                ),
            })
        })
    }
}

/// What is wrong with a policy.
enum Invalid {
    Form,
    OutOfRange,
    SameKind(&'static str),
}

/// One of the two measures of a policy.
enum Delay {
    Percentile(f64),
    Fixed(u32),
}

impl Delay {
    fn parse(text: &str) -> Result<Delay, Invalid> {
        let percentile = text
            .strip_suffix("percentile")
            .or_else(|| text.strip_suffix('p'));
        match (percentile, text.strip_suffix("ms")) {
            // At most four digits after the point count, as in Cassandra.
            (Some(number), _) => Ok(Delay::Percentile(
                (parse_plain(number)? * 1e4).round_ties_even() / 1e4,
            )),
            // Whole milliseconds: what is less is cut off, as in Cassandra.
            (None, Some(number)) => {
                let number = parse_plain(number)?.min(f64::from(i32::MAX));
                Ok(Delay::Fixed(number as u32))
            }
            (None, None) => Err(Invalid::Form),
        }
    }
}

/// Makes one policy of a percentile and a time.
type Hybrid = fn(f64, u32) -> Speculation;

/// The parts of `min(a,b)` or `max(a,b)`.
fn split_hybrid(text: &str) -> Option<(Hybrid, &str, &str)> {
    let inner = text.strip_suffix(')')?;
    let (constructor, inner): (Hybrid, &str) = match inner.strip_prefix("min(") {
        Some(inner) => (Speculation::Earlier, inner),
        None => (Speculation::Later, inner.strip_prefix("max(")?),
    };
    let (left, right) = inner.split_once(',')?;
    Some((constructor, left.trim_end(), right.trim_start()))
}

/// One percentile and one fixed time, in either order.
fn hybrid(constructor: Hybrid, left: &str, right: &str) -> Result<Speculation, Invalid> {
    let pair = (Delay::parse(left)?, Delay::parse(right)?);
    let (percentile, milliseconds) = match pair {
        (Delay::Percentile(percentile), Delay::Fixed(milliseconds))
        | (Delay::Fixed(milliseconds), Delay::Percentile(percentile)) => (percentile, milliseconds),
        (Delay::Percentile(left), Delay::Percentile(right))
            if is_share(left) && is_share(right) =>
        {
            return Err(Invalid::SameKind("PERCENTILE"));
        }
        (Delay::Fixed(_), Delay::Fixed(_)) => return Err(Invalid::SameKind("FIXED")),
        _ => return Err(Invalid::Form),
    };
    if is_share(percentile) {
        Ok(constructor(percentile, milliseconds))
    } else {
        Err(Invalid::Form)
    }
}

fn parse_plain(text: &str) -> Result<f64, Invalid> {
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number = text.parse().ok().filter(|_| is_plain);
    number.ok_or(Invalid::Form)
}

fn is_share(percentile: f64) -> bool {
    percentile > 0.0 && percentile < 100.0
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
