//! Tables of tricky values, by family.

mod elements;
mod forms;
mod literals;
mod names;
mod numbers;
mod order;
mod validation;

use types::value::hex;
use types::{Type, comparable, literal, udt};

fn value(ty: &Type, text: &str) -> Vec<u8> {
    literal::parse(ty, text).unwrap_or_else(|error| panic!("{ty} {text}: {error}"))
}

fn bytes(text: &str) -> Vec<u8> {
    hex::parse(&text.replace(' ', "")).expect("hex digits")
}

fn form(ty: &Type, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    comparable::encode(ty, value, &mut out).expect("a valid value has a form");
    out
}

fn address() -> udt::Definition {
    let fields = vec![("street".into(), Type::Text), ("Zip".into(), Type::Int)];
    udt::Definition {
        keyspace: "ks".into(),
        name: "address".into(),
        fields,
    }
}
