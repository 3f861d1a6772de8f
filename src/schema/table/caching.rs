//! The `caching` option: which parts of a table Cassandra would keep in its caches. Checked, kept and shown.

use std::collections::BTreeMap;

use crate::Error;

/// The `caching` option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caching {
    /// `keys`: all or none.
    pub keys: bool,
    /// `rows_per_partition`: none is 0, all the largest number.
    pub rows_per_partition: u32,
}

/// What `rows_per_partition` is for `ALL`.
pub const ALL_ROWS: u32 = i32::MAX as u32;

impl Default for Caching {
    fn default() -> Caching {
        Caching {
            keys: true,
            rows_per_partition: 0,
        }
    }
}

impl Caching {
    pub(crate) fn parse(map: &BTreeMap<String, String>) -> Result<Caching, Error> {
        // What the map leaves out is not cached; without the map, keys are.
        let mut caching = Caching {
            keys: false,
            rows_per_partition: 0,
        };
        for (name, value) in map {
            match name.as_str() {
                "keys" => caching.keys = parse_keys(value)?,
                "rows_per_partition" => caching.rows_per_partition = parse_rows(value)?,
                _ => {
                    return Err(Error::config(format!(
                        "Invalid caching sub-options [{name}]: only 'keys' and 'rows_per_partition' are allowed"
                    )));
                }
            }
        }
        Ok(caching)
    }

    pub(crate) fn properties(self) -> BTreeMap<String, String> {
        let rows = match self.rows_per_partition {
            0 => "NONE".to_owned(),
            ALL_ROWS => "ALL".to_owned(),
            rows => rows.to_string(),
        };
        let keys = if self.keys { "ALL" } else { "NONE" };
        BTreeMap::from([
            ("keys".to_owned(), keys.to_owned()),
            ("rows_per_partition".to_owned(), rows),
        ])
    }
}

fn parse_keys(value: &str) -> Result<bool, Error> {
    if value.eq_ignore_ascii_case("all") {
        return Ok(true);
    }
    if value.eq_ignore_ascii_case("none") {
        return Ok(false);
    }
    Err(Error::config(format!(
        "Invalid value '{value}' for caching sub-option 'keys': only 'ALL' and 'NONE' are allowed"
    )))
}

fn parse_rows(value: &str) -> Result<u32, Error> {
    if value.eq_ignore_ascii_case("all") {
        return Ok(ALL_ROWS);
    }
    if value.eq_ignore_ascii_case("none") {
        return Ok(0);
    }
    let rows = value.parse().ok().filter(|rows| *rows <= ALL_ROWS);
    rows.ok_or_else(|| {
        Error::config(format!(
            "Invalid value '{value}' for caching sub-option 'rows_per_partition': \
             only 'ALL', 'NONE', and integer values are allowed"
        ))
    })
}
