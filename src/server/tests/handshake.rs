//! How connections begin and end, and what they may say before STARTUP.

mod support;

use std::time::Duration;

use base::env::Env;
use protocol::client::Options as ClientOptions;
use protocol::compress::Compression;
use protocol::event::Kind;
use protocol::frame::Opcode;
use protocol::request::{Request, Startup};
use protocol::version::Version;
use server::Options;
use support::{Node, Raw, Settings, error_of, query, texts};

#[test]
fn options_are_answered_before_startup_and_after() {
    sim::local::block_on(1, |env| async move {
        let node = Node::start(&env, Settings::default()).await;
        let mut raw = Raw::new(node.connect().await);
        raw.request(&Request::Options, 5).await;
        let supported = raw.next().await;
        assert_eq!((supported.opcode, supported.stream), (Opcode::Supported, 5));
        raw.request(
            &Request::Startup(Startup::new(vec![("CQL_VERSION", "3.0.0")])),
            0,
        )
        .await;
        assert_eq!(raw.next().await.opcode, Opcode::Ready);
        raw.request(&Request::Options, 6).await;
        assert_eq!(raw.next().await.opcode, Opcode::Supported);
    });
}

#[test]
fn requests_out_of_order_are_protocol_errors_and_the_connection_goes_on() {
    sim::local::block_on(2, |env| async move {
        let node = Node::start(&env, Settings::default()).await;
        let mut raw = Raw::new(node.connect().await);
        let check = async |raw: &mut Raw, request: Request<'_>, expected: &str| {
            raw.request(&request, 9).await;
            let (stream, error, message) = raw.next_error().await;
            assert_eq!(
                (stream, error.code(), message.as_str()),
                (9, 0x000A, expected)
            );
        };
        let unexpected = "Unexpected message QUERY, expecting STARTUP or OPTIONS";
        check(&mut raw, query("SELECT * FROM system.local"), unexpected).await;
        let unexpected = "Unexpected message REGISTER, expecting STARTUP or OPTIONS";
        check(
            &mut raw,
            Request::Register(vec![Kind::SchemaChange]),
            unexpected,
        )
        .await;
        let no_version = "Missing value CQL_VERSION in STARTUP message";
        check(&mut raw, Request::Startup(Startup::new(vec![])), no_version).await;
        let startup = || Request::Startup(Startup::new(vec![("CQL_VERSION", "3.0.0")]));
        raw.request(&startup(), 0).await;
        assert_eq!(raw.next().await.opcode, Opcode::Ready);
        let again = "Unexpected message STARTUP, the connection is already initialized";
        check(&mut raw, startup(), again).await;
        raw.request(&query("SELECT key FROM system.local"), 1).await;
        assert_eq!(raw.next().await.opcode, Opcode::Result);
    });
}

#[test]
fn other_versions_are_refused_in_an_envelope_of_version_5() {
    sim::local::block_on(3, |env| async move {
        let node = Node::start(&env, Settings::default()).await;
        for (number, flags) in [(66, 0), (65, 0), (6, 0x10), (3, 0), (0, 0)] {
            let mut raw = Raw::new(node.connect().await);
            raw.send(&[number, flags, 0, 0, Opcode::Startup as u8, 0, 0, 0, 0])
                .await;
            let refusal = raw.next().await;
            assert_eq!(refusal.version, Version::V5);
            let (_, error, message) = error_of(&refusal).expect("an error");
            let expected = format!(
                "Invalid or unsupported protocol version ({number}); supported versions are (4/v4, 5/v5)"
            );
            assert_eq!((error.code(), message), (0x000A, expected));
            assert!(raw.is_closed_within(&env, Duration::from_secs(1)).await);
        }
    });
}

#[test]
fn statements_work_on_every_version_and_compression() {
    sim::local::block_on(4, |env| async move {
        let node = Node::start(&env, Settings::default()).await;
        node.with_table().await;
        let kinds = [
            (Version::V4, None),
            (Version::V4, Some(Compression::Lz4)),
            (Version::V4, Some(Compression::Snappy)),
            (Version::V5, None),
            (Version::V5, Some(Compression::Lz4)),
        ];
        for (key, (version, compression)) in kinds.into_iter().enumerate() {
            let options = ClientOptions {
                version,
                compression,
                ..ClientOptions::default()
            };
            let mut client = node.client(options).await;
            let long = "x".repeat(300_000);
            for c in 0..3 {
                let text = format!("INSERT INTO ks.t (k, c, v) VALUES ({key}, {c}, '{c}{long}')");
                client.run(&text).await.expect("a write");
            }
            let text = format!("SELECT v FROM ks.t WHERE k = {key}");
            let page = client.run(&text).await.expect("rows").into_page();
            assert_eq!(texts(&page), ["0", "1", "2"].map(|c| format!("{c}{long}")));
        }
    });
}

#[test]
fn clients_are_listed_with_what_they_said() {
    sim::local::block_on(5, |env| async move {
        let node = Node::start(&env, Settings::default()).await;
        let options = ClientOptions {
            version: Version::V4,
            startup: vec![
                ("DRIVER_NAME".to_owned(), "test driver".to_owned()),
                ("DRIVER_VERSION".to_owned(), "1.2".to_owned()),
                ("A_KEY_OF_TOMORROW".to_owned(), "kept".to_owned()),
            ],
            ..ClientOptions::default()
        };
        let mut client = node.client(options).await;
        client.run("USE system").await.expect("a keyspace");
        let mut other = node.client(ClientOptions::default()).await;
        let mut first = async |text: &str| {
            let page = other.run(text).await.expect("rows").into_page();
            texts(&page)
        };
        let named = "FROM system_views.clients WHERE driver_name = 'test driver' ALLOW FILTERING";
        assert_eq!(
            first(&format!("SELECT driver_version {named}")).await,
            ["1.2"]
        );
        assert_eq!(
            first(&format!("SELECT keyspace_name {named}")).await,
            ["system"]
        );
        assert_eq!(
            first(&format!("SELECT connection_stage {named}")).await,
            ["ready"]
        );
        assert_eq!(
            first(&format!("SELECT username {named}")).await,
            ["anonymous"]
        );
        let kept = first(&format!(
            "SELECT cast(client_options['A_KEY_OF_TOMORROW'] AS text) {named}"
        ))
        .await;
        assert_eq!(kept, ["kept"]);
        drop(client);
        env.sleep(Duration::from_millis(10)).await;
        assert_eq!(
            first(&format!("SELECT driver_version {named}")).await,
            [""; 0]
        );
    });
}

#[test]
fn connections_beyond_the_limit_are_closed() {
    sim::local::block_on(6, |env| async move {
        let mut settings = Settings::default();
        settings.server = Options {
            connections_max: 2,
            ..settings.server
        };
        let node = Node::start(&env, settings).await;
        let _one = node.client(ClientOptions::default()).await;
        let two = node.client(ClientOptions::default()).await;
        let mut three = Raw::new(node.connect().await);
        assert!(three.is_closed_within(&env, Duration::from_secs(1)).await);
        drop(two);
        env.sleep(Duration::from_millis(10)).await;
        node.client(ClientOptions::default()).await;
        let counts = node.server.metrics().snapshot();
        assert_eq!((counts.accepted, counts.rejected), (4, 1));
    });
}

#[test]
fn who_says_nothing_is_closed_and_who_says_half_too() {
    sim::local::block_on(7, |env| async move {
        let node = Node::start(&env, Settings::default()).await;
        let second = Duration::from_secs(1);
        let mut silent = Raw::new(node.connect().await);
        assert!(!silent.is_closed_within(&env, 59 * second).await);
        assert!(silent.is_closed_within(&env, 3 * second).await);

        let mut half = node.raw(&[]).await;
        half.send(&[
            4,
            0,
            0,
            1,
            Opcode::Query as u8,
            0,
            0xff,
            0xff,
            0xff,
            1,
            2,
            3,
        ])
        .await;
        assert!(!half.is_closed_within(&env, 139 * second).await);
        assert!(half.is_closed_within(&env, 3 * second).await);

        let mut quiet = node.raw(&[]).await;
        assert!(
            !quiet.is_closed_within(&env, 3600 * second).await,
            "idle connections stay"
        );
        quiet
            .request(&query("SELECT key FROM system.local"), 1)
            .await;
        assert_eq!(quiet.next().await.opcode, Opcode::Result);
        assert_eq!(node.server.budget().bytes(), 0);
    });
}

#[test]
fn a_drain_finishes_what_was_read() {
    sim::local::block_on(8, |env| async move {
        let node = Node::start(&env, Settings::default()).await;
        drop(node.with_table().await);
        let mut raw = node.raw(&[]).await;
        let mut idle = node.raw(&[]).await;
        for stream in 0..100 {
            let text = format!("INSERT INTO ks.t (k, c, v) VALUES (1, {stream}, 'x')");
            raw.request(&query(&text), stream).await;
        }
        // The first turn has begun, most requests are read, none is answered yet.
        env.sleep(Duration::from_micros(1)).await;
        let read = env.timeout(Duration::ZERO, raw.next()).await;
        let cut_off = node.server.drain(Duration::from_secs(5)).await;
        assert_eq!(cut_off, 0);
        let mut answers = usize::from(read.is_some());
        while let Some(envelope) = raw.try_next().await {
            assert_eq!(envelope.opcode, Opcode::Result);
            answers += 1;
        }
        assert!(answers >= 64, "{answers} of the requests were answered");
        assert!(idle.is_closed_within(&env, Duration::from_millis(1)).await);
        let refused: Result<_, _> = Env::connect(&env, node.server.local_addr()).await;
        assert!(refused.is_err(), "nobody accepts any more");
        assert_eq!(
            node.server.drain(Duration::from_secs(5)).await,
            0,
            "the second does nothing"
        );
        assert_eq!(node.server.metrics().snapshot().connections, 0);
    });
}
