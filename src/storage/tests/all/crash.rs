//! The power fails before or after every change of the disk, in a life that goes through every part: writes, flush,
//! compaction, a dropped table, recycled segments, a drain. Or the life is killed there, and the power fails in the next.

use std::sync::Arc;

use base::env::Env;
use parking_lot::Mutex;
use sim::local::{Machine, crash_sweep, error_sweep, kill_sweep};
use storage::Error;

use crate::model::{Known, Player};
use crate::support::{TABLE, catalog, follow};

const OTHER: &str = "CREATE TABLE ks.other (pk text PRIMARY KEY, v text)";

/// A life with a bit of everything.
async fn live(env: Env, known: Arc<Mutex<Known>>) -> Result<(), Error> {
    let mut player = Player::new(env.clone(), &known);
    player.catalog = catalog(&[TABLE, OTHER]);
    let engine = player.open().await?;
    for round in 0..3 {
        for _ in 0..5 {
            player.write(&engine).await?;
        }
        if round < 2 {
            engine.flush(None).await?;
        }
    }
    engine.compact(None).await?;
    player.catalog = catalog(&[TABLE]);
    follow(&engine, &player.catalog).await?;
    while engine.status().log.written.segment() < 10 {
        if let Some(delay) = engine.delay() {
            env.sleep(delay).await;
        } else {
            player.write(&engine).await?;
        }
    }
    engine.drain().await
}

/// Opens, compares everything, writes one more turn, and compares again.
async fn check(env: Env, known: Arc<Mutex<Known>>) -> Result<(), Error> {
    let mut player = Player::new(env, &known);
    let engine = player.open().await?;
    player.write(&engine).await?;
    player.compare(&engine).await
}

/// Two lives that find everything. A failure that is still to come may hit one of them, once.
fn check_twice(machine: &Machine, known: &Arc<Mutex<Known>>) {
    let attempt = || match machine.run(|env| check(env, known.clone())) {
        Ok(result) => result,
        Err(failure) => Err(Error::Io(failure.to_string())),
    };
    for _ in 0..2 {
        attempt()
            .or_else(|_| attempt())
            .expect("it opens and takes writes");
    }
}

#[test]
fn a_crash_at_every_change() {
    let trials = crash_sweep(21, |machine| {
        let known = Arc::new(Mutex::new(Known::default()));
        let _ = machine.run(|env| live(env, known.clone()));
        check_twice(machine, &known);
    });
    assert!(trials > 150, "{trials} changes: fewer than the life has");
}

#[test]
fn a_kill_at_every_change_and_then_a_power_failure() {
    let mut trial = 0;
    let trials = kill_sweep(
        24,
        |machine| {
            let known = Arc::new(Mutex::new(Known::default()));
            let _ = machine.run(|env| live(env, known.clone()));
            known
        },
        |machine, known| {
            // Somewhere in the next life, or behind it: what that life found and wrote must hold by itself.
            trial += 1;
            machine.disk().power_failure_at(1 + trial * 7 % 60);
            let _ = machine.run(|env| check(env, known.clone()));
            if machine.disk().cancel_power_failure() {
                machine.disk().power_failure();
            }
            check_twice(machine, &known);
        },
    );
    assert!(trials > 150, "{trials} changes: fewer than the life has");
}

#[test]
fn an_error_at_every_call() {
    let trials = error_sweep(22, |machine| {
        let known = Arc::new(Mutex::new(Known::default()));
        let _ = machine.run(|env| live(env, known.clone()));
        check_twice(machine, &known);
    });
    assert!(trials > 200, "{trials} calls: fewer than the life has");
}
