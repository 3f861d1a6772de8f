//! Comparable forms: equal values, what is stable, what is damaged.

use base::bytes::Reader;
use types::value::hex;
use types::{Type, collection, comparable, tuple, vector};

use crate::{address, bytes, form, value};

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
