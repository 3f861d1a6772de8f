//! Answers come back as they were written, on both versions.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

use bytes::BytesMut;
use proptest::prelude::*;
use types::Type;

use super::*;
use crate::consistency::Consistency;
use crate::error::{FailureReason, Failures, WriteType};
use crate::event::{Change, SchemaChange, StatusChange, Target, TopologyChange};
use crate::frame::Decoder;
use crate::result::tests::any_metadata;
use crate::result::{ColumnSpec, Metadata, MetadataChoice, Prepared, RowsWriter};

const VERSIONS: [Version; 2] = [Version::V4, Version::V5];

fn envelope(bytes: &[u8]) -> Envelope {
    Decoder::of_responses()
        .decode(&mut BytesMut::from(bytes))
        .unwrap()
        .expect("a whole envelope")
}

fn encoded(response: &Response<'_>, version: Version) -> BytesMut {
    let mut out = BytesMut::new();
    encode(response, &Head::new(version, 5), &mut out);
    out
}

fn error_body(error: &Error, version: Version) -> BytesMut {
    let mut out = BytesMut::new();
    error.encode(version, &mut out);
    out
}

fn body_with(code: i32, message: &str, fields: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    out.put_i32(code);
    wire::put_string(&mut out, message);
    out.extend_from_slice(fields);
    out
}

fn localhost() -> IpAddr {
    IpAddr::from([127, 0, 0, 1])
}

#[test]
fn supported_names_what_python_asks_for() {
    let bytes = encoded(&supported(), Version::V4);
    let mut expected = BytesMut::from(&b"\x84\0\0\x05\x06\0\0\0\x60\0\x03"[..]);
    expected.extend_from_slice(b"\0\x0BCQL_VERSION\0\x01\0\x053.4.7");
    expected.extend_from_slice(b"\0\x0BCOMPRESSION\0\x02\0\x06snappy\0\x03lz4");
    expected.extend_from_slice(b"\0\x11PROTOCOL_VERSIONS\0\x02\0\x044/v4\0\x045/v5");
    expected[8] = (expected.len() - 9) as u8;
    assert_eq!(bytes, expected);
}

#[test]
fn plain_answers_byte_by_byte() {
    assert_eq!(
        encoded(&Response::Ready, Version::V5)[..],
        b"\x85\0\0\x05\x02\0\0\0\0"[..]
    );
    assert_eq!(
        encoded(&Response::Result(Outcome::Void), Version::V4)[..],
        b"\x84\0\0\x05\x08\0\0\0\x04\0\0\0\x01"[..]
    );
    let mut out = BytesMut::new();
    let node: SocketAddr = "10.0.0.1:9042".parse().unwrap();
    encode_event(
        &Event::Status(StatusChange::Up, node),
        Version::V4,
        &mut out,
    );
    let expected =
        b"\x84\0\xFF\xFF\x0C\0\0\0\x1C\0\x0DSTATUS_CHANGE\0\x02UP\x04\x0A\0\0\x01\0\0\x23\x52";
    assert_eq!(out[..], expected[..]);
}

#[test]
fn what_comes_before_the_body_has_an_order() {
    let warnings = ["w".to_owned()];
    let payload: &[(&str, Option<&[u8]>)] = &[("k", None)];
    let head = Head {
        tracing_id: Some(Uuid::from_bytes([9; 16])),
        warnings: &warnings,
        payload,
        ..Head::new(Version::V5, 1)
    };
    let mut out = BytesMut::new();
    encode(
        &Response::Result(Outcome::SetKeyspace("ks")),
        &head,
        &mut out,
    );
    let mut expected = b"\x85\x0E\0\x01\x08\0\0\0\x26".to_vec();
    expected.extend([9; 16]);
    expected.extend(b"\0\x01\0\x01w\0\x01\0\x01k\xFF\xFF\xFF\xFF\0\0\0\x03\0\x02ks");
    assert_eq!(out[..], expected[..]);
    let received = envelope(&out);
    let received = decode(&received).unwrap();
    assert_eq!(received.warnings, ["w"]);
    assert_eq!(received.payload, payload);
}

#[test]
fn errors_byte_by_byte() {
    let check = |error: Error, message: &str, v4: &[u8], v5: &[u8]| {
        assert_eq!(error.to_string(), message);
        assert_eq!(
            error_body(&error, Version::V4),
            body_with(error.code(), message, v4),
            "{error:?} on v4"
        );
        assert_eq!(
            error_body(&error, Version::V5),
            body_with(error.code(), message, v5),
            "{error:?} on v5"
        );
    };
    let same = |error: Error, message: &str, fields: &[u8]| check(error, message, fields, fields);
    let consistency = Consistency::Quorum;
    same(Error::Invalid("no".to_owned()), "no", b"");
    same(
        Error::Unavailable {
            consistency,
            required: 2,
            alive: 1,
        },
        "Cannot achieve consistency level QUORUM",
        b"\0\x04\0\0\0\x02\0\0\0\x01",
    );
    let cas = Error::WriteTimeout {
        consistency,
        received: 1,
        required: 2,
        write_type: WriteType::Cas,
        contentions: 3,
    };
    check(
        cas,
        "CAS operation timed out: received 1 of 2 required responses after 3 contention retries",
        b"\0\x04\0\0\0\x01\0\0\0\x02\0\x03CAS",
        b"\0\x04\0\0\0\x01\0\0\0\x02\0\x03CAS\0\x03",
    );
    same(
        Error::ReadTimeout {
            consistency,
            received: 1,
            required: 2,
            data_present: true,
        },
        "Operation timed out - received only 1 responses.",
        b"\0\x04\0\0\0\x01\0\0\0\x02\x01",
    );
    let failures = Failures::Reasons(vec![(localhost(), FailureReason::ReadTooManyTombstones)]);
    check(
        Error::ReadFailure {
            consistency,
            received: 0,
            required: 1,
            failures: failures.clone(),
            data_present: false,
        },
        "Operation failed - received 0 responses and 1 failures: READ_TOO_MANY_TOMBSTONES from 127.0.0.1",
        b"\0\x04\0\0\0\0\0\0\0\x01\0\0\0\x01\0",
        b"\0\x04\0\0\0\0\0\0\0\x01\0\0\0\x01\x04\x7F\0\0\x01\0\x01\0",
    );
    check(
        Error::WriteFailure {
            consistency,
            received: 0,
            required: 1,
            failures,
            write_type: WriteType::Simple,
        },
        "Operation failed - received 0 responses and 1 failures: READ_TOO_MANY_TOMBSTONES from 127.0.0.1",
        b"\0\x04\0\0\0\0\0\0\0\x01\0\0\0\x01\0\x06SIMPLE",
        b"\0\x04\0\0\0\0\0\0\0\x01\0\0\0\x01\x04\x7F\0\0\x01\0\x01\0\x06SIMPLE",
    );
    same(
        Error::AlreadyExists {
            keyspace: "ks".to_owned(),
            table: "t".to_owned(),
        },
        "Cannot add already existing table \"t\" to keyspace \"ks\"",
        b"\0\x02ks\0\x01t",
    );
    same(
        Error::AlreadyExists {
            keyspace: "ks".to_owned(),
            table: String::new(),
        },
        "Cannot add existing keyspace \"ks\"",
        b"\0\x02ks\0\0",
    );
    let unprepared = Error::Unprepared {
        id: vec![0xAB, 0x01],
    };
    assert!(
        unprepared
            .to_string()
            .starts_with("Prepared query with ID ab01 not found")
    );
    assert!(error_body(&unprepared, Version::V4).ends_with(b"\0\x02\xAB\x01"));
}

#[test]
fn an_unknown_outcome_is_a_timeout_on_v4() {
    let error = Error::CasWriteUnknown {
        consistency: Consistency::Serial,
        received: 1,
        required: 2,
    };
    let message =
        "CAS operation timed out: received 1 of 2 required responses after 0 contention retries";
    let fields = b"\0\x08\0\0\0\x01\0\0\0\x02";
    assert_eq!(
        error_body(&error, Version::V4),
        body_with(0x1100, message, &[&fields[..], b"\0\x03CAS"].concat())
    );
    assert_eq!(
        error_body(&error, Version::V5),
        body_with(0x1700, &error.to_string(), fields)
    );
}

fn any_text() -> impl Strategy<Value = String> {
    ".{0,12}"
}

fn any_consistency() -> impl Strategy<Value = Consistency> {
    proptest::sample::select(&Consistency::ALL_LEVELS[..])
}

fn any_address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<[u8; 4]>().prop_map(IpAddr::from),
        any::<[u8; 16]>().prop_map(IpAddr::from)
    ]
}

fn any_node() -> impl Strategy<Value = SocketAddr> {
    (any_address(), any::<u16>()).prop_map(SocketAddr::from)
}

fn any_write_type() -> impl Strategy<Value = WriteType> {
    use WriteType::*;
    proptest::sample::select(
        &[
            Simple,
            Batch,
            UnloggedBatch,
            Counter,
            BatchLog,
            Cas,
            View,
            Cdc,
        ][..],
    )
}

/// Failures as this version can tell them.
fn any_failures(version: Version) -> BoxedStrategy<Failures> {
    match version {
        Version::V4 => (0..100i32).prop_map(Failures::Count).boxed(),
        Version::V5 => proptest::collection::vec(
            (
                any_address(),
                any::<u16>().prop_map(FailureReason::from_code),
            ),
            0..4,
        )
        .prop_map(Failures::Reasons)
        .boxed(),
    }
}

/// Errors as this version can tell them.
fn any_error(version: Version) -> impl Strategy<Value = Error> {
    let of_message: &[fn(String) -> Error] = &[
        Error::Server,
        Error::Protocol,
        Error::BadCredentials,
        Error::Overloaded,
        Error::IsBootstrapping,
        Error::Truncate,
        Error::CdcWriteFailure,
        Error::Syntax,
        Error::Unauthorized,
        Error::Invalid,
        Error::Config,
    ];
    let counts = || (any_consistency(), any::<i32>(), any::<i32>());
    let v5 = version == Version::V5;
    prop_oneof![
        (proptest::sample::select(of_message), any_text())
            .prop_map(|(error, message)| error(message)),
        counts().prop_map(|(consistency, required, alive)| Error::Unavailable {
            consistency,
            required,
            alive
        }),
        (counts(), any_write_type(), any::<u16>()).prop_map(
            move |((consistency, received, required), write_type, contentions)| {
                let contentions = if v5 && write_type == WriteType::Cas {
                    contentions
                } else {
                    0
                };
                Error::WriteTimeout {
                    consistency,
                    received,
                    required,
                    write_type,
                    contentions,
                }
            }
        ),
        (counts(), any::<bool>()).prop_map(|((consistency, received, required), data_present)| {
            Error::ReadTimeout {
                consistency,
                received,
                required,
                data_present,
            }
        }),
        (counts(), any_failures(version), any::<bool>()).prop_map(
            |((consistency, received, required), failures, data_present)| {
                Error::ReadFailure {
                    consistency,
                    received,
                    required,
                    failures,
                    data_present,
                }
            }
        ),
        (counts(), any_failures(version), any_write_type()).prop_map(
            |((consistency, received, required), failures, write_type)| {
                Error::WriteFailure {
                    consistency,
                    received,
                    required,
                    failures,
                    write_type,
                }
            }
        ),
        (
            any_text(),
            any_text(),
            proptest::collection::vec(any_text(), 0..3)
        )
            .prop_map(|(keyspace, function, arguments)| Error::FunctionFailure {
                keyspace: keyspace.replace(" failed: ", ""),
                function,
                arguments,
                reason: "it did".to_owned()
            }),
        counts().prop_map(move |(consistency, received, required)| match v5 {
            true => Error::CasWriteUnknown {
                consistency,
                received,
                required
            },
            false => Error::Unavailable {
                consistency,
                required,
                alive: received
            },
        }),
        (any_text(), any_text())
            .prop_map(|(keyspace, table)| Error::AlreadyExists { keyspace, table }),
        proptest::collection::vec(any::<u8>(), 0..20).prop_map(|id| Error::Unprepared { id }),
    ]
}

fn any_schema_change() -> impl Strategy<Value = SchemaChange> {
    let arguments = || proptest::collection::vec(any_text(), 0..3);
    let target = prop_oneof![
        Just(Target::Keyspace),
        any_text().prop_map(Target::Table),
        any_text().prop_map(Target::Type),
        (any_text(), arguments()).prop_map(|(name, arguments)| Target::Function(name, arguments)),
        (any_text(), arguments()).prop_map(|(name, arguments)| Target::Aggregate(name, arguments)),
    ];
    let change = proptest::sample::select(&[Change::Created, Change::Updated, Change::Dropped][..]);
    (change, any_text(), target).prop_map(|(change, keyspace, target)| SchemaChange {
        change,
        keyspace,
        target,
    })
}

fn any_event() -> impl Strategy<Value = Event> {
    use TopologyChange::*;
    prop_oneof![
        (
            proptest::sample::select(&[NewNode, RemovedNode, MovedNode][..]),
            any_node()
        )
            .prop_map(|(change, node)| Event::Topology(change, node)),
        (
            proptest::sample::select(&[StatusChange::Up, StatusChange::Down][..]),
            any_node()
        )
            .prop_map(|(change, node)| Event::Status(change, node)),
        any_schema_change().prop_map(Event::Schema),
    ]
}

fn check_round_trip(response: &Response<'_>, version: Version) -> Result<(), TestCaseError> {
    let bytes = encoded(response, version);
    let envelope = envelope(&bytes);
    let received = decode(&envelope).expect("what was encoded is valid");
    prop_assert_eq!(&received.response, response);
    prop_assert_eq!(encoded(&received.response, version), bytes);
    Ok(())
}

proptest! {
    #[test]
    fn errors_come_back((v4, v5) in (any_error(Version::V4), any_error(Version::V5))) {
        for (error, version) in [(v4, Version::V4), (v5, Version::V5)] {
            let message = error.to_string();
            check_round_trip(&Response::Error(error, &message), version)?;
        }
    }

    #[test]
    fn events_and_changes_come_back(event in any_event(), change in any_schema_change()) {
        for version in VERSIONS {
            check_round_trip(&Response::Event(event.clone()), version)?;
            check_round_trip(&Response::Result(Outcome::SchemaChange(change.clone())), version)?;
        }
    }

    #[test]
    fn the_other_answers_come_back(
        text in any_text(),
        token in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..20)),
        options in proptest::collection::vec((any_text(), proptest::collection::vec(any_text(), 0..3)), 0..4),
    ) {
        let options = options.iter().map(|(key, values)| (&key[..], values.iter().map(|value| &value[..]).collect()));
        let options: Vec<(&str, Vec<&str>)> = options.collect();
        for version in VERSIONS {
            check_round_trip(&Response::Ready, version)?;
            check_round_trip(&Response::Authenticate(&text), version)?;
            check_round_trip(&Response::Supported(options.clone()), version)?;
            check_round_trip(&Response::AuthChallenge(token.as_deref()), version)?;
            check_round_trip(&Response::AuthSuccess(token.as_deref()), version)?;
            check_round_trip(&Response::Result(Outcome::Void), version)?;
            check_round_trip(&Response::Result(Outcome::SetKeyspace(&text)), version)?;
        }
    }

    #[test]
    fn prepared_statements_come_back(
        id in proptest::collection::vec(any::<u8>(), 0..20),
        (variables, result) in (any_metadata(), any_metadata()),
        partition_key in proptest::collection::vec(any::<u16>(), 0..4),
    ) {
        for version in VERSIONS {
            let result_metadata_id = if version == Version::V5 { &id[..] } else { &[] };
            let prepared = Prepared {
                id: Cow::Borrowed(&id),
                result_metadata_id: Cow::Borrowed(result_metadata_id),
                variables: Cow::Borrowed(&variables),
                partition_key: Cow::Borrowed(&partition_key),
                result: Cow::Borrowed(&result),
            };
            check_round_trip(&Response::Result(Outcome::Prepared(prepared)), version)?;
        }
    }

    #[test]
    fn junk_never_panics(code in 0u8..17, flags in any::<u8>(), junk in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Some(opcode) = Opcode::from_code(code) {
            for version in VERSIONS {
                let body = bytes::Bytes::from(junk.clone());
                let _ = decode(&Envelope { version, flags, stream: 0, opcode, body });
            }
        }
    }
}

/// One answer of every kind, to be cut and damaged.
fn samples(version: Version) -> Vec<BytesMut> {
    let column = |name: &str, ty: Type| ColumnSpec {
        keyspace: "ks".into(),
        table: "t".into(),
        name: name.to_owned(),
        ty,
    };
    let metadata = Metadata::new(vec![
        column("a", Type::map(Type::Text, Type::Duration, false)),
        column("b", Type::Int),
    ]);
    let failures = Failures::Reasons(vec![(localhost(), FailureReason::Timeout); 3]);
    let consistency = Consistency::One;
    let failure = Error::ReadFailure {
        consistency,
        received: 1,
        required: 2,
        failures,
        data_present: true,
    };
    let change = SchemaChange {
        change: Change::Created,
        keyspace: "ks".to_owned(),
        target: Target::Function("f".to_owned(), vec!["int".to_owned()]),
    };
    let prepared = Prepared {
        id: Cow::Borrowed(b"0123456789abcdef"),
        result_metadata_id: Cow::Borrowed(b"fedcba9876543210"),
        variables: Cow::Borrowed(&metadata),
        partition_key: Cow::Borrowed(&[1, 0]),
        result: Cow::Borrowed(&metadata),
    };
    let mut samples: Vec<BytesMut> = [
        Response::Error(failure, "it failed"),
        Response::Authenticate("org.apache.cassandra.auth.PasswordAuthenticator"),
        supported(),
        Response::Event(Event::Schema(change)),
        Response::AuthChallenge(Some(b"token")),
        Response::Result(Outcome::SetKeyspace("ks")),
        Response::Result(Outcome::Prepared(prepared)),
    ]
    .iter()
    .map(|response| encoded(response, version))
    .collect();
    let mut out = BytesMut::new();
    let warnings = ["careful".to_owned()];
    let head = Head {
        tracing_id: Some(Uuid::from_bytes([1; 16])),
        warnings: &warnings,
        ..Head::new(version, 5)
    };
    let mut rows = RowsWriter::begin(&mut out, &head, &metadata, MetadataChoice::Full, None);
    for cell in [Some(&b"value"[..]), None] {
        rows.cell(&mut out, cell);
    }
    rows.end_row();
    rows.finish(&mut out, Some(b"state"), &[]);
    samples.push(out);
    samples
}

#[test]
fn an_answer_cut_anywhere_is_refused() {
    for version in VERSIONS {
        for sample in samples(version) {
            let whole = envelope(&sample);
            assert!(decode(&whole).is_ok());
            for length in 0..whole.body.len() {
                let cut = Envelope {
                    body: whole.body.slice(..length),
                    ..whole.clone()
                };
                assert!(decode(&cut).is_err(), "{:?} cut at {length}", whole.opcode);
            }
        }
    }
}

#[test]
fn a_flipped_bit_is_another_answer_or_refused() {
    for version in VERSIONS {
        for sample in samples(version) {
            let whole = envelope(&sample);
            for bit in 0..whole.body.len() * 8 {
                let mut body = whole.body.to_vec();
                body[bit / 8] ^= 1 << (bit % 8);
                let damaged = Envelope {
                    body: body.into(),
                    ..whole.clone()
                };
                let Ok(received) = decode(&damaged) else {
                    continue;
                };
                if let Response::Result(Outcome::Rows(rows)) = received.response {
                    assert_eq!(
                        rows.iter().flatten().count(),
                        rows.len() * rows.column_count()
                    );
                }
            }
        }
    }
}
