//! Streams and flags: what clients may do with a frame's header.

mod support;

use std::time::Duration;

use bytes::BytesMut;
use protocol::compress::Compression;
use protocol::frame::{HEADER_BYTES, Opcode, flags};
use protocol::request::{Request, Startup};
use protocol::version::Version;
use support::{Node, Raw, Settings, error_of, query};

const LOCAL: &str = "SELECT key FROM system.local";

fn envelope(request: &Request<'_>, flags: u8, stream: i16) -> BytesMut {
    let mut bytes = BytesMut::new();
    request.encode(Version::V4, flags, stream, &mut bytes);
    bytes
}

/// A request of this opcode and body, in version 4.
fn raw_request(opcode: Opcode, flags: u8, stream: i16, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![4, flags];
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.push(opcode as u8);
    bytes.extend_from_slice(&(body.len() as u32).to_be_bytes());
    bytes.extend_from_slice(body);
    bytes
}

#[test]
fn every_stream_may_be_in_flight_at_once() {
    sim::local::block_on(1, |env| async move {
        let node = Node::start(&env, Settings::default()).await;
        let mut raw = node.raw(&[]).await;
        let mut all = BytesMut::new();
        for stream in 0..=i16::MAX {
            query(LOCAL).encode(Version::V4, 0, stream, &mut all);
        }
        let (mut answered, mut sent) = (vec![0_u8; 1 << 15], 0);
        // The server stops reading who does not read, so both go on in turns.
        for part in all.chunks(64 << 10) {
            raw.send(part).await;
            sent += part.len();
            while let Some(answer) = env.timeout(Duration::from_millis(1), raw.next()).await {
                assert_eq!(answer.opcode, Opcode::Result);
                answered[usize::try_from(answer.stream).expect("a stream of ours")] += 1;
            }
        }
        assert_eq!(sent, all.len());
        assert!(answered.iter().all(|count| *count == 1));
    });
}

#[test]
fn a_stream_used_twice_is_answered_twice() {
    sim::local::block_on(2, |env| async move {
        let node = Node::start(&env, Settings::default()).await;
        drop(node.with_table().await);
        let mut raw = node.raw(&[]).await;
        let write = query("INSERT INTO ks.t (k, c, v) VALUES (1, 1, 'x')");
        let mut bytes = envelope(&write, 0, 7);
        bytes.extend_from_slice(&envelope(&query(LOCAL), 0, 7));
        bytes.extend_from_slice(&envelope(&write, 0, 7));
        raw.send(&bytes).await;
        for _ in 0..3 {
            let answer = raw.next().await;
            assert_eq!((answer.stream, answer.opcode), (7, Opcode::Result));
        }
    });
}

#[test]
fn what_makes_no_sense_is_refused_and_the_connection_goes_on() {
    sim::local::block_on(3, |env| async move {
        let node = Node::start(&env, Settings::default()).await;
        let mut raw = node.raw(&[]).await;
        let unknown_event = b"\0\x01\0\x05NEWS!";
        let empty_token = b"\0\0\0\0";
        let check = async |raw: &mut Raw, bytes: &[u8], expected: &str| {
            raw.send(bytes).await;
            let answer = raw.next().await;
            let (stream, error, message) = error_of(&answer).expect("an error");
            assert_eq!(
                (stream, error.code(), message.as_str()),
                (3, 0x000A, expected)
            );
        };
        check(
            &mut raw,
            &raw_request(Opcode::Register, 0, 3, unknown_event),
            "Invalid value 'NEWS!' for Type",
        )
        .await;
        check(
            &mut raw,
            &raw_request(Opcode::AuthResponse, 0, 3, empty_token),
            "Unexpected message AUTH_RESPONSE, the connection is already initialized",
        )
        .await;
        check(
            &mut raw,
            &raw_request(Opcode::Query, flags::COMPRESSED, 3, b"x"),
            "Received a compressed message, but STARTUP agreed on no compression",
        )
        .await;
        raw.request(&query(LOCAL), 4).await;
        assert_eq!(raw.next().await.opcode, Opcode::Result);
    });
}

#[test]
fn flags_that_need_no_answer_are_taken() {
    sim::local::block_on(4, |env| async move {
        let node = Node::start(&env, Settings::default()).await;
        let mut raw = node.raw(&[("COMPRESSION", "lz4")]).await;
        raw.decoder_uses(Compression::Lz4);
        // A body below the codec's worth comes as it is, though compression was agreed.
        raw.send(&envelope(&query(LOCAL), 0, 1)).await;
        assert_eq!(raw.next().await.opcode, Opcode::Result);
        // An empty custom payload, and one entry that nobody knows.
        for payload in [&b"\0\0"[..], &b"\0\x01\0\x03key\0\0\0\x02ab"[..]] {
            let plain = envelope(&query(LOCAL), 0, 2);
            let body = [payload, &plain[HEADER_BYTES..]].concat();
            raw.send(&raw_request(Opcode::Query, flags::CUSTOM_PAYLOAD, 2, &body))
                .await;
            let answer = raw.next().await;
            assert_eq!(answer.opcode, Opcode::Result);
            assert_eq!(answer.flags & flags::CUSTOM_PAYLOAD, 0, "nothing to echo");
        }
        // Beta and bits without meaning change nothing.
        raw.send(&envelope(&query(LOCAL), flags::USE_BETA | 0x80, 3))
            .await;
        assert_eq!(raw.next().await.opcode, Opcode::Result);
        raw.send(&envelope(&query(LOCAL), flags::TRACING, 4)).await;
        let traced = raw.next().await;
        assert_eq!(traced.flags & flags::TRACING, flags::TRACING);
    });
}

#[test]
fn another_version_after_startup_is_refused_and_the_connection_goes_on() {
    sim::local::block_on(5, |env| async move {
        let node = Node::start(&env, Settings::default()).await;
        let mut raw = node.raw(&[]).await;
        let startup = Request::Startup(Startup::new(vec![("CQL_VERSION", "3.0.0")]));
        let mut bytes = envelope(&startup, 0, 9);
        bytes[0] = Version::V5.number();
        raw.send(&bytes).await;
        let answer = raw.next().await;
        let (stream, error, message) = error_of(&answer).expect("an error");
        assert_eq!((stream, error.code()), (9, 0x000A), "{message}");
        raw.send(&envelope(&query(LOCAL), 0, 10)).await;
        let answer = raw.next().await;
        assert_eq!((answer.stream, answer.opcode), (10, Opcode::Result));
    });
}

#[test]
fn the_version_of_startup_counts_and_not_that_of_options_before_it() {
    sim::local::block_on(6, |env| async move {
        let node = Node::start(&env, Settings::default()).await;
        let mut raw = Raw::new(node.connect().await);
        let mut options = envelope(&Request::Options, 0, 1);
        options[0] = Version::V5.number();
        raw.send(&options).await;
        let answer = raw.next().await;
        assert_eq!(
            (answer.version, answer.opcode),
            (Version::V5, Opcode::Supported)
        );
        // A client that checks what it receives would call the change of version an error: from here on a new one reads.
        let mut raw = Raw::new(raw.stream);
        let startup = Request::Startup(Startup::new(vec![("CQL_VERSION", "3.0.0")]));
        raw.send(&envelope(&startup, 0, 2)).await;
        let answer = raw.next().await;
        assert_eq!(
            (answer.version, answer.opcode),
            (Version::V4, Opcode::Ready)
        );
        raw.send(&envelope(&query(LOCAL), 0, 3)).await;
        assert_eq!(raw.next().await.opcode, Opcode::Result);
    });
}
