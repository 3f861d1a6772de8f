//! Result metadata, types and rows on the wire.

use std::borrow::Cow;

use bytes::BytesMut;
use proptest::prelude::*;
use types::{Type, udt};

use super::*;
use crate::frame::{Decoder, Envelope};
use crate::response::{self, Head, Response};

const VERSIONS: [Version; 2] = [Version::V4, Version::V5];

fn column(table: &str, name: &str, ty: Type) -> ColumnSpec {
    ColumnSpec {
        keyspace: "ks".into(),
        table: table.into(),
        name: name.to_owned(),
        ty,
    }
}

fn address() -> Type {
    let fields = vec![
        ("street".to_owned(), Type::Text),
        ("lines".to_owned(), Type::list(Type::Int, false)),
    ];
    Type::udt(
        udt::Definition {
            keyspace: "ks".to_owned(),
            name: "address".to_owned(),
            fields,
        },
        false,
    )
}

/// Any type as a decoder knows it: without frozen parts.
pub(crate) fn any_type() -> impl Strategy<Value = Type> {
    let native = proptest::sample::select(
        &[
            Type::Ascii,
            Type::BigInt,
            Type::Blob,
            Type::Boolean,
            Type::Counter,
            Type::Date,
            Type::Decimal,
            Type::Double,
            Type::Duration,
            Type::Float,
            Type::Inet,
            Type::Int,
            Type::SmallInt,
            Type::Text,
            Type::Time,
            Type::Timestamp,
            Type::TimeUuid,
            Type::TinyInt,
            Type::Uuid,
            Type::VarInt,
        ][..],
    );
    native.prop_recursive(3, 12, 3, |part| {
        prop_oneof![
            part.clone().prop_map(|element| Type::list(element, false)),
            part.clone().prop_map(|element| Type::set(element, false)),
            (part.clone(), part.clone()).prop_map(|(key, value)| Type::map(key, value, false)),
            proptest::collection::vec(part.clone(), 1..4).prop_map(Type::tuple),
            (part.clone(), 1u32..2000)
                .prop_map(|(element, dimension)| Type::vector(element, dimension)),
            (
                "[a-z_]{1,5}",
                proptest::collection::vec((".{1,5}", part), 1..4)
            )
                .prop_map(|(name, fields)| {
                    Type::udt(
                        udt::Definition {
                            keyspace: "ks".to_owned(),
                            name,
                            fields,
                        },
                        false,
                    )
                }),
        ]
    })
}

pub(crate) fn any_metadata() -> impl Strategy<Value = Metadata> {
    let column =
        ("[a-b]", ".{0,6}", any_type()).prop_map(|(table, name, ty)| column(&table, &name, ty));
    proptest::collection::vec(column, 0..5).prop_map(Metadata::new)
}

fn type_bytes(ty: &Type, version: Version) -> Vec<u8> {
    let mut out = BytesMut::new();
    encode_type(ty, version, &mut out);
    out.to_vec()
}

fn custom(class: &str) -> Vec<u8> {
    let mut out = BytesMut::new();
    out.put_u16(0);
    wire::put_string(&mut out, class);
    out.to_vec()
}

#[test]
fn types_byte_by_byte() {
    let check = |ty: Type, v4: &[u8], v5: &[u8]| {
        assert_eq!(type_bytes(&ty, Version::V4), v4, "{ty} on v4");
        assert_eq!(type_bytes(&ty, Version::V5), v5, "{ty} on v5");
    };
    let same = |ty: Type, bytes: &[u8]| check(ty, bytes, bytes);
    same(Type::Text, &[0, 0x0D]);
    same(Type::TinyInt, &[0, 0x14]);
    same(Type::list(Type::Int, true), &[0, 0x20, 0, 9]);
    same(
        Type::map(Type::Text, Type::set(Type::Uuid, true), false),
        &[0, 0x21, 0, 0x0D, 0, 0x22, 0, 0x0C],
    );
    same(
        Type::tuple([Type::Int, Type::Blob]),
        &[0, 0x31, 0, 2, 0, 9, 0, 3],
    );
    same(
        address(),
        b"\x00\x30\x00\x02ks\x00\x07address\x00\x02\x00\x06street\x00\x0D\x00\x05lines\x00\x20\x00\x09",
    );
    check(
        Type::Duration,
        &custom("org.apache.cassandra.db.marshal.DurationType"),
        &[0, 0x15],
    );
    same(
        Type::vector(Type::Float, 3),
        &custom(
            "org.apache.cassandra.db.marshal.VectorType(org.apache.cassandra.db.marshal.FloatType , 3)",
        ),
    );
}

#[test]
fn class_names_say_everything() {
    let check = |ty: Type, expected: &str| {
        assert_eq!(
            class_name(&ty).replace("org.apache.cassandra.db.marshal.", ""),
            expected
        );
        assert_eq!(class_name::parse(expected), Ok(ty));
    };
    check(
        Type::vector(Type::vector(Type::Double, 2), 4),
        "VectorType(VectorType(DoubleType , 2) , 4)",
    );
    check(
        Type::list(Type::Int, true),
        "FrozenType(ListType(Int32Type))",
    );
    check(
        Type::map(Type::Text, Type::Inet, false),
        "MapType(UTF8Type,InetAddressType)",
    );
    check(
        Type::tuple([Type::Int, Type::Date]),
        "TupleType(Int32Type,SimpleDateType)",
    );
    check(
        address(),
        "UserType(ks,61646472657373,737472656574:UTF8Type,6c696e6573:ListType(Int32Type))",
    );
    for junk in [
        "",
        "Int32Type)",
        "VectorType(FloatType)",
        "VectorType(FloatType,x)",
        "Nope",
        "UserType(ks,zz)",
        "ListType(",
    ] {
        assert!(class_name::parse(junk).is_err(), "{junk:?}");
    }
}

#[test]
fn nesting_has_an_end() {
    let deep = [0, 0x20].repeat(10_000);
    let error = decode_type(&mut Reader::new(&deep)).unwrap_err();
    assert_eq!(error.to_string(), "Types are nested too deeply");
    let error = class_name::parse(&"ListType(".repeat(10_000)).unwrap_err();
    assert_eq!(error.to_string(), "Types are nested too deeply");
}

#[test]
fn metadata_of_one_table_names_it_once() {
    let one = Metadata::new(vec![
        column("t", "a", Type::Int),
        column("t", "b", Type::Text),
    ]);
    assert!(one.has_global_table_spec());
    assert_eq!(
        one.specs(Version::V4),
        b"\0\x02ks\0\x01t\0\x01a\0\x09\0\x01b\0\x0D"
    );
    let two = Metadata::new(vec![
        column("t", "a", Type::Int),
        column("u", "b", Type::Text),
    ]);
    assert!(!two.has_global_table_spec());
    assert_eq!(
        two.specs(Version::V5),
        b"\0\x02ks\0\x01t\0\x01a\0\x09\0\x02ks\0\x01u\0\x01b\0\x0D"
    );
    assert!(!Metadata::new(Vec::new()).has_global_table_spec());
}

#[test]
fn ids_tell_metadata_apart_and_never_change() {
    let of = |columns: &[ColumnSpec]| metadata_id(&Metadata::new(columns.to_vec()));
    let (a, b) = (column("t", "a", Type::Int), column("t", "b", Type::Int));
    let ids = [
        of(&[]),
        of(std::slice::from_ref(&a)),
        of(std::slice::from_ref(&b)),
        of(&[a.clone(), b.clone()]),
        of(&[b, a.clone()]),
    ];
    for (index, id) in ids.iter().enumerate() {
        assert!(!ids[..index].contains(id));
    }
    assert_eq!(of(&[]), metadata_id(&Metadata::empty()));
    // Clients keep these ids across restarts of the server: this value may not change.
    let hex: String = of(&[a]).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "26b8cd93894d283c22f1691edffa703f");
}

fn rows_of<'a>(envelope: &'a Envelope) -> (Vec<String>, Rows<'a>) {
    let received = response::decode(envelope).unwrap();
    let Response::Result(Outcome::Rows(rows)) = received.response else {
        panic!("no rows")
    };
    (
        received.warnings.into_iter().map(str::to_owned).collect(),
        rows,
    )
}

fn envelope(bytes: &[u8]) -> Envelope {
    Decoder::of_responses()
        .decode(&mut BytesMut::from(bytes))
        .unwrap()
        .expect("a whole envelope")
}

#[test]
fn rows_byte_by_byte() {
    let metadata = Metadata::new(vec![
        column("t", "a", Type::Int),
        column("t", "b", Type::Text),
    ]);
    let mut out = BytesMut::new();
    let mut writer = RowsWriter::begin(
        &mut out,
        &Head::new(Version::V4, 1),
        &metadata,
        MetadataChoice::Full,
        None,
    );
    writer.cell(&mut out, Some(&[0, 0, 0, 1]));
    writer.cell(&mut out, None);
    writer.end_row();
    writer.cell_with(&mut out, |out| out.put_i32(2));
    writer.cell(&mut out, Some(b""));
    writer.end_row();
    assert_eq!(writer.row_count(), 2);
    assert_eq!(writer.envelope_bytes(&out), out.len());
    writer.finish(&mut out, Some(b"next"), &["mind".to_owned()]);
    let mut expected = BytesMut::from(&b"\x84\x08\0\x01\x08\0\0\0\x49"[..]);
    expected.extend_from_slice(b"\0\x01\0\x04mind");
    expected.extend_from_slice(b"\0\0\0\x02\0\0\0\x03\0\0\0\x02\0\0\0\x04next");
    expected.extend_from_slice(b"\0\x02ks\0\x01t\0\x01a\0\x09\0\x01b\0\x0D");
    expected.extend_from_slice(
        b"\0\0\0\x02\0\0\0\x04\0\0\0\x01\xFF\xFF\xFF\xFF\0\0\0\x04\0\0\0\x02\0\0\0\0",
    );
    assert_eq!(out, expected);
}

#[test]
fn a_cancelled_answer_leaves_what_was_before() {
    let metadata = Metadata::new(vec![column("t", "a", Type::Int)]);
    let mut out = BytesMut::from(&b"another answer"[..]);
    let head = Head::new(Version::V5, 1);
    let mut writer = RowsWriter::begin(&mut out, &head, &metadata, MetadataChoice::Full, Some(20));
    writer.cell(&mut out, Some(b"1234"));
    writer.end_row();
    writer.cancel(&mut out);
    assert_eq!(&out[..], b"another answer");
}

#[test]
#[should_panic(expected = "cells in a row of 1 columns")]
fn a_row_has_as_many_cells_as_columns() {
    let metadata = Metadata::new(vec![column("t", "a", Type::Int)]);
    let mut out = BytesMut::new();
    let head = Head::new(Version::V5, 1);
    let mut writer = RowsWriter::begin(&mut out, &head, &metadata, MetadataChoice::Full, None);
    writer.end_row();
}

#[test]
fn rows_without_metadata_or_with_other() {
    let metadata = Metadata::new(vec![column("t", "a", Type::Int)]);
    let write = |choice: MetadataChoice<'_>| {
        let mut out = BytesMut::new();
        let mut writer = RowsWriter::begin(
            &mut out,
            &Head::new(Version::V5, 1),
            &metadata,
            choice,
            None,
        );
        writer.cell(&mut out, Some(b"1234"));
        writer.end_row();
        writer.finish(&mut out, None, &[]);
        envelope(&out)
    };
    let skipped = write(MetadataChoice::Skip);
    let (_, rows) = rows_of(&skipped);
    assert_eq!(
        (
            rows.metadata.as_ref(),
            rows.new_metadata_id,
            rows.column_count()
        ),
        (None, None, 1)
    );
    let changed = write(MetadataChoice::Changed(b"id"));
    let (_, rows) = rows_of(&changed);
    assert_eq!(
        (rows.metadata.as_ref(), rows.new_metadata_id),
        (Some(&metadata), Some(&b"id"[..]))
    );
}

#[test]
fn an_answer_that_promises_too_much_is_refused() {
    let check = |body: &[u8], expected: &str| {
        let error = Outcome::decode(Version::V4, &mut Reader::new(body)).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    check(
        b"\0\0\0\x02\0\0\0\x04\0\0\0\0\x7F\xFF\xFF\xFF",
        "Rows without columns",
    );
    check(
        b"\0\0\0\x02\0\0\0\x04\0\0\0\x02\x7F\xFF\xFF\xFF",
        "Not enough bytes to read the rows: 17179869176 needed, 0 left",
    );
    check(
        b"\0\0\0\x02\0\0\0\x01\xFF\xFF\xFF\xFF",
        "Invalid count -1 for the number of columns",
    );
    check(
        b"\0\0\0\x02\0\0\0\0\x7F\xFF\xFF\xFF",
        "Not enough bytes to read the columns: 17179869176 needed, 0 left",
    );
    check(b"\0\0\0\x09", "Unknown kind of result 9");
}

proptest! {
    #[test]
    fn types_come_back(ty in any_type()) {
        for version in VERSIONS {
            let bytes = type_bytes(&ty, version);
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(&decode_type(&mut reader).unwrap(), &ty);
            prop_assert_eq!(reader.remaining(), 0);
            for length in 0..bytes.len() {
                prop_assert!(decode_type(&mut Reader::new(&bytes[..length])).is_err());
            }
        }
    }

    /// Whatever was reserved and whatever was known when, the message is the same.
    #[test]
    fn rows_come_back(
        before in proptest::collection::vec(any::<u8>(), 0..20),
        metadata in any_metadata(),
        cells in proptest::collection::vec(proptest::option::of(proptest::collection::vec(any::<u8>(), 0..9)), 0..30),
        state in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40)),
        reserved in proptest::option::of(0usize..40),
        (early, late) in (proptest::collection::vec(".{0,9}", 0..3), proptest::collection::vec(".{0,9}", 0..3)),
        traced in any::<bool>(),
    ) {
        let width = metadata.columns().len();
        for version in VERSIONS {
            let mut out = BytesMut::from(&before[..]);
            let tracing_id = traced.then(|| uuid::Uuid::from_bytes([7; 16]));
            let payload: &[(&str, Option<&[u8]>)] = &[("key", Some(b"value"))];
            let head = Head { tracing_id, warnings: &early, payload, ..Head::new(version, 3) };
            let mut writer = RowsWriter::begin(&mut out, &head, &metadata, MetadataChoice::Full, reserved);
            let rows: Vec<_> = if width == 0 { Vec::new() } else { cells.chunks_exact(width).collect() };
            for row in &rows {
                row.iter().for_each(|cell| writer.cell(&mut out, cell.as_deref()));
                writer.end_row();
            }
            writer.finish(&mut out, state.as_deref(), &late);
            prop_assert_eq!(&out[..before.len()], &before[..]);
            let envelope = envelope(&out[before.len()..]);
            let (warnings, found) = rows_of(&envelope);
            prop_assert_eq!(warnings, [&early[..], &late[..]].concat());
            prop_assert_eq!(found.metadata.as_ref(), Some(&metadata));
            prop_assert_eq!(found.paging_state, state.as_deref());
            prop_assert_eq!(found.len(), rows.len());
            for (cells, row) in found.iter().zip(&rows) {
                prop_assert!(cells.eq(row.iter().map(|cell| cell.as_deref())));
            }
            // The same through the encoder that copies.
            let received = response::decode(&envelope).unwrap();
            prop_assert_eq!(received.tracing_id, tracing_id);
            prop_assert_eq!(&received.payload[..], payload);
            let mut copy = BytesMut::new();
            let merged = [&early[..], &late[..]].concat();
            let head = Head { tracing_id, warnings: &merged, payload, ..Head::new(version, 3) };
            response::encode(&received.response, &head, &mut copy);
            prop_assert_eq!(&copy[..], &out[before.len()..]);
        }
    }
}

#[test]
fn a_prepared_statement_byte_by_byte() {
    let prepared = Prepared {
        id: (&[1, 2][..]).into(),
        result_metadata_id: (&[3][..]).into(),
        variables: Cow::Owned(Metadata::new(vec![column("t", "k", Type::Int)])),
        partition_key: (&[0u16][..]).into(),
        result: Cow::Owned(Metadata::empty()),
    };
    let body = |version: Version| {
        let mut out = BytesMut::new();
        Outcome::Prepared(prepared.clone()).encode(version, &mut out);
        out
    };
    let tail = b"\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x02ks\0\x01t\0\x01k\0\x09\0\0\0\x04\0\0\0\0";
    assert_eq!(
        body(Version::V4),
        [&b"\0\0\0\x04\0\x02\x01\x02"[..], tail].concat()
    );
    assert_eq!(
        body(Version::V5),
        [&b"\0\0\0\x04\0\x02\x01\x02\0\x01\x03"[..], tail].concat()
    );
}
