//! One node in simulation: time, tasks, power failures, sweeps.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base::env::{Class, TaskError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::disk::is_power_failure;

fn data() -> &'static Path {
    Path::new("/data")
}

#[test]
fn time_passes_only_when_all_wait() {
    block_on(1, |env| async move {
        let start = env.mono();
        let other = env.clone();
        let task = env.spawn("sleeper", async move {
            other.sleep(Duration::from_secs(2)).await;
            other.mono()
        });
        env.sleep(Duration::from_secs(1)).await;
        assert_eq!(env.mono() - start, Duration::from_secs(1));
        assert_eq!(task.await.unwrap() - start, Duration::from_secs(2));
        assert_eq!(
            env.timeout(Duration::from_secs(5), std::future::pending::<()>())
                .await,
            None
        );
        assert_eq!(env.mono() - start, Duration::from_secs(7));
        assert_eq!(env.timeout(Duration::ZERO, async { 3 }).await, Some(3));
    });
}

#[test]
fn dropped_tasks_are_cancelled_and_detached_ones_are_not() {
    block_on(1, |env| async move {
        let count = Arc::new(AtomicU64::new(0));
        let work = |count: Arc<AtomicU64>, env: Env| async move {
            env.sleep(Duration::from_millis(1)).await;
            count.fetch_add(1, Ordering::Relaxed)
        };
        drop(env.spawn("dropped", work(count.clone(), env.clone())));
        env.spawn("detached", work(count.clone(), env.clone()))
            .detach();
        let aborted = env.spawn("aborted", work(count.clone(), env.clone()));
        aborted.abort();
        assert_eq!(aborted.await, Err(TaskError::Cancelled));
        env.sleep(Duration::from_millis(2)).await;
        assert_eq!(count.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn a_panic_reaches_the_owner() {
    block_on(1, |env| async move {
        let inner = env.clone();
        let task = env.spawn("panics", async move {
            inner.blocking(Class::Read, || panic!("lost block")).await
        });
        assert_eq!(
            task.await,
            Err(TaskError::Panicked("lost block".to_owned()))
        );
    });
}

#[test]
#[should_panic(expected = "nobody awaits")]
fn a_detached_panic_fails_the_run() {
    block_on(1, |env| async move {
        env.spawn("panics", async { panic!("nobody awaits") })
            .detach();
        env.sleep(Duration::from_secs(1)).await;
    });
}

#[test]
#[should_panic(expected = "tasks: [\"waiter\"]")]
fn a_deadlock_names_its_tasks() {
    block_on(1, |env| async move {
        let _task = env.spawn("waiter", std::future::pending::<()>());
        std::future::pending::<()>().await;
    });
}

#[test]
fn blocking_results_come_after_the_disks_time() {
    block_on(1, |env| async move {
        let start = env.mono();
        let files = env.clone();
        let count = env
            .blocking(Class::Read, move || {
                let file = files.make_dirs(data()).unwrap().create("file").unwrap();
                file.append(&[1; 5_000_000]).unwrap();
                file.read_at(&mut [0; 100], 0).unwrap()
            })
            .await;
        assert_eq!(count, 100);
        assert!(
            env.mono() - start >= Duration::from_millis(5),
            "{:?}",
            env.mono() - start
        );
    });
}

#[test]
fn strict_machines_refuse_files_outside_blocking() {
    let machine = Machine::new(1).strict();
    let inside = |env: &Env| {
        let files = env.clone();
        env.blocking(Class::General, move || {
            files.make_dirs(data())?.create("log")
        })
    };
    machine
        .run(|env| async move { inside(&env).await.unwrap().append(b"allowed").unwrap() })
        .unwrap();
    let outside = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        machine.run(|env| async move { env.dir(data()).map(drop) })
    }));
    assert!(outside.is_err());
}

#[test]
fn connections_carry_bytes_and_end() {
    block_on(1, |env| async move {
        let listener = env.bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        assert!(env.bind(address).await.is_err(), "taken");
        let echo = env.spawn("echo", async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).await.unwrap();
            bytes
        });
        let mut stream = env.connect(address).await.unwrap();
        // More than the buffers hold, so both sides take turns.
        stream.write_all(&[7; 200_000]).await.unwrap();
        drop(stream);
        assert_eq!(echo.await.unwrap(), vec![7; 200_000]);
        let refused = env.connect(address).await.err().map(|error| error.kind());
        assert_eq!(refused, Some(io::ErrorKind::ConnectionRefused));
    });
}

/// Several tasks that sleep, use files, randomness and `tokio::select!`, which draws from tokio's own generator.
fn busy(seed: u64) -> Machine {
    let machine = Machine::new(seed);
    machine.disk().power_failure_at(60);
    for _ in 0..2 {
        let _ = machine.run(|env| async move {
            let dir = env.make_dirs(data()).unwrap();
            let tasks: Vec<_> = (0..4)
                .map(|index| {
                    let (env, name) = (
                        env.clone(),
                        format!("file-{}-{index}", env.rng("name").next_u64()),
                    );
                    let dir = dir.clone();
                    let inner = env.clone();
                    env.spawn("worker", async move {
                        let mut rng = inner.rng("worker");
                        let file = dir.create(&name)?;
                        for _ in 0..rng.below(20) + 5 {
                            tokio::select! {
                                () = inner.sleep(Duration::ZERO) => file.append(b"left")?,
                                () = inner.sleep(Duration::ZERO) => file.append(b"right")?,
                            }
                            let file = file.clone();
                            inner
                                .blocking(Class::Sync, move || file.sync_data())
                                .await?;
                        }
                        io::Result::Ok(())
                    })
                })
                .collect();
            for task in tasks {
                let _ = task.await.unwrap();
            }
        });
    }
    machine
}

#[test]
fn one_seed_gives_one_trace() {
    let mut hashes = BTreeSet::new();
    for seed in 0..30 {
        let (left, right) = (busy(seed), busy(seed));
        let difference = left.trace().first_difference(right.trace());
        assert!(difference.is_none(), "seed {seed}: {}", difference.unwrap());
        assert_eq!(left.disk().files(), right.disk().files());
        assert!(left.trace().count() > 100);
        hashes.insert(left.trace().hash());
    }
    assert_eq!(hashes.len(), 30, "seeds differ");
}

#[test]
fn a_power_failure_ends_the_run_and_all_handles() {
    let machine = Machine::new(3);
    let mut kept = None;
    let result = machine.run(|env| {
        let kept = &mut kept;
        async move {
            let file = env.make_dirs(data()).unwrap().create("file").unwrap();
            *kept = Some((env.clone(), file.clone()));
            let writer = env.clone();
            env.spawn("never finishes", async move {
                loop {
                    writer.sleep(Duration::from_secs(1)).await;
                }
            })
            .detach();
            let disk_env = env.clone();
            env.sleep(Duration::from_secs(5)).await;
            drop(disk_env);
            file.append(b"x").unwrap();
        }
    });
    assert_eq!(result, Ok(()));
    let (env, file) = kept.unwrap();
    assert!(
        is_power_failure(&file.append(b"y").unwrap_err()),
        "a life that ended writes no more"
    );
    assert!(is_power_failure(&env.dir(data()).err().unwrap()));
    assert_eq!(
        machine.disk().read("/data/file").unwrap(),
        b"x",
        "the end of a process loses nothing"
    );

    machine.disk().power_failure_at(1);
    let result = machine.run(|env| async move {
        let file = env.dir(data()).unwrap().open("file").unwrap();
        assert!(is_power_failure(&file.append(b"z").unwrap_err()));
        env.sleep(Duration::from_secs(1)).await;
        unreachable!("nothing runs after the power failure");
    });
    assert_eq!(result, Err(PowerFailure));
}

/// A counter kept in a file that is replaced by rename; `careful` says whether it is synced.
fn count_up(env: &Env, careful: bool) -> io::Result<u64> {
    let dir = env.make_dirs(data())?;
    let old = if dir.exists("counter")? {
        dir.open("counter")?.read_all(8)?
    } else {
        vec![0; 8]
    };
    let next = 1 + u64::from_le_bytes(old.try_into().map_err(|_| io::ErrorKind::InvalidData)?);
    if dir.exists("counter.new")? {
        dir.remove("counter.new")?;
    }
    let file = dir.create("counter.new")?;
    file.append(&next.to_le_bytes())?;
    if careful {
        file.sync_data()?;
    }
    dir.rename("counter.new", "counter")?;
    dir.sync_dir()?;
    Ok(next)
}

/// Counts to three, with the power failing at each step, and checks that no count that was reported is lost.
fn sweep(seed: u64, careful: bool) -> u64 {
    crash_sweep(seed, |machine| {
        let reported = AtomicU64::new(0);
        let reported = &reported;
        for _ in 0..3 {
            let _ = machine.run(|env| async move {
                match count_up(&env, careful) {
                    Ok(next) => {
                        let before = reported.swap(next, Ordering::Relaxed);
                        assert!(next > before, "counted {next} after {before}");
                    }
                    Err(error) => assert!(is_power_failure(&error), "{error}"),
                }
            });
        }
    })
}

#[test]
fn a_crash_sweep_tries_every_step() {
    for seed in 0..50 {
        let trials = sweep(seed, true);
        assert!((18..=20).contains(&trials), "{trials}");
    }
}

#[test]
fn a_crash_sweep_finds_a_missing_sync() {
    let found = (0..50).any(|seed| std::panic::catch_unwind(|| sweep(seed, false)).is_err());
    assert!(found);
}

#[test]
fn an_error_sweep_fails_every_call_once() {
    let mut failed = 0;
    let trials = error_sweep(1, |machine| {
        let count = || {
            machine
                .run(|env| async move { count_up(&env, true) })
                .unwrap()
        };
        let errors = (0..3).filter(|_| count().is_err()).count();
        assert!(errors <= 1, "it recovers from one error");
        failed += errors as u64;
    });
    assert_eq!(failed, trials - 1, "each trial but the last had its error");
    assert!(trials > 20);
}

#[test]
fn clocks_belong_to_the_machine() {
    let machine = Machine::new(1);
    machine.clock().set_skew_micros(-7_000_000);
    let first = machine.run(|env| async move {
        env.sleep(Duration::from_secs(10)).await;
        (env.mono(), env.wall_micros())
    });
    assert_eq!(
        first,
        Ok((
            Duration::from_secs(10),
            crate::clock::WALL_START_MICROS + 3_000_000
        ))
    );
    let second = machine.run(|env| async move { env.wall_seconds() });
    assert_eq!(
        second,
        Ok(crate::clock::WALL_START_MICROS / 1_000_000 + 3),
        "time goes on in the next life"
    );
}

#[test]
fn randomness_differs_by_component_and_life() {
    let machine = Machine::new(1);
    let draw = |env: &Env| {
        [
            env.rng("a").next_u64(),
            env.rng("a").next_u64(),
            env.rng("b").next_u64(),
        ]
    };
    let (first, second) = (draw(&machine.env()), draw(&machine.env()));
    let all: BTreeSet<u64> = first.into_iter().chain(second).collect();
    assert_eq!(all.len(), 6);
    assert_eq!(draw(&Machine::new(1).env()), first, "and repeats by seed");
}
