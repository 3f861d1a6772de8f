//! Properties: what stands after WITH, by name.
//!
//! Keyspace and table options arrive as properties, are stored as properties and are printed as properties, so one
//! form serves the statement, the log and DESCRIBE. A property left out of a stored table has its default, which is
//! how an option added later reads in a table made earlier.

use std::collections::BTreeMap;

use crate::Error;

/// The value of one property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A constant's text; booleans and numbers too.
    Text(String),
    /// A map of constants.
    Map(BTreeMap<String, String>),
}

/// Properties by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Properties(pub BTreeMap<String, Value>);

impl Properties {
    /// Adds or replaces a constant.
    pub fn set(&mut self, name: &str, text: impl Into<String>) {
        self.0.insert(name.to_owned(), Value::Text(text.into()));
    }

    /// Adds or replaces a map.
    pub fn set_map(&mut self, name: &str, map: BTreeMap<String, String>) {
        self.0.insert(name.to_owned(), Value::Map(map));
    }

    /// The text of a constant, if the property is there.
    pub fn text(&self, name: &str) -> Result<Option<&str>, Error> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Map(_)) => Err(Error::syntax(format!(
                "Invalid value for property '{name}'. It should be a string"
            ))
            .about(name)),
        }
    }

    /// The entries of a map, if the property is there.
    pub fn map(&self, name: &str) -> Result<Option<&BTreeMap<String, String>>, Error> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::Map(map)) => Ok(Some(map)),
            Some(Value::Text(_)) => Err(Error::syntax(format!(
                "Invalid value for property '{name}'. It should be a map."
            ))
            .about(name)),
        }
    }

    /// A boolean, if the property is there.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, Error> {
        self.text(name)?.map(|text| boolean(name, text)).transpose()
    }

    /// A 32-bit integer, if the property is there.
    pub fn integer(&self, name: &str) -> Result<Option<i32>, Error> {
        let invalid = |text: String| Error::syntax(text).about(name);
        let parse = |text: &str| {
            text.parse()
                .map_err(|_| invalid(format!("Invalid integer value {text} for '{name}'")))
        };
        self.text(name)?.map(parse).transpose()
    }

    /// A floating-point number, if the property is there.
    pub fn number(&self, name: &str) -> Result<Option<f64>, Error> {
        let parse = |text: &str| {
            let parsed = text.parse().ok().filter(|number: &f64| !number.is_nan());
            parsed.ok_or_else(|| {
                Error::syntax(format!("Invalid double value {text} for '{name}'")).about(name)
            })
        };
        self.text(name)?.map(parse).transpose()
    }
}

/// A boolean as Cassandra reads one: `true`, `1` and `yes`, `false`, `0` and `no`, in any case.
pub fn boolean(name: &str, text: &str) -> Result<bool, Error> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => Ok(true),
        "false" | "0" | "no" => Ok(false),
        _ => Err(Error::syntax(format!(
            "Invalid boolean value {text} for '{name}'. Positive values can be '1', 'true' or 'yes'. \
             Negative values can be '0', 'false' or 'no'."
        ))
        .about(name)),
    }
}
