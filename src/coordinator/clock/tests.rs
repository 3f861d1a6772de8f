//! Timestamps never repeat, however a life of the node ends.

use std::path::Path;
use std::time::Duration;

use base::env::{Class, Env};
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
