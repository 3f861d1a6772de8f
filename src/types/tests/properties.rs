//! Properties that hold for every type: random types, random and tricky values, random bytes.

use std::cmp::Ordering;

use base::bytes::Reader;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::Union;
use types::literal::Constant;
use types::value::{decimal::Decimal, duration::Duration, time, uuid, varint};
use types::{Type, cast, collection, comparable, literal, tuple, udt, vector};

const NATIVES: [Type; 20] = [
    Type::Ascii,
    Type::BigInt,
    Type::Blob,
    Type::Boolean,
    Type::Counter,
    Type::Date,
    Type::Decimal,
    Type::Double,
    Type::Duration,
    Type::Float,
    Type::Inet,
    Type::Int,
    Type::SmallInt,
    Type::Text,
    Type::Time,
    Type::Timestamp,
    Type::TimeUuid,
    Type::TinyInt,
    Type::Uuid,
    Type::VarInt,
];

fn natives() -> impl Strategy<Value = Type> {
    proptest::sample::select(NATIVES.to_vec())
}

fn types() -> impl Strategy<Value = Type> {
    natives().prop_recursive(3, 12, 4, |inner| {
        let frozen = any::<bool>();
        prop_oneof![
            (inner.clone(), frozen).prop_map(|(element, frozen)| Type::list(element, frozen)),
            (inner.clone(), frozen).prop_map(|(element, frozen)| Type::set(element, frozen)),
            (inner.clone(), inner.clone(), frozen)
                .prop_map(|(k, v, frozen)| Type::map(k, v, frozen)),
            vec(inner.clone(), 1..4).prop_map(Type::tuple),
            (vec(inner.clone(), 1..4), frozen).prop_map(|(fields, frozen)| {
                let name = |(index, ty)| (format!("field{index}"), ty);
                let fields = fields.into_iter().enumerate().map(name).collect();
                Type::udt(
                    udt::Definition {
                        keyspace: "ks".into(),
                        name: "u".into(),
                        fields,
                    },
                    frozen,
                )
            }),
            (inner, 1u32..4).prop_map(|(element, dimension)| Type::vector(element, dimension)),
        ]
    })
}

/// Random bytes, with runs of the bytes that encodings treat apart.
fn bytes(len: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        3 => any::<u8>(),
        2 => proptest::sample::select(vec![0u8, 1, 2, 3, 0x7f, 0x80, 0xfe, 0xff]),
    ];
    vec(byte, len)
}

fn fixed(len: usize) -> BoxedStrategy<Vec<u8>> {
    bytes(len..len + 1).boxed()
}

fn tricky<T: Clone + std::fmt::Debug + 'static>(
    values: &[T],
    write: impl Fn(T) -> Vec<u8> + 'static,
) -> BoxedStrategy<Vec<u8>> {
    proptest::sample::select(values.to_vec())
        .prop_map(write)
        .boxed()
}

fn durations() -> BoxedStrategy<Vec<u8>> {
    let parts = (
        0..=i32::MAX,
        0..=i32::MAX,
        0..=i64::MAX,
        any::<bool>(),
        0u32..31,
    );
    parts
        .prop_map(|(months, days, nanos, negative, shift)| {
            let (months, days, nanos) = (months >> shift, days >> shift, nanos >> (2 * shift));
            let sign = if negative { -1 } else { 1 };
            Duration {
                months: months * sign,
                days: days * sign,
                nanos: nanos * i64::from(sign),
            }
            .write()
        })
        .boxed()
}

fn decimals() -> BoxedStrategy<Vec<u8>> {
    let parts = (
        bytes(1..12),
        prop_oneof![4 => -40i32..40, 1 => any::<i32>(), 1 => Just(i32::MIN + 30), 1 => Just(i32::MAX)],
    );
    let random = parts.prop_map(|(unscaled, scale)| [&scale.to_be_bytes()[..], &unscaled].concat());
    let texts = [
        "0",
        "0.0",
        "0e9",
        "1",
        "1.0",
        "1.00",
        "10",
        "1e1",
        "100",
        "-1",
        "-1.0",
        "-10",
        "0.1",
        "0.10",
        "99",
        "100e-2",
        "1e2147483647",
        "1e-2147483647",
        "-1e2147483647",
        "123456789012345678901234567890.5",
        "1e61",
        "1e-61",
        "1e60",
        "1e-60",
    ];
    prop_oneof![3 => random, 2 => tricky(&texts, |text| Decimal::parse(text).expect(text).write())]
        .boxed()
}

/// A valid value of the type, empty ones included where the type allows them.
fn values(ty: &Type) -> BoxedStrategy<Vec<u8>> {
    let present = present_values(ty);
    if ty.allows_empty() {
        prop_oneof![9 => present, 1 => Just(Vec::new())].boxed()
    } else {
        present
    }
}

fn present_values(ty: &Type) -> BoxedStrategy<Vec<u8>> {
    match ty {
        Type::Ascii => vec(0u8..128, 1..12).boxed(),
        Type::Text => prop_oneof!["[\\x00-\\x02a-cé\u{10ffff}]{1,6}", ".{1,8}"]
            .prop_map(String::into_bytes)
            .boxed(),
        Type::Blob => bytes(1..12).boxed(),
        Type::TinyInt | Type::Boolean => fixed(1),
        Type::SmallInt => fixed(2),
        Type::Int | Type::Date => fixed(4),
        Type::BigInt | Type::Counter | Type::Timestamp => fixed(8),
        Type::Time => (0..time::NANOS_PER_DAY)
            .prop_map(|nanos| nanos.to_be_bytes().to_vec())
            .boxed(),
        Type::Float => prop_oneof![
            fixed(4),
            tricky(
                &[
                    0.0,
                    -0.0,
                    f32::NAN,
                    -f32::NAN,
                    f32::INFINITY,
                    f32::NEG_INFINITY,
                    f32::MIN_POSITIVE,
                    1.0,
                    -1.0,
                    f32::MAX
                ],
                |number| number.to_be_bytes().to_vec()
            ),
        ]
        .boxed(),
        Type::Double => prop_oneof![
            fixed(8),
            tricky(
                &[
                    0.0,
                    -0.0,
                    f64::NAN,
                    -f64::NAN,
                    f64::INFINITY,
                    f64::NEG_INFINITY,
                    f64::MIN_POSITIVE,
                    1.0,
                    -1.0,
                    f64::MAX
                ],
                |number| number.to_be_bytes().to_vec()
            ),
        ]
        .boxed(),
        Type::VarInt => prop_oneof![bytes(1..6), bytes(95..106), bytes(250..260)].boxed(),
        Type::Decimal => decimals(),
        Type::Duration => durations(),
        Type::Inet => prop_oneof![fixed(4), fixed(16)].boxed(),
        Type::Uuid => prop_oneof![fixed(16), version1()].boxed(),
        Type::TimeUuid => version1(),
        Type::List { element, .. } | Type::Set { element, .. } => vec(values(element), 0..4)
            .prop_map(|items| collection::encode_items(items.iter().map(Vec::as_slice)))
            .boxed(),
        Type::Map { key, value, .. } => vec((values(key), values(value)), 0..3)
            .prop_map(|pairs| collection::encode_pairs(pairs.iter().map(|(k, v)| (&k[..], &v[..]))))
            .boxed(),
        Type::Tuple(_) | Type::Udt { .. } => components(ty.parts().cloned().collect()),
        Type::Vector { element, dimension } => {
            let element = element.clone();
            let parts = if element.fixed_len().is_some() {
                present_values(&element)
            } else {
                values(&element)
            };
            vec(parts, *dimension as usize)
                .prop_map(move |parts| vector::encode(&element, parts.iter().map(Vec::as_slice)))
                .boxed()
        }
    }
}

fn version1() -> BoxedStrategy<Vec<u8>> {
    (any::<u64>(), bytes(8..9))
        .prop_map(|(ticks, low)| {
            let mut id = uuid::version1(ticks, 0, [0; 6]).as_bytes().to_vec();
            id[8..].copy_from_slice(&low);
            id
        })
        .boxed()
}

/// One to all components, some of them null.
fn components(parts: Vec<Type>) -> BoxedStrategy<Vec<u8>> {
    let prefixes = (1..=parts.len()).map(|count| {
        let each: Vec<_> = parts[..count]
            .iter()
            .map(|part| proptest::option::of(values(part)))
            .collect();
        each.prop_map(|components| tuple::encode(components.iter().map(Option::as_deref)))
            .boxed()
    });
    Union::new(prefixes).boxed()
}

/// A type and some present values of it.
fn typed() -> impl Strategy<Value = (Type, Vec<Vec<u8>>)> {
    types().prop_flat_map(|ty| {
        let values = vec(present_values(&ty), 2..5);
        (Just(ty), values)
    })
}

fn form(ty: &Type, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    comparable::encode(ty, value, &mut out).expect("a valid value has a form");
    out
}

/// The text that stands inside a printed literal.
fn unquoted(text: &str) -> String {
    match text
        .strip_prefix('\'')
        .and_then(|text| text.strip_suffix('\''))
    {
        Some(inside) => inside.replace("''", "'"),
        None => text.to_owned(),
    }
}

fn constant<'a>(ty: &Type, text: &'a str) -> Constant<'a> {
    match ty {
        Type::Boolean => Constant::Boolean(text == "true"),
        Type::Blob => Constant::Hex(text),
        Type::Uuid | Type::TimeUuid => Constant::Uuid(text),
        Type::Duration => Constant::Duration(text),
        Type::Float | Type::Double | Type::Decimal => Constant::Float(text),
        number if number.is_number() => Constant::Integer(text),
        _ => Constant::Text(text),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn generated_values_are_valid((ty, values) in typed()) {
        for value in values {
            prop_assert_eq!(ty.validate(&value), Ok(()));
        }
    }

    #[test]
    fn comparable_bytes_have_the_types_order((ty, values) in typed()) {
        for a in &values {
            for b in &values {
                let (x, y) = (form(&ty, a), form(&ty, b));
                let order = ty.compare(a, b);
                prop_assert_eq!(order, x.cmp(&y), "{} {:?} {:?}: {:?} {:?}", ty, a, b, x, y);
                prop_assert!(order == Ordering::Equal || !y.starts_with(&x), "{} {:?} is a prefix of {:?}", ty, x, y);
            }
        }
    }

    #[test]
    fn comparable_bytes_come_back((ty, values) in typed()) {
        for value in &values {
            let mut bytes = form(&ty, value);
            let end = bytes.len() as u64;
            bytes.extend([0, 1, 0xff]);
            let mut reader = Reader::new(&bytes);
            let mut back = Vec::new();
            comparable::decode(&ty, &mut reader, &mut back).expect("a form decodes");
            prop_assert_eq!(reader.position(), end, "what follows is left alone");
            prop_assert_eq!(ty.validate(&back), Ok(()));
            prop_assert_eq!(ty.compare(value, &back), Ordering::Equal);
            prop_assert_eq!(form(&ty, &back), &bytes[..end as usize]);
            prop_assert_eq!(comparable::roundtrips_exactly(&ty, value), *value == back, "{} {:?} {:?}", ty, value, back);
            prop_assert!(comparable::roundtrips_exactly(&ty, &back));
        }
    }

    #[test]
    fn equal_values_have_one_spelling((ty, values) in typed()) {
        for a in &values {
            let x = comparable::canonical(&ty, a);
            prop_assert_eq!(ty.validate(&x), Ok(()));
            prop_assert_eq!(ty.compare(a, &x), Ordering::Equal);
            for b in &values {
                let y = comparable::canonical(&ty, b);
                prop_assert_eq!(ty.compare(a, b).is_eq(), x == y, "{} {:?} {:?}: {:?} {:?}", ty, a, b, x, y);
            }
        }
    }

    #[test]
    fn native_literals_come_back((ty, value) in natives().prop_flat_map(|ty| (Just(ty.clone()), present_values(&ty)))) {
        let printed = ty.format(&value);
        let text = unquoted(&printed);
        // Years that ISO dates have no digits for and counters' own type apart, everything that prints reads back.
        let back = literal::encode(&ty, &constant(&ty, &text));
        prop_assert!(back.is_ok(), "{} {}: {:?}", ty, printed, back);
        let back = back.expect("checked");
        prop_assert_eq!(ty.compare(&value, &back), Ordering::Equal, "{} {}", ty, printed);
        if ty != Type::Decimal && comparable::roundtrips_exactly(&ty, &value) {
            prop_assert_eq!(back, value, "{} {}", ty, printed);
        }
    }

    #[test]
    fn types_come_back(ty in types()) {
        let mut bytes = Vec::new();
        ty.encode(&mut bytes);
        let mut reader = Reader::new(&bytes);
        prop_assert_eq!(Type::decode(&mut reader).expect("decodes"), ty.clone());
        prop_assert!(reader.is_empty());
        for cut in 0..bytes.len() {
            prop_assert!(Type::decode(&mut Reader::new(&bytes[..cut])).is_err());
        }
        let frozen = ty.freeze();
        prop_assert!(!frozen.any(&Type::is_multi_cell));
        prop_assert_eq!(frozen.freeze(), frozen);
    }

    #[test]
    fn normalizing_settles((ty, values) in typed()) {
        for value in &values {
            let normal = collection::normalize(&ty, value).expect("valid");
            prop_assert_eq!(ty.validate(&normal), Ok(()));
            prop_assert_eq!(&collection::normalize(&ty, &normal).expect("valid"), &normal);
            if let Type::Set { element, .. } = &ty {
                let items: Vec<&[u8]> = collection::Items::new(&normal).expect("valid").map(|item| item.expect("valid")).collect();
                prop_assert!(items.is_sorted_by(|a, b| element.compare(a, b).is_lt()));
            }
        }
    }

    #[test]
    fn any_bytes_are_safe(ty in types(), a in bytes(0..40), b in bytes(0..40), to in natives()) {
        let _ = ty.validate(&a);
        let _ = ty.compare(&a, &b);
        let _ = ty.format(&a);
        let _ = cast::cast(&ty, &to, &a);
        let _ = collection::normalize(&ty, &a);
        let _ = comparable::roundtrips_exactly(&ty, &a);
        let _ = comparable::encode(&ty, &a, &mut Vec::new());
        let _ = Type::decode(&mut Reader::new(&a));
        let mut reader = Reader::new(&a);
        let mut value = Vec::new();
        if comparable::decode(&ty, &mut reader, &mut value).is_ok() {
            let end = reader.position() as usize;
            prop_assert_eq!(form(&ty, &value), &a[..end], "{}: only what encoding makes decodes", ty);
        }
    }

    #[test]
    fn any_text_is_safe(ty in natives(), text in "\\PC{0,20}|[-+0-9.eEPTYMDHSWZ: ]{0,24}") {
        let _ = literal::parse(&ty, &text);
        if let Ok(value) = literal::encode(&ty, &Constant::Text(&text)) {
            prop_assert_eq!(ty.validate(&value), Ok(()));
        }
    }

    #[test]
    fn varints_order_as_numbers(a in bytes(1..20), b in bytes(1..20)) {
        prop_assert_eq!(varint::compare(&a, &b), varint::read(&a).cmp(&varint::read(&b)));
        prop_assert_eq!(varint::write(&varint::read(&a)), varint::minimal(&a));
    }
}
