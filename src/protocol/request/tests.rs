//! Requests come back as they were written, and any other bytes are an error.

use bytes::BytesMut;
use proptest::prelude::*;

use super::*;
use crate::consistency::Consistency;
use crate::frame::flags::CUSTOM_PAYLOAD;

const VERSIONS: [Version; 2] = [Version::V4, Version::V5];

fn encoded(request: &Request<'_>, version: Version) -> BytesMut {
    let mut out = BytesMut::new();
    request.encode_body(version, &mut out);
    out
}

fn decoded<'a>(version: Version, opcode: Opcode, body: &'a [u8]) -> Request<'a> {
    decode(version, 0, opcode, body).expect("what was encoded is valid")
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn a_v4_query_byte_by_byte() {
    let bindings = Bindings::of([Value::Set(&[1]), Value::Null, Value::Unset]);
    let parameters = Parameters {
        values: bindings.values(),
        skip_metadata: true,
        page_size: Some(5000),
        paging_state: Some(&[0xAB]),
        serial_consistency: Some(Consistency::Serial),
        timestamp: Some(2),
        keyspace: Some("not on v4"),
        now_in_seconds: Some(3),
        ..Parameters::new(Consistency::Quorum)
    };
    let body = encoded(
        &Request::Query(Query {
            text: "USE a",
            parameters,
        }),
        Version::V4,
    );
    let expected = "00000005 5553452061 0004 3f 0003 00000001 01 ffffffff fffffffe 00001388 00000001 ab 0008 0000000000000002";
    assert_eq!(&body[..], hex(expected));
}

#[test]
fn a_v5_execute_byte_by_byte() {
    let mut bindings = Bindings::new();
    bindings.push_named("k", Value::Set(b""));
    let parameters = Parameters {
        values: bindings.values(),
        keyspace: Some("ks"),
        now_in_seconds: Some(9),
        ..Parameters::new(Consistency::LocalOne)
    };
    let execute = Execute {
        id: &[1, 2],
        result_metadata_id: Some(&[3]),
        parameters,
    };
    let body = encoded(&Request::Execute(execute), Version::V5);
    let expected = "0002 0102 0001 03 000a 000001c1 0001 0001 6b 00000000 0002 6b73 00000009";
    assert_eq!(&body[..], hex(expected));
}

#[test]
fn a_batch_byte_by_byte() {
    let mut builder = BatchBuilder::new();
    builder.push_text("A", &Bindings::new());
    builder.push_prepared(&[7], &Bindings::of([Value::Null]));
    let mut batch = Batch::new(BatchKind::Unlogged, builder.statements(), Consistency::One);
    batch.timestamp = Some(5);
    let expected = "01 0002 00 00000001 41 0000 01 0001 07 0001 ffffffff 0001 20 0000000000000005";
    assert_eq!(
        &encoded(&Request::Batch(batch), Version::V4)[..],
        hex(expected)
    );
}

#[test]
fn a_custom_payload_is_skipped() {
    let mut body = hex("0001 0003 6b6579 00000002 aabb");
    body.extend(hex("00000001 41 00000000"));
    let request = decode(Version::V5, CUSTOM_PAYLOAD, Opcode::Prepare, &body).unwrap();
    assert_eq!(
        request,
        Request::Prepare(Prepare {
            text: "A",
            keyspace: None
        })
    );
}

#[test]
fn values_are_iterated_in_place() {
    let mut bindings = Bindings::new();
    bindings
        .push_named("a", Value::Set(b"1"))
        .push_named("b", Value::Unset)
        .push_named("a", Value::Null);
    let values = bindings.values();
    assert!(values.are_named());
    assert_eq!(values.len(), 3);
    assert_eq!(
        values.iter().collect::<Vec<_>>(),
        [Value::Set(b"1"), Value::Unset, Value::Null]
    );
    assert_eq!(values.by_name("a"), Some(Value::Set(b"1")), "the first");
    assert_eq!(values.by_name("b"), Some(Value::Unset));
    assert_eq!(values.by_name("c"), None);
}

#[test]
fn a_page_size_below_zero_means_no_paging() {
    for size in ["80000000", "ffffffff"] {
        let body = hex(&format!("00000001 41 0001 04 {size}"));
        let Request::Query(query) = decoded(Version::V4, Opcode::Query, &body) else {
            panic!("not a query")
        };
        assert_eq!(query.parameters.page_size, None);
    }
}

#[test]
fn flags_without_a_meaning_are_ignored() {
    let check = |version, body: &str, keyspace: Option<&str>, serial: Option<Consistency>| {
        let body = hex(body);
        let Request::Query(query) = decoded(version, Opcode::Query, &body) else {
            panic!("not a query")
        };
        let found = query.parameters;
        assert_eq!(
            (found.keyspace, found.serial_consistency),
            (keyspace, serial)
        );
    };
    let serial = Some(Consistency::Serial);
    check(Version::V5, "00000001 41 0001 80000610 0008", None, serial);
    check(
        Version::V4,
        "00000001 41 0001 80 0002 6b73",
        Some("ks"),
        None,
    );
    let batch = hex("00 0000 0001 47");
    let batch = decoded(Version::V4, Opcode::Batch, &batch);
    assert!(matches!(batch, Request::Batch(_)));
}

#[test]
fn refusals_have_clear_words() {
    let check = |version: Version, opcode: Opcode, body: &str, expected: &str| {
        let error = decode(version, 0, opcode, &hex(body)).unwrap_err();
        assert_eq!(error, Error::Protocol(expected.to_owned()));
    };
    check(
        Version::V4,
        Opcode::Query,
        "00000001 41 00ff 00",
        "Unknown code 255 for a consistency level",
    );
    check(
        Version::V4,
        Opcode::Query,
        "00000001 41 0001 04 00000000",
        "The page size cannot be 0",
    );
    check(
        Version::V4,
        Opcode::Query,
        "7fffffff 41",
        "Not enough bytes to read the query: 2147483647 needed, 1 left",
    );
    check(
        Version::V4,
        Opcode::Query,
        "00000001 41 0001 20 8000000000000000",
        "Out of bound timestamp, must be in [-9223372036854775807, 9223372036854775807] (got -9223372036854775808)",
    );
    check(
        Version::V4,
        Opcode::Register,
        "0001 0003 464f4f",
        "Invalid value 'FOO' for Type",
    );
    check(
        Version::V4,
        Opcode::Batch,
        "03 0000 0001 00",
        "Invalid BATCH message type 3",
    );
    check(
        Version::V4,
        Opcode::Batch,
        "00 0001 02",
        "Invalid query kind in BATCH messages. Must be 0 or 1 but got 2",
    );
    check(
        Version::V4,
        Opcode::Ready,
        "",
        "Wrong protocol direction (expected REQUEST, got RESPONSE) for opcode 2 (READY)",
    );
}

/// One request of every kind with every field, to be cut and damaged.
fn with_samples(check: impl Fn(Request<'_>)) {
    let mut named = Bindings::new();
    named
        .push_named("k", Value::Set(b"value"))
        .push_named("v", Value::Unset);
    let parameters = Parameters {
        values: named.values(),
        skip_metadata: true,
        page_size: Some(100),
        paging_state: Some(b"state"),
        serial_consistency: Some(Consistency::LocalSerial),
        timestamp: Some(-1),
        keyspace: Some("ks"),
        now_in_seconds: Some(1),
        ..Parameters::new(Consistency::LocalQuorum)
    };
    let mut builder = BatchBuilder::new();
    builder.push_text("INSERT", &Bindings::of([Value::Set(b"x"), Value::Null]));
    builder.push_prepared(b"0123456789abcdef", &Bindings::new());
    let mut batch = Batch::new(BatchKind::Counter, builder.statements(), Consistency::All);
    batch.serial_consistency = Some(Consistency::Serial);
    check(Request::Startup(Startup::new(vec![
        ("CQL_VERSION", "3.0.0"),
        ("DRIVER_NAME", "test"),
    ])));
    check(Request::Register(vec![
        event::Kind::SchemaChange,
        event::Kind::StatusChange,
        event::Kind::TopologyChange,
    ]));
    check(Request::AuthResponse(Some(b"\0name\0password")));
    check(Request::Query(Query {
        text: "SELECT ?",
        parameters: parameters.clone(),
    }));
    check(Request::Prepare(Prepare {
        text: "SELECT ?",
        keyspace: Some("ks"),
    }));
    check(Request::Execute(Execute {
        id: b"0123456789abcdef",
        result_metadata_id: Some(b"id"),
        parameters,
    }));
    check(Request::Batch(batch));
}

#[test]
fn a_message_cut_anywhere_is_refused() {
    with_samples(|request| {
        for version in VERSIONS {
            let body = encoded(&request, version);
            for length in 0..body.len() {
                let cut = decode(version, 0, request.opcode(), &body[..length]);
                assert!(
                    matches!(cut, Err(Error::Protocol(_))),
                    "{request:?} cut at {length}: {cut:?}"
                );
            }
        }
    });
}

#[test]
fn a_flipped_bit_is_another_message_or_refused() {
    with_samples(|request| {
        for version in VERSIONS {
            let body = encoded(&request, version);
            for bit in 0..body.len() * 8 {
                let mut damaged = body.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                if let Ok(Request::Batch(batch)) = decode(version, 0, request.opcode(), &damaged) {
                    assert_eq!(batch.statements.iter().count(), batch.statements.len());
                }
            }
        }
    });
}

#[derive(Debug, Clone)]
enum OwnedValue {
    Null,
    Unset,
    Set(Vec<u8>),
}

impl OwnedValue {
    fn value(&self) -> Value<'_> {
        match self {
            OwnedValue::Null => Value::Null,
            OwnedValue::Unset => Value::Unset,
            OwnedValue::Set(bytes) => Value::Set(bytes),
        }
    }
}

fn any_value() -> impl Strategy<Value = OwnedValue> {
    prop_oneof![
        Just(OwnedValue::Null),
        Just(OwnedValue::Unset),
        proptest::collection::vec(any::<u8>(), 0..20).prop_map(OwnedValue::Set),
    ]
}

fn any_consistency() -> impl Strategy<Value = Consistency> {
    proptest::sample::select(&Consistency::ALL_LEVELS[..])
}

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..30)
}

/// The fields of parameters, as owned values.
type Fields = (
    (Consistency, Vec<(String, OwnedValue)>, bool, bool),
    (
        Option<u32>,
        Option<Vec<u8>>,
        Option<Consistency>,
        Option<i64>,
        Option<String>,
        Option<i32>,
    ),
);

fn any_fields() -> impl Strategy<Value = Fields> {
    (
        (
            any_consistency(),
            proptest::collection::vec((".{0,5}", any_value()), 0..10),
            any::<bool>(),
            any::<bool>(),
        ),
        (
            proptest::option::of(1u32..1 << 31),
            proptest::option::of(any_bytes()),
            proptest::option::of(any_consistency()),
            proptest::option::of(i64::MIN + 1..=i64::MAX),
            proptest::option::of(".{0,8}"),
            proptest::option::of(any::<i32>()),
        ),
    )
}

fn bindings(values: &[(String, OwnedValue)], named: bool) -> Bindings {
    let mut bindings = Bindings::new();
    for (name, value) in values {
        if named {
            bindings.push_named(name, value.value());
        } else {
            bindings.push(value.value());
        }
    }
    bindings
}

fn parameters<'a>(fields: &'a Fields, bindings: &'a Bindings, version: Version) -> Parameters<'a> {
    let (
        (consistency, _, _, skip_metadata),
        (page_size, paging_state, serial_consistency, timestamp, keyspace, now),
    ) = fields;
    let v5 = version == Version::V5;
    Parameters {
        consistency: *consistency,
        values: bindings.values(),
        skip_metadata: *skip_metadata,
        page_size: *page_size,
        paging_state: paging_state.as_deref(),
        serial_consistency: *serial_consistency,
        timestamp: *timestamp,
        keyspace: keyspace.as_deref().filter(|_| v5),
        now_in_seconds: now.filter(|_| v5),
    }
}

fn check_round_trip(request: &Request<'_>, version: Version) -> Result<(), TestCaseError> {
    let body = encoded(request, version);
    prop_assert_eq!(&decoded(version, request.opcode(), &body), request);
    Ok(())
}

proptest! {
    #[test]
    fn queries_and_executions_come_back(text in ".{0,40}", id in any_bytes(), fields in any_fields()) {
        let bound = bindings(&fields.0.1, fields.0.2);
        for version in VERSIONS {
            let parameters = parameters(&fields, &bound, version);
            check_round_trip(&Request::Query(Query { text: &text, parameters: parameters.clone() }), version)?;
            let result_metadata_id = (version == Version::V5).then_some(&id[..]);
            check_round_trip(&Request::Execute(Execute { id: &id, result_metadata_id, parameters }), version)?;
            let values: Vec<Value<'_>> = bound.values().iter().collect();
            let given: Vec<Value<'_>> = fields.0.1.iter().map(|(_, value)| value.value()).collect();
            prop_assert_eq!(values, given);
        }
    }

    #[test]
    fn the_other_requests_come_back(
        text in ".{0,40}",
        keyspace in proptest::option::of(".{0,8}"),
        options in proptest::collection::vec((".{0,8}", ".{0,8}"), 0..6),
        token in proptest::option::of(any_bytes()),
    ) {
        let options: Vec<(&str, &str)> = options.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        for version in VERSIONS {
            let keyspace = keyspace.as_deref().filter(|_| version == Version::V5);
            check_round_trip(&Request::Prepare(Prepare { text: &text, keyspace }), version)?;
            check_round_trip(&Request::Startup(Startup::new(options.clone())), version)?;
            check_round_trip(&Request::AuthResponse(token.as_deref()), version)?;
            check_round_trip(&Request::Options, version)?;
            check_round_trip(&Request::Register(vec![event::Kind::StatusChange]), version)?;
        }
    }

    #[test]
    fn batches_come_back(
        kind in proptest::sample::select(&[BatchKind::Logged, BatchKind::Unlogged, BatchKind::Counter][..]),
        statements in proptest::collection::vec((any::<bool>(), "[a-z]{0,9}"), 0..8),
        fields in any_fields(),
    ) {
        let bound = bindings(&fields.0.1, false);
        let mut builder = BatchBuilder::new();
        for (prepared, text) in &statements {
            if *prepared {
                builder.push_prepared(text.as_bytes(), &bound);
            } else {
                builder.push_text(text, &bound);
            }
        }
        for version in VERSIONS {
            let shared = parameters(&fields, &bound, version);
            let batch = Batch {
                kind,
                statements: builder.statements(),
                consistency: shared.consistency,
                serial_consistency: shared.serial_consistency,
                timestamp: shared.timestamp,
                keyspace: shared.keyspace,
                now_in_seconds: shared.now_in_seconds,
            };
            check_round_trip(&Request::Batch(batch), version)?;
        }
        let found: Vec<BatchQuery<'_>> = builder.statements().iter().map(|statement| statement.query).collect();
        prop_assert_eq!(found.len(), statements.len());
        for (query, (prepared, text)) in found.into_iter().zip(&statements) {
            let expected = if *prepared { BatchQuery::Prepared(text.as_bytes()) } else { BatchQuery::Text(text) };
            prop_assert_eq!(query, expected);
        }
    }

    #[test]
    fn junk_never_panics(code in 0u8..17, flags in any::<u8>(), junk in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Some(opcode) = Opcode::from_code(code) {
            for version in VERSIONS {
                let _ = decode(version, flags, opcode, &junk);
            }
        }
    }
}
