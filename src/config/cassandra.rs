//! The settings of Cassandra 5.0's file that have no meaning here: `cassandra.txt` lists them.
//!
//! Each is accepted, so that an existing `cassandra.yaml` starts a node, and answered with one
//! warning line that says what takes its place. A setting that promises protection is another
//! matter: [`refusal`] says when one asks for something that would silently be missing.

use super::value::Value;

/// Groups of settings, each below a line that says what replaces them; its head tells how it is to be read.
const LIST: &str = include_str!("cassandra.txt");

/// Endings of former names that say a unit.
const SUFFIXES: [&str; 4] = ["_in_ms", "_in_bytes", "_in_kb", "_in_mb"];

/// A setting of the list.
struct Entry {
    name: &'static str,
    /// What it is called today, if this is a former name.
    present: Option<&'static str>,
    /// What takes its place here.
    instead: &'static str,
}

fn entries() -> impl Iterator<Item = Entry> {
    let mut instead = "";
    LIST.lines().filter_map(move |line| {
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let Some(names) = line.strip_prefix("    ") else {
            instead = line.trim_end_matches(':');
            return None;
        };
        let (name, present) = match names.split_once(" = ") {
            Some((former, present)) => (former, Some(present)),
            None => (names, None),
        };
        Some(Entry {
            name,
            present,
            instead,
        })
    })
}

/// What replaces a setting of Cassandra's that has no meaning here; `None` when the name is not Cassandra's.
pub fn replacement(name: &str) -> Option<&'static str> {
    let listed = |name: &str| entries().find(|entry| entry.name == name);
    let without_unit = || {
        let plain = SUFFIXES.iter().find_map(|unit| name.strip_suffix(unit))?;
        listed(plain).filter(|entry| entry.present.is_none())
    };
    let entry = listed(name).or_else(without_unit)?;
    Some(entry.instead)
}

/// All present names, for suggestions.
pub fn names() -> impl Iterator<Item = &'static str> {
    let present = entries().filter(|entry| entry.present.is_none());
    present.map(|entry| entry.name)
}

/// Why a setting without meaning here must not be passed over: what it asks for protects data, and would be missing.
pub fn refusal(name: &str, value: &Value) -> Option<String> {
    let allows_all = |kind: &str| match value.class_name() {
        Ok(class) if class == kind => None,
        Ok(class) => Some(format!(
            "'{class}' is not supported yet; say {kind} or leave it out"
        )),
        Err(_) => Some(format!("expected {kind}")),
    };
    let switched_off = |switch: &str| match value.entry(switch) {
        Some(Value::Scalar(text)) if text == "true" => Some(format!(
            "{switch}: true is not supported yet; say {switch}: false or leave it out"
        )),
        _ => None,
    };
    match name {
        _ if *value == Value::Null => None,
        "authorizer" => allows_all("AllowAllAuthorizer"),
        "network_authorizer" => allows_all("AllowAllNetworkAuthorizer"),
        "cidr_authorizer" => allows_all("AllowAllCIDRAuthorizer"),
        "client_encryption_options" | "transparent_data_encryption_options" => {
            switched_off("enabled")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_name_stands_once_below_what_replaces_it() {
        let present: BTreeSet<_> = names().collect();
        let mut seen = BTreeSet::new();
        for entry in entries() {
            let name = entry.name;
            assert!(seen.insert(name), "{name} stands twice");
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            assert!(name.chars().all(plain), "{name} is no name");
            assert!(!entry.instead.is_empty(), "{name} has nothing instead");
            if let Some(today) = entry.present {
                assert!(
                    present.contains(today),
                    "{name} leads to {today}, which is not there"
                );
            }
        }
        let count = present.len();
        assert!(count > 300, "Cassandra's file has more than {count} names");
    }

    #[test]
    fn names_are_known_in_full_only() {
        let check =
            |name: &str, expected: Option<&str>| assert_eq!(replacement(name), expected, "{name}");
        check("endpoint_snitch", Some("say data_center and rack"));
        check("max_hint_window", Some("hints come with the cluster"));
        check("max_hint_window_in_ms", Some("hints come with the cluster"));
        check(
            "enable_materialized_views",
            Some("materialized views are not there yet"),
        );
        check("key_cache_size_in_mb", Some("see block_cache_size"));
        check("tracetype_query_ttl", Some("traces are kept for one day"));
        check(
            "trace_type_repair_ttl",
            Some("repair runs inside the server and comes with the cluster"),
        );
        check("max_hint_windows", None);
        check("paxos_", None);
        check("sstables", None);
        check("in_ms", None);
    }

    #[test]
    fn missing_protection_is_refused() {
        let check = |name: &str, yaml: &str, refused: bool| {
            let value: Value = serde_saphyr::from_str(yaml).unwrap();
            assert_eq!(refusal(name, &value).is_some(), refused, "{name}: {yaml}");
        };
        check("authorizer", "AllowAllAuthorizer", false);
        check("authorizer", "{class_name: AllowAllAuthorizer}", false);
        check("authorizer", "CassandraAuthorizer", true);
        check("authorizer", "[CassandraAuthorizer]", true);
        check(
            "cidr_authorizer",
            "{class_name: CassandraCIDRAuthorizer}",
            true,
        );
        check(
            "client_encryption_options",
            "{enabled: false, optional: true}",
            false,
        );
        check("client_encryption_options", "{enabled: true}", true);
        check(
            "transparent_data_encryption_options",
            "{enabled: true}",
            true,
        );
        check("role_manager", "CassandraRoleManager", false);
    }
}
