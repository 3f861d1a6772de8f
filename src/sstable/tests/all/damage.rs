//! Every byte of a file, flipped: each read gives damage or what was written, never a panic, never other data.

use std::sync::Arc;

use base::env::Env;
use model::read::Keys;
use model::stream::Error;
use sstable::{Cache, Scan, format, inspect};

use crate::support::{Event, Shape, collect, contents, directory, open, table, tiny, write};

const SHAPE: Shape = Shape {
    partitions: 12,
    rows_max: 12,
    ranges_max: 3,
    value_bytes_max: 20,
    key_bytes_max: 3,
};

/// All ways to read, each with what it found: nothing where it met damage.
async fn read_all(env: &Env, keys: &Keys) -> Result<Vec<Option<Vec<Event>>>, sstable::Error> {
    let dir = directory(env).await;
    let reader = open(env, &dir, &Cache::new(env, 1 << 20)).await?;
    let mut found = Vec::new();
    for scan in [Scan::all(), Scan::new(keys.clone())] {
        for reversed in [false, true] {
            let scan = Scan {
                reversed,
                ..scan.clone()
            };
            found.push(
                match collect(&mut reader.cursor(Arc::new(scan)), 50_000).await {
                    Ok(events) => Some(events),
                    Err(Error::Corrupt { file, offset, .. }) => {
                        assert!(
                            file.ends_with(&format::file_name(crate::support::ID)),
                            "{file}"
                        );
                        assert!(offset < reader.expected().len);
                        None
                    }
                    Err(error) => panic!("{error}"),
                },
            );
        }
    }
    Ok(found)
}

#[test]
fn every_flipped_byte_is_found_and_nothing_else_changes() {
    let machine = sim::local::Machine::new(3);
    let keys = machine
        .run(|env| async move {
            let dir = directory(&env).await;
            let (memory, keys) = contents(&mut env.rng("damage"), SHAPE);
            write(&env, &dir, &memory, tiny(table()))
                .await
                .expect("not empty");
            Keys::List(keys)
        })
        .expect("power");
    let path = format!("/data/{}", format::file_name(crate::support::ID));
    let bytes = machine.disk().read(&path).expect("written");
    let intact = machine
        .run(|env| {
            let keys = &keys;
            async move { read_all(&env, keys).await.expect("intact") }
        })
        .map_err(|_| "power");
    let intact = intact.expect("no failure");
    assert!(inspect::verify(&bytes).is_intact());
    assert!(bytes.len() > 2_000, "{}", bytes.len());
    let mut found_by_reads = 0;
    for at in 0..bytes.len() {
        let bit = 1 << (at * 5 % 8);
        let mut broken = bytes.clone();
        broken[at] ^= bit;
        assert!(!inspect::verify(&broken).is_intact(), "byte {at}");
        machine.disk().damage(&path, |file| file[at] ^= bit);
        let found = machine.run(|env| {
            let keys = &keys;
            async move { read_all(&env, keys).await }
        });
        machine.disk().damage(&path, |file| file[at] ^= bit);
        match found.map_err(|_| "power").expect("no failure") {
            Err(sstable::Error::Corrupt { .. }) => found_by_reads += 1,
            Err(error) => panic!("byte {at}: {error}"),
            Ok(found) => {
                found_by_reads += usize::from(found.iter().any(Option::is_none));
                for (found, intact) in found.iter().zip(&intact) {
                    assert!(found.is_none() || found == intact, "byte {at}");
                }
            }
        }
    }
    // Together these reads touch every block.
    assert_eq!(found_by_reads, bytes.len());
}

#[test]
fn cut_files_are_damaged() {
    let bytes = sim::local::block_on(4, |env| async move {
        let dir = directory(&env).await;
        let (memory, _) = contents(&mut env.rng("damage"), SHAPE);
        write(&env, &dir, &memory, tiny(table()))
            .await
            .expect("not empty");
        let file = dir
            .open(&format::file_name(crate::support::ID))
            .expect("there");
        file.read_all(1 << 20).expect("reads")
    });
    for len in (0..bytes.len()).step_by(7) {
        assert!(inspect::File::open(&bytes[..len]).is_err(), "{len}");
        assert!(!inspect::verify(&bytes[..len]).is_intact(), "{len}");
    }
}

/// Damage that a checksum hides: contents changed and sealed again. Wrong, perhaps, but never a panic.
#[test]
fn contents_with_good_checksums_never_panic() {
    let machine = sim::local::Machine::new(5);
    let keys = machine
        .run(|env| async move {
            let dir = directory(&env).await;
            let (memory, keys) = contents(&mut env.rng("damage"), SHAPE);
            let options = sstable::Options {
                block_bytes: 600,
                codec: base::compress::Codec::None,
                ..tiny(table())
            };
            write(&env, &dir, &memory, options)
                .await
                .expect("not empty");
            Keys::List(keys)
        })
        .expect("power");
    let path = format!("/data/{}", format::file_name(crate::support::ID));
    let bytes = machine.disk().read(&path).expect("written");
    let header = format::Header::decode(&bytes).expect("intact");
    let blocks: Vec<_> = inspect::blocks(&bytes, &header)
        .map(|block| block.expect("intact").handle)
        .collect();
    for handle in blocks {
        let range = handle.offset as usize..(handle.offset + u64::from(handle.len)) as usize;
        let opened = format::open(header.id, handle.offset, &bytes[range.clone()]).expect("intact");
        let (kind, plain) = (opened.envelope.kind, opened.plain().expect("intact"));
        for at in (0..plain.len()).step_by(2) {
            let mut changed = plain.clone();
            changed[at] ^= 1 << (at % 8);
            let mut sealed = Vec::new();
            let codec = base::compress::Codec::None;
            format::seal(header.id, handle.offset, kind, codec, &changed, &mut sealed)
                .expect("fits");
            machine
                .disk()
                .damage(&path, |file| file[range.clone()].copy_from_slice(&sealed));
            let _ = inspect::verify(&machine.disk().read(&path).expect("there"));
            let read = machine.run(|env| {
                let keys = &keys;
                async move { read_all(&env, keys).await.is_ok() }
            });
            read.map_err(|_| "power").expect("no failure");
        }
        machine.disk().damage(&path, |file| {
            file[range.clone()].copy_from_slice(&bytes[range.clone()])
        });
    }
}
