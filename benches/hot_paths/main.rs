//! What one operation of each hot path costs.
//!
//! `cargo bench` prints nanoseconds per operation, the lowest of several rounds; a name runs the paths that contain it.
//! `cargo bench -- NAME COUNT` does COUNT operations of one path and prints nothing: `benches/instructions` runs that under
//! callgrind with two counts, and the difference is what the operations cost, whatever their preparation did.
//!
//! Everything runs on one thread with the real environment, on a folder below `target/tmp`.
#![expect(
    clippy::disallowed_methods,
    reason = "a measurement needs a clock and a folder, and runs in a process of its own"
)]

mod files;
mod language;
mod node;
mod rows;
mod statements;
mod wire;

use std::time::{Duration, Instant};

/// Does one operation; the number says which of many.
pub type Operation = Box<dyn FnMut(u64)>;

/// A hot path: how its operation is prepared.
pub struct Path {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is.
    pub title: &'static str,
    /// Prepares what the operation needs.
    pub prepare: fn() -> Operation,
}

const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(150);

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|each| !each.starts_with("--"))
        .collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => paths().for_each(measure),
        ["list"] => paths().for_each(|path| println!("{}", path.name)),
        [part] => paths()
            .filter(|path| path.name.contains(part))
            .for_each(measure),
        [name, count] => {
            let count = count.parse().expect("how many operations");
            paths()
                .filter(|path| path.name == name)
                .for_each(|path| run(path, count));
        }
        _ => eprintln!("usage: cargo bench -- [list | NAME [COUNT]]"),
    }
}

fn paths() -> impl Iterator<Item = Path> {
    [
        wire::paths(),
        language::paths(),
        statements::paths(),
        rows::paths(),
        files::paths(),
    ]
    .into_iter()
    .flatten()
}

fn run(path: Path, count: u64) {
    let mut operation = (path.prepare)();
    (0..count).for_each(&mut operation);
}

fn measure(path: Path) {
    let mut operation = (path.prepare)();
    let mut number = 0;
    let mut lowest = f64::MAX;
    for _ in 0..ROUNDS {
        let (begun, first) = (Instant::now(), number);
        while begun.elapsed() < ROUND {
            for _ in 0..64 {
                operation(number);
                number += 1;
            }
        }
        lowest = lowest.min(begun.elapsed().as_nanos() as f64 / (number - first) as f64);
    }
    println!("{:<16} {lowest:>10.0} ns  {}", path.name, path.title);
}
