//! Constants: where they may go, what they mean, how values print.

use types::literal::{self, Assignment, Constant};
use types::{Type, collection, tuple};

use crate::{address, bytes, value};

fn pair() -> Type {
    Type::tuple([Type::Int, Type::Text])
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
        (Type::Date, Constant::Integer("-0"), "00000000"),
        (
            pair(),
            Constant::Text("1:a"),
            "00000004 00000001 00000001 61",
        ),
        (pair(), Constant::Text("@:a"), "ffffffff 00000001 61"),
        (pair(), Constant::Text("1:@"), "00000004 00000001 ffffffff"),
        (pair(), Constant::Text(":"), "00000000 00000000"),
        (
            pair(),
            Constant::Text("1:a\\:b\\@@"),
            "00000004 00000001 00000005 61 3a 62 40 40",
        ),
        (pair(), Constant::Integer("-1"), "00000004 ffffffff"),
        (pair(), Constant::Hex("0xffffffff"), "ffffffff"),
        (pair(), Constant::Text(""), ""),
        (
            Type::tuple([Type::list(Type::Int, true), Type::udt(address(), true)]),
            Constant::Text("00000000:x\\:1"),
            "00000004 00000000 0000000d 00000001 78 00000004 00000001",
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
            "Unable to parse a date/time from 'soon'",
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
        (
            pair(),
            Constant::Float("1.5"),
            "Unable to make int from '1.5'",
        ),
        (
            pair(),
            Constant::Text("1:a:b"),
            "Invalid tuple literal: too many elements. Type frozen<tuple<int, text>> expects 2 but got 3",
        ),
        (
            pair(),
            Constant::Hex("0x00"),
            "Not enough bytes to read size of 0th component",
        ),
        (
            Type::vector(Type::Int, 2),
            Constant::Text("1"),
            "Invalid STRING constant (1) for \"v\" of type vector<int, 2>",
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
