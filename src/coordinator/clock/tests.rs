//! Timestamps never repeat, however a life of the node ends.

use std::path::Path;
use std::time::Duration;

use base::env::{Class, Env};
use base::hybrid::LEAD_MICROS;
use sim::local::Machine;

use crate::clock::Clock;

/// One life: opens the clock and issues `count` timestamps, a while apart.
async fn live(env: Env, count: usize, apart: Duration) -> Vec<i64> {
    let maker = env.clone();
    let dir = env.blocking(Class::General, move || maker.make_dirs(Path::new("/data")));
    let dir = dir.await.expect("a folder");
    let (clock, _task) = Clock::open(&env, dir).await.expect("a clock");
    let mut issued = Vec::new();
    for _ in 0..count {
        env.sleep(apart).await;
        issued.push(clock.next(env.wall_micros()).expect("a timestamp"));
    }
    issued
}

#[test]
fn later_lives_issue_later_times() {
    for seed in 0..20 {
        let machine = Machine::new(seed);
        let mut last = i64::MIN;
        for life in 0..4 {
            let apart = Duration::from_millis(if life % 2 == 0 { 0 } else { 700 });
            let issued = machine.run(|env| live(env, 50, apart)).expect("no failure");
            for micros in issued {
                assert!(micros > last, "seed {seed}: {micros} after {last}");
                last = micros;
            }
            machine.disk().power_failure();
        }
    }
}

#[test]
fn many_times_of_one_instant_ascend() {
    let machine = Machine::new(3);
    let issued = machine.run(|env| live(env, 10_000, Duration::ZERO));
    let issued = issued.expect("no failure");
    assert!(issued.windows(2).all(|pair| pair[0] < pair[1]));
}

/// A life that ends in order: the last time it issued.
async fn live_and_settle(env: Env) -> i64 {
    let maker = env.clone();
    let dir = env.blocking(Class::General, move || maker.make_dirs(Path::new("/data")));
    let dir = dir.await.expect("a folder");
    let (clock, _task) = Clock::open(&env, dir).await.expect("a clock");
    let issued = clock.next(env.wall_micros()).expect("a timestamp");
    clock.settle().await;
    assert!(clock.next(env.wall_micros()).is_err());
    issued
}

#[test]
fn no_life_runs_ahead_of_the_wall_clock() {
    let machine = Machine::new(5);
    let ahead = |env: Env| async move {
        let began = env.mono();
        let issued = live(env.clone(), 1, Duration::ZERO).await[0];
        (issued - env.wall_micros(), env.mono() - began)
    };
    for life in 0..5 {
        let (micros, waited) = machine.run(ahead).expect("no failure");
        assert!(micros <= 0, "life {life}: {micros} us ahead");
        assert!(waited <= Duration::from_micros(LEAD_MICROS as u64 + 100_000));
        machine.disk().power_failure();
    }
    let settled = machine.run(live_and_settle).expect("no failure");
    let (micros, waited) = machine.run(ahead).expect("no failure");
    assert!(micros <= 0, "{micros} us ahead");
    assert!(waited < Duration::from_millis(100), "{waited:?}");
    let next = machine
        .run(|env| live(env, 1, Duration::ZERO))
        .expect("no failure");
    assert!(next[0] > settled);
}
