//! The same listener on real sockets, threads and disk: many clients at once, each with requests in flight.
#![expect(
    clippy::disallowed_methods,
    reason = "a test on the real disk removes its folder"
)]

mod support;

use std::path::Path;
use std::time::Duration;

use base::env::Env;
use protocol::Consistency;
use protocol::client::{Client, Options as ClientOptions};
use protocol::compress::Compression;
use protocol::frame::Opcode;
use protocol::request::{Bindings, Execute, Parameters, Request};
use protocol::version::Version;
use protocol::wire::Value;
use server::Options;
use support::{Node, Settings};

const CLIENTS: i32 = 8;
const ROWS: i32 = 2_000;
const IN_FLIGHT: i32 = 100;

/// Writes this client's rows, so many in flight, and reads them back.
async fn work(env: Env, address: std::net::SocketAddr, k: i32) {
    let (version, compression) = match k % 4 {
        0 => (Version::V4, None),
        1 => (Version::V4, Some(Compression::Snappy)),
        2 => (Version::V5, None),
        _ => (Version::V5, Some(Compression::Lz4)),
    };
    let stream = env.connect(address).await.expect("the listener accepts");
    let options = ClientOptions {
        version,
        compression,
        ..ClientOptions::default()
    };
    let mut client = Client::open(stream, options).await.expect("a handshake");
    let text = "INSERT INTO ks.t (k, c, v) VALUES (?, ?, 'a value')";
    let statement = client.prepare(text).await.expect("a statement");
    for first in (0..ROWS).step_by(IN_FLIGHT as usize) {
        let mut streams = Vec::new();
        for c in first..first + IN_FLIGHT {
            let mut values = Bindings::new();
            values.push(Value::Set(&k.to_be_bytes()));
            values.push(Value::Set(&c.to_be_bytes()));
            let request = Request::Execute(Execute {
                id: &statement.id,
                result_metadata_id: Some(&statement.result_metadata_id),
                parameters: Parameters {
                    values: values.values(),
                    ..Parameters::new(Consistency::One)
                },
            });
            streams.push(client.send(&request, 0).expect("a free stream"));
        }
        for stream in streams {
            assert_eq!(
                client.answer(stream).await.expect("an answer").opcode,
                Opcode::Result
            );
        }
    }
    let parameters = Parameters {
        page_size: Some(700),
        ..Parameters::new(Consistency::One)
    };
    let text = format!("SELECT c FROM ks.t WHERE k = {k}");
    let rows = client
        .query_all(&text, parameters)
        .await
        .expect("rows")
        .rows;
    assert_eq!(rows.len(), ROWS as usize);
}

#[test]
fn many_clients_write_and_read_on_several_threads() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(3)
        .enable_all()
        .build()
        .expect("a runtime");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("server-real");
    let _ = std::fs::remove_dir_all(&folder);
    runtime.block_on(async {
        let env = Env::real();
        let mut settings = Settings {
            folder: folder.clone(),
            ..Settings::default()
        };
        settings.server = Options {
            address: "127.0.0.1:0".parse().expect("an address"),
            ..settings.server
        };
        let node = Node::start(&env, settings).await;
        drop(node.with_table().await);
        let address = node.server.local_addr();
        let start = |k| env.spawn("client", work(env.clone(), address, k));
        let tasks: Vec<_> = (0..CLIENTS).map(start).collect();
        for task in tasks {
            task.await.expect("the client is done");
        }
        assert_eq!(node.server.drain(Duration::from_secs(10)).await, 0);
        let counts = node.server.metrics().snapshot();
        assert_eq!(
            (
                counts.connections,
                counts.failed,
                counts.in_flight_bytes,
                counts.waiting
            ),
            (0, 0, 0, 0)
        );
        assert!(counts.errors.is_empty(), "{:?}", counts.errors);
        assert!(counts.requests >= (CLIENTS * ROWS) as u64);
    });
    let _ = std::fs::remove_dir_all(&folder);
}
