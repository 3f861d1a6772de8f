//! Which bytes are values of a type, and what is said when they are not.

use types::Type;

use crate::{address, bytes};

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
            "Invalid version for TimeUUID type: 0x4",
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
            "Unexpected 1 extraneous bytes after vector<float, 2> value",
        ),
        (floats.clone(), "", "Invalid empty vector value"),
        (
            Type::map(Type::Int, Type::Text, false),
            "00000001 00000004 00000001",
            "Not enough bytes to read a map",
        ),
        (
            Type::set(Type::Int, false),
            "00000001",
            "Not enough bytes to read a set",
        ),
        (
            Type::udt(address(), false),
            "ffffffff 00000001 00",
            "Failure validating the 1th field Zip; Expected 4 or 0 byte int (1)",
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
