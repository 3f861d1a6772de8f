//! Turns: pipelined requests, long reads beside short ones, syncs, events, back-pressure.

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use protocol::client::Options as ClientOptions;
use protocol::error::WriteType;
use protocol::event::{Change, Event, Kind, Target};
use protocol::frame::{Opcode, flags};
use protocol::request::{
    Batch, BatchBuilder, BatchKind, Bindings, Execute, Parameters, Prepare, Query, Request,
};
use protocol::response::{self, Response};
use protocol::result::Outcome;
use protocol::version::Version;
use protocol::{Consistency, Error};
use server::Options;
use sim::disk::Faults;
use sim::local::Machine;
use storage::SyncMode;
use support::{Node, Raw, Settings, error_of, query, texts};

fn insert(k: i32, c: i32, v: &str) -> String {
    format!("INSERT INTO ks.t (k, c, v) VALUES ({k}, {c}, '{v}')")
}

fn batch(kind: BatchKind, statements: &BatchBuilder, consistency: Consistency) -> Request<'_> {
    Request::Batch(Batch {
        kind,
        statements: statements.statements(),
        consistency,
        serial_consistency: None,
        timestamp: None,
        keyspace: None,
        now_in_seconds: None,
    })
}

#[test]
fn pipelined_writes_are_all_acknowledged() {
    for sync in [
        SyncMode::Group,
        SyncMode::Batch,
        SyncMode::Periodic(Duration::from_secs(10)),
    ] {
        sim::local::block_on(1, |env| async move {
            let node = Node::start(
                &env,
                Settings {
                    sync,
                    ..Settings::default()
                },
            )
            .await;
            let mut client = node.with_table().await;
            let mut raw = node.raw(&[]).await;
            for stream in 0..500 {
                raw.request(&query(&insert(1, i32::from(stream), "x")), stream)
                    .await;
            }
            let mut streams = BTreeSet::new();
            for _ in 0..500 {
                let envelope = raw.next().await;
                assert_eq!(envelope.opcode, Opcode::Result);
                assert!(
                    streams.insert(envelope.stream),
                    "stream {} was answered twice",
                    envelope.stream
                );
            }
            let page = client
                .run("SELECT c FROM ks.t WHERE k = 1")
                .await
                .expect("rows")
                .into_page();
            assert_eq!(page.rows.len(), 500);
            let counts = node.server.metrics().snapshot();
            assert!(
                counts.turns < 200,
                "{} turns for 500 pipelined writes",
                counts.turns
            );
            assert_eq!(node.server.budget().waiting(), 0);
        });
    }
}

#[test]
fn reads_of_a_turn_are_answered_before_its_writes_are_synced() {
    sim::local::block_on(2, |env| async move {
        let node = Node::start(&env, Settings::default()).await;
        node.with_table().await;
        let mut raw = node.raw(&[]).await;
        let mut bytes = bytes::BytesMut::new();
        query(&insert(1, 1, "x")).encode(Version::V4, 0, 1, &mut bytes);
        query("SELECT key FROM system.local").encode(Version::V4, 0, 2, &mut bytes);
        raw.send(&bytes).await;
        assert_eq!(raw.next().await.stream, 2);
        assert_eq!(raw.next().await.stream, 1);
    });
}

#[test]
fn a_long_read_lets_short_ones_pass_and_ends_all_the_same() {
    sim::local::block_on(3, |env| async move {
        let node = Node::start(
            &env,
            Settings {
                sync: SyncMode::Periodic(Duration::from_secs(10)),
                ..Settings::default()
            },
        )
        .await;
        let mut client = node.with_table().await;
        let statement = client
            .prepare("INSERT INTO ks.t (k, c, v) VALUES (1, ?, 'x')")
            .await
            .expect("a statement");
        for c in 0..6_000_i32 {
            let mut values = protocol::request::Bindings::new();
            values.push(protocol::wire::Value::Set(&c.to_be_bytes()));
            client
                .execute_with(&statement, &values, Consistency::One)
                .await
                .expect("a write");
        }
        let mut raw = node.raw(&[]).await;
        let mut bytes = bytes::BytesMut::new();
        query("SELECT c FROM ks.t WHERE k = 1").encode(Version::V4, 0, 1, &mut bytes);
        for stream in 2..300 {
            query("SELECT c FROM ks.t WHERE k = 1 AND c = 7").encode(
                Version::V4,
                0,
                stream,
                &mut bytes,
            );
        }
        raw.send(&bytes).await;
        let mut order = Vec::new();
        for _ in 1..300 {
            let envelope = raw.next().await;
            let Response::Result(Outcome::Rows(rows)) =
                response::decode(&envelope).expect("an answer").response
            else {
                panic!("stream {} has no rows", envelope.stream);
            };
            assert_eq!(
                rows.iter().count(),
                if envelope.stream == 1 { 6_000 } else { 1 }
            );
            order.push(envelope.stream);
        }
        let place = order
            .iter()
            .position(|stream| *stream == 1)
            .expect("it was answered");
        assert!(place > 64, "the long read came as number {place}");
        assert!(place < 298, "the long read was not starved");
    });
}

#[test]
fn a_failed_sync_is_answered_to_every_write() {
    let machine = Machine::new(4);
    let disk = machine.disk().clone();
    let run = machine.run(|env| async move {
        let node = Node::start(&env, Settings::default()).await;
        node.with_table().await;
        let mut raw = node.raw(&[]).await;
        disk.fail_syncs(1_000);
        for stream in 0..100 {
            raw.request(&query(&insert(1, i32::from(stream), "x")), stream)
                .await;
        }
        let mut streams = BTreeSet::new();
        for _ in 0..100 {
            let (stream, error, _) = raw.next_error().await;
            assert!(
                (0x1000..0x2000).contains(&error.code()) || error.code() == 0,
                "{error}"
            );
            assert!(streams.insert(stream));
        }
        raw.request(&query("SELECT key FROM system.local"), 100)
            .await;
        assert_eq!(raw.next().await.opcode, Opcode::Result, "reads go on");
        let counted: u64 = node
            .server
            .metrics()
            .snapshot()
            .errors
            .iter()
            .map(|(_, count)| count)
            .sum();
        assert_eq!(counted, 100);
    });
    run.expect("the power does not fail");
}

#[test]
fn writes_that_wait_too_long_for_a_sync_are_answered_with_what_they_were() {
    const SECOND: Duration = Duration::from_secs(1);
    let machine = Machine::new(9);
    let disk = machine.disk().clone();
    let run = machine.run(|env| async move {
        let node = Node::start(&env, Settings::default()).await;
        node.with_table().await;
        let mut raw = node.raw(&[]).await;
        disk.set_sync_time(60 * SECOND);
        let text = insert(1, 1, "x");
        let write = |consistency| {
            Request::Query(Query {
                text: &text,
                parameters: Parameters::new(consistency),
            })
        };
        raw.request(&write(Consistency::LocalQuorum), 1).await;
        let mut statements = BatchBuilder::new();
        statements.push_text(&text, &Bindings::new());
        let batch = batch(BatchKind::Unlogged, &statements, Consistency::All);
        raw.request(&batch, 2).await;
        let expected = [
            (1, Consistency::LocalQuorum, WriteType::Simple),
            (2, Consistency::All, WriteType::UnloggedBatch),
        ];
        for (stream, consistency, write_type) in expected {
            let answer = env.timeout(3 * SECOND, raw.next_error()).await;
            let (answered, error, _) = answer.expect("an answer in time");
            let late = Error::WriteTimeout {
                consistency,
                received: 0,
                required: 1,
                write_type,
                contentions: 0,
            };
            assert_eq!((answered, error), (stream, late));
        }
        raw.request(&query("SELECT key FROM system.local"), 3).await;
        assert_eq!(raw.next().await.opcode, Opcode::Result, "reads go on");
        // What was given up counts until its sync has ended, and is not answered again.
        assert_eq!(node.server.budget().waiting(), 2);
        disk.set_sync_time(Duration::from_micros(100));
        env.sleep(120 * SECOND).await;
        assert_eq!(node.server.budget().waiting(), 0);
        raw.request(&write(Consistency::One), 4).await;
        let answer = raw.next().await;
        assert_eq!((answer.stream, answer.opcode), (4, Opcode::Result));
    });
    run.expect("the power does not fail");
}

#[test]
fn each_registered_connection_hears_of_each_change_once() {
    sim::local::block_on(5, |env| async move {
        let node = Node::start(&env, Settings::default()).await;
        let mut clients = Vec::new();
        for version in [Version::V4, Version::V5] {
            let mut client = node
                .client(ClientOptions {
                    version,
                    ..ClientOptions::default()
                })
                .await;
            client
                .register(&[Kind::SchemaChange, Kind::StatusChange])
                .await
                .expect("a registration");
            client
                .register(&[Kind::SchemaChange])
                .await
                .expect("the same again");
            clients.push(client);
        }
        let mut elsewhere = node.client(ClientOptions::default()).await;
        elsewhere
            .register(&[Kind::TopologyChange])
            .await
            .expect("a registration");
        let mut writer = node.with_table().await;
        writer
            .run("CREATE TABLE IF NOT EXISTS ks.t (k int PRIMARY KEY)")
            .await
            .expect("nothing");
        writer
            .run("DROP TABLE ks.t")
            .await
            .expect("a schema change");
        for client in &mut clients {
            let mut events = Vec::new();
            while let Some(event) = env.timeout(Duration::from_secs(1), client.event()).await {
                let Event::Schema(change) = event.expect("an event") else {
                    panic!("an event of another kind")
                };
                assert_eq!(change.keyspace, "ks");
                events.push((change.change, change.target));
            }
            let table = || Target::Table("t".to_owned());
            let expected = [
                (Change::Created, Target::Keyspace),
                (Change::Created, table()),
                (Change::Dropped, table()),
            ];
            assert_eq!(events, expected);
        }
        assert!(
            env.timeout(Duration::from_secs(1), elsewhere.event())
                .await
                .is_none()
        );
        assert_eq!(node.server.metrics().snapshot().events, 6);
    });
}

#[test]
fn who_does_not_read_stops_being_read() {
    sim::local::block_on(6, |env| async move {
        let node = Node::start(&env, Settings::default()).await;
        let mut client = node.with_table().await;
        client
            .run(&insert(1, 1, &"x".repeat(100_000)))
            .await
            .expect("a write");
        let mut raw = node.raw(&[]).await;
        let mut sent = 0;
        for stream in 0..10_000 {
            let mut bytes = bytes::BytesMut::new();
            query("SELECT v FROM ks.t WHERE k = 1").encode(Version::V4, 0, stream, &mut bytes);
            use tokio::io::AsyncWriteExt;
            if env
                .timeout(Duration::from_secs(1), raw.stream.write_all(&bytes))
                .await
                .is_none()
            {
                break;
            }
            sent += 1;
        }
        assert!(sent < 10_000, "the server took everything");
        let held = node.server.budget().bytes();
        // Answers that are not sent, and the rows that a few reads work on.
        assert!((1 << 20..3 << 20).contains(&held), "{held} bytes are held");
        // The last request was cut off in the middle; the whole ones are answered, in whatever order.
        let mut streams = BTreeSet::new();
        for _ in 0..sent {
            let envelope = raw.next().await;
            assert_eq!(envelope.opcode, Opcode::Result);
            streams.insert(envelope.stream);
        }
        assert_eq!(streams, (0..sent).collect());
        let mut other = node.client(ClientOptions::default()).await;
        other
            .run("SELECT key FROM system.local")
            .await
            .expect("others are served");
        env.sleep(Duration::from_secs(1)).await;
        assert!(node.server.budget().bytes() < 1 << 20);
    });
}

#[test]
fn who_asked_for_it_is_told_of_overload() {
    sim::local::block_on(7, |env| async move {
        let node = Node::start(&env, Settings::default()).await;
        node.with_table().await;
        let count = 4_000;
        for (startup, expected) in [(vec![("THROW_ON_OVERLOAD", "1")], true), (vec![], false)] {
            let raw = node.raw(&startup).await;
            let (read, mut write) = tokio::io::split(raw.stream);
            let sender = env.spawn("sender", async move {
                use tokio::io::AsyncWriteExt;
                for stream in 0..count {
                    let mut bytes = bytes::BytesMut::new();
                    query(&insert(1, i32::from(stream), "x")).encode(
                        Version::V4,
                        0,
                        stream,
                        &mut bytes,
                    );
                    write.write_all(&bytes).await.expect("the server reads on");
                }
                write
            });
            let mut receiver = Raw::new(Box::new(tokio::io::join(read, tokio::io::sink())));
            let mut refused = 0;
            for _ in 0..count {
                let envelope = receiver.next().await;
                if let Some((_, error, message)) = error_of(&envelope) {
                    assert_eq!(error.code(), 0x1001, "{message}");
                    refused += 1;
                }
            }
            let _write = sender.await.expect("everything was sent");
            assert_eq!(refused > 0, expected, "{refused} of {count} were refused");
        }
    });
}

#[test]
fn a_full_node_refuses_work_and_answers_heartbeats() {
    sim::local::block_on(8, |env| async move {
        let mut settings = Settings::default();
        settings.server = Options {
            in_flight_bytes_max: 0,
            ..settings.server
        };
        let node = Node::start(&env, settings).await;
        let mut raw = node.raw(&[]).await;
        raw.request(&query("SELECT key FROM system.local"), 3).await;
        let (stream, error, _) = raw.next_error().await;
        assert_eq!((stream, error.code()), (3, 0x1001));
        raw.request(&Request::Options, 4).await;
        assert_eq!(raw.next().await.opcode, Opcode::Supported);
    });
}

/// The beginning of a QUERY in version 4 with a body of 16 MiB.
fn half_a_query(stream: i16, bytes: usize) -> Vec<u8> {
    let mut half = vec![4, 0];
    half.extend_from_slice(&stream.to_be_bytes());
    half.push(Opcode::Query as u8);
    half.extend_from_slice(&(16_u32 << 20).to_be_bytes());
    half.resize(half.len() + bytes, 0);
    half
}

#[test]
fn half_sent_requests_are_bounded_together() {
    const MIB: usize = 1 << 20;
    sim::local::block_on(18, |env| async move {
        let mut settings = Settings::default();
        settings.server.in_flight_bytes_max = 4 * MIB;
        let node = Node::start(&env, settings).await;
        let mut raws = Vec::new();
        for stream in 0..20 {
            let mut raw = node.raw(&[]).await;
            raw.send(&half_a_query(stream, MIB)).await;
            raws.push(raw);
        }
        // One that has not even opened its connection.
        let mut early = Raw::new(node.connect().await);
        early.send(&half_a_query(20, MIB)).await;
        env.sleep(Duration::from_secs(1)).await;
        let held = node.server.budget().bytes();
        assert!(held <= 4 * MIB as u64, "{held} bytes are held");
        let (stream, error, _) = early.next_error().await;
        assert_eq!((stream, error.code()), (20, 0x1001));
        // Others are served meanwhile, and who was refused may go on once the rest was sent.
        let mut other = node.raw(&[]).await;
        other
            .request(&query("SELECT key FROM system.local"), 3)
            .await;
        assert_eq!(other.next().await.opcode, Opcode::Result);
        let mut last = raws.pop().expect("twenty");
        let (stream, error, _) = last.next_error().await;
        assert_eq!((stream, error.code()), (19, 0x1001));
        last.send(&vec![0; 15 * MIB]).await;
        last.request(&query("SELECT key FROM system.local"), 4)
            .await;
        let answer = last.next().await;
        assert_eq!((answer.stream, answer.opcode), (4, Opcode::Result));
        drop((raws, early, last, other));
        env.sleep(Duration::from_secs(1)).await;
        assert_eq!(node.server.budget().bytes(), 0);
    });
}

#[test]
fn a_client_that_leaves_takes_its_requests_along() {
    sim::local::block_on(9, |env| async move {
        let node = Node::start(&env, Settings::default()).await;
        node.with_table().await;
        for _ in 0..20 {
            let mut raw = node.raw(&[]).await;
            for stream in 0..300 {
                raw.request(&query(&insert(1, i32::from(stream), "x")), stream)
                    .await;
            }
        }
        env.sleep(Duration::from_secs(5)).await;
        let budget = node.server.budget();
        assert_eq!((budget.bytes(), budget.waiting()), (0, 0));
        assert_eq!(node.server.metrics().snapshot().connections, 0);
    });
}

#[test]
fn prepared_statements_and_pages_travel() {
    sim::local::block_on(10, |env| async move {
        let node = Node::start(&env, Settings::default()).await;
        let mut client = node.with_table().await;
        for c in 0..50 {
            client
                .run(&insert(1, c, &c.to_string()))
                .await
                .expect("a write");
        }
        let statement = client
            .prepare("SELECT v FROM ks.t WHERE k = 1")
            .await
            .expect("a statement");
        let parameters = Parameters {
            page_size: Some(7),
            ..Parameters::new(Consistency::One)
        };
        let page = client
            .execute_all(&statement, parameters)
            .await
            .expect("pages");
        let expected: Vec<String> = (0..50).map(|c| c.to_string()).collect();
        assert_eq!(texts(&page), expected);
        let unknown = Request::Execute(Execute {
            id: &[7; 16],
            result_metadata_id: Some(&[7; 16]),
            parameters: Parameters::new(Consistency::One),
        });
        let envelope = client.exchange(&unknown, 0).await.expect("an answer");
        assert_eq!(
            error_of(&envelope).map(|(_, error, _)| error.code()),
            Some(0x2500)
        );
        let traced = Request::Query(Query {
            text: "SELECT key FROM system.local",
            parameters: Parameters::new(Consistency::One),
        });
        let envelope = client
            .exchange(&traced, flags::TRACING)
            .await
            .expect("an answer");
        assert_eq!(envelope.opcode, Opcode::Result);
        let prepare = Request::Prepare(Prepare {
            text: "SELECT nothing FROM ks.t",
            keyspace: None,
        });
        let envelope = client.exchange(&prepare, 0).await.expect("an answer");
        assert_eq!(
            error_of(&envelope).map(|(_, error, _)| error.code()),
            Some(0x2200)
        );
    });
}

/// A read of what only the disk has, in a node whose reads may take this long: the answer's error, if it is one.
fn read_from_disk(seed: u64, read_timeout: Duration) -> Option<i32> {
    let machine = Machine::new(seed);
    let disk = machine.disk().clone();
    let run = machine.run(|env| async move {
        let node = Node::start(
            &env,
            Settings {
                read_timeout,
                ..Settings::default()
            },
        )
        .await;
        let mut client = node.with_table().await;
        client.run(&insert(1, 1, "x")).await.expect("a write");
        node.engine.flush(None).await.expect("a flush");
        disk.set_faults(Faults {
            would_block: 1.0,
            ..Faults::default()
        });
        let mut raw = node.raw(&[]).await;
        raw.request(&query("SELECT v FROM ks.t WHERE k = 1 AND c = 1"), 1)
            .await;
        let answer = raw.next().await;
        raw.request(&query("SELECT key FROM system.local"), 2).await;
        assert_eq!(
            raw.next().await.opcode,
            Opcode::Result,
            "the connection goes on"
        );
        env.sleep(Duration::from_secs(20)).await;
        let budget = node.server.budget();
        assert_eq!((budget.bytes(), budget.waiting()), (0, 0));
        error_of(&answer).map(|(_, error, _)| error.code())
    });
    run.expect("the power does not fail")
}

#[test]
fn a_read_that_waits_for_a_block_has_a_deadline() {
    assert_eq!(read_from_disk(11, Duration::from_secs(5)), None);
    assert_eq!(read_from_disk(12, Duration::from_nanos(1)), Some(0x1200));
}

#[test]
fn one_seed_is_one_run() {
    let run = |seed| {
        let machine = Machine::new(seed);
        let run = machine.run(|env| async move {
            let node = Node::start(&env, Settings::default()).await;
            node.with_table().await;
            let mut all = Vec::new();
            for k in 0..4 {
                let mut raw = node.raw(&[]).await;
                for stream in 0..100 {
                    raw.request(&query(&insert(k, i32::from(stream), "x")), stream)
                        .await;
                }
                all.push(raw);
            }
            let mut order = Vec::new();
            for raw in &mut all {
                for _ in 0..100 {
                    order.push(raw.next().await.stream);
                }
            }
            node.server.drain(Duration::from_secs(5)).await;
            (order, env.mono(), node.server.metrics().snapshot().turns)
        });
        (
            run.expect("the power does not fail"),
            machine.trace().hash(),
        )
    };
    assert_eq!(run(13), run(13));
    assert_ne!(run(13).1, run(14).1);
}

#[test]
fn rows_of_very_many_elements_come_whole_to_many_at_once() {
    const ELEMENTS: i32 = 30_000;
    const HEAVY: i16 = 8;
    sim::local::block_on(12, |env| async move {
        let settings = Settings {
            sync: SyncMode::Periodic(Duration::from_secs(10)),
            ..Settings::default()
        };
        let node = Node::start(&env, settings).await;
        let mut client = node.with_table().await;
        let table = "CREATE TABLE ks.sets (k int PRIMARY KEY, s set<int>)";
        client.run(table).await.expect("a table");
        let statement = client
            .prepare("INSERT INTO ks.sets (k, s) VALUES (?, ?)")
            .await
            .expect("a statement");
        let mut set = ELEMENTS.to_be_bytes().to_vec();
        for element in 0..ELEMENTS {
            set.extend_from_slice(&4_i32.to_be_bytes());
            set.extend_from_slice(&element.to_be_bytes());
        }
        let mut values = Bindings::new();
        values.push(protocol::wire::Value::Set(&1_i32.to_be_bytes()));
        values.push(protocol::wire::Value::Set(&set));
        client
            .execute_with(&statement, &values, Consistency::One)
            .await
            .expect("a write");

        let mut clients = Vec::new();
        for number in 0..=HEAVY {
            let mut raw = node.raw(&[]).await;
            let text = match number {
                HEAVY => "SELECT c FROM ks.t WHERE k = 1",
                _ => "SELECT s FROM ks.sets WHERE k = 1",
            };
            clients.push(env.spawn("a client", async move {
                raw.request(&query(text), number).await;
                raw.next().await
            }));
        }
        for (number, client) in clients.into_iter().enumerate() {
            let envelope = client.await.expect("an answer");
            let Response::Result(Outcome::Rows(rows)) =
                response::decode(&envelope).expect("an answer").response
            else {
                panic!("client {number} has no rows");
            };
            let cells: Vec<_> = rows.iter().flatten().collect();
            match number as i16 {
                HEAVY => assert_eq!(cells, []),
                _ => assert_eq!(cells, [Some(&set[..])]),
            }
        }
    });
}
