//! Keys against the order of their types.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::*;
use crate::key::Slice;

/// Types whose valid values are easily made from any bytes.
fn types() -> [Type; 6] {
    [
        Type::Int,
        Type::Text,
        Type::Blob,
        Type::VarInt,
        Type::TimeUuid,
        Type::list(Type::SmallInt, true),
    ]
}

fn value(ty: &Type) -> BoxedStrategy<Vec<u8>> {
    match ty {
        Type::Int => prop_oneof![any::<i32>(), -2i32..3]
            .prop_map(|int| int.to_be_bytes().to_vec())
            .boxed(),
        Type::Text => "[\\x00-\\x02ab\\x7f]{1,4}"
            .prop_map(String::into_bytes)
            .boxed(),
        Type::Blob => {
            let byte = prop_oneof![Just(0u8), Just(1), Just(0x41), Just(0xfe), Just(0xff)];
            proptest::collection::vec(byte, 1..4).boxed()
        }
        Type::VarInt => prop_oneof![any::<i32>(), -2i32..3, 126i32..130]
            .prop_map(|int| types::value::varint::minimal(&int.to_be_bytes()).to_vec())
            .boxed(),
        Type::TimeUuid => (0u64..3, 0u8..3, any::<u8>())
            .prop_map(|(high, low, tail)| {
                let mut bytes = [tail; 16];
                bytes[..8].copy_from_slice(&(high << 32 | u64::from(low) | 0x1000).to_be_bytes());
                bytes.to_vec()
            })
            .boxed(),
        _ => proptest::collection::vec(-2i16..3, 0..4)
            .prop_map(|items| {
                let items: Vec<[u8; 2]> = items.into_iter().map(i16::to_be_bytes).collect();
                types::collection::encode_items(items.iter().map(|item| &item[..]))
            })
            .boxed(),
    }
}

/// A component as CQL bytes; `None` is null.
fn component(ty: &Type) -> impl Strategy<Value = Option<Vec<u8>>> + use<> {
    prop_oneof![6 => value(ty).prop_map(Some), 1 => Just(Some(Vec::new())), 1 => Just(None)]
}

type Columns = Vec<(Type, Order)>;
type Values = Vec<Option<Vec<u8>>>;

fn columns() -> impl Strategy<Value = Columns> {
    let order = prop_oneof![Just(Order::Asc), Just(Order::Desc)];
    proptest::collection::vec((proptest::sample::select(types().to_vec()), order), 1..4)
}

fn values(columns: &Columns) -> BoxedStrategy<Values> {
    columns
        .iter()
        .map(|(ty, _)| component(ty))
        .collect::<Vec<_>>()
        .boxed()
}

fn encode(columns: &Columns, values: &[Option<Vec<u8>>]) -> Vec<u8> {
    let mut key = Vec::new();
    for ((ty, order), value) in columns.iter().zip(values) {
        push(ty, *order, Component::of(value.as_deref()), &mut key).expect("the values are valid");
    }
    key
}

fn compare(columns: &Columns, a: &Values, b: &Values) -> Ordering {
    let rank = |value: &Option<Vec<u8>>| value.as_ref().map(|value| !value.is_empty());
    let pairs = columns.iter().zip(a.iter().zip(b));
    let mut orders = pairs.map(|((ty, order), (a, b))| {
        let ascending = rank(a).cmp(&rank(b)).then_with(|| match (a, b) {
            (Some(a), Some(b)) if !a.is_empty() => ty.compare(a, b),
            _ => Ordering::Equal,
        });
        if *order == Order::Desc {
            ascending.reverse()
        } else {
            ascending
        }
    });
    orders
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

proptest! {
    #[test]
    fn byte_order_is_the_order_of_the_table(
        (columns, a, b) in columns().prop_flat_map(|columns| (values(&columns), values(&columns), Just(columns)))
            .prop_map(|(a, b, columns)| (columns, a, b)),
    ) {
        let (one, other) = (encode(&columns, &a), encode(&columns, &b));
        prop_assert_eq!(one.cmp(&other), compare(&columns, &a, &b), "{:?} {:?}", a, b);
        prop_assert!(one == other || !other.starts_with(&one), "a key is a prefix of another");
    }

    #[test]
    fn components_come_back(
        (columns, values) in columns().prop_flat_map(|columns| (Just(columns.clone()), values(&columns))),
    ) {
        let key = encode(&columns, &values);
        prop_assert!(is_complete(&columns, &key, &mut Decoded::default()));
        prop_assert_eq!(decode(&columns, &key), Ok(values.clone()));

        let mut decoded = Decoded::default();
        let prefix = encode(&columns[..1].to_vec(), &values[..1]);
        prop_assert_eq!(decoded.decode(&columns, &prefix), Ok(()));
        prop_assert_eq!(decoded.count(), 1);
        prop_assert_eq!(decoded.component(0).bytes(), values[0].as_deref());
        prop_assert_eq!(is_complete(&columns, &prefix, &mut Decoded::default()), columns.len() == 1);
    }

    #[test]
    fn a_prefix_slice_has_the_keys_that_begin_so(
        (columns, a, b) in columns().prop_flat_map(|columns| (values(&columns), values(&columns), Just(columns)))
            .prop_map(|(a, b, columns)| (columns, a, b)),
        take in 1usize..4,
    ) {
        let take = take.min(columns.len());
        let prefix_columns = columns[..take].to_vec();
        let prefix = encode(&prefix_columns, &a[..take]);
        let slice = Slice::prefix(&prefix);
        let order = compare(&prefix_columns, &b[..take].to_vec(), &a[..take].to_vec());
        let key = encode(&columns, &b);
        prop_assert!(slice.contains(&encode(&columns, &a)));
        prop_assert_eq!(slice.contains(&key), order.is_eq());
        prop_assert_eq!(key[..] < *before(&prefix), order.is_lt());
        prop_assert_eq!(key[..] >= *after(&prefix), order.is_gt());
        prop_assert!(Slice::all().contains(&key));
    }

    #[test]
    fn any_bytes_are_judged(columns in columns(), key in proptest::collection::vec(any::<u8>(), 0..40)) {
        let _ = is_complete(&columns, &key, &mut Decoded::default());
    }

    #[test]
    fn changed_keys_are_judged(
        (columns, values) in columns().prop_flat_map(|columns| (Just(columns.clone()), values(&columns))),
        at in any::<prop::sample::Index>(), change in 1u8..=255,
    ) {
        let mut key = encode(&columns, &values);
        let at = at.index(key.len());
        key[at] ^= change;
        let _ = is_complete(&columns, &key, &mut Decoded::default());
    }
}

#[test]
fn a_value_that_does_not_fit_its_type_leaves_the_key_alone() {
    let mut key = vec![1, 2];
    assert!(push(&Type::Int, Order::Desc, Component::Value(b"abc"), &mut key).is_err());
    assert_eq!(key, [1, 2]);
}

#[test]
fn headers_are_as_documented() {
    let header = |order, component| {
        let mut key = Vec::new();
        push(&Type::Boolean, order, component, &mut key).expect("a valid boolean");
        key
    };
    assert_eq!(header(Order::Asc, Component::Null), [0x40]);
    assert_eq!(header(Order::Asc, Component::Empty), [0x41]);
    assert_eq!(header(Order::Asc, Component::Value(&[1])), [0x42, 1]);
    assert_eq!(header(Order::Desc, Component::Null), [0xbf]);
    assert_eq!(header(Order::Desc, Component::Empty), [0xbe]);
    assert_eq!(header(Order::Desc, Component::Value(&[1])), [0xbd, 0xfe]);
}
