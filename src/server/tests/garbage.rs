//! Bytes that are no requests: an error for each, at most that connection closed, and never a panic or a hang.
//!
//! After each storm a new connection asks the node how it is, no task may have panicked, and every connection must have
//! ended with its client.

mod support;

use std::time::Duration;

use base::env::{Env, Rng, Stream};
use bytes::BytesMut;
use protocol::client::{Connection, Options as ClientOptions};
use protocol::frame::Opcode;
use protocol::request::Request;
use protocol::segment;
use protocol::version::Version;
use support::{Node, Raw, Settings, error_of, query};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const SECOND: Duration = Duration::from_secs(1);

async fn is_well(node: &Node, env: &Env) {
    let mut client = node.client(ClientOptions::default()).await;
    client
        .run("SELECT key FROM system.local")
        .await
        .expect("the node answers");
    drop(client);
    env.sleep(SECOND).await;
    let counts = node.server.metrics().snapshot();
    assert_eq!(counts.failed, 0, "no task panicked");
    assert_eq!(counts.connections, 0, "every connection has ended");
    assert_eq!(node.server.budget().bytes(), 0);
}

fn random(rng: &mut Rng, length_max: u64) -> Vec<u8> {
    let mut bytes = vec![0; rng.below(length_max) as usize];
    rng.fill(&mut bytes);
    bytes
}

#[test]
fn any_bytes_may_come_first() {
    sim::local::block_on(1, |env| async move {
        let node = Node::start(&env, Settings::default()).await;
        let mut rng = env.rng("garbage");
        for _ in 0..300 {
            let mut raw = Raw::new(node.connect().await);
            raw.send(&random(&mut rng, 200)).await;
            // Whatever it answers is an envelope of the protocol.
            env.timeout(SECOND, async { while raw.try_next().await.is_some() {} })
                .await;
        }
        is_well(&node, &env).await;
    });
}

#[test]
fn any_body_may_come_in_any_request() {
    sim::local::block_on(2, |env| async move {
        let node = Node::start(&env, Settings::default()).await;
        let mut rng = env.rng("bodies");
        let mut raw = node.raw(&[]).await;
        for round in 0..3_000_i16 {
            let body = random(&mut rng, 60);
            let code = rng.below(20) as u8;
            let flags = [0, 0, 0, 2, 4, 8, 0x10, 0xff][rng.below(8) as usize];
            let mut bytes = vec![4, flags];
            bytes.extend_from_slice(&round.to_be_bytes());
            bytes.push(code);
            bytes.extend_from_slice(&(body.len() as u32).to_be_bytes());
            bytes.extend_from_slice(&body);
            raw.send(&bytes).await;
            let answer = env
                .timeout(SECOND, raw.next())
                .await
                .expect("each request is answered");
            assert_eq!(answer.stream, round, "opcode {code}");
        }
        drop(raw);
        is_well(&node, &env).await;
    });
}

#[test]
fn cut_and_damaged_requests_are_errors() {
    sim::local::block_on(3, |env| async move {
        let node = Node::start(&env, Settings::default()).await;
        let mut rng = env.rng("damage");
        let mut whole = BytesMut::new();
        query("SELECT key FROM system.local WHERE key = 'local'").encode(
            Version::V4,
            0,
            1,
            &mut whole,
        );
        let mut raw = node.raw(&[]).await;
        for length in 0..whole.len() - 9 {
            let mut cut = whole[..9 + length].to_vec();
            cut[5..9].copy_from_slice(&(length as u32).to_be_bytes());
            raw.send(&cut).await;
            let answer = raw.next().await;
            assert!(error_of(&answer).is_some(), "{length} bytes are no request");
        }
        for _ in 0..1_000 {
            let mut damaged = whole.to_vec();
            let place = 9 + rng.below(damaged.len() as u64 - 9) as usize;
            damaged[place] ^= 1 << rng.below(8);
            raw.send(&damaged).await;
            assert!(matches!(
                raw.next().await.opcode,
                Opcode::Error | Opcode::Result
            ));
        }
        drop(raw);
        is_well(&node, &env).await;
    });
}

#[test]
fn oversized_and_wrong_frames_are_refused() {
    sim::local::block_on(4, |env| async move {
        let node = Node::start(&env, Settings::default()).await;
        let mut raw = node.raw(&[]).await;
        // A little too large: skipped as it comes, without being kept.
        let length = (16 << 20) + 1_u32;
        raw.send(&[4, 0, 0, 5, Opcode::Query as u8]).await;
        raw.send(&length.to_be_bytes()).await;
        let (stream, error, message) = raw.next_error().await;
        assert_eq!((stream, error.code()), (5, 0x2200), "{message}");
        for _ in 0..length / 65_536 {
            raw.send(&[0; 65_536]).await;
            assert!(node.server.budget().bytes() < 1 << 20);
        }
        raw.send(&vec![0; (length % 65_536) as usize]).await;
        raw.request(&Request::Options, 6).await;
        assert_eq!(raw.next().await.stream, 6);
        // An answer's opcode and an unknown one.
        for code in [Opcode::Result as u8, 0x77] {
            raw.send(&[4, 0, 0, 7, code, 0, 0, 0, 0]).await;
            let (stream, error, _) = raw.next_error().await;
            assert_eq!((stream, error.code()), (7, 0x000A));
        }
        // Beyond anything: the connection ends.
        raw.send(&[4, 0, 0, 8, Opcode::Query as u8, 0x7f, 0, 0, 0])
            .await;
        assert_eq!(raw.next_error().await.0, 8);
        assert!(raw.is_closed_within(&env, 2 * SECOND).await);
        // Another version, or an answer, in the middle: refused, and the connection goes on.
        let mut raw = node.raw(&[]).await;
        raw.send(&[5, 0, 0, 9, Opcode::Options as u8, 0, 0, 0, 0])
            .await;
        assert_eq!(raw.next_error().await.0, 9);
        raw.send(&[
            0x84,
            0,
            0,
            10,
            Opcode::Query as u8,
            0,
            0,
            0,
            3,
            b'a',
            b'b',
            b'c',
        ])
        .await;
        assert_eq!(raw.next_error().await.0, 10);
        raw.request(&Request::Options, 11).await;
        assert_eq!(raw.next().await.stream, 11);
        drop(raw);
        env.sleep(2 * SECOND).await;
        is_well(&node, &env).await;
    });
}

#[test]
fn the_frame_limit_is_the_one_that_was_set() {
    sim::local::block_on(5, |env| async move {
        let mut settings = Settings::default();
        settings.server.frame_bytes_max = 1 << 20;
        let node = Node::start(&env, settings).await;
        let mut raw = node.raw(&[]).await;
        raw.send(&[4, 0, 0, 5, Opcode::Query as u8]).await;
        raw.send(&((1 << 20) + 1_u32).to_be_bytes()).await;
        let (stream, error, message) = raw.next_error().await;
        assert_eq!((stream, error.code()), (5, 0x2200), "{message}");
        assert!(message.contains("1048576"), "{message}");
    });
}

/// A connection of version 5 after its handshake.
async fn open_v5(node: &Node) -> (Stream, Connection, BytesMut) {
    let mut stream = node.connect().await;
    let mut connection = Connection::new(ClientOptions::default());
    stream
        .write_all_buf(connection.output())
        .await
        .expect("STARTUP is sent");
    let mut input = BytesMut::new();
    while !connection.is_ready() {
        stream.read_buf(&mut input).await.expect("READY comes");
        connection.receive(&mut input).expect("a handshake");
    }
    (stream, connection, input)
}

#[test]
fn damaged_segments_end_the_connection() {
    sim::local::block_on(5, |env| async move {
        let node = Node::start(&env, Settings::default()).await;
        let mut rng = env.rng("segments");
        for _ in 0..100 {
            let (mut stream, mut connection, _) = open_v5(&node).await;
            connection
                .send(&query("SELECT key FROM system.local"), 0)
                .expect("a stream");
            let mut bytes = connection.output().split().to_vec();
            let place = rng.below(bytes.len() as u64) as usize;
            bytes[place] ^= 1 << rng.below(8);
            stream.write_all(&bytes).await.expect("it is sent");
            // A damaged length may make the server wait for more.
            Raw::new(stream).is_closed_within(&env, SECOND).await;
        }
        env.sleep(2 * SECOND).await;
        is_well(&node, &env).await;
        let errors = node.server.metrics().snapshot().errors;
        assert!(
            errors
                .iter()
                .any(|(code, count)| *code == 0x000A && *count > 80),
            "{errors:?}"
        );
    });
}

#[test]
fn what_follows_a_fatal_request_is_not_executed() {
    sim::local::block_on(6, |env| async move {
        let node = Node::start(&env, Settings::default()).await;
        let (mut stream, mut connection, mut input) = open_v5(&node).await;
        let mut envelopes = BytesMut::new();
        query("SELECT key FROM system.local").encode(Version::V5, 0, 1, &mut envelopes);
        envelopes.extend_from_slice(&[66, 0, 0, 2, Opcode::Options as u8, 0, 0, 0, 0]);
        query("SELECT key FROM system.local").encode(Version::V5, 0, 3, &mut envelopes);
        let mut bytes = BytesMut::new();
        segment::encode(segment::Format::Uncompressed, &envelopes, &mut bytes);
        stream.write_all(&bytes).await.expect("it is sent");
        let mut answered = Vec::new();
        loop {
            while let Some(answer) = connection
                .receive(&mut input)
                .expect("the server speaks the protocol")
            {
                answered.push((answer.stream, answer.opcode));
            }
            if stream
                .read_buf(&mut input)
                .await
                .expect("the end is announced")
                == 0
            {
                break;
            }
        }
        assert_eq!(answered, [(1, Opcode::Result), (2, Opcode::Error)]);
        drop(stream);
        env.sleep(2 * SECOND).await;
        is_well(&node, &env).await;
    });
}
