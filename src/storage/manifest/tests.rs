//! The manifest on a simulated disk.

use std::path::Path;
use std::sync::Arc;

use base::env::{Dir, Env};
use model::TableId;
use sim::disk::Faults;
use sim::local::{Machine, crash_sweep};
use uuid::Uuid;

use super::format::File;
use super::*;
use crate::commitlog::Position;

fn table(number: u128) -> TableId {
    TableId(Uuid::from_u128(number))
}

fn directory(env: &Env) -> Result<Arc<dyn Dir>, Error> {
    env.make_dirs(Path::new("/data"))
        .map_err(|error| Error::io("make_dirs", &error))
}

/// Changes that fit each other, as many as wanted.
fn changes() -> impl Iterator<Item = Vec<Edit>> {
    let file = |id| File {
        id,
        len: 100 * id,
        footer_checksum: id as u32,
        level: id as u32 % 3,
    };
    let first = vec![Edit::Table(table(1)), Edit::Table(table(2))];
    std::iter::once(first).chain((1..).map(move |id| {
        let mut edits = vec![
            Edit::Added(table(1), file(id)),
            Edit::Replay(table(1), Position::new(id, 32)),
        ];
        if id > 3 {
            edits.push(Edit::Removed(table(1), id - 3));
        }
        edits
    }))
}

fn state_after(count: usize) -> State {
    let mut state = State::default();
    for edit in changes().take(count).flatten() {
        state.apply(&edit).expect("changes fit");
    }
    state
}

#[test]
fn a_change_is_there_or_not_wherever_the_power_fails() {
    crash_sweep(1, |machine| {
        let mut committed = 0;
        let _ = (|| -> Result<(), Error> {
            let mut manifest = Manifest::open(directory(&machine.env())?, 0)?;
            for edits in changes().take(6) {
                manifest.commit(&edits)?;
                committed += 1;
            }
            manifest.rewrite()?;
            for edits in changes().skip(6).take(3) {
                manifest.commit(&edits)?;
                committed += 1;
            }
            Ok(())
        })();
        let reopen = || Manifest::open(directory(&machine.env())?, 0);
        // The failure may still be to come, once.
        let manifest = reopen().or_else(|_| reopen()).expect("it opens");
        let found = &**manifest.state();
        let states = [state_after(committed), state_after(committed + 1)];
        assert!(
            states.contains(found),
            "after {committed} changes: {found:?}"
        );
        drop(manifest);
        let again = reopen().or_else(|_| reopen()).expect("it opens again");
        assert!(
            states.contains(&**again.state()),
            "after {committed} changes"
        );
    });
}

#[test]
fn it_is_written_anew_when_it_is_long() {
    let machine = Machine::new(2);
    let mut manifest = Manifest::open(directory(&machine.env()).unwrap(), 0).unwrap();
    for edits in changes().take(40) {
        manifest.commit(&edits).unwrap();
    }
    let long = manifest.len;
    manifest.rewrite().unwrap();
    assert!(manifest.len < long, "{} after {long}", manifest.len);
    let env = machine.env();
    let again = Manifest::open(directory(&env).unwrap(), 0).unwrap();
    assert_eq!(**again.state(), state_after(40));
}

#[test]
fn a_torn_tail_is_cut_and_damage_is_refused() {
    let machine = Machine::new(3);
    let mut manifest = Manifest::open(directory(&machine.env()).unwrap(), 0).unwrap();
    for edits in changes().take(3) {
        manifest.commit(&edits).unwrap();
    }
    let len = manifest.len;
    let bytes = machine.disk().read("/data/manifest").unwrap();
    let mut torn = bytes.clone();
    torn.extend([7; 100]);
    assert_eq!(decode("m", &torn), Ok(state_after(3)));
    for at in [format::RECORDS_AT, len - 1] {
        let mut damaged = bytes.clone();
        damaged[at as usize] ^= 1;
        assert!(
            matches!(decode("m", &damaged), Err(Error::Corrupt { .. })),
            "at {at}"
        );
        assert!(
            matches!(
                decode("m", &bytes[..at as usize]),
                Err(Error::Corrupt { .. })
            ),
            "cut at {at}"
        );
    }
}

#[test]
fn a_failed_sync_is_final_and_a_failed_write_is_not() {
    let machine = Machine::new(4);
    let env = machine.env();
    let mut manifest = Manifest::open(directory(&env).unwrap(), 0).unwrap();
    let mut changes = changes();
    manifest.commit(&changes.next().unwrap()).unwrap();
    machine.disk().error_in(1);
    let edits = changes.next().unwrap();
    assert!(matches!(manifest.commit(&edits), Err(Error::Io(_))));
    manifest.commit(&edits).unwrap();
    machine.disk().fail_syncs(1);
    let edits = changes.next().unwrap();
    assert!(matches!(
        manifest.commit(&edits),
        Err(Error::Unavailable(_))
    ));
    assert!(matches!(
        manifest.commit(&edits),
        Err(Error::Unavailable(_))
    ));
}

#[test]
fn an_older_metadata_log_is_refused_untouched() {
    let machine = Machine::new(5);
    let env = machine.env();
    let open = |epoch| Manifest::open(directory(&env).unwrap(), epoch);
    let mut manifest = open(3).unwrap();
    manifest
        .commit(&[Edit::Epoch(7), Edit::Table(table(1))])
        .unwrap();
    let before = machine.disk().read("/data/manifest").unwrap();
    for epoch in [0, 6] {
        let Err(error) = open(epoch) else {
            panic!("epoch {epoch} is older")
        };
        let words = format!("epoch 7 of the metadata log, which ends at epoch {epoch}");
        assert!(error.to_string().contains(&words), "{error}");
    }
    assert_eq!(machine.disk().read("/data/manifest").unwrap(), before);
    assert_eq!(epoch(&*directory(&env).unwrap()), Ok(Some(7)));
    assert_eq!(open(7).unwrap().state().epoch, 7);
    open(8).unwrap().rewrite().unwrap();
    assert!(open(6).is_err(), "also after it was written anew");
}

/// A disk that is full for a moment costs a rewrite, and nothing else.
#[test]
fn a_rewrite_that_cannot_be_written_is_put_off() {
    for call in 1..6 {
        let machine = Machine::new(6);
        let open = || Manifest::open(directory(&machine.env()).unwrap(), 0).unwrap();
        let mut manifest = open();
        let mut changes = changes();
        for edits in changes.by_ref().take(20) {
            manifest.commit(&edits).unwrap();
        }
        machine.disk().error_in(call);
        let rewritten = manifest.rewrite();
        machine.disk().cancel_error();
        let is_final = rewritten.is_err();
        // Looking for an old file, making the new one, its bytes, its sync; then the name.
        assert_eq!(is_final, call > 4, "call {call}: {rewritten:?}");
        if !is_final {
            manifest.commit(&changes.next().unwrap()).unwrap();
            manifest.rewrite().expect("there is room again");
            manifest.commit(&changes.next().unwrap()).unwrap();
        }
        let count = if is_final { 20 } else { 22 };
        assert_eq!(**open().state(), state_after(count), "call {call}");
    }
}

#[test]
fn a_change_that_could_not_be_written_is_not_there_at_the_next_start() {
    for seed in 0..300 {
        let machine = Machine::new(seed);
        let env = machine.env();
        let mut manifest = Manifest::open(directory(&env).unwrap(), 0).unwrap();
        let mut changes = changes();
        manifest.commit(&changes.next().unwrap()).unwrap();
        machine.disk().set_faults(Faults {
            write_error: 1.0,
            ..Faults::default()
        });
        let refused = manifest.commit(&changes.next().unwrap());
        assert!(matches!(refused, Err(Error::Io(_))), "{refused:?}");
        machine.disk().set_faults(Faults::default());
        drop(manifest);
        if seed % 2 == 0 {
            machine.disk().power_failure();
        }
        let env = machine.env();
        let again = Manifest::open(directory(&env).unwrap(), 0).unwrap();
        assert_eq!(**again.state(), state_after(1), "seed {seed}");
    }
}
