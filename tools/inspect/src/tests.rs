//! Small files of each kind: intact, and with every byte of them damaged in turn.

use metadata::log::format::{ENTRY, Header, Mark, RECORDS_OFFSET, Record, put_record};
use metadata::{Epoch, Transformation};
use model::cell::Kind as CellKind;
use model::image::Builder;
use model::key::clustering;
use model::{ColumnId, Liveness, PartitionKey, TableId, Timestamp, mutation};
use schema::change::{Change, TypeAction};
use storage::commitlog::format as log;
use storage::manifest::format as manifest;
use types::Type;
use uuid::Uuid;

use crate::inspect;
use crate::kind::Kind;
use crate::show::Show;
use crate::tables::Tables;

/// The text of a dump and the offsets of damage.
fn run(name: &str, bytes: &[u8]) -> (String, Vec<u64>) {
    let mut out = Vec::new();
    let (_, damages) =
        inspect(name, bytes, &Tables::default(), true, &mut out).expect("a file of ours");
    (
        String::from_utf8(out).unwrap(),
        damages.iter().map(|damage| damage.offset).collect(),
    )
}

fn segment() -> Vec<u8> {
    let key = PartitionKey::new(b"key".to_vec());
    let mut record = Vec::new();
    let mut encoder =
        mutation::Encoder::new(&mut record, TableId(Uuid::from_u128(7)), key.as_ref());
    let mut builder = Builder::default();
    builder.liveness(Liveness::plain(Timestamp(5)));
    builder.cell(ColumnId(3), Timestamp(5), CellKind::Value(b"value"));
    encoder.row_from(b"", &mut builder);
    encoder.finish().unwrap();

    let mut segment = log::segment_header(9, 4096).to_vec();
    let mut synced = log::SEGMENT_HEADER_BYTES;
    for _ in 0..2 {
        let mut frame = vec![0; log::FRAME_HEADER_BYTES];
        frame.extend_from_slice(&(record.len() as u32).to_le_bytes());
        frame.extend_from_slice(&record);
        frame.extend_from_slice(&[0; log::FRAME_TRAILER_BYTES]);
        log::seal_body(9, &mut frame);
        log::seal_header(9, log::Position::new(9, synced as u32), &mut frame);
        segment.extend_from_slice(&frame);
        synced = segment.len();
    }
    segment.resize(4096, 0);
    segment
}

fn initialize() -> Transformation {
    Transformation::Initialize {
        cluster_id: Uuid::from_u128(1),
        cluster_name: "c".into(),
    }
}

fn metadata_log() -> Vec<u8> {
    log_of(&[initialize()])
}

fn log_of(steps: &[Transformation]) -> Vec<u8> {
    let header = Header {
        salt: 11,
        host_id: Uuid::from_u128(12),
    };
    let mut records = Vec::new();
    for (epoch, step) in (1..).map(Epoch).zip(steps) {
        let mut body = Vec::new();
        step.encode(&mut body);
        let record = Record {
            offset: RECORDS_OFFSET + records.len() as u64,
            kind: ENTRY,
            epoch,
            request: Uuid::nil(),
            body: &body,
        };
        put_record(&mut records, header.salt, &record).unwrap();
    }
    let mark = Mark {
        synced_bytes: RECORDS_OFFSET + records.len() as u64,
        epoch: Epoch(steps.len() as u64),
    };
    let mut file = header.encode(mark);
    file.extend_from_slice(&records);
    file
}

fn manifest_file() -> Vec<u8> {
    let table = TableId(Uuid::from_u128(7));
    let live = manifest::File {
        id: 4,
        len: 100,
        footer_checksum: 5,
        level: 0,
    };
    let mut file = manifest::header(3).to_vec();
    file.resize(manifest::RECORDS_AT as usize, 0);
    manifest::encode_record(
        3,
        &[
            manifest::Edit::Table(table),
            manifest::Edit::Added(table, live),
        ],
        &mut file,
    );
    let slot = manifest::slot(3, file.len() as u64);
    for at in manifest::SLOTS {
        file[at as usize..at as usize + slot.len()].copy_from_slice(&slot);
    }
    file
}

const MARK: &[u8] =
    b"A data directory of Helenus, version 1. Its identity:\n00112233445566778899aabbccddeeff\n";

fn clock() -> Vec<u8> {
    let reservation = coordinator::clock::format::Reservation {
        sequence: 2,
        until_micros: 77,
    };
    let mut file = reservation.encode().to_vec();
    file.resize(coordinator::clock::format::FILE_BYTES, 0);
    file
}

#[test]
fn kinds_are_told_by_their_first_bytes() {
    assert_eq!(Kind::of(&segment()), Some(Kind::CommitLog));
    assert_eq!(Kind::of(&metadata_log()), Some(Kind::MetadataLog));
    assert_eq!(Kind::of(&manifest_file()), Some(Kind::Manifest));
    assert_eq!(Kind::of(&sstable::format::MAGIC), Some(Kind::SsTable));
    assert_eq!(Kind::of(MARK), Some(Kind::Mark));
    assert_eq!(Kind::of(&clock()), Some(Kind::Clock));
    assert_eq!(Kind::of(b"HELENLO"), None);
    assert_eq!(
        Kind::of_name("segment-0000000009.log"),
        Some(Kind::CommitLog)
    );
    assert_eq!(Kind::of_name("notes.txt"), None);
    assert!(
        inspect(
            "notes.txt",
            b"hello",
            &Tables::default(),
            true,
            &mut Vec::new()
        )
        .is_err()
    );
}

#[test]
fn contents_are_printed() {
    let check = |bytes: &[u8], parts: &[&str]| {
        let (text, damages) = run("", bytes);
        assert_eq!(damages, [], "{text}");
        for part in parts {
            assert!(text.contains(part), "{part}: {text}");
        }
    };
    check(
        &segment(),
        &[
            "commit log segment 9",
            "32: frame of",
            "table 00000000-",
            "key 0x6b6579",
            "live at 5, 3=0x76616c7565 at 5",
            "end of the log",
        ],
    );
    check(
        &metadata_log(),
        &[
            "metadata log of node",
            "epoch 1: the cluster begins: 'c', 00000000-",
            "cluster 'c'",
        ],
    );
    check(
        &manifest_file(),
        &[
            "generation 3",
            "2 edits",
            "1 tables, 1 files",
            "file 4: 100 bytes",
        ],
    );
}

#[test]
fn schema_changes_are_shown_as_statements() {
    let (keyspace, name) = ("ks".to_string(), "u".to_string());
    let steps = [
        initialize(),
        Transformation::Schema(Change::CreateKeyspace {
            name: keyspace.clone(),
            replication: [("class", "SimpleStrategy"), ("replication_factor", "1")]
                .map(|(name, value)| (name.into(), value.into()))
                .into(),
            durable_writes: true,
            if_not_exists: false,
        }),
        Transformation::Schema(Change::CreateType {
            keyspace: keyspace.clone(),
            name: name.clone(),
            fields: vec![("f".into(), Type::Int)],
            if_not_exists: false,
        }),
        Transformation::Schema(Change::AlterType {
            keyspace: keyspace.clone(),
            name: name.clone(),
            if_exists: false,
            action: TypeAction::Add {
                field: "g".into(),
                ty: Type::Text,
                if_not_exists: false,
            },
        }),
        Transformation::Schema(Change::DropType {
            keyspace,
            name,
            if_exists: false,
        }),
    ];
    let (text, damages) = run("", &log_of(&steps));
    assert_eq!(damages, [], "{text}");
    let told: Vec<_> = text
        .lines()
        .map(|line| line.split_once(": epoch ").map_or(line, |(_, told)| told))
        .collect();
    let expected = [
        "2: created keyspace ks",
        "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': '1'}  AND durable_writes = true;",
        "3: created type ks.u",
        "CREATE TYPE ks.u (",
        "    f int",
        ");",
        "4: changed type ks.u, which is then",
        "CREATE TYPE ks.u (",
        "    f int,",
        "    g text",
        ");",
        "5: dropped type ks.u",
    ];
    assert_eq!(told[2..told.len() - 1], expected, "{text}");

    let fixture = include_bytes!("../../../tests/fixtures/metadata/1/five-keyspaces.log");
    let (text, damages) = run("", fixture);
    assert_eq!(damages, [], "{text}");
    assert_eq!(text.matches("CREATE KEYSPACE ").count(), 5, "{text}");
}

#[test]
fn small_files_are_printed_and_verified() {
    let check = |name: &str, bytes: &[u8], expected: Result<&str, u64>| {
        let (text, damages) = run(name, bytes);
        match expected {
            Ok(line) => assert_eq!((text.trim_end(), damages), (line, Vec::new())),
            Err(offset) => assert_eq!(damages, [offset], "{text}"),
        }
    };
    let directory =
        "data directory 00112233445566778899aabbccddeeff; all directories of a node have the same";
    check("", MARK, Ok(directory));
    check("helenus.directory", b"x", Err(0));
    check("", &MARK[..MARK.len() - 1], Err(54));
    check("", &MARK[..MARK.len() - 2], Err(54));
    let issued = "timestamps up to 77 microseconds may have been issued (reservation 2)";
    check("", &clock(), Ok(issued));
    check("clock", &[0; 1024], Ok("no timestamp was reserved yet"));
    let mut damaged = clock();
    damaged[20] ^= 1;
    check("", &damaged, Err(0));
}

#[test]
fn values_are_text_where_the_definition_is_known() {
    // A table with a key of each kind and a map, which is built in.
    let clients = schema::system::table(schema::system::VIEWS, "clients").unwrap();
    let show = Show::new(Some(&clients));
    let key = PartitionKey::new(vec![127, 0, 0, 1]);
    assert!(show.key(key.as_ref()).starts_with("'127.0.0.1' (token "));
    let port = &clients.clustering[0];
    let mut row = Vec::new();
    clustering::push(
        &port.ty,
        port.order,
        clustering::Component::Value(&9042_i32.to_be_bytes()),
        &mut row,
    )
    .unwrap();
    assert_eq!(show.row_key(&row), "9042");
    assert_eq!(show.row_key(b"?"), "0x3f", "what is no key");
    let id = |name: &str| clients.column(name).unwrap().id;
    let mut builder = Builder::default();
    let at = Timestamp(5);
    builder.cell(id("driver_name"), at, CellKind::Value("it's\n".as_bytes()));
    builder.cell(id("ssl_enabled"), at, CellKind::Value(&[1]));
    builder.cell(ColumnId(999), at, CellKind::Value(&[1]));
    let mut image = Vec::new();
    builder.finish_into(&mut image);
    let text = show.image(&image);
    for part in [
        "driver_name='it''s\\n' at 5",
        "ssl_enabled=true at 5",
        "999=0x01 at 5",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let tables = Tables::of_log(&metadata_log());
    assert!(tables.get(TableId(Uuid::from_u128(7))).is_none());
    assert!(Tables::of_log(b"no log").get(clients.id).is_none());
}

#[test]
fn verifying_prints_no_contents() {
    let mut out = Vec::new();
    let (kind, damages) = inspect("", &segment(), &Tables::default(), false, &mut out).unwrap();
    assert_eq!(
        (kind, damages, out),
        (Kind::CommitLog, Vec::new(), Vec::new())
    );
}

#[test]
fn damage_is_found_and_never_a_panic() {
    // The second frame says that the first was synced, so every flipped bit of the first is damage.
    let whole = segment();
    let log::Found::Frame(frame) = log::decode_frame(9, &whole, log::SEGMENT_HEADER_BYTES) else {
        panic!("the first frame is not valid");
    };
    let first = log::SEGMENT_HEADER_BYTES..frame.next;
    for at in first.clone() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        assert_eq!(run("", &damaged).1, [32], "byte {at}");
    }
    for at in 8..first.start {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        assert_eq!(run("", &damaged).1, [0], "byte {at}");
    }
    for (bytes, records_at) in [
        (metadata_log(), RECORDS_OFFSET),
        (manifest_file(), manifest::RECORDS_AT),
    ] {
        for at in records_at as usize..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert_eq!(run("", &damaged).1, [records_at], "byte {at}");
        }
        for length in 8..bytes.len() {
            let (_, damages) = run("", &bytes[..length]);
            assert!(!damages.is_empty(), "{length} bytes");
        }
    }
    let mut table = sstable::format::MAGIC.to_vec();
    table.resize(5000, 7);
    assert!(!run("", &table).1.is_empty());
}

/// The last frame of this log was synced, and a witness behind it says so.
#[test]
fn damage_in_front_of_a_witness_is_damage() {
    let name = "segment-0000000001.log";
    let intact = include_bytes!("../../../tests/fixtures/commitlog/v1/idle/intact.bin");
    let (text, damages) = run(name, intact);
    assert!(
        text.contains("484: witness: the log was synced up to 1:484"),
        "{text}"
    );
    assert!(damages.is_empty(), "{damages:?}");
    let damaged = include_bytes!("../../../tests/fixtures/commitlog/v1/idle/damaged.bin");
    assert_eq!(run(name, damaged).1, [397]);
}

#[test]
fn a_damaged_block_is_said_to_lose_what_lies_between_its_neighbours() {
    let intact = include_bytes!("../../../tests/fixtures/sstable/v1/intact.sst");
    let header = sstable::format::Header::decode(intact).expect("a header");
    let blocks: Vec<_> = sstable::inspect::blocks(intact, &header)
        .map(|block| block.expect("it is intact"))
        .filter(|block| matches!(block.contents, sstable::inspect::Contents::Data(_)))
        .collect();
    assert!(blocks.len() > 2, "{} data blocks", blocks.len());
    for (index, block) in blocks.iter().enumerate() {
        let mut damaged = intact.to_vec();
        damaged[block.handle.offset as usize + 20] ^= 1;
        let mut out = Vec::new();
        let tables = Tables::default();
        let (_, damages) = inspect("", &damaged, &tables, false, &mut out).expect("a file of ours");
        let lost: Vec<_> = damages
            .iter()
            .filter(|damage| damage.what.contains("may be lost"))
            .collect();
        assert_eq!(lost.len(), 1, "{damages:?}");
        assert_eq!(lost[0].offset, block.handle.offset);
        let is_first = lost[0].what.contains("from its first token");
        assert_eq!(is_first, index == 0, "{}", lost[0].what);
    }
}
