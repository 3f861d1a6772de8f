//! Casts and sums.

use types::aggregate::Accumulator;
use types::{Type, cast};

use crate::value;

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
