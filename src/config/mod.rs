//! The settings: `helenus.yaml`, the environment and the command line, checked and complete.
//!
//! Four sources, later ones before earlier ones: defaults, the file, `HELENUS_KEY` variables, the command line. The
//! entry point of the process reads them as text; nothing here touches file or environment, so a test is a call.
//!
//! 1. [`load`] turns each source into entries with their place (`document` for the file).
//! 2. Names are looked up: a setting of ours (`keys`), one of Cassandra's without meaning here (`cassandra`, a
//!    warning), or an error with the nearest name.
//! 3. Values are read (`field`) in the order of the table, so that a default can follow an earlier setting (`defaults`).
//! 4. `check` judges settings that depend on each other; `connections` lowers what the machine cannot give.
//!
//! Always: an error is one line with the place, the bad value and the fix. What [`effective`] prints loads again as
//! the same settings.
//!
//! Left out: changing a setting of a running node; looking up host names.

mod cassandra;
mod check;
mod connections;
mod defaults;
mod document;
mod error;
mod field;
mod keys;
mod load;
mod seeds;
mod settings;
mod value;

#[cfg(test)]
mod tests;

pub use error::{Error, Origin};
pub use load::{Arguments, Loaded, Sources, load};
pub use settings::{Authenticator, CommitlogSync, Machine, Settings};

/// The settings as a file that loads again as the same settings, with a line about each.
pub fn effective(settings: &Settings) -> String {
    let mut text = String::new();
    for key in keys::KEYS {
        text.push_str(&format!(
            "# {}\n{}: {}\n",
            key.about,
            key.name,
            (key.show)(settings)
        ));
    }
    text
}

/// Name and value of each setting, for `system_views.settings`.
pub fn entries(settings: &Settings) -> Vec<(&'static str, Option<String>)> {
    let shown = |key: &keys::Key| match (key.show)(settings) {
        value::Value::Null => None,
        value::Value::Scalar(text) => Some(text),
        other => Some(other.to_string()),
    };
    keys::KEYS
        .iter()
        .map(|key| (key.name, shown(key)))
        .collect()
}
