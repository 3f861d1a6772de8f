//! CQL text to a tree.

use std::hint::black_box;

use crate::{Operation, Path};

const INSERT: &str = "INSERT INTO shop.orders (customer, placed, item, amount) VALUES (?, '2013-01-01', 'a cup', 1.50) USING TTL 3600";
const SELECT: &str = "SELECT item, amount, writetime(amount) FROM shop.orders WHERE customer = ? AND placed >= ? AND placed < ? ORDER BY placed DESC LIMIT 100";

/// The paths of this module.
pub fn paths() -> Vec<Path> {
    vec![
        Path {
            name: "parse_insert",
            title: "an INSERT of four columns",
            prepare: || parse(INSERT),
        },
        Path {
            name: "parse_select",
            title: "a SELECT with three relations",
            prepare: || parse(SELECT),
        },
    ]
}

fn parse(text: &'static str) -> Operation {
    Box::new(move |_| {
        black_box(cql::parse(text).expect("a valid statement"));
    })
}
