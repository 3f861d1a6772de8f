//! A node's metadata over its lives: identity, starts, changes, observers, events, and the tables that show it.

use std::path::Path;
use std::sync::Arc;

use base::env::{BoxFuture, Class, Env};
use base::meter::Meter;
use metadata::{
    Addresses, Committer, Effect, Epoch, Error, Local, NodeNumber, Observer, OpenError, Options,
    Refused, State, Transformation,
};
use model::image;
use model::read::{Command, KeyRange, Keys};
use model::stream::{Step, Stream};
use parking_lot::Mutex;
use schema::Change;
use schema::virtual_table::Cursor;
use sim::local::{Machine, crash_sweep};

async fn open_with(env: &Env, options: Options) -> Result<Arc<Local>, OpenError> {
    let on_disk = env.clone();
    let dir = env
        .blocking(Class::General, move || {
            on_disk.make_dirs(Path::new("/data/metadata"))
        })
        .await;
    let dir = dir.map_err(|error| OpenError::Settings(error.to_string()))?;
    Local::open(env, dir, options).await
}

async fn open(env: &Env) -> Arc<Local> {
    open_with(env, Options::default())
        .await
        .expect("the metadata opens")
}

fn create(name: &str) -> Transformation {
    Transformation::Schema(Change::CreateKeyspace {
        name: name.to_owned(),
        replication: [("class".to_owned(), "SimpleStrategy".to_owned())].into(),
        durable_writes: true,
        if_not_exists: true,
    })
}

#[test]
fn identity_and_schema_stay_and_starts_count() {
    let machine = Machine::new(1);
    let first = machine
        .run(|env| async move {
            let local = open(&env).await;
            assert!(local.is_new());
            let state = local.state();
            assert_eq!((state.epoch, local.number()), (Epoch(2), NodeNumber(1)));
            assert_eq!(state.nodes[&local.number()].tokens.len(), 16);
            let committed = local
                .propose(create("ks"))
                .await
                .expect("the keyspace is new");
            assert_eq!(committed.epoch, Epoch(3));
            let again = local
                .propose(create("ks"))
                .await
                .expect("there is nothing to do");
            assert_eq!((again.epoch, again.outcome.effect), (Epoch(3), None));
            (local.host_id(), local.state())
        })
        .expect("the power does not fail");
    machine
        .run(|env| async move {
            let addresses = Addresses::on([127, 0, 0, 2].into(), 7001, 9043);
            let local = open_with(
                &env,
                Options {
                    addresses,
                    ..Options::default()
                },
            )
            .await
            .expect("the metadata opens");
            assert!(!local.is_new());
            let state = local.state();
            assert_eq!(local.host_id(), first.0);
            assert_eq!(state.catalog, first.1.catalog);
            assert_eq!(state.cluster_id, first.1.cluster_id);
            let node = &state.nodes[&local.number()];
            assert_eq!((node.boot.count, node.addresses), (2, addresses));
        })
        .expect("the power does not fail");
}

#[test]
fn settings_that_contradict_the_data_are_refused() {
    let machine = Machine::new(2);
    machine
        .run(|env| async move { drop(open(&env).await) })
        .expect("the power does not fail");
    let check = |options: Options, expected: &str| {
        let error = machine
            .run(|env| async move {
                open_with(&env, options)
                    .await
                    .err()
                    .expect("it is refused")
                    .to_string()
            })
            .expect("the power does not fail");
        assert_eq!(error, expected);
    };
    check(
        Options {
            cluster_name: "Other".to_owned(),
            ..Options::default()
        },
        "cluster_name is 'Other' in the settings, but /data/metadata belongs to the cluster 'Test Cluster': \
         set cluster_name to 'Test Cluster', or use another data directory",
    );
    check(
        Options {
            rack: "r9".to_owned(),
            ..Options::default()
        },
        "rack is 'r9' in the settings, but the node in /data/metadata was made with 'rack1': \
         set rack to 'rack1', or use another data directory",
    );
    check(
        Options {
            num_tokens: 8,
            ..Options::default()
        },
        "num_tokens is '8' in the settings, but the node in /data/metadata was made with '16': \
         set num_tokens to '16', or use another data directory",
    );
    check(
        Options {
            num_tokens: 0,
            ..Options::default()
        },
        "num_tokens is 0; it has to be between 1 and 4096",
    );
}

/// Remembers what it was shown, and what was published then.
#[derive(Default)]
struct Recorder {
    local: Mutex<Option<Arc<Local>>>,
    seen: Mutex<Vec<(Epoch, Epoch)>>,
    refuses: bool,
}

impl Observer for Recorder {
    fn applied(&self, state: &Arc<State>) -> BoxFuture<'_, Result<(), String>> {
        let epoch = state.epoch;
        Box::pin(async move {
            let published = self.local.lock().as_ref().map(|local| local.state().epoch);
            self.seen
                .lock()
                .push((epoch, published.unwrap_or_default()));
            if self.refuses {
                Err("no room for a memtable".to_owned())
            } else {
                Ok(())
            }
        })
    }
}

#[test]
fn observers_act_before_anyone_sees_the_state() {
    sim::local::block_on(3, |env| async move {
        let local = open(&env).await;
        let recorder = Arc::new(Recorder::default());
        *recorder.local.lock() = Some(local.clone());
        local.add_observer(recorder.clone());
        let mut events = local.subscribe();
        let epochs = local.epochs();
        for name in ["a", "b"] {
            local
                .propose(create(name))
                .await
                .expect("the keyspace is new");
        }
        assert_eq!(
            *recorder.seen.lock(),
            [(Epoch(3), Epoch(2)), (Epoch(4), Epoch(3))]
        );
        assert_eq!(*epochs.borrow(), Epoch(4));
        for name in ["a", "b"] {
            let event = events.try_recv().expect("both were told");
            let Some(Effect::Schema(effect)) = &event.outcome.effect else {
                panic!("{event:?}")
            };
            assert_eq!(effect.keyspace, name);
        }
        *recorder.local.lock() = None;
    });
}

#[test]
fn a_failed_observer_ends_the_committer_and_the_entry_stays() {
    let machine = Machine::new(4);
    machine
        .run(|env| async move {
            let local = open(&env).await;
            local.add_observer(Arc::new(Recorder {
                refuses: true,
                ..Recorder::default()
            }));
            let expected = Err(Error::Unknown("no room for a memtable".to_owned()));
            assert_eq!(local.propose(create("a")).await, expected);
            assert_eq!(local.propose(create("b")).await, expected);
            assert_eq!(local.state().epoch, Epoch(2), "nobody sees it");
        })
        .expect("the power does not fail");
    machine
        .run(|env| async move {
            let state = open(&env).await.state();
            assert!(state.catalog.keyspace("a").is_some() && state.catalog.keyspace("b").is_none());
        })
        .expect("the power does not fail");
}

#[test]
fn refused_proposals_change_nothing() {
    sim::local::block_on(5, |env| async move {
        let local = open(&env).await;
        let drop = Transformation::Schema(Change::DropKeyspace {
            name: "none".to_owned(),
            if_exists: false,
        });
        let error = local
            .propose(drop)
            .await
            .expect_err("there is no such keyspace");
        assert_eq!(error.to_string(), "Keyspace 'none' doesn't exist");
        assert!(matches!(error, Error::Refused(_)));
        assert_eq!(local.state().epoch, Epoch(2));
    });
}

#[test]
fn a_change_too_long_for_the_log_is_refused_and_others_go_on() {
    sim::local::block_on(8, |env| async move {
        let local = open(&env).await;
        let node = local.state().nodes[&local.number()].clone();
        let update = Transformation::UpdateNode {
            number: local.number(),
            addresses: node.addresses,
            boot: node.boot,
            version: "v".repeat(1 << 20),
        };
        let error = local.propose(update).await.unwrap_err();
        let Error::Refused(Refused::Schema(schema::Error::Invalid(message))) = error else {
            panic!("{error:?}");
        };
        assert!(
            message.ends_with("must not be more than 1048576 bytes long"),
            "{message}"
        );
        assert_eq!(local.state().epoch, Epoch(2));
        local.propose(create("ks")).await.unwrap();
    });
}

#[test]
fn the_log_is_written_anew_before_it_is_long() {
    let machine = Machine::new(6);
    let length = |machine: &Machine| {
        machine
            .run(|env| async move {
                let file = env
                    .dir(Path::new("/data/metadata"))
                    .unwrap()
                    .open("metadata.log")
                    .unwrap();
                file.len().unwrap()
            })
            .expect("the power does not fail")
    };
    let run = |range: std::ops::Range<u32>| {
        machine
            .run(|env| async move {
                let options = Options {
                    log_bytes_max: 2000,
                    ..Options::default()
                };
                let local = open_with(&env, options).await.expect("the metadata opens");
                for number in range {
                    local
                        .propose(create("ks"))
                        .await
                        .expect("it is made or there");
                    let drop = Change::DropKeyspace {
                        name: "ks".to_owned(),
                        if_exists: true,
                    };
                    local
                        .propose(Transformation::Schema(drop))
                        .await
                        .expect("it is there");
                    local
                        .propose(create(&format!("ks{}", number % 5)))
                        .await
                        .expect("it is made or there");
                }
                local.state()
            })
            .expect("the power does not fail")
    };
    let state = run(0..300);
    assert_eq!(state.epoch, Epoch(2 + 600 + 5));
    assert!(length(&machine) < 20_000, "{}", length(&machine));
    let later = run(300..301);
    assert_eq!(later.catalog, state.catalog);
}

#[test]
fn a_power_failure_at_any_step_leaves_what_was_answered() {
    let trials = crash_sweep(7, |machine| {
        let answered = Arc::new(Mutex::new(0));
        let work = |answered: Arc<Mutex<usize>>| {
            machine.run(|env| async move {
                let options = Options {
                    log_bytes_max: 300,
                    ..Options::default()
                };
                let Ok(local) = open_with(&env, options).await else {
                    return None;
                };
                let there = local.state().catalog.user_keyspaces().count();
                assert!(
                    there >= *answered.lock(),
                    "{there} of {} keyspaces",
                    answered.lock()
                );
                for number in there..6 {
                    if local.propose(create(&format!("ks{number}"))).await.is_err() {
                        return None;
                    }
                    *answered.lock() = number + 1;
                }
                Some(local.state().catalog.user_keyspaces().count())
            })
        };
        while !matches!(work(answered.clone()), Ok(Some(6))) {}
    });
    assert!(trials > 30, "{trials} steps were tried");
}

#[test]
fn drivers_find_the_node() {
    sim::local::block_on(8, |env| async move {
        let local = open(&env).await;
        let state = local.state();
        let committer: Arc<dyn Committer> = local.clone();
        let rows = |name: &str| {
            let sources = metadata::system::sources(&committer, local.number());
            let source = sources
                .into_iter()
                .find(|source| source.definition().id == schema::system::table_id("system", name))
                .expect("it is there");
            let table = source.definition().clone();
            let mut cursor = Cursor::new(
                source,
                &Command::new(table.id, Keys::Range(KeyRange::all()), 0),
            );
            let mut rows = Vec::new();
            loop {
                match cursor
                    .step(&mut Meter::unlimited())
                    .expect("a computed table cannot fail")
                {
                    Step::Row => rows.push(cursor.row().image.to_vec()),
                    Step::End => return (table, rows),
                    _ => {}
                }
            }
        };
        for name in ["peers", "peers_v2"] {
            assert!(rows(name).1.is_empty(), "a node is not its own peer");
        }
        let (table, local_rows) = rows("local");
        let [row] = local_rows.as_slice() else {
            panic!("{} rows", local_rows.len())
        };
        let view = image::View::new(row);
        let missing: Vec<_> = table
            .regulars
            .iter()
            .filter(|column| view.find(column.id).is_none())
            .map(|column| &*column.name)
            .collect();
        assert_eq!(missing, ["truncated_at"]);
        let id = |name: &str| table.column(name).expect("the column is there").id;
        let Some(image::Column::Simple(cell)) = view.find(id("schema_version")) else {
            panic!("it is a cell")
        };
        assert_eq!(
            cell.value(0),
            Some(state.catalog.version().as_bytes().as_slice())
        );
        let Some(image::Column::Complex(tokens)) = view.find(id("tokens")) else {
            panic!("it is a set")
        };
        assert_eq!(tokens.count(), 16);
    });
}

#[test]
fn an_older_log_is_refused_as_it_is() {
    let machine = Machine::new(50);
    machine
        .run(|env| async move { drop(open(&env).await) })
        .expect("the power does not fail");
    let path = "/data/metadata/metadata.log";
    let older = machine.disk().read(path).expect("the log is there");
    machine
        .run(|env| async move {
            let local = open(&env).await;
            local.propose(create("ks")).await.expect("a keyspace");
        })
        .expect("the power does not fail");
    let start = |epoch_min| {
        let epoch_min = Epoch(epoch_min);
        let opened = machine.run(|env| async move {
            let options = Options {
                epoch_min,
                ..Options::default()
            };
            open_with(&env, options).await.map(drop)
        });
        opened.expect("the power does not fail")
    };
    start(4).expect("it is the newest");
    machine
        .disk()
        .damage(path, |bytes| bytes.clone_from(&older));
    // However often it is tried: a start that is refused counts no epoch.
    for _ in 0..4 {
        let error = start(4).expect_err("it is older").to_string();
        assert!(
            error.contains("metadata.log ends at epoch 2, but this node's tables are from epoch 4"),
            "{error}"
        );
    }
    assert_eq!(machine.disk().read(path).as_ref(), Some(&older));
}
