//! How a written value becomes a setting: each kind's form, bounds, and the words for what is wrong.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use super::settings::{Authenticator, CommitlogSync};
use super::value::{Value, show_bytes, show_duration};

/// More than any machine has; the least that stands for "unlimited".
pub const SIZE_MAX: u64 = 1 << 50;
/// A century: longer than any node runs.
const TIME_MAX: Duration = Duration::from_secs(36_500 * 24 * 60 * 60);
/// The longest name of a cluster, datacenter or rack.
const NAME_BYTES_MAX: usize = 255;
/// More connections than any process can have.
const CONNECTIONS_MAX: u64 = 1 << 24;

/// Puts a value where it belongs, if it could be read.
pub fn set<T>(field: &mut T, value: Result<T, String>) -> Result<(), String> {
    *field = value?;
    Ok(())
}

/// A value as the file has it.
pub fn scalar(value: impl ToString) -> Value {
    Value::Scalar(value.to_string())
}

/// The name of a cluster, datacenter or rack: it is stored for good, and goes into tables and messages.
pub fn name(value: &Value) -> Result<String, String> {
    let text = value.text()?;
    match text.len() {
        0 => Err("expected a text that is not empty".into()),
        _ if text.contains(char::is_control) => Err(
            "expected letters, digits, blanks and signs, found a line end or another control character".into(),
        ),
        1..=NAME_BYTES_MAX => Ok(text.into()),
        bytes => Err(format!(
            "expected at most {NAME_BYTES_MAX} bytes, found {bytes}"
        )),
    }
}

/// An IP address.
pub fn ip(value: &Value) -> Result<IpAddr, String> {
    let text = value.text()?;
    if text == "localhost" {
        return Ok(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    text.parse().map_err(|_| {
        format!(
            "expected an IP address such as 127.0.0.1 (names are not looked up), found '{text}'"
        )
    })
}

/// One directory.
pub fn one_path(value: &Value) -> Result<PathBuf, String> {
    let paths = value.texts()?;
    match paths.as_slice() {
        [path] if !path.is_empty() => Ok(path.into()),
        [_] => Err("expected a directory, found an empty text".into()),
        _ => Err(format!(
            "expected one directory, found {}: more are not supported yet",
            paths.len()
        )),
    }
}

/// A size within bounds.
pub fn bytes(value: &Value, unit: Option<u64>, least: u64, most: u64) -> Result<u64, String> {
    let bytes = value.bytes(unit)?;
    if (least..=most).contains(&bytes) {
        return Ok(bytes);
    }
    let (least, most) = (show_bytes(least), show_bytes(most));
    let text = value.text()?;
    Err(format!("expected {least} to {most}, found '{text}'"))
}

/// A duration of at least this, and less than a century.
pub fn duration(value: &Value, unit: Option<u64>, least: Duration) -> Result<Duration, String> {
    let duration = value.duration(unit)?;
    if (least..=TIME_MAX).contains(&duration) {
        return Ok(duration);
    }
    let (least, most) = (show_duration(least), show_duration(TIME_MAX));
    let text = value.text()?;
    Err(format!("expected {least} to {most}, found '{text}'"))
}

/// Bytes a second, as `64MiB/s`.
pub fn rate(value: &Value, unit: Option<u64>) -> Result<u64, String> {
    let text = value.text()?;
    let amount = Value::Scalar(text.strip_suffix("/s").unwrap_or(text).into());
    match amount.bytes(unit) {
        Ok(rate) if rate <= SIZE_MAX => Ok(rate),
        Ok(_) => Err(format!(
            "expected 0 to {}/s, found '{text}'",
            show_bytes(SIZE_MAX)
        )),
        Err(_) => Err(format!("expected a rate such as 64MiB/s, found '{text}'")),
    }
}

/// The class that says who may log in.
pub fn authenticator(value: &Value) -> Result<Authenticator, String> {
    match value.class_name()? {
        "AllowAllAuthenticator" => Ok(Authenticator::AllowAll),
        other => Err(format!(
            "'{other}' is not supported yet; say AllowAllAuthenticator to let everyone in"
        )),
    }
}

/// When a write is acknowledged.
pub fn commitlog_sync(value: &Value) -> Result<CommitlogSync, String> {
    match value.text()? {
        "periodic" => Ok(CommitlogSync::Periodic),
        "group" => Ok(CommitlogSync::Group),
        "batch" => Ok(CommitlogSync::Batch),
        other => Err(format!(
            "expected group, batch or periodic, found '{other}'"
        )),
    }
}

/// Levels of the log.
pub fn log_level(value: &Value) -> Result<String, String> {
    let text = value.text()?;
    let known = |level: &str| ["off", "error", "warn", "info", "debug", "trace"].contains(&level);
    let plain = |module: &str| {
        !module.is_empty()
            && module
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_:".contains(c))
    };
    let good = |part: &str| match part.split_once('=') {
        None => known(part),
        Some((module, level)) => plain(module) && known(level),
    };
    match text.split(',').all(good) {
        true => Ok(text.into()),
        false => Err(format!(
            "expected a level such as info, or levels by module such as info,storage=debug, found '{text}'"
        )),
    }
}

/// A number of connections; none for -1, Cassandra's word for no limit.
pub fn connections(value: &Value) -> Result<Option<u64>, String> {
    match value.text()? {
        "-1" => Ok(None),
        _ => value.number(1, CONNECTIONS_MAX).map(Some),
    }
}
