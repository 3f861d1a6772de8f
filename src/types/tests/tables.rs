//! Tables of tricky values: order, validation texts, literals, printing, casts, sums, names, bytes on disk, tokens.

use base::bytes::Reader;
use types::aggregate::Accumulator;
use types::literal::{self, Assignment, Constant};
use types::value::{hex, uuid};
use types::{NESTING_MAX, Token, Type, cast, collection, comparable, tuple, udt, vector};

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

fn check_order(ty: &Type, sorted: &[Vec<u8>]) {
    for (i, a) in sorted.iter().enumerate() {
        assert_eq!(ty.validate(a), Ok(()), "{ty} {a:?}");
        for (j, b) in sorted.iter().enumerate() {
            assert_eq!(
                ty.compare(a, b),
                i.cmp(&j),
                "{ty} {} {}",
                ty.format(a),
                ty.format(b)
            );
            if !a.is_empty() && !b.is_empty() {
                assert_eq!(
                    form(ty, a).cmp(&form(ty, b)),
                    i.cmp(&j),
                    "{ty} {} {}",
                    ty.format(a),
                    ty.format(b)
                );
            }
        }
    }
}

fn check_texts(ty: Type, sorted: &[&str]) {
    let values: Vec<Vec<u8>> = sorted.iter().map(|text| value(&ty, text)).collect();
    check_order(&ty, &values);
}

#[test]
fn natives_order_as_in_cassandra() {
    check_texts(Type::TinyInt, &["-128", "-1", "0", "1", "127"]);
    check_texts(Type::SmallInt, &["-32768", "-1", "0", "1", "32767"]);
    check_texts(
        Type::Int,
        &["-2147483648", "-256", "-1", "0", "1", "255", "2147483647"],
    );
    check_texts(
        Type::BigInt,
        &[
            "-9223372036854775808",
            "-1",
            "0",
            "1",
            "9223372036854775807",
        ],
    );
    check_texts(
        Type::VarInt,
        &[
            "-99999999999999999999",
            "-65537",
            "-257",
            "-256",
            "-129",
            "-128",
            "-1",
            "0",
            "1",
            "127",
            "128",
            "255",
            "256",
            "99999999999999999999",
        ],
    );
    check_texts(
        Type::Decimal,
        &[
            "-1e2147483647",
            "-1e70",
            "-100.5",
            "-100",
            "-1",
            "-0.5",
            "-1e-70",
            "0",
            "1e-2147483647",
            "0.001",
            "0.01",
            "0.09",
            "0.1",
            "0.11",
            "0.9",
            "1",
            "1.000000001",
            "9.9",
            "10",
            "100",
            "1e60",
            "1e61",
            "1e2147483647",
        ],
    );
    check_texts(
        Type::Double,
        &[
            "-Infinity",
            "-1.7976931348623157E308",
            "-1",
            "-4.9E-324",
            "-0.0",
            "0.0",
            "4.9E-324",
            "1",
            "Infinity",
            "NaN",
        ],
    );
    check_texts(
        Type::Float,
        &[
            "-Infinity",
            "-1.5",
            "-0.0",
            "0.0",
            "1e-45",
            "1.5",
            "Infinity",
            "NaN",
        ],
    );
    check_texts(
        Type::Text,
        &[
            "",
            "\0",
            "\0\0",
            "\0\u{1}",
            "\u{1}",
            "A",
            "a",
            "a\0",
            "aa",
            "b",
            "é",
            "\u{ffff}",
            "\u{10000}",
        ],
    );
    check_texts(
        Type::Blob,
        &[
            "", "00", "0000", "0001", "00ff", "01", "7f", "80", "ff", "ff00",
        ],
    );
    check_texts(Type::Boolean, &["false", "true"]);
    check_texts(
        Type::Date,
        &[
            "-5877641-06-23",
            "1969-12-31",
            "1970-01-01",
            "2024-02-29",
            "+5881580-07-11",
        ],
    );
    check_texts(
        Type::Time,
        &["00:00:00", "00:00:00.000000001", "23:59:59.999999999"],
    );
    check_texts(
        Type::Timestamp,
        &[
            "",
            "1582-10-15",
            "1969-12-31T23:59:59.999Z",
            "0",
            "2024-02-29",
        ],
    );
    check_texts(
        Type::Inet,
        &[
            "",
            "0.0.0.0",
            "::",
            "::1",
            "1.2.3.4",
            "127.0.0.1",
            "127.0.0.2",
            "fe80::1",
            "255.255.255.255",
        ],
    );
    check_texts(
        Type::Uuid,
        &[
            "00000000-0000-0000-0000-000000000001",
            "ffffffff-ffff-0fff-0000-000000000000",
            "ffffffff-0000-1000-8000-000000000000",
            "00000000-0001-1000-8000-000000000000",
            "00000000-0000-1001-8000-000000000000",
            "00000000-0000-4000-0000-000000000000",
            "00000000-0000-4000-8000-000000000000",
            "00000001-0000-4000-8000-000000000000",
        ],
    );
    check_texts(
        Type::TimeUuid,
        &[
            "00000000-0000-1000-8080-808080808080",
            "00000000-0000-1000-80ff-000000000000",
            "00000000-0000-1000-8000-000000000000",
            "00000000-0000-1000-807f-000000000000",
            "00000000-0000-1000-0000-000000000000",
            "00000000-0000-1000-7f7f-7f7f7f7f7f7f",
            "ffffffff-0000-1000-8000-000000000000",
            "00000000-0001-1000-8000-000000000000",
        ],
    );
}

#[test]
fn composed_values_order_part_by_part() {
    let int = |number: i32| number.to_be_bytes();
    let list = Type::list(Type::Int, true);
    let items = |numbers: &[i32]| {
        let numbers: Vec<[u8; 4]> = numbers.iter().map(|number| int(*number)).collect();
        collection::encode_items(numbers.iter().map(|number| &number[..]))
    };
    check_order(
        &list,
        &[
            items(&[]),
            items(&[-1]),
            items(&[-1, -5]),
            items(&[0]),
            items(&[1]),
            items(&[1, 0]),
            items(&[2]),
        ],
    );
    check_order(
        &Type::set(Type::Int, true),
        &[items(&[]), items(&[-1, 3]), items(&[2])],
    );

    let empty_first = |text: &[&[u8]]| collection::encode_items(text.iter().copied());
    let texts = Type::list(Type::Text, true);
    check_order(
        &texts,
        &[
            empty_first(&[]),
            empty_first(&[b""]),
            empty_first(&[b"", b""]),
            empty_first(&[b"\0"]),
            empty_first(&[b"a"]),
        ],
    );

    let map = Type::map(Type::Text, Type::Int, true);
    let pair =
        |key: &str, number: i32| collection::encode_pairs([(key.as_bytes(), &int(number)[..])]);
    check_order(
        &map,
        &[
            pair("", 0),
            pair("a", -1),
            pair("a", 1),
            pair("ab", 0),
            pair("b", -9),
        ],
    );

    let pair = Type::tuple([Type::Int, Type::Text]);
    let of = |number: Option<i32>, text: Option<&str>| {
        tuple::encode([
            number.map(int).as_ref().map(|bytes| &bytes[..]),
            text.map(str::as_bytes),
        ])
    };
    check_order(
        &pair,
        &[
            Vec::new(),
            of(None, None),
            of(None, Some("")),
            of(None, Some("z")),
            of(Some(-1), None),
            of(Some(-1), Some("")),
            of(Some(-1), Some("a")),
            of(Some(5), None),
        ],
    );
    let floats = Type::vector(Type::Float, 2);
    let of = |a: f32, b: f32| [a.to_be_bytes(), b.to_be_bytes()].concat();
    check_order(
        &floats,
        &[
            of(-1.0, 5.0),
            of(-0.0, 0.0),
            of(0.0, -0.0),
            of(0.0, 1.0),
            of(f32::NAN, 0.0),
        ],
    );

    let nested = Type::list(Type::tuple([Type::list(Type::Text, true)]), true);
    let of = |texts: &[&[u8]]| {
        let inner = collection::encode_items(texts.iter().copied());
        let tuple = tuple::encode([Some(&inner[..])]);
        collection::encode_items([&tuple[..]])
    };
    check_order(
        &nested,
        &[
            of(&[]),
            of(&[b"a"]),
            of(&[b"a", b""]),
            of(&[b"a\0"]),
            of(&[b"b"]),
        ],
    );
}

#[test]
fn equal_values_share_one_form() {
    let pair = Type::tuple([Type::Int, Type::Int]);
    let one = 1i32.to_be_bytes();
    let nan = |bits: u64| bits.to_be_bytes().to_vec();
    for (ty, exact, other) in [
        (
            Type::Decimal,
            value(&Type::Decimal, "1"),
            value(&Type::Decimal, "1.00"),
        ),
        (
            Type::Decimal,
            value(&Type::Decimal, "100"),
            value(&Type::Decimal, "1e2"),
        ),
        (
            Type::Decimal,
            value(&Type::Decimal, "0"),
            value(&Type::Decimal, "0.000"),
        ),
        (
            Type::Decimal,
            value(&Type::Decimal, "1e40"),
            value(&Type::Decimal, "10e39"),
        ),
        (Type::VarInt, vec![1], vec![0, 0, 1]),
        (Type::VarInt, vec![0xff], vec![0xff, 0xff]),
        (Type::VarInt, vec![0, 0x80], vec![0, 0, 0x80]),
        (Type::Boolean, vec![1], vec![0x7f]),
        (Type::Double, nan(0x7ff8 << 48), nan(0xfff8 << 48 | 7)),
        (Type::Float, vec![0x7f, 0xc0, 0, 0], vec![0x7f, 0x80, 0, 1]),
        (
            pair.clone(),
            tuple::encode([Some(&one[..]), None]),
            tuple::encode([Some(&one[..])]),
        ),
        (
            Type::udt(address(), true),
            tuple::encode([None, None]),
            tuple::encode([None]),
        ),
        (
            Type::list(Type::VarInt, true),
            collection::encode_items([&[5u8][..]]),
            collection::encode_items([&[0u8, 5][..]]),
        ),
    ] {
        assert!(ty.compare(&exact, &other).is_eq(), "{ty}");
        assert_eq!(form(&ty, &exact), form(&ty, &other), "{ty}");
        assert!(comparable::roundtrips_exactly(&ty, &exact), "{ty}");
        assert!(!comparable::roundtrips_exactly(&ty, &other), "{ty}");
        let mut back = Vec::new();
        comparable::decode(&ty, &mut Reader::new(&form(&ty, &other)), &mut back)
            .expect("a form decodes");
        assert_eq!(back, exact, "{ty}");
    }
}

/// These bytes are on disks: a change here is a new version of the format.
#[test]
fn comparable_forms_are_stable() {
    let list = Type::list(Type::Text, true);
    for (ty, text, expected) in [
        (Type::Int, "-2", "7ffffffe"),
        (Type::Int, "1", "80000001"),
        (Type::Text, "a\0b", "6100ff62 0000"),
        (Type::Boolean, "true", "01"),
        (Type::Date, "1970-01-02", "80000001"),
        (Type::Double, "1.0", "bff0000000000000"),
        (Type::Double, "-1.0", "400fffffffffffff"),
        (Type::VarInt, "0", "80"),
        (Type::VarInt, "255", "81ff"),
        (Type::VarInt, "-1", "7f"),
        (Type::VarInt, "-256", "7e00"),
        (Type::VarInt, "-257", "7dfeff"),
        (Type::Decimal, "0", "80"),
        (Type::Decimal, "12.3", "c00d1f00"),
        (Type::Decimal, "-12.3", "3ff2e0ff"),
        (Type::Decimal, "1e100", "fb8000000065 0b00"),
        (Type::Inet, "127.0.0.1", "7f00ff00ff01 0000"),
        (
            Type::Uuid,
            "11111111-2222-1333-8444-555555555555",
            "1333222211111111 8444555555555555",
        ),
        (
            Type::Uuid,
            "11111111-2222-4333-8444-555555555555",
            "4111111112222333 8444555555555555",
        ),
        (
            Type::TimeUuid,
            "11111111-2222-1333-8444-555555555555",
            "1333222211111111 04c4d5d5d5d5d5d5",
        ),
    ] {
        assert_eq!(
            hex::to_text(&form(&ty, &value(&ty, text))),
            expected.replace(' ', ""),
            "{ty} {text}"
        );
    }
    let items = collection::encode_items([&b"a"[..], b""]);
    assert_eq!(form(&list, &items), bytes("03 610000 02 00"));
    let pair = Type::tuple([Type::TinyInt, Type::TinyInt, Type::TinyInt]);
    let null_inside = tuple::encode([None, Some(&[1u8][..]), None]);
    assert_eq!(form(&pair, &null_inside), bytes("01 0381 00"));
    let texts = Type::vector(Type::Text, 2);
    let parts = vector::encode(&Type::Text, [&b"a"[..], b""]);
    assert_eq!(form(&texts, &parts), bytes("03 610000 02"));
}

#[test]
fn decimals_at_the_edge_of_their_scale_are_no_keys() {
    let ten = [&i32::MIN.to_be_bytes()[..], &[10]].concat();
    assert_eq!(Type::Decimal.validate(&ten), Ok(()));
    assert!(comparable::encode(&Type::Decimal, &ten, &mut Vec::new()).is_err());
    let one = [&i32::MIN.to_be_bytes()[..], &[1]].concat();
    assert!(comparable::roundtrips_exactly(&Type::Decimal, &one));
}

#[test]
fn damaged_forms_are_refused() {
    for (ty, form) in [
        (Type::Int, "800000"),
        (Type::Boolean, "02"),
        (Type::Text, "61"),
        (Type::Text, "6100"),
        (Type::Text, "610001"),
        (Type::Float, "ffc00001"),
        (Type::VarInt, "8100"),
        (Type::VarInt, "e5"),
        (Type::VarInt, "e501ff"),
        (Type::VarInt, "ff"),
        (Type::VarInt, "e8ffffffff"),
        (Type::Decimal, "ff"),
        (Type::Decimal, "bf00"),
        (Type::Decimal, "bf0100"),
        (Type::Decimal, "bf6500"),
        (Type::Decimal, "bf0201 00"),
        (Type::Decimal, "fb80000000010200"),
        (Type::Decimal, "fbffffffffff0200"),
        (Type::list(Type::Int, true), "03800000"),
        (Type::list(Type::Int, true), "0100"),
        (Type::list(Type::Int, true), "04"),
        (Type::tuple([Type::Int]), "0100"),
        (Type::tuple([Type::Int]), "020200"),
        (Type::vector(Type::Text, 1), "00"),
    ] {
        let form = bytes(form);
        assert!(
            comparable::decode(&ty, &mut Reader::new(&form), &mut Vec::new()).is_err(),
            "{ty} {form:?}"
        );
    }
}

#[test]
fn validation_speaks_cassandras_words() {
    let list = Type::list(Type::Int, false);
    let set = Type::set(Type::Int, false);
    let map = Type::map(Type::Int, Type::Int, false);
    let pair = Type::tuple([Type::Int, Type::Text]);
    let floats = Type::vector(Type::Float, 2);
    for (ty, value, expected) in [
        (Type::Int, "000000", "Expected 4 or 0 byte int (3)"),
        (Type::BigInt, "00", "Expected 8 or 0 byte long (1)"),
        (Type::SmallInt, "", "Expected 2 bytes for a smallint (0)"),
        (Type::TinyInt, "", "Expected 1 byte for a tinyint (0)"),
        (Type::Boolean, "0000", "Expected 1 or 0 byte value (2)"),
        (
            Type::Float,
            "00",
            "Expected 4 or 0 byte value for a float (1)",
        ),
        (
            Type::Double,
            "00",
            "Expected 8 or 0 byte value for a double (1)",
        ),
        (Type::Date, "", "Expected 4 byte long for date (0)"),
        (Type::Time, "", "Expected 8 byte long for time (0)"),
        (
            Type::Timestamp,
            "00",
            "Expected 8 or 0 byte long for date (1)",
        ),
        (Type::Decimal, "0000", "Expected 0 or at least 4 bytes (2)"),
        (Type::Uuid, "00", "UUID should be 16 or 0 bytes (1)"),
        (
            Type::TimeUuid,
            "00000000000040008000000000000000",
            "Invalid version for TimeUUID type.",
        ),
        (
            Type::Inet,
            "0102",
            "Expected 4 or 16 byte inetaddress; got 0102",
        ),
        (Type::Ascii, "61ff", "Invalid byte for ascii: -1"),
        (Type::Text, "ff", "String didn't validate."),
        (
            Type::Duration,
            "",
            "Expected at least 3 bytes for a duration (0)",
        ),
        (list.clone(), "", "Not enough bytes to read a list"),
        (list.clone(), "00000001", "Not enough bytes to read a list"),
        (
            list.clone(),
            "7fffffff 00000000",
            "Not enough bytes to read a list",
        ),
        (
            list.clone(),
            "ffffffff",
            "The data cannot be deserialized as a list",
        ),
        (
            list.clone(),
            "00000001 ffffffff",
            "Null value read when not allowed",
        ),
        (
            list.clone(),
            "00000001 00000001 00",
            "Expected 4 or 0 byte int (1)",
        ),
        (
            list.clone(),
            "00000000 00",
            "Unexpected extraneous bytes after list value",
        ),
        (set.clone(), "00000001", "Not enough bytes to read a set"),
        (
            set.clone(),
            "00000000 00",
            "Unexpected extraneous bytes after set value",
        ),
        (
            map.clone(),
            "00000001 00000000",
            "Not enough bytes to read a map",
        ),
        (
            map.clone(),
            "00000000 00",
            "Unexpected extraneous bytes after map value",
        ),
        (
            pair.clone(),
            "0000",
            "Not enough bytes to read size of 0th component",
        ),
        (
            pair.clone(),
            "ffffffff 00000002 61",
            "Not enough bytes to read 1th component",
        ),
        (
            pair.clone(),
            "ffffffff ffffffff 00",
            "Invalid remaining data after end of tuple value",
        ),
        (
            Type::udt(address(), false),
            "00000002 61",
            "Not enough bytes to read 0th field street",
        ),
        (
            floats.clone(),
            "00",
            "Not enough bytes to read a vector<float, 2>",
        ),
        (
            floats.clone(),
            "000000000000000000",
            "Unexpected extraneous bytes after vector value",
        ),
    ] {
        let error = ty.validate(&bytes(value)).expect_err(expected);
        assert_eq!(error.to_string(), expected, "{ty} {value}");
    }
    for (ty, value) in [
        (Type::Int, ""),
        (Type::Text, ""),
        (Type::VarInt, ""),
        (list, "00000000"),
        (pair.clone(), ""),
        (pair, "ffffffff"),
        (floats, "0000000000000000"),
        (Type::vector(Type::Text, 2), "00 0161"),
        (Type::Date, "00000000"),
    ] {
        assert_eq!(ty.validate(&bytes(value)), Ok(()), "{ty} {value}");
    }
    assert!(
        Type::Decimal.validate(&vec![1; 20_000]).is_err(),
        "digits nobody could afford to make"
    );
}

#[test]
fn constants_go_where_cassandra_lets_them() {
    for (ty, constant, expected) in [
        (Type::Int, Constant::Integer("-2"), "fffffffe"),
        (Type::TinyInt, Constant::Integer("127"), "7f"),
        (Type::BigInt, Constant::Integer("1"), "0000000000000001"),
        (Type::Counter, Constant::Integer("1"), "0000000000000001"),
        (Type::VarInt, Constant::Integer("128"), "0080"),
        (Type::Decimal, Constant::Integer("5"), "0000000005"),
        (Type::Decimal, Constant::Float("1.50"), "0000000200 96"),
        (Type::Decimal, Constant::Float("1e3"), "fffffffd01"),
        (Type::Double, Constant::Float("NaN"), "7ff8000000000000"),
        (Type::Float, Constant::Float("-Infinity"), "ff800000"),
        (Type::Float, Constant::Integer("1"), "3f800000"),
        (Type::Text, Constant::Text("é"), "c3a9"),
        (Type::Blob, Constant::Hex("0xCAfe"), "cafe"),
        (Type::Blob, Constant::Hex("0x"), ""),
        (Type::Boolean, Constant::Boolean(true), "01"),
        (Type::Date, Constant::Text("1970-01-02"), "80000001"),
        (Type::Date, Constant::Integer("1"), "00000001"),
        (Type::Time, Constant::Text("00:00:01"), "000000003b9aca00"),
        (Type::Timestamp, Constant::Integer("-1"), "ffffffffffffffff"),
        (
            Type::Timestamp,
            Constant::Text("1970-01-01T00:00:01Z"),
            "00000000000003e8",
        ),
        (Type::Timestamp, Constant::Text(""), ""),
        (
            Type::Inet,
            Constant::Text("::1"),
            "00000000000000000000000000000001",
        ),
        (Type::Duration, Constant::Duration("1mo2d3ns"), "020406"),
        (
            Type::TimeUuid,
            Constant::Uuid("e23f1e02-8c62-11ed-9d1b-6d0a4d1c5a5e"),
            "e23f1e028c6211ed9d1b6d0a4d1c5a5e",
        ),
    ] {
        assert_eq!(
            literal::encode(&ty, &constant),
            Ok(bytes(expected)),
            "{ty} {constant:?}"
        );
    }
}

#[test]
fn constants_are_refused_in_cassandras_words() {
    let list = Type::list(Type::Int, false);
    for (ty, constant, expected) in [
        (
            Type::Int,
            Constant::Text("abc"),
            "Invalid STRING constant (abc) for \"v\" of type int",
        ),
        (
            Type::Int,
            Constant::Float("1.5"),
            "Invalid FLOAT constant (1.5) for \"v\" of type int",
        ),
        (
            Type::Text,
            Constant::Integer("5"),
            "Invalid INTEGER constant (5) for \"v\" of type text",
        ),
        (
            Type::Text,
            Constant::Boolean(true),
            "Invalid BOOLEAN constant (true) for \"v\" of type text",
        ),
        (
            Type::Text,
            Constant::Hex("0xff"),
            "Invalid HEX constant (0xff) for \"v\" of type text",
        ),
        (
            Type::Int,
            Constant::Duration("1d"),
            "Invalid DURATION constant (1d) for \"v\" of type int",
        ),
        (
            Type::Blob,
            Constant::Uuid("x"),
            "Invalid UUID constant (x) for \"v\" of type blob",
        ),
        (
            list,
            Constant::Integer("5"),
            "Invalid INTEGER constant (5) for \"v\" of type list<int>",
        ),
        (
            Type::Int,
            Constant::Integer("2147483648"),
            "Unable to make int from '2147483648'",
        ),
        (
            Type::TinyInt,
            Constant::Integer("128"),
            "Unable to make byte from '128'",
        ),
        (
            Type::SmallInt,
            Constant::Integer("40000"),
            "Unable to make short from '40000'",
        ),
        (
            Type::BigInt,
            Constant::Integer("9223372036854775808"),
            "Unable to make long from '9223372036854775808'",
        ),
        (
            Type::Decimal,
            Constant::Float("NaN"),
            "unable to make BigDecimal from 'NaN'",
        ),
        (
            Type::Ascii,
            Constant::Text("é"),
            "Invalid ASCII character in string literal: \
             java.nio.charset.UnmappableCharacterException: Input length = 1",
        ),
        (
            Type::Blob,
            Constant::Hex("0xabc"),
            "cannot parse 'abc' as hex bytes",
        ),
        (
            Type::Inet,
            Constant::Text("localhost"),
            "Unable to make inet address from 'localhost'",
        ),
        (
            Type::Timestamp,
            Constant::Text("soon"),
            "Unable to coerce 'soon' to a formatted date (long)",
        ),
        (
            Type::Duration,
            Constant::Integer("5"),
            "Unable to convert '5' to a duration",
        ),
        (
            Type::TimeUuid,
            Constant::Uuid("00000000-0000-4000-8000-000000000000"),
            "TimeUUID supports only version 1 UUIDs",
        ),
    ] {
        let error = literal::encode(&ty, &constant).expect_err(expected);
        assert_eq!(error.for_receiver("v", &ty), expected);
    }
    assert!(literal::is_now(&Type::Timestamp, &Constant::Text("NOW")));
    assert!(!literal::is_now(&Type::Text, &Constant::Text("now")));
}

#[test]
fn constants_have_a_type_of_their_own() {
    for (constant, expected) in [
        (Constant::Integer("1"), Type::Int),
        (Constant::Integer("3000000000"), Type::BigInt),
        (Constant::Integer("99999999999999999999"), Type::VarInt),
        (Constant::Float("1.5"), Type::Double),
        (Constant::Float("0.1"), Type::Double),
        (
            Constant::Float("0.10000000000000000000000001"),
            Type::Decimal,
        ),
        (Constant::Float("NaN"), Type::Double),
        (Constant::Text("a"), Type::Ascii),
        (Constant::Text("é"), Type::Text),
        (
            Constant::Uuid("e23f1e02-8c62-11ed-9d1b-6d0a4d1c5a5e"),
            Type::TimeUuid,
        ),
        (Constant::Hex("0x"), Type::Blob),
    ] {
        assert_eq!(constant.preferred_type(), expected, "{constant:?}");
        assert_eq!(literal::assignment(&expected, &constant), Assignment::Exact);
    }
    assert_eq!(
        literal::assignment(&Type::Text, &Constant::Text("a")),
        Assignment::Weak
    );
    assert_eq!(
        literal::assignment(&Type::Int, &Constant::Text("a")),
        Assignment::Never
    );
}

#[test]
fn values_print_as_literals() {
    let text = |text: &str| text.as_bytes().to_vec();
    let int = 5i32.to_be_bytes();
    let list = Type::list(Type::Text, false);
    let map = Type::map(Type::Text, Type::Int, false);
    for (ty, value, expected) in [
        (Type::Text, text("it's"), "'it''s'"),
        (Type::Text, Vec::new(), "''"),
        (Type::Blob, vec![0xca, 0xfe], "0xcafe"),
        (Type::Int, int.to_vec(), "5"),
        (Type::Int, Vec::new(), "null"),
        (Type::Int, vec![1], "0x01"),
        (Type::Double, 1e10f64.to_be_bytes().to_vec(), "1.0E10"),
        (Type::Decimal, value(&Type::Decimal, "1.50"), "1.50"),
        (Type::Timestamp, vec![0; 8], "'1970-01-01T00:00:00.000Z'"),
        (Type::Date, bytes("80000000"), "'1970-01-01'"),
        (Type::Time, vec![0; 8], "'00:00:00.000000000'"),
        (Type::Inet, vec![127, 0, 0, 1], "'127.0.0.1'"),
        (Type::Duration, bytes("020406"), "1mo2d3ns"),
        (Type::Duration, bytes("000000"), "0s"),
        (Type::Boolean, vec![1], "true"),
        (
            list.clone(),
            collection::encode_items([&b"a"[..], b"b'"]),
            "['a', 'b''']",
        ),
        (
            Type::set(Type::Int, true),
            collection::encode_items([&int[..]]),
            "{5}",
        ),
        (
            map,
            collection::encode_pairs([(&b"k"[..], &int[..])]),
            "{'k': 5}",
        ),
        (
            Type::tuple([Type::Int, Type::Text]),
            tuple::encode([Some(&int[..]), None]),
            "(5, null)",
        ),
        (
            Type::udt(address(), true),
            tuple::encode([Some(&b"x"[..]), None]),
            "{street: 'x', \"Zip\": null}",
        ),
        (
            Type::udt(address(), true),
            tuple::encode([Some(&b"x"[..])]),
            "{street: 'x'}",
        ),
        (
            Type::vector(Type::Float, 2),
            bytes("3f80000040000000"),
            "[1.0, 2.0]",
        ),
        (Type::vector(Type::Text, 1), bytes("0161"), "['a']"),
        (list, bytes("0000"), "0x0000"),
    ] {
        assert_eq!(ty.format(&value), expected, "{ty}");
    }
}

#[test]
fn casts_convert_as_javas_numbers_do() {
    for (from, text, to, expected) in [
        (Type::Int, "300", Type::TinyInt, Some("44")),
        (Type::Int, "5", Type::Decimal, Some("5")),
        (Type::Int, "-1", Type::VarInt, Some("-1")),
        (Type::BigInt, "4294967297", Type::Int, Some("1")),
        (Type::Double, "1e20", Type::Int, Some("2147483647")),
        (Type::Double, "300.7", Type::TinyInt, Some("44")),
        (Type::Double, "NaN", Type::BigInt, Some("0")),
        (Type::Double, "-1.9", Type::VarInt, Some("-1")),
        (Type::Double, "0.1", Type::Decimal, Some("0.1")),
        (Type::Double, "0.1", Type::Float, Some("0.1")),
        (Type::Float, "0.5", Type::Double, Some("0.5")),
        (
            Type::VarInt,
            "18446744073709551617",
            Type::BigInt,
            Some("1"),
        ),
        (
            Type::VarInt,
            "-18446744073709551617",
            Type::BigInt,
            Some("-1"),
        ),
        (
            Type::VarInt,
            "18446744073709551617",
            Type::Decimal,
            Some("18446744073709551617"),
        ),
        (Type::VarInt, "100000", Type::Double, Some("100000.0")),
        (Type::Decimal, "1e30", Type::Int, Some("1073741824")),
        (Type::Decimal, "1e1000000", Type::BigInt, Some("0")),
        (Type::Decimal, "12.99", Type::BigInt, Some("12")),
        (Type::Decimal, "12.5", Type::Double, Some("12.5")),
        (Type::Counter, "7", Type::Int, Some("7")),
        (
            Type::Timestamp,
            "1969-12-31T23:00Z",
            Type::Date,
            Some("1969-12-31"),
        ),
        (Type::Date, "1970-01-02", Type::Timestamp, Some("86400000")),
        (
            Type::TimeUuid,
            "e23f1e02-8c62-11ed-9d1b-6d0a4d1c5a5e",
            Type::Date,
            Some("2023-01-04"),
        ),
        (
            Type::TimeUuid,
            "e23f1e02-8c62-11ed-9d1b-6d0a4d1c5a5e",
            Type::Timestamp,
            Some("1672859184882"),
        ),
        (Type::Timestamp, "", Type::Date, None),
    ] {
        let expected = expected.map(|text| value(&to, text));
        assert_eq!(
            cast::cast(&from, &to, &value(&from, text)),
            Ok(expected),
            "{from} {text} {to}"
        );
    }
    for (from, text, expected) in [
        (Type::Int, "-5", "-5"),
        (Type::Double, "1", "1.0"),
        (Type::Decimal, "1e3", "1000"),
        (Type::Boolean, "true", "true"),
        (Type::Inet, "::1", "0:0:0:0:0:0:0:1"),
        (Type::Timestamp, "0", "1970-01-01T00:00:00.000Z"),
        (Type::Date, "1970-01-01", "1970-01-01"),
        (Type::Time, "1:2:3", "01:02:03.000000000"),
        (
            Type::Uuid,
            "00000000-0000-4000-8000-00000000000A",
            "00000000-0000-4000-8000-00000000000a",
        ),
    ] {
        let cast = cast::cast(&from, &Type::Text, &value(&from, text));
        assert_eq!(
            cast,
            Ok(Some(expected.as_bytes().to_vec())),
            "{from} {text}"
        );
    }
    for (from, to) in [
        (Type::Text, Type::Int),
        (Type::Blob, Type::Text),
        (Type::Int, Type::Counter),
        (Type::Text, Type::Ascii),
        (Type::Duration, Type::Text),
    ] {
        assert!(!cast::exists(&from, &to), "{from} {to}");
        assert!(cast::cast(&from, &to, &[]).is_err());
    }
    assert!(cast::cast(&Type::Double, &Type::Decimal, &f64::NAN.to_be_bytes()).is_err());
    assert!(
        cast::cast(&Type::VarInt, &Type::Text, &vec![1; 1 << 20]).is_err(),
        "too long to print"
    );
}

fn check_sums(ty: Type, values: &[&str], sum: &str, average: &str) {
    let mut total = Accumulator::new(&ty).expect("a number");
    for text in values {
        total.add(&value(&ty, text)).expect("a value");
    }
    total.add(&[]).expect("zero bytes are skipped");
    assert_eq!(total.count(), values.len() as u64);
    assert_eq!(ty.format(&total.sum()), sum, "sum of {ty} {values:?}");
    assert_eq!(
        ty.format(&total.average()),
        average,
        "average of {ty} {values:?}"
    );
}

#[test]
fn sums_keep_their_type() {
    check_sums(Type::Int, &["1", "2", "4"], "7", "2");
    check_sums(Type::Int, &["2147483647", "1"], "-2147483648", "1073741824");
    check_sums(Type::TinyInt, &["127", "127"], "-2", "127");
    check_sums(Type::SmallInt, &["-1", "-2"], "-3", "-1");
    check_sums(
        Type::BigInt,
        &["9223372036854775807", "9223372036854775807"],
        "-2",
        "9223372036854775807",
    );
    check_sums(Type::Counter, &["5"], "5", "5");
    check_sums(
        Type::VarInt,
        &["9223372036854775807", "2"],
        "9223372036854775809",
        "4611686018427387904",
    );
    check_sums(Type::Decimal, &["1.10", "2"], "3.10", "1.55");
    check_sums(Type::Decimal, &["1", "2"], "3", "2");
    check_sums(Type::Decimal, &["-1", "-2"], "-3", "-2");
    check_sums(Type::Decimal, &["2", "3"], "5", "2");
    check_sums(
        Type::Double,
        &["0.1", "0.2", "0.3"],
        "0.6",
        "0.19999999999999998",
    );
    check_sums(Type::Double, &["1e308", "1e308"], "Infinity", "1.0E308");
    check_sums(Type::Double, &["Infinity", "1"], "Infinity", "Infinity");
    check_sums(Type::Float, &["0.1", "0.2"], "0.3", "0.15");
    check_sums(Type::Int, &[], "0", "0");
    check_sums(Type::Decimal, &[], "0", "0");
    assert!(Accumulator::new(&Type::Text).is_none());
    let mut growing = Accumulator::new(&Type::Decimal).expect("a number");
    let mut scales = (0..100).map(|step| format!("1e-{}", step * 9_000));
    assert!(
        scales.any(|text| growing.add(&value(&Type::Decimal, &text)).is_err()),
        "digits pile up"
    );
    let mut apart = Accumulator::new(&Type::Decimal).expect("a number");
    apart
        .add(&value(&Type::Decimal, "1e2147483647"))
        .expect_err("more zeros than any sum may have");
}

#[test]
fn types_have_cassandras_names() {
    const PACKAGE: &str = "org.apache.cassandra.db.marshal.";
    for (ty, name, class) in [
        (Type::Text, "text", "UTF8Type"),
        (Type::Duration, "duration", "DurationType"),
        (
            Type::list(Type::Int, false),
            "list<int>",
            "ListType(@Int32Type)",
        ),
        (
            Type::list(Type::Int, true),
            "frozen<list<int>>",
            "FrozenType(@ListType(@Int32Type))",
        ),
        (
            Type::map(Type::Text, Type::list(Type::Int, true), false),
            "map<text, frozen<list<int>>>",
            "MapType(@UTF8Type,@FrozenType(@ListType(@Int32Type)))",
        ),
        (
            Type::list(Type::list(Type::Int, true), true),
            "frozen<list<frozen<list<int>>>>",
            "FrozenType(@ListType(@ListType(@Int32Type)))",
        ),
        (
            Type::tuple([Type::Int, Type::Text]),
            "frozen<tuple<int, text>>",
            "TupleType(@Int32Type,@UTF8Type)",
        ),
        (
            Type::vector(Type::Float, 3),
            "vector<float, 3>",
            "VectorType(@FloatType , 3)",
        ),
        (
            Type::udt(address(), true),
            "frozen<address>",
            "FrozenType(@UserType(ks,61646472657373,737472656574:@UTF8Type,5a6970:@Int32Type))",
        ),
        (
            Type::udt(address(), false),
            "address",
            "UserType(ks,61646472657373,737472656574:@UTF8Type,5a6970:@Int32Type)",
        ),
    ] {
        assert_eq!(ty.to_string(), name);
        assert_eq!(
            ty.marshal_name(),
            format!("{PACKAGE}{}", class.replace('@', PACKAGE))
        );
    }
    assert_eq!(Type::native("varchar"), Some(Type::Text));
    assert_eq!(Type::native("list"), None);
    let quoted = udt::Definition {
        keyspace: "ks".into(),
        name: "Select".into(),
        fields: Vec::new(),
    };
    assert_eq!(Type::udt(quoted, false).to_string(), "\"Select\"");
}

/// These bytes are on disks: a change here is a new version of the format.
#[test]
fn binary_types_are_stable() {
    for (ty, expected) in [
        (Type::Ascii, "01"),
        (Type::VarInt, "14"),
        (Type::list(Type::Int, false), "20 00 0c"),
        (Type::set(Type::Text, true), "21 01 0e"),
        (Type::map(Type::Int, Type::Blob, true), "22 01 0c 03"),
        (Type::tuple([Type::Int, Type::Text]), "23 0002 0c 0e"),
        (
            Type::udt(address(), true),
            "24 01 0002 6b73 0007 61646472657373 0002 0006 737472656574 0e 0003 5a6970 0c",
        ),
        (Type::vector(Type::Float, 3), "25 00000003 0a"),
    ] {
        let mut out = Vec::new();
        ty.encode(&mut out);
        assert_eq!(out, bytes(expected), "{ty}");
    }
    for damaged in [
        "",
        "00",
        "15",
        "20 02 0c",
        "20 00",
        "25 00000000 0a",
        "23 0002 0c",
        "24 00 0001 ff 0000 0000",
    ] {
        assert!(
            Type::decode(&mut Reader::new(&bytes(damaged))).is_err(),
            "{damaged}"
        );
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| (1..depth).fold(Type::Int, |ty, _| Type::list(ty, true));
    let encoded = |depth: usize| {
        let mut out = Vec::new();
        nested(depth).encode(&mut out);
        out
    };
    assert!(nested(NESTING_MAX).check_nesting().is_ok());
    assert!(nested(NESTING_MAX + 1).check_nesting().is_err());
    assert!(Type::decode(&mut Reader::new(&encoded(NESTING_MAX))).is_ok());
    assert!(Type::decode(&mut Reader::new(&encoded(NESTING_MAX + 1))).is_err());
    let endless = [32u8, 0].repeat(100_000);
    assert!(Type::decode(&mut Reader::new(&endless)).is_err());
}

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
fn definitions_replace_their_older_selves() {
    let old = std::sync::Arc::new(address());
    let mut newer = address();
    newer.fields.push(("city".into(), Type::Text));
    let newer = std::sync::Arc::new(newer);
    let of = |definition: &std::sync::Arc<udt::Definition>| {
        Type::map(
            Type::Int,
            Type::Udt {
                definition: definition.clone(),
                frozen: true,
            },
            false,
        )
    };
    assert!(of(&old).references_udt("ks", "address"));
    assert_eq!(of(&old).with_udt(&newer), of(&newer));
    let short = tuple::encode([Some(&b"x"[..]), None]);
    assert_eq!(
        Type::Udt {
            definition: newer.clone(),
            frozen: true
        }
        .validate(&short),
        Ok(())
    );
    assert_eq!(newer.field_index("city"), Some(2));
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
