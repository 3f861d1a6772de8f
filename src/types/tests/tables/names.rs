//! Types by name and as bytes on disk; definitions.

use base::bytes::Reader;
use types::{NESTING_MAX, Type, tuple, udt};

use crate::{address, bytes};

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
