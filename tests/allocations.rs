//! What hot requests allocate: nothing, once their buffers are there.
//!
//! A counting allocator holds what DESIGN promises of a prepared read that hits memory, so that it stays so. Counted is
//! everything from the request's bytes to the answer's, on the thread that a connection's turn runs on; what grows the
//! memtable (a new partition, a new row) is not a request's to avoid, so the writes here go to rows that are there.
#[path = "../benches/hot_paths/node.rs"]
mod node;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use bytes::Bytes;
use node::{Client, Node, REQUESTS_PER_TURN, execute};

/// The system's allocator, counting for each thread.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call is passed on as it is to the system's allocator; the counter is a plain cell without a destructor,
// which allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the place came from the system's allocator, by this layout.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the place came from the system's allocator, by this layout.
        unsafe { System.realloc(place, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const WARM_UP: u64 = 2_000;
const COUNTED: u64 = 1_000;
const VALUE: &[u8] = &[5; 100];
const KEYS: u64 = 64;
const ROWS: i64 = 400;

/// How many allocations a thousand executions of these requests make, so many in a turn, once their buffers are there.
fn allocations(client: &mut Client, bodies: &[Bytes], per_turn: u64) -> u64 {
    let mut run = |from: u64, count: u64| {
        let before = ALLOCATIONS.get();
        for number in from..from + count {
            let body = &bodies[number as usize % bodies.len()];
            client.execute(body, number * (REQUESTS_PER_TURN / per_turn));
        }
        client.end_turn();
        ALLOCATIONS.get() - before
    };
    run(0, WARM_UP);
    run(WARM_UP, COUNTED)
}

/// Sixteen bytes, as of a UUID.
fn key(number: u64) -> [u8; 16] {
    u128::from(number)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)
        .to_be_bytes()
}

fn long_key(number: u64) -> Vec<u8> {
    key(number).repeat(20)
}

fn connect(name: &str) -> Client {
    let mut client = Client::new(Node::start(name));
    client.query("CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
    client.query("CREATE TABLE ks.kv (k blob PRIMARY KEY, v blob)");
    client.query("CREATE TABLE ks.pair (a int, b text, v blob, PRIMARY KEY ((a, b)))");
    client.query("CREATE TABLE ks.wide (p bigint, c bigint, v blob, PRIMARY KEY (p, c))");
    client
}

/// Executes each, so that what they write is there.
fn fill(client: &mut Client, bodies: &[Bytes]) {
    for (number, body) in bodies.iter().enumerate() {
        client.execute(body, number as u64);
    }
    client.end_turn();
}

fn each<'a>(of: impl Fn(u64) -> Vec<Vec<u8>> + 'a, id: &'a [u8], count: u64) -> Vec<Bytes> {
    let body = |number| {
        let values = of(number);
        let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
        execute(id, &values)
    };
    (0..count).map(body).collect()
}

#[test]
fn hot_requests_allocate_nothing() {
    let mut client = connect("allocations");
    let mut check = |name: &str, text: &str, count: u64, of: &dyn Fn(u64) -> Vec<Vec<u8>>| {
        let id = client.prepare(text);
        let bodies = each(of, &id, count);
        fill(&mut client, &bodies);
        client.execute(&bodies[0], 0);
        let bytes = client.answer_bytes();
        client.end_turn();
        // Several slices are more than a turn's work, and one that is parked takes its buffers along.
        let per_turn = if bytes > 20 * VALUE.len() {
            1
        } else {
            REQUESTS_PER_TURN
        };
        let counted = allocations(&mut client, &bodies, per_turn);
        assert_eq!(counted, 0, "allocations of {COUNTED} times {name}: {text}");
        bytes
    };
    let number = |number: u64| (number as i64).to_be_bytes().to_vec();
    let pair = |n: u64| vec![(n as i32).to_be_bytes().to_vec(), b"some text".to_vec()];
    let row = |n: u64| vec![number(n % 2), number(n / 2), VALUE.to_vec()];

    check(
        "a write",
        "INSERT INTO ks.kv (k, v) VALUES (?, ?)",
        KEYS,
        &|n| vec![key(n).to_vec(), VALUE.to_vec()],
    );
    check(
        "a write",
        "INSERT INTO ks.kv (k, v) VALUES (?, ?)",
        KEYS,
        &|n| vec![long_key(n), VALUE.to_vec()],
    );
    check(
        "a write",
        "INSERT INTO ks.pair (a, b, v) VALUES (?, ?, ?)",
        KEYS,
        &|n| [pair(n), vec![VALUE.to_vec()]].concat(),
    );
    check(
        "a write",
        "INSERT INTO ks.wide (p, c, v) VALUES (?, ?, ?)",
        2 * ROWS as u64,
        &row,
    );

    let one = check(
        "a point read",
        "SELECT v FROM ks.kv WHERE k = ?",
        KEYS,
        &|n| vec![key(n).to_vec()],
    );
    assert!(one > VALUE.len(), "{one} bytes of an answer");
    check(
        "a point read",
        "SELECT v FROM ks.kv WHERE k = ?",
        KEYS,
        &|n| vec![long_key(n)],
    );
    check(
        "a point read",
        "SELECT v FROM ks.kv WHERE k = ?",
        KEYS,
        &|n| vec![number(n)],
    );
    check(
        "a point read",
        "SELECT * FROM ks.pair WHERE a = ? AND b = ?",
        KEYS,
        &pair,
    );
    check(
        "a point read",
        "SELECT c, v FROM ks.wide WHERE p = ? AND c = ?",
        KEYS,
        &|n| vec![number(n % 2), number(n)],
    );

    let many = check(
        "a slice",
        "SELECT c, v FROM ks.wide WHERE p = ? AND c >= ? LIMIT 100",
        KEYS,
        &|n| vec![number(n % 2), number(n)],
    );
    assert!(many > 100 * VALUE.len(), "{many} bytes of an answer");
    check(
        "a slice",
        "SELECT c, v FROM ks.wide WHERE p = ? AND c > ? AND c <= ? ORDER BY c DESC",
        KEYS,
        &|n| vec![number(n % 2), number(n), number(n + 30)],
    );

    // What counts is memory; that a file answers the same is for comparison.
    client.node().flush();
    let id = client.prepare("SELECT v FROM ks.kv WHERE k = ?");
    client.execute(&execute(&id, &[&key(1)]), 0);
    assert_eq!(client.answer_bytes(), one);
    client.end_turn();
}
