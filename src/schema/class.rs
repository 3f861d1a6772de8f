//! Class names: Cassandra names strategies and compressors by Java classes, with their package or without.

/// The name without this package.
pub(crate) fn short<'a>(class: &'a str, package: &str) -> &'a str {
    class.strip_prefix(package).unwrap_or(class)
}

/// The name with its package, which is this one if it names none.
pub(crate) fn qualified(class: &str, package: &str) -> String {
    if class.contains('.') {
        class.to_owned()
    } else {
        format!("{package}{class}")
    }
}
