//! Sets and maps in order, tokens, and UUIDs made.

use types::literal;
use types::value::uuid;
use types::{Token, Type, collection};

#[test]
fn sets_and_maps_are_put_in_order() {
    let set = Type::set(Type::Int, true);
    let of = |numbers: &[i32]| {
        let numbers: Vec<[u8; 4]> = numbers.iter().map(|number| number.to_be_bytes()).collect();
        collection::encode_items(numbers.iter().map(|number| &number[..]))
    };
    for (given, expected) in [
        (&[][..], &[][..]),
        (&[1, 2], &[1, 2]),
        (&[2, -1, 2], &[-1, 2]),
        (&[1, 1], &[1]),
    ] {
        assert_eq!(
            collection::normalize(&set, &of(given)).expect("valid"),
            of(expected)
        );
    }
    let map = Type::map(Type::Text, Type::Text, true);
    let given = collection::encode_pairs([(&b"b"[..], &b"1"[..]), (b"a", b"2"), (b"b", b"3")]);
    let expected = collection::encode_pairs([(&b"a"[..], &b"2"[..]), (b"b", b"3")]);
    assert_eq!(
        collection::normalize(&map, &given).expect("valid"),
        expected
    );
    let list = Type::list(set, true);
    let inner = of(&[2, 1]);
    let outer = collection::encode_items([&inner[..]]);
    assert_eq!(
        collection::normalize(&list, &outer).expect("valid"),
        collection::encode_items([&of(&[1, 2])[..]])
    );
}

#[test]
fn tokens_are_cassandras() {
    let run = |from: u8| (from..from + 16).collect::<Vec<u8>>();
    for (key, expected) in [
        (b"123".to_vec(), -7468325962851647638),
        ([0, 0xff, 0x10, 0xfa, 0x99].repeat(10), 5837342703291459765),
        (vec![0xfe; 8], -8927430733708461935),
        (vec![0x10; 8], 1446172840243228796),
        (b"9223372036854775807".to_vec(), 7162290910810015547),
        (run(1), -5563837382979743776),
        (run(2), -1513403162740402161),
        (run(7), 8228893370679682632),
        (vec![0; 16], 5457549051747178710),
        (vec![0xff; 16], -2824192546314762522),
        (vec![0xfe; 16], -833317529301936754),
        (vec![0xfe; 17], -1672437813826982685),
        (vec![0xfe; 4], 4566408979886474012),
        (vec![0; 4], -3485513579396041028),
        (vec![0, 1, 0x7f, 0x7f], 6573459401642635627),
        (vec![0, 0xff, 0xff, 0xff], 123573637386978882),
        (vec![0xff, 1, 2, 3], -2839127690952877842),
        (vec![0xe2, 0xe7], -8582699461035929883),
        (
            vec![0xe2, 0xe7, 0xe2, 0xe7, 0xe2, 0xe7, 1],
            2222373981930033306,
        ),
        (Vec::new(), i64::MIN),
    ] {
        assert_eq!(Token::of(&key), Token(expected), "{key:?}");
    }
}

#[test]
fn uuids_made_are_valid() {
    let ticks = uuid::ticks_of_micros(1_700_000_000_123_456).expect("in range");
    let id = uuid::version1(ticks, 0x1234, [1, 2, 3, 4, 5, 6]);
    assert_eq!(Type::TimeUuid.validate(id.as_bytes()), Ok(()));
    assert_eq!(
        uuid::unix_micros(id.as_bytes()),
        Some(1_700_000_000_123_456)
    );
}

/// Of equal elements the last stays, also where their order is told by forms that are made once.
#[test]
fn equal_keys_are_kept_once() {
    let number = |text: &str| literal::parse(&Type::Decimal, text).expect(text);
    let ty = Type::map(Type::Decimal, Type::Text, true);
    for edge in [None, Some("1e-2147483647")] {
        let keys = ["1.0", "0.5", "1.00", "-3", "0.50"].into_iter().chain(edge);
        let pairs: Vec<_> = keys.map(|text| (number(text), text.as_bytes())).collect();
        let value = collection::encode_pairs(pairs.iter().map(|(k, v)| (&k[..], *v)));
        let normal = collection::normalize(&ty, &value).expect("a valid map");
        let pairs = collection::Pairs::new(&normal).expect("a map");
        let texts = pairs.map(|pair| String::from_utf8_lossy(pair.expect("a pair").1).into_owned());
        let texts: Vec<String> = texts.filter(|text| !text.contains('e')).collect();
        assert_eq!(texts, ["-3", "0.50", "1.00"]);
    }
    let long = "1".repeat(3_000);
    assert!(literal::parse(&Type::Decimal, &long).is_err());
}

#[test]
fn sorting_makes_forms_where_that_is_cheaper() {
    let decimals = [
        "10", "1.50", "-3", "1.5", "0", "1e3", "-1e3", "1.500", "0.00",
    ];
    let decimals = decimals.map(|text| {
        types::value::decimal::Decimal::parse(text)
            .expect(text)
            .write()
    });
    let ints = [5, -1, 7, 5, 0, i32::MIN].map(|int: i32| int.to_be_bytes().to_vec());
    // Bytes that are no decimal have no form: the type's comparison orders them.
    let cut = [
        vec![0, 0],
        decimals[0].clone(),
        vec![1],
        decimals[2].clone(),
    ];
    for (ty, values) in [
        (Type::Decimal, &decimals[..]),
        (Type::Decimal, &cut[..]),
        (Type::Int, &ints[..]),
    ] {
        let mut sorted = values.to_vec();
        collection::sort(&ty, &mut sorted, |value| value.as_slice());
        let mut expected = values.to_vec();
        expected.sort_by(|a, b| ty.compare(a, b));
        assert_eq!(sorted, expected, "{ty}");
    }
}
