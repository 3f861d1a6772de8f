//! The one spelling by which an element of a set or an entry of a map is found, whatever the client's.
//!
//! Cells of a column are told apart by the bytes of their paths, elements by the order of their type. So
//! what the order calls equal must be spelled alike: a user-defined type ends with its last field that is
//! not null, as if later fields had not been added yet; numbers have the canonical spelling of
//! [`types::comparable`], in which 1.50 is 1.5.

use std::borrow::Cow;

use types::{Error, Type, collection, comparable, tuple};

/// The path of an element of this type.
pub fn of<'k>(ty: &Type, key: &'k [u8]) -> Cow<'k, [u8]> {
    if !ty.any(&|ty| matches!(ty, Type::Udt { .. })) {
        return comparable::canonical(ty, key);
    }
    // A value that cannot be walked was checked when it was bound, so this is its only spelling.
    spelled(ty, key).map_or(Cow::Borrowed(key), Cow::Owned)
}

fn spelled(ty: &Type, value: &[u8]) -> Result<Vec<u8>, Error> {
    Ok(match ty {
        Type::Udt { definition, .. } => {
            let types = definition.fields.iter().map(|(_, ty)| ty);
            let mut parts = components(types, value)?;
            let last = parts.iter().rposition(Option::is_some).unwrap_or(0);
            parts.truncate(last + 1);
            tuple::encode(parts.iter().map(Option::as_deref))
        }
        Type::Tuple(types) => {
            let parts = components(types.iter(), value)?;
            tuple::encode(parts.iter().map(Option::as_deref))
        }
        Type::List { element, .. } | Type::Set { element, .. } => {
            let items = collection::Items::new(value)?;
            let items = items.map(|item| spelled(element, item?));
            let items = items.collect::<Result<Vec<_>, Error>>()?;
            collection::encode_items(items.iter().map(Vec::as_slice))
        }
        Type::Map { key, value: of, .. } => {
            let pairs = collection::Pairs::new(value)?;
            let pairs = pairs.map(|pair| {
                let (k, v) = pair?;
                Ok((spelled(key, k)?, spelled(of, v)?))
            });
            let pairs = pairs.collect::<Result<Vec<_>, Error>>()?;
            collection::encode_pairs(pairs.iter().map(|(k, v)| (k.as_slice(), v.as_slice())))
        }
        _ => comparable::canonical(ty, value).into_owned(),
    })
}

/// As many components as the value has, each spelled in its own way.
fn components<'t>(
    types: impl Iterator<Item = &'t Type>,
    value: &[u8],
) -> Result<Vec<Option<Vec<u8>>>, Error> {
    let parts = tuple::components(value).zip(types);
    let parts = parts.map(|(part, ty)| part?.map(|bytes| spelled(ty, bytes)).transpose());
    parts.collect()
}

#[cfg(test)]
mod tests {
    use types::udt;
    use types::value::hex;

    use super::*;

    fn check(ty: &Type, key: &str, expected: &str) {
        let key = hex::parse(key).expect("hexadecimal digits");
        let expected = hex::parse(expected).expect("hexadecimal digits");
        assert_eq!(*of(ty, &key), *expected, "{ty}");
    }

    #[test]
    fn equal_elements_have_one_spelling() {
        let definition = udt::Definition {
            keyspace: "ks".into(),
            name: "u".into(),
            fields: vec![("x".into(), Type::TinyInt), ("y".into(), Type::VarInt)],
        };
        let point = Type::udt(definition, true);
        check(&Type::VarInt, "000001", "01");
        check(&Type::VarInt, "ffff", "ff");
        check(&Type::Int, "00000001", "00000001");
        check(&Type::Decimal, "000000010a", "0000000001");
        check(&point, "0000000105", "0000000105");
        check(&point, "0000000105ffffffff", "0000000105");
        check(&point, "000000010500000002007f", "0000000105000000017f");
        check(&point, "ffffffffffffffff", "ffffffff");
        let list = Type::list(point.clone(), true);
        check(
            &list,
            "00000001000000090000000105ffffffff",
            "00000001000000050000000105",
        );
        let pair = Type::tuple([point, Type::TinyInt]);
        check(
            &pair,
            "000000090000000105ffffffffffffffff",
            "000000050000000105ffffffff",
        );
        check(&pair, "0000000100", "0000000100");
        let plain = Type::tuple([Type::TinyInt, Type::TinyInt]);
        check(&plain, "0000000105", "0000000105ffffffff");
    }
}
