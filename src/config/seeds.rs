//! The nodes to ask at a first start, in our form and in Cassandra's.

use super::value::Value;

/// A list, or one text with commas: `[10.0.0.1, 10.0.0.2]` or `10.0.0.1,10.0.0.2`.
pub fn read(value: &Value) -> Result<Vec<String>, String> {
    let mut seeds = Vec::new();
    for text in value.texts()? {
        seeds.extend(
            text.split(',')
                .map(str::trim)
                .filter(|seed| !seed.is_empty())
                .map(String::from),
        );
    }
    Ok(seeds)
}

/// The value of `seeds` that a `seed_provider` of Cassandra's stands for: a list of one class with parameters.
pub fn from_provider(value: &Value) -> Result<Value, String> {
    let expected = "expected Cassandra's form, [{class_name: SimpleSeedProvider, parameters: [{seeds: \"A,B\"}]}]; or say seeds: [A, B]";
    let only = |value: &Value| match value {
        Value::List(items) if items.len() == 1 => Some(items[0].clone()),
        Value::Map(_) => Some(value.clone()),
        _ => None,
    };
    let provider = only(value).ok_or(expected)?;
    match provider.class_name() {
        Ok("SimpleSeedProvider") => {}
        Ok(other) => return Err(format!("'{other}' is not offered; {expected}")),
        Err(_) => return Err(expected.into()),
    }
    let parameters = provider
        .entry("parameters")
        .and_then(only)
        .ok_or(expected)?;
    Ok(parameters.entry("seeds").cloned().unwrap_or(Value::Null))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_are_read() {
        let check = |yaml: &str, expected: &[&str]| {
            let value: Value = serde_saphyr::from_str(yaml).unwrap();
            assert_eq!(read(&value).unwrap(), expected, "{yaml}");
        };
        check("[10.0.0.1, 10.0.0.2]", &["10.0.0.1", "10.0.0.2"]);
        check(
            "\"10.0.0.1, 10.0.0.2:7000\"",
            &["10.0.0.1", "10.0.0.2:7000"],
        );
        check("[]", &[]);
    }

    #[test]
    fn cassandras_form_is_read() {
        let check = |yaml: &str, expected: Result<&str, &str>| {
            let value: Value = serde_saphyr::from_str(yaml).unwrap();
            match (from_provider(&value), expected) {
                (Ok(found), Ok(expected)) => {
                    assert_eq!(found, Value::Scalar(expected.into()), "{yaml}")
                }
                (Err(found), Err(expected)) => assert!(found.contains(expected), "{yaml}: {found}"),
                (found, expected) => panic!("{yaml}: {found:?}, not {expected:?}"),
            }
        };
        let full = "org.apache.cassandra.locator.SimpleSeedProvider";
        check(
            &format!("- class_name: {full}\n  parameters:\n    - seeds: \"127.0.0.1:7000\"\n"),
            Ok("127.0.0.1:7000"),
        );
        check(
            "{class_name: SimpleSeedProvider, parameters: {seeds: a}}",
            Ok("a"),
        );
        check(
            "[{class_name: K8SeedProvider, parameters: [{seeds: a}]}]",
            Err("'K8SeedProvider' is not offered"),
        );
        check("127.0.0.1", Err("expected Cassandra's form"));
        check("[]", Err("expected Cassandra's form"));
        check(
            "[{class_name: SimpleSeedProvider}]",
            Err("expected Cassandra's form"),
        );
    }
}
