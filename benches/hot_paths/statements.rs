//! Prepared statements from their values to their answers, without a socket: insert, point read, slice.

use bytes::Bytes;

use crate::node::{Client, Node, execute};
use crate::{Operation, Path};

const KEYS: u64 = 100_000;
const ROWS_PER_PARTITION: u64 = 1000;
const PARTITIONS: u64 = 100;
const VALUE: &[u8] = &[5; 100];

/// The paths of this module.
pub fn paths() -> Vec<Path> {
    vec![
        Path {
            name: "insert",
            title: "a prepared INSERT, periodic sync",
            prepare: insert,
        },
        Path {
            name: "point_read",
            title: "a prepared SELECT of one row, in memory",
            prepare: || point_read("point_read", false),
        },
        Path {
            name: "point_read_file",
            title: "the same from a file whose blocks are cached",
            prepare: || point_read("point_read_file", true),
        },
        Path {
            name: "slice_100",
            title: "a prepared SELECT of a hundred rows, in memory",
            prepare: || slice("slice_100", false),
        },
        Path {
            name: "slice_100_file",
            title: "the same from a file whose blocks are cached",
            prepare: || slice("slice_100_file", true),
        },
    ]
}

fn connect(name: &str) -> Client {
    let mut client = Client::new(Node::start(name));
    client.query("CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
    client.query("CREATE TABLE ks.kv (k blob PRIMARY KEY, v blob)");
    client.query("CREATE TABLE ks.wide (p bigint, c bigint, v blob, PRIMARY KEY (p, c))");
    client
}

/// Sixteen bytes, scattered as hashes are.
fn key(number: u64) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    key[8..].copy_from_slice(&number.to_be_bytes());
    key
}

/// A number below `limit`, each as likely.
fn scatter(number: u64, limit: u64) -> u64 {
    (number.wrapping_mul(0xD134_2543_DE82_EF95) >> 32) % limit
}

fn fill(client: &mut Client, bodies: impl Iterator<Item = Bytes>) {
    for (number, body) in bodies.enumerate() {
        client.execute(&body, number as u64);
    }
}

fn inserts(client: &mut Client) -> Vec<Bytes> {
    let id = client.prepare("INSERT INTO ks.kv (k, v) VALUES (?, ?)");
    (0..KEYS)
        .map(|number| execute(&id, &[&key(number), VALUE]))
        .collect()
}

fn insert() -> Operation {
    let mut client = connect("insert");
    let bodies = inserts(&mut client);
    Box::new(move |number| client.execute(&bodies[scatter(number, KEYS) as usize], number))
}

fn point_read(name: &str, from_file: bool) -> Operation {
    let mut client = connect(name);
    let bodies = inserts(&mut client);
    fill(&mut client, bodies.into_iter());
    if from_file {
        client.node().flush();
    }
    let id = client.prepare("SELECT v FROM ks.kv WHERE k = ?");
    let bodies: Vec<Bytes> = (0..KEYS)
        .map(|number| execute(&id, &[&key(number)]))
        .collect();
    // Once over all keys, so that the blocks are cached.
    fill(&mut client, bodies.iter().cloned());
    client.execute(&bodies[0], 0);
    assert!(client.answer_bytes() > VALUE.len(), "a row was read");
    client.end_turn();
    Box::new(move |number| client.execute(&bodies[scatter(number, KEYS) as usize], number))
}

fn slice(name: &str, from_file: bool) -> Operation {
    let mut client = connect(name);
    let id = client.prepare("INSERT INTO ks.wide (p, c, v) VALUES (?, ?, ?)");
    let rows = (0..PARTITIONS * ROWS_PER_PARTITION).map(|number| {
        let (partition, row) = ((number % PARTITIONS) as i64, (number / PARTITIONS) as i64);
        execute(&id, &[&partition.to_be_bytes(), &row.to_be_bytes(), VALUE])
    });
    fill(&mut client, rows);
    if from_file {
        client.node().flush();
    }
    let id = client.prepare("SELECT c, v FROM ks.wide WHERE p = ? AND c >= ? LIMIT 100");
    let bodies: Vec<Bytes> = (0..10_000)
        .map(|number| {
            let (partition, row) = (
                scatter(number, PARTITIONS) as i64,
                scatter(number + 7, ROWS_PER_PARTITION - 100) as i64,
            );
            execute(&id, &[&partition.to_be_bytes(), &row.to_be_bytes()])
        })
        .collect();
    fill(&mut client, bodies.iter().cloned());
    client.execute(&bodies[0], 0);
    assert!(
        client.answer_bytes() > 100 * VALUE.len(),
        "a hundred rows were read"
    );
    client.end_turn();
    Box::new(move |number| client.execute(&bodies[number as usize % bodies.len()], number))
}
