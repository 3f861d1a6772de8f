//! Greedy clients: they meet the node's limit for what is in flight, or go on in pieces, and the others are served.

mod support;

use std::time::Duration;

use bytes::BytesMut;
use protocol::Consistency;
use protocol::frame::Opcode;
use protocol::request::{
    Batch, BatchBuilder, BatchKind, Bindings, Execute, Parameters, Prepare, Request,
};
use protocol::response::{self, Response};
use protocol::result::Outcome;
use protocol::version::Version;
use storage::SyncMode;
use support::{Node, Raw, Settings, error_of, query};

const MIB: usize = 1 << 20;
const WHOLE: &str = "SELECT v FROM ks.t WHERE k = 1";
const SMALL: &str = "SELECT v FROM ks.t WHERE k = 2";

/// A node with so much room.
async fn start(env: &base::env::Env, in_flight_bytes_max: usize) -> Node {
    let mut settings = Settings {
        sync: SyncMode::Periodic(Duration::from_secs(10)),
        ..Settings::default()
    };
    settings.server.in_flight_bytes_max = in_flight_bytes_max;
    Node::start(env, settings).await
}

/// A node with so much room, and a partition of 8 MiB beside a small one.
async fn node(env: &base::env::Env, in_flight_bytes_max: usize) -> Node {
    let node = start(env, in_flight_bytes_max).await;
    let mut client = node.with_table().await;
    let large = "x".repeat(MIB / 8);
    for c in 0..64 {
        let text = format!("INSERT INTO ks.t (k, c, v) VALUES (1, {c}, '{large}')");
        client.run(&text).await.expect("a write");
    }
    client
        .run("INSERT INTO ks.t (k, c, v) VALUES (2, 1, 'x')")
        .await
        .expect("a write");
    node
}

async fn send_reads(raw: &mut Raw, count: i16) {
    let mut bytes = BytesMut::new();
    for stream in 0..count {
        query(WHOLE).encode(Version::V4, 0, stream, &mut bytes);
    }
    raw.send(&bytes).await;
}

#[test]
fn reads_without_pages_stay_within_the_limit_and_others_are_served() {
    sim::local::block_on(1, |env| async move {
        let node = node(&env, 32 * MIB).await;
        let mut greedy = Vec::new();
        for _ in 0..8 {
            let mut raw = node.raw(&[]).await;
            send_reads(&mut raw, 50).await;
            greedy.push(raw);
        }
        let (mut peak_bytes, mut other) = (0, node.raw(&[]).await);
        for stream in 0..400 {
            other.request(&query(SMALL), stream).await;
            let answer = env.timeout(Duration::from_secs(1), other.next()).await;
            let answer = answer.expect("an answer while others read");
            assert_eq!(answer.opcode, Opcode::Result, "{:?}", error_of(&answer));
            peak_bytes = peak_bytes.max(node.server.budget().bytes());
            env.sleep(Duration::from_micros(100)).await;
        }
        assert!(peak_bytes > 16 * MIB as u64, "{peak_bytes} are no load");
        assert!(peak_bytes <= 34 * MIB as u64, "{peak_bytes} bytes are held");
        // Who takes answers gets one for each read: rows, or OVERLOADED.
        let (mut whole, mut refused) = (0, 0);
        for raw in &mut greedy {
            for _ in 0..50 {
                let answer = raw.next().await;
                match error_of(&answer) {
                    None => whole += 1,
                    Some((_, error, message)) => {
                        assert_eq!(error.code(), 0x1001, "{message}");
                        refused += 1;
                    }
                }
            }
        }
        assert!(whole > 0 && refused > 0, "{whole} whole, {refused} refused");
        drop((greedy, other));
        env.sleep(Duration::from_secs(1)).await;
        assert_eq!(node.server.budget().bytes(), 0);
    });
}

#[test]
fn one_large_read_after_the_other_is_answered_whole() {
    sim::local::block_on(2, |env| async move {
        let node = node(&env, 64 * MIB).await;
        let mut raw = node.raw(&[]).await;
        send_reads(&mut raw, 20).await;
        let mut peak_bytes = 0;
        for _ in 0..20 {
            let answer = raw.next().await;
            assert_eq!(answer.opcode, Opcode::Result, "{:?}", error_of(&answer));
            peak_bytes = peak_bytes.max(node.server.budget().bytes());
        }
        assert!(peak_bytes <= 20 * MIB as u64, "{peak_bytes} bytes are held");
    });
}

/// After a restart a statement is looked up apart from the turn; what it then reads is a read like all others.
#[test]
fn reads_of_statements_that_are_looked_up_stay_within_the_limit() {
    sim::local::block_on(5, |env| async move {
        let before = node(&env, 32 * MIB).await;
        let mut raw = before.raw(&[]).await;
        let prepare = Prepare {
            text: WHOLE,
            keyspace: None,
        };
        raw.request(&Request::Prepare(prepare), 1).await;
        let answer = raw.next().await;
        let id = match response::decode(&answer).expect("an answer").response {
            Response::Result(Outcome::Prepared(prepared)) => prepared.id.into_owned(),
            other => panic!("{other:?}"),
        };
        drop((raw, before));
        env.sleep(Duration::from_secs(1)).await;

        let node = start(&env, 32 * MIB).await;
        let mut raw = node.raw(&[]).await;
        let mut bytes = BytesMut::new();
        for stream in 0..20 {
            let execute = Request::Execute(Execute {
                id: &id,
                result_metadata_id: None,
                parameters: Parameters::new(Consistency::One),
            });
            execute.encode(Version::V4, 0, stream, &mut bytes);
        }
        raw.send(&bytes).await;
        let mut peak_bytes = 0;
        for _ in 0..2_000 {
            env.sleep(Duration::from_micros(100)).await;
            peak_bytes = peak_bytes.max(node.server.budget().bytes());
        }
        assert!(peak_bytes > 4 * MIB as u64, "{peak_bytes} are no load");
        assert!(peak_bytes <= 34 * MIB as u64, "{peak_bytes} bytes are held");
        for _ in 0..20 {
            let answer = raw.next().await;
            let error = error_of(&answer);
            let code = error.as_ref().map(|(_, error, _)| error.code());
            assert!(matches!(code, None | Some(0x1001)), "{error:?}");
        }
    });
}

#[test]
fn a_closed_connection_drops_its_reads_at_once() {
    sim::local::block_on(3, |env| async move {
        let node = node(&env, 64 * MIB).await;
        let mut raw = node.raw(&[]).await;
        send_reads(&mut raw, 50).await;
        env.sleep(Duration::from_millis(1)).await;
        drop(raw);
        env.sleep(Duration::from_millis(1)).await;
        let budget = node.server.budget();
        assert_eq!((budget.bytes(), budget.waiting()), (0, 0));
    });
}

/// A BATCH of so many texts, and this one behind them.
fn batch_of_texts(count: i32, last: &str) -> BytesMut {
    let mut statements = BatchBuilder::new();
    for c in 0..count {
        let text = format!("INSERT INTO ks.t (k, c, v) VALUES (3, {c}, 'x')");
        statements.push_text(&text, &Bindings::new());
    }
    statements.push_text(last, &Bindings::new());
    let batch = Request::Batch(Batch {
        kind: BatchKind::Unlogged,
        statements: statements.statements(),
        consistency: Consistency::One,
        serial_consistency: None,
        timestamp: None,
        keyspace: None,
        now_in_seconds: None,
    });
    let mut bytes = BytesMut::new();
    batch.encode(Version::V4, 0, 1, &mut bytes);
    bytes
}

#[test]
fn a_batch_of_many_texts_lets_others_pass() {
    sim::local::block_on(4, |env| async move {
        let node = node(&env, 64 * MIB).await;
        let mut raw = node.raw(&[]).await;
        let mut bytes = batch_of_texts(5_000, "nonsense");
        query(SMALL).encode(Version::V4, 0, 2, &mut bytes);
        raw.send(&bytes).await;
        assert_eq!(raw.next().await.stream, 2);
        let (stream, error, _) = raw.next_error().await;
        assert_eq!((stream, error.code()), (1, 0x2000));
        raw.send(&batch_of_texts(
            5_000,
            "DELETE FROM ks.t WHERE k = 3 AND c = -1",
        ))
        .await;
        assert_eq!(raw.next().await.opcode, Opcode::Result);
        let mut client = node.client(Default::default()).await;
        let page = client.run("SELECT c FROM ks.t WHERE k = 3").await;
        assert_eq!(page.expect("rows").into_page().rows.len(), 5_000);
    });
}
