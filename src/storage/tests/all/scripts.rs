//! Runs the golden scripts of `tests/scripts/storage`: writes, flushes, compactions, crashes, and what is read then.
//!
//! Each command is a life of its own: the engine is opened from the disk, does it, and ends without a drain. So a
//! script that passes shows replay too. Time stands still but for `sleep`.
//!
//! | Command | |
//! |---|---|
//! | `schema "CREATE TABLE .." ..` | the tables; the first one is used |
//! | `put PARTITION ROW at=TIME COLUMN=VALUE ..` | an INSERT; `null` deletes a cell; `ttl=SECONDS`; with `update` no mark |
//! | `static PARTITION VALUE at=TIME` | sets the static column `s` |
//! | `delete PARTITION [ROW] [FROM..TO] at=TIME` | a partition, a row, or a range |
//! | `truncate at=TIME`, `flush`, `compact`, `drain`, `sleep SECONDS`, `power_failure` | |
//! | `read [PARTITION] [row=ROW] [FROM..TO] [limit=N] [reversed]` | lines of rows |
//! | `files` | how many files, with rows and tombstones of each |

use std::error::Error;
use std::fmt::Write as _;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base::env::Env;
use goldenscript::{Argument, Command, Context, Runner};
use model::Timestamp;
use schema::Catalog;
use sim::local::Machine;
use storage::{Engine, Error as StorageError, Options};

use crate::support::{self, Op, Query, What};

struct Shell {
    machine: Machine,
    catalog: Arc<Catalog>,
    table: String,
}

impl Shell {
    fn new() -> Shell {
        let shell = Machine::new(41);
        Shell {
            machine: shell,
            catalog: support::catalog(&[support::TABLE]),
            table: "t".to_owned(),
        }
    }

    /// One life: opens the engine and lets `work` use it.
    fn live<F: Future<Output = Result<String, StorageError>>>(
        &self,
        work: impl FnOnce(Env, Arc<Engine>, Arc<schema::Table>) -> F,
    ) -> Result<String, Box<dyn Error>> {
        let (catalog, table) = (
            self.catalog.clone(),
            support::table(&self.catalog, &self.table),
        );
        let options = Options {
            auto_compaction: false,
            ..support::options()
        };
        let result = self.machine.run(|env| async move {
            let engine = support::open_with(&env, &catalog, options).await?;
            work(env.clone(), engine, table).await
        });
        Ok(result?.unwrap_or_else(|error| format!("error: {error}\n")))
    }

    fn write(&self, op: Op) -> Result<String, Box<dyn Error>> {
        self.live(|env, engine, table| async move {
            support::write(&engine, &env, &table, &[op])
                .await
                .map(|()| String::new())
        })
    }
}

/// A command's arguments: words, `FROM..TO`, and `key=value`.
#[derive(Default)]
struct Arguments {
    words: Vec<String>,
    at: i64,
    range: Option<(String, String)>,
    pairs: Vec<(String, String)>,
}

impl Arguments {
    fn of(command: &Command) -> Arguments {
        let mut arguments = Arguments::default();
        for argument in &command.args {
            match argument {
                Argument::KeyValue(key, value) => {
                    arguments.pairs.push((key.clone(), value.clone()))
                }
                Argument::Positional(word) => arguments.word(word),
                other => panic!("an argument of a kind that scripts do not have: {other:?}"),
            }
        }
        if let Some(time) = arguments.take("at") {
            arguments.at = time.parse().expect("a time is a number");
        }
        arguments
    }

    fn word(&mut self, word: &str) {
        if let Some((from, to)) = word.split_once("..") {
            self.range = Some((from.to_owned(), to.to_owned()));
        } else {
            self.words.push(word.to_owned());
        }
    }

    fn take(&mut self, key: &str) -> Option<String> {
        let index = self.pairs.iter().position(|pair| pair.0 == key)?;
        Some(self.pairs.remove(index).1)
    }

    fn flag(&mut self, word: &str) -> bool {
        let before = self.words.len();
        self.words.retain(|other| other != word);
        self.words.len() < before
    }

    fn op(mut self, name: &str) -> Op {
        let update = self.flag("update");
        let ttl = self
            .take("ttl")
            .map_or(0, |ttl| ttl.parse().expect("a TTL is a number"));
        let mut words = self.words.into_iter();
        let partition = words.next().expect("a partition");
        let what = match (name, words.next(), self.range) {
            ("static", value, _) => What::Static(value.filter(|value| value != "null")),
            ("put", row, _) => {
                let value = |value: String| (value != "null").then_some(value);
                let cells = self
                    .pairs
                    .into_iter()
                    .map(|(column, text)| (column, value(text)));
                What::Put {
                    row: row.expect("a row"),
                    cells: cells.collect(),
                    insert: !update,
                    ttl,
                }
            }
            (_, _, Some((from, to))) => What::DeleteRange(from, to),
            (_, Some(row), None) => What::DeleteRow(row),
            (_, None, None) => What::DeletePartition,
        };
        Op {
            partition,
            at: self.at,
            what,
        }
    }

    fn query(mut self) -> Query {
        Query {
            reversed: self.flag("reversed"),
            row: self.take("row"),
            limit: self
                .take("limit")
                .map(|limit| limit.parse().expect("a limit is a number")),
            rows: self.range,
            partition: self.words.into_iter().next(),
        }
    }
}

impl Runner for Shell {
    type Command = Command;

    fn run(&mut self, command: &Command, _: &Context) -> Result<String, Box<dyn Error>> {
        let arguments = Arguments::of(command);
        match command.name.as_str() {
            "schema" => {
                let statements: Vec<_> = arguments.words.iter().map(String::as_str).collect();
                self.catalog = support::catalog(&statements);
                self.live(|_, _, _| async { Ok(String::new()) })
            }
            name @ ("put" | "static" | "delete") => self.write(arguments.op(name)),
            "flush" => {
                self.live(
                    |_, engine, _| async move { engine.flush(None).await.map(|()| String::new()) },
                )
            }
            "compact" => self.live(|_, engine, _| async move {
                engine.compact(None).await.map(|()| String::new())
            }),
            "drain" => self
                .live(|_, engine, _| async move { engine.drain().await.map(|()| String::new()) }),
            "truncate" => self.live(|_, engine, table| async move {
                let at = Timestamp(arguments.at);
                engine.truncate(table.id, at).await.map(|()| String::new())
            }),
            "sleep" => {
                let seconds = arguments.words[0].parse()?;
                self.live(|env, _, _| async move {
                    env.sleep(Duration::from_secs(seconds)).await;
                    Ok(String::new())
                })
            }
            "power_failure" => {
                self.machine.disk().power_failure();
                Ok(String::new())
            }
            "read" => self.live(|env, engine, table| async move {
                let lines = support::read(&engine, &env, &table, &arguments.query()).await?;
                Ok(lines
                    .iter()
                    .fold(String::new(), |out, line| out + line + "\n"))
            }),
            "files" => self.live(|_, engine, table| async move { Ok(files(&engine, &table)) }),
            other => Err(format!("unknown command {other}").into()),
        }
    }
}

fn files(engine: &Engine, table: &schema::Table) -> String {
    let status = engine.status();
    let own = status
        .tables
        .iter()
        .find(|status| status.id == table.id)
        .expect("the table is there");
    let mut out = String::new();
    writeln!(
        out,
        "{} in files, {} rows in memory",
        own.sstables, own.memtable_rows
    )
    .expect("a string");
    out
}

fn check(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scripts/storage");
    goldenscript::run(&mut Shell::new(), folder.join(name)).expect("the script can be read");
}

macro_rules! scripts {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                check(stringify!($name));
            }
        )*
    };
}

scripts! { writes deletes ranges statics expiry compaction purge truncate durability columns }
