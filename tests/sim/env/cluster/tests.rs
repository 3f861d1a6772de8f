//! Clusters in simulation: faults do what they say, and one seed gives one trace.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base::env::{Class, File};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::disk::is_power_failure;

const PORT: u16 = 7000;

/// A server that appends each byte it gets to a synced file and answers with the file's length.
async fn server(env: Env, address: SocketAddr) -> Result {
    let listener = env.bind(address).await?;
    let files = env.clone();
    let file = env.blocking(Class::General, move || open(&files)).await?;
    loop {
        let (mut stream, _) = listener.accept().await?;
        let (inner, file) = (env.clone(), file.clone());
        env.spawn("connection", async move {
            let mut byte = [0];
            while stream.read_exact(&mut byte).await.is_ok() {
                let file = file.clone();
                let result = inner.blocking(Class::Sync, move || {
                    file.append(&byte)?;
                    file.sync_data()?;
                    file.len()
                });
                let Ok(len) = result.await else { return };
                if stream.write_all(&[len as u8]).await.is_err() {
                    return;
                }
            }
        })
        .detach();
    }
}

fn open(env: &Env) -> io::Result<Arc<dyn File>> {
    let dir = env.make_dirs(Path::new("/data"))?;
    if dir.exists("log")? {
        return dir.open("log");
    }
    let file = dir.create("log")?;
    dir.sync_dir()?;
    Ok(file)
}

/// Sends bytes one after another, over new connections after errors, until `count` were answered; gives how many
/// connections it took.
async fn send(env: Env, address: SocketAddr, count: u64, answered: Arc<AtomicU64>) -> Result<u64> {
    let mut connections = 0;
    while answered.load(Ordering::Relaxed) < count {
        connections += 1;
        let wait = Duration::from_millis(200);
        let Some(Ok(mut stream)) = env.timeout(wait, env.connect(address)).await else {
            env.sleep(Duration::from_millis(20)).await;
            continue;
        };
        while answered.load(Ordering::Relaxed) < count {
            let exchange = async {
                stream.write_all(b"x").await?;
                stream.read_u8().await
            };
            match env.timeout(wait, exchange).await {
                Some(Ok(_)) => drop(answered.fetch_add(1, Ordering::Relaxed)),
                _ => break,
            }
        }
    }
    Ok(connections)
}

struct Run {
    trace: Trace,
    connections: u64,
    answered: u64,
    stored: u64,
}

/// One client, two servers of which one is used, and whatever `harness` does to them.
fn run(seed: u64, count: u64, mut harness: impl FnMut(&mut Cluster<'_>)) -> Run {
    let mut cluster = Cluster::new(seed);
    let answered = Arc::new(AtomicU64::new(0));
    let connections = Arc::new(AtomicU64::new(0));
    let addresses = ["a", "b"].map(|name| cluster.address(name, PORT));
    for (name, address) in ["a", "b"].into_iter().zip(addresses) {
        cluster.host(name, move |env| server(env, address));
    }
    let (inner, used) = (answered.clone(), connections.clone());
    cluster.client("client", move |env| async move {
        used.store(
            send(env, addresses[0], count, inner).await?,
            Ordering::Relaxed,
        );
        Ok(())
    });
    while !cluster.step().unwrap() {
        harness(&mut cluster);
    }
    Run {
        trace: cluster.trace().clone(),
        connections: connections.load(Ordering::Relaxed),
        answered: answered.load(Ordering::Relaxed),
        stored: cluster.disk("a").read("/data/log").unwrap().len() as u64,
    }
}

#[test]
fn nodes_talk() {
    let run = run(1, 20, |_| {});
    assert_eq!((run.connections, run.answered, run.stored), (1, 20, 20));
}

/// Crashes, kills, partitions and resets at seeded moments.
fn chaos(seed: u64) -> Run {
    let mut down_until = None;
    run(seed, 100, |cluster| {
        let now = cluster.elapsed();
        match down_until {
            Some(until) if now >= until => {
                down_until = None;
                cluster.heal("client", "a");
                if !cluster.is_running("a") {
                    cluster.start("a");
                }
            }
            None if cluster.rng().chance(0.02) => {
                down_until = Some(now + Duration::from_millis(cluster.rng().below(400)));
                match cluster.rng().below(4) {
                    0 => cluster.crash("a"),
                    1 => cluster.kill("a"),
                    2 => cluster.partition("client", "a"),
                    _ => cluster.reset("client", "a"),
                }
            }
            _ => {}
        }
    })
}

#[test]
fn answered_bytes_survive_chaos_and_seeds_repeat() {
    let mut hashes = BTreeSet::new();
    let mut connections = 0;
    for seed in 0..8 {
        let (left, right) = (chaos(seed), chaos(seed));
        assert!(
            left.stored >= left.answered,
            "seed {seed}: answered {}, stored {}",
            left.answered,
            left.stored
        );
        let difference = left.trace.first_difference(&right.trace);
        assert!(difference.is_none(), "seed {seed}: {}", difference.unwrap());
        hashes.insert(left.trace.hash());
        connections += left.connections;
    }
    assert_eq!(hashes.len(), 8);
    assert!(connections > 16, "faults broke connections: {connections}");
}

#[test]
fn a_partition_delays_and_a_reset_breaks() {
    let partition = |cluster: &mut Cluster<'_>| match cluster.elapsed().as_millis() {
        50 => cluster.partition("client", "a"),
        150 => cluster.heal("client", "a"),
        _ => {}
    };
    assert_eq!(run(1, 100, partition).connections, 1);
    let reset = |cluster: &mut Cluster<'_>| {
        if cluster.elapsed().as_millis() == 50 {
            cluster.reset("a", "client");
        }
    };
    assert_eq!(run(1, 100, reset).connections, 2);
    let block = |cluster: &mut Cluster<'_>| match cluster.elapsed().as_millis() {
        50 => cluster.block("a", "client"),
        100 => cluster.unblock("a", "client"),
        _ => {}
    };
    assert_eq!(run(1, 100, block).connections, 2);
}

#[test]
fn a_failure_at_a_step_stops_the_host_until_it_is_started() {
    let mut seen_down = false;
    let run = run(2, 60, |cluster| {
        if cluster.elapsed().as_millis() == 20 {
            cluster.disk("a").power_failure_at(25);
        }
        if !cluster.is_running("a") {
            assert_eq!(cluster.disk("a").power_failures(), 1);
            seen_down = true;
            cluster.start("a");
        }
    });
    assert!(seen_down && run.stored >= run.answered && run.connections >= 2);
}

#[test]
fn clocks_differ_by_node() {
    let mut cluster = Cluster::new(1);
    let walls = Arc::new(Mutex::new(Vec::new()));
    for name in ["right", "wrong"] {
        let walls = walls.clone();
        cluster.client(name, move |env| async move {
            env.sleep(Duration::from_secs(1)).await;
            walls
                .lock()
                .push((name, env.wall_seconds() - WALL_START_MICROS / 1_000_000));
            Ok(())
        });
    }
    cluster.clock("wrong").set_skew_micros(-60_000_000);
    cluster.run().unwrap();
    walls.lock().sort_unstable();
    assert_eq!(*walls.lock(), [("right", 1), ("wrong", -59)]);
}

#[test]
fn a_dead_node_reaches_nobody() {
    let mut cluster = Cluster::new(1);
    let address = cluster.address("host", PORT);
    let kept = Arc::new(Mutex::new(None));
    let keep = kept.clone();
    cluster.host("host", move |env| {
        *keep.lock() = Some(env);
        std::future::pending()
    });
    cluster.client("client", move |env| async move {
        env.sleep(Duration::from_millis(10)).await;
        let dead: Env = kept.lock().take().unwrap();
        let refused = dead.connect(address).await.err().unwrap();
        assert!(is_power_failure(&refused), "{refused}");
        assert!(is_power_failure(
            &dead.bind(address).await.map(drop).unwrap_err()
        ));
        Ok(())
    });
    cluster.step().unwrap();
    cluster.crash("host");
    cluster.run().unwrap();
}

#[test]
#[should_panic(expected = "a spawned task panicked")]
fn files_outside_blocking_are_refused() {
    let mut cluster = Cluster::new(1);
    cluster.client("client", |env| async move {
        env.dir(Path::new("/"))?;
        Ok(())
    });
    if let Err(error) = cluster.run() {
        panic!("{error}");
    }
}
