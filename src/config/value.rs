//! A setting's value as written: in the YAML file, after `--set key=` or in the environment.
//!
//! All three are read by the same YAML rules, so a list or a map may stand in any of them.
//! Scalars keep the text that was written; sizes and durations are read from it with their unit.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// One value, with scalars as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// An absent or null value: the setting's default stands.
    Null,
    /// A string, number or boolean.
    Scalar(String),
    /// A sequence.
    List(Vec<Value>),
    /// A mapping.
    Map(BTreeMap<String, Value>),
}

impl Value {
    /// The scalar's text, or what was expected instead.
    pub fn text(&self) -> Result<&str, String> {
        match self {
            Value::Scalar(text) => Ok(text),
            Value::Null => Err("a value is missing".into()),
            Value::List(_) => Err("expected one value, found a list".into()),
            Value::Map(_) => Err("expected one value, found a mapping".into()),
        }
    }

    /// A list of scalars; one scalar counts as a list of one.
    pub fn texts(&self) -> Result<Vec<String>, String> {
        match self {
            Value::List(items) => items
                .iter()
                .map(|item| item.text().map(String::from))
                .collect(),
            other => other.text().map(|text| vec![text.into()]),
        }
    }

    /// The name of a class: written plainly, or as `class_name` of a mapping, with or without its package.
    pub fn class_name(&self) -> Result<&str, String> {
        let name = self.entry("class_name").unwrap_or(self).text()?;
        Ok(name.rsplit('.').next().unwrap_or(name))
    }

    /// An entry of a mapping.
    pub fn entry(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Map(entries) => entries.get(name),
            _ => None,
        }
    }

    /// A whole number within the bounds.
    pub fn number(&self, least: u64, most: u64) -> Result<u64, String> {
        let text = self.text()?;
        match text.parse::<u64>() {
            Ok(number) if (least..=most).contains(&number) => Ok(number),
            _ => Err(format!(
                "expected a whole number from {least} to {most}, found '{text}'"
            )),
        }
    }

    /// `true` or `false`.
    pub fn boolean(&self) -> Result<bool, String> {
        match self.text()? {
            "true" => Ok(true),
            "false" => Ok(false),
            other => Err(format!("expected true or false, found '{other}'")),
        }
    }

    /// A size in bytes: `32MiB`, `16KiB`, `1GiB`, `10B`; a bare number counts in `bare_unit` bytes.
    pub fn bytes(&self, bare_unit: Option<u64>) -> Result<u64, String> {
        let units = [
            ("TiB", 1 << 40),
            ("GiB", 1 << 30),
            ("MiB", 1 << 20),
            ("KiB", 1 << 10),
            ("B", 1),
        ];
        measure(
            self.text()?,
            &units,
            bare_unit,
            "a size such as 32MiB, 16KiB or 1GiB",
        )
    }

    /// A duration: `10s`, `200ms`, `5m`, `2h`, `3d`, `50us`; a bare number counts in `bare_unit` microseconds.
    pub fn duration(&self, bare_unit: Option<u64>) -> Result<Duration, String> {
        let units = [
            ("ms", 1_000),
            ("us", 1),
            ("d", 86_400_000_000),
            ("h", 3_600_000_000),
            ("m", 60_000_000),
            ("s", 1_000_000),
        ];
        let text = self.text()?;
        measure(
            text,
            &units,
            bare_unit,
            "a duration such as 10s, 200ms or 5m",
        )
        .map(Duration::from_micros)
    }
}

impl fmt::Display for Value {
    /// Flow style, such that it reads back as the same value.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::Scalar(text) if reads_back(text) => f.write_str(text),
            Value::Scalar(text) => write_quoted(f, text),
            Value::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{item}")?;
                }
                f.write_str("]")
            }
            Value::Map(entries) => {
                f.write_str("{")?;
                for (index, (name, value)) in entries.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{}: {value}", Value::Scalar(name.clone()))?;
                }
                f.write_str("}")
            }
        }
    }
}

/// Whether plain text comes back from YAML as it is: a number in its usual form, a boolean, or words that no rule of
/// YAML takes for anything else.
fn reads_back(text: &str) -> bool {
    if text == "true"
        || text == "false"
        || text
            .parse::<u64>()
            .is_ok_and(|number| number.to_string() == text)
    {
        return true;
    }
    let safe = |c: char| c.is_ascii_alphanumeric() || "_-./ ".contains(c);
    let first = |c: char| c.is_ascii_alphabetic() || c == '/' || c == '_';
    let reserved = ["null", "yes", "no", "on", "off", "y", "n", "true", "false"];
    let measure = text.starts_with(|c: char| c.is_ascii_digit())
        && text.ends_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric())
        && ["B", "s", "m", "h", "d"]
            .iter()
            .any(|unit| text.ends_with(unit))
        && !text.starts_with("0x");
    (text.starts_with(first) || measure)
        && text.chars().all(safe)
        && !text.ends_with(' ')
        && !reserved.contains(&text.to_ascii_lowercase().as_str())
}

fn write_quoted(f: &mut fmt::Formatter, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c))?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}

/// Reads digits and a unit from the table, tried in order. What does not fit becomes the largest number, which no range
/// allows.
fn measure(
    text: &str,
    units: &[(&str, u64)],
    bare_unit: Option<u64>,
    expected: &str,
) -> Result<u64, String> {
    let wrong = || format!("expected {expected}, found '{text}'");
    let digits_end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    if digits_end == 0 {
        return Err(wrong());
    }
    let number: u64 = text[..digits_end].parse().unwrap_or(u64::MAX);
    let unit = text[digits_end..].trim();
    let factor = match units.iter().find(|(name, _)| *name == unit) {
        Some((_, factor)) => *factor,
        None if unit.is_empty() && (number == 0 || bare_unit.is_some()) => bare_unit.unwrap_or(1),
        None => return Err(wrong()),
    };
    Ok(number.saturating_mul(factor))
}

/// Bytes in the largest unit that divides them.
pub fn show_bytes(bytes: u64) -> String {
    for (name, unit) in [
        ("TiB", 1u64 << 40),
        ("GiB", 1 << 30),
        ("MiB", 1 << 20),
        ("KiB", 1 << 10),
    ] {
        if bytes != 0 && bytes.is_multiple_of(unit) {
            return format!("{}{name}", bytes / unit);
        }
    }
    format!("{bytes}B")
}

/// A duration in the largest unit that divides it.
pub fn show_duration(duration: Duration) -> String {
    let micros = duration.as_micros() as u64;
    for (name, unit) in [
        ("d", 86_400_000_000u64),
        ("h", 3_600_000_000),
        ("m", 60_000_000),
        ("s", 1_000_000),
        ("ms", 1_000),
    ] {
        if micros != 0 && micros.is_multiple_of(unit) {
            return format!("{}{name}", micros / unit);
        }
    }
    if micros == 0 {
        "0s".into()
    } else {
        format!("{micros}us")
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a setting's value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Scalar(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut mapping: A) -> Result<Value, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some((key, value)) = mapping.next_entry()? {
            entries.insert(key, value);
        }
        Ok(Value::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(text: &str) -> Value {
        Value::Scalar(text.into())
    }

    #[test]
    fn sizes_have_units() {
        let check = |text: &str, bare, expected: Option<u64>| {
            assert_eq!(scalar(text).bytes(bare).ok(), expected, "{text}");
        };
        check("32MiB", None, Some(32 << 20));
        check("16 KiB", None, Some(16 << 10));
        check("7B", None, Some(7));
        check("0", None, Some(0));
        check("7", None, None);
        check("7", Some(1 << 20), Some(7 << 20));
        check("7MB", None, None);
        check("-7MiB", None, None);
        check("4TiB", None, Some(4 << 40));
        check("18446744073709551615GiB", None, Some(u64::MAX));
        check("99999999999999999999B", None, Some(u64::MAX));
    }

    #[test]
    fn durations_have_units() {
        let check = |text: &str, bare, expected: Option<u64>| {
            let found = scalar(text).duration(bare).ok();
            assert_eq!(found, expected.map(Duration::from_micros), "{text}");
        };
        check("10s", None, Some(10_000_000));
        check("200ms", None, Some(200_000));
        check("5m", None, Some(300_000_000));
        check("10", Some(1_000), Some(10_000));
        check("10", None, None);
        check("ten", None, None);
    }

    #[test]
    fn shown_values_read_back() {
        let texts = [
            "9042",
            "007",
            "1.0",
            "1e3",
            "true",
            "True",
            "null",
            "~",
            "",
            " a",
            "a ",
            "Test Cluster",
            "a: b",
            "a #b",
            "#",
            "::1",
            "127.0.0.1",
            "0.0.0.0",
            "/srv/helenus",
            "32MiB",
            "64MiB/s",
            "10s",
            "1d",
            "0x1d",
            "no",
            "'",
            "\"",
            "\\",
            "a\nb",
            "\u{1}",
            "{a}",
            "[a]",
            "- a",
            "*a",
            "&a",
            "!a",
            "é",
            "0b1",
            "1_000",
            ".inf",
            "info,storage=debug",
        ];
        for text in texts {
            let list = Value::List(vec![scalar(text), scalar("x")]);
            let map = Value::Map(BTreeMap::from([("a b".to_string(), list.clone())]));
            for value in [scalar(text), list, map] {
                let shown = value.to_string();
                let read: Value =
                    serde_saphyr::from_str(&shown).unwrap_or_else(|e| panic!("{shown}: {e}"));
                assert_eq!(read, value, "{shown}");
            }
        }
    }

    #[test]
    fn class_names_stand_in_all_their_forms() {
        for yaml in [
            "AllowAll",
            "org.apache.AllowAll",
            "{class_name: AllowAll}",
            "{class_name: x.AllowAll, parameters: {}}",
        ] {
            let value: Value = serde_saphyr::from_str(yaml).unwrap();
            assert_eq!(value.class_name(), Ok("AllowAll"), "{yaml}");
        }
        assert!(Value::List(Vec::new()).class_name().is_err());
    }

    #[test]
    fn measures_are_shown_as_they_are_read() {
        for text in ["32MiB", "1GiB", "16KiB", "7B"] {
            assert_eq!(show_bytes(scalar(text).bytes(None).unwrap()), text);
        }
        for text in ["10s", "200ms", "5m", "2h", "3d", "50us", "0s"] {
            assert_eq!(show_duration(scalar(text).duration(None).unwrap()), text);
        }
    }
}
