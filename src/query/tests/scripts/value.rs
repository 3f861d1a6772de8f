//! CQL literals of known type to bytes, for values that a script binds.

use cql::tree::{InsertSource, Literal, Statement, Term, TermKind};
use types::literal::{self, Constant};
use types::{Type, collection, tuple, vector};

/// The bytes of a literal; `0x..` is taken as it is, and so is text for an unknown variable. `x*3`
/// as text is `xxx`.
pub fn encode(text: &str, ty: Option<&Type>) -> Vec<u8> {
    let Some(ty) = ty else {
        return text.as_bytes().to_vec();
    };
    if let Some(digits) = text.strip_prefix("0x") {
        return types::value::hex::parse(digits).expect("hexadecimal digits");
    }
    if let (Type::Text, Some((part, times))) = (ty, text.split_once('*')) {
        return part.repeat(times.parse().expect("a number")).into_bytes();
    }
    let native = !matches!(
        ty,
        Type::List { .. }
            | Type::Set { .. }
            | Type::Map { .. }
            | Type::Tuple(_)
            | Type::Udt { .. }
            | Type::Vector { .. }
    );
    if native {
        return literal::parse(ty, text).expect("a value of the variable's type");
    }
    let statement = cql::parse(&format!("INSERT INTO t (c) VALUES ({text})")).expect("a literal");
    let Statement::Insert(insert) = statement else {
        panic!("an INSERT")
    };
    let InsertSource::Values { values, .. } = insert.source else {
        panic!("an INSERT of values")
    };
    term(&values[0], ty)
}

fn term(value: &Term, ty: &Type) -> Vec<u8> {
    let each = |items: &[Term], ty: &Type| -> Vec<Vec<u8>> {
        items.iter().map(|item| term(item, ty)).collect()
    };
    match (&value.kind, ty) {
        (TermKind::Literal(written), ty) => {
            literal::encode(ty, &constant(written)).expect("a value of the type")
        }
        (TermKind::List(items), Type::List { element, .. })
        | (TermKind::Set(items), Type::Set { element, .. }) => {
            let items = each(items, element);
            collection::encode_items(items.iter().map(Vec::as_slice))
        }
        (TermKind::List(items), Type::Vector { element, .. }) => {
            let items = each(items, element);
            vector::encode(element, items.iter().map(Vec::as_slice))
        }
        (TermKind::Map(pairs), Type::Map { key, value, .. }) => {
            let pairs: Vec<(Vec<u8>, Vec<u8>)> = pairs
                .iter()
                .map(|(k, v)| (term(k, key), term(v, value)))
                .collect();
            collection::encode_pairs(pairs.iter().map(|(k, v)| (k.as_slice(), v.as_slice())))
        }
        (TermKind::Tuple(parts), Type::Tuple(types)) => {
            let parts = parts.iter().zip(types.iter());
            let parts: Vec<Option<Vec<u8>>> = parts.map(|(part, ty)| component(part, ty)).collect();
            tuple::encode(parts.iter().map(Option::as_deref))
        }
        (TermKind::UserType(fields), Type::Udt { definition, .. }) => {
            let parts = definition.fields.iter().map(|(name, ty)| {
                let (_, value) = fields.iter().find(|(given, _)| given.text == *name)?;
                component(value, ty)
            });
            let parts: Vec<Option<Vec<u8>>> = parts.collect();
            tuple::encode(parts.iter().map(Option::as_deref))
        }
        (other, ty) => panic!("{other:?} is no {ty}"),
    }
}

fn component(value: &Term, ty: &Type) -> Option<Vec<u8>> {
    (value.kind != TermKind::Null).then(|| term(value, ty))
}

fn constant(literal: &Literal) -> Constant<'_> {
    match literal {
        Literal::Text(text) => Constant::Text(text),
        Literal::Integer(text) => Constant::Integer(text),
        Literal::Float(text) => Constant::Float(text),
        Literal::Boolean(value) => Constant::Boolean(*value),
        Literal::Uuid(text) => Constant::Uuid(text),
        Literal::Hex(text) => Constant::Hex(text),
        Literal::Duration(text) => Constant::Duration(text),
    }
}
