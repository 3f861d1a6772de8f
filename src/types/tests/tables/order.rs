//! The order of values, by comparison and by comparable form.

use types::{Type, collection, tuple};

use crate::{form, value};

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
