//! Golden scripts of statements: `tests/scripts/query/`.
//!
//! Each script runs against a node's engine, metadata log and query service on a real disk. A line
//! `> STATEMENT` executes it; `prepare ID`, `execute ID` and `page` go through the protocol's
//! other requests; `flush`, `compact` and `restart` act on the node. Record with
//! `UPDATE_GOLDENFILES=1 cargo test -p query`, read, commit.

mod node;

use std::error::Error;
use std::path::{Path, PathBuf};

use goldenscript::{Command, Context, Runner};
use node::Node;
use tokio::runtime::Runtime;

struct Script {
    runtime: Runtime,
    node: Option<Node>,
    folder: PathBuf,
}

impl Script {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("query-{name}"));
        let _ = std::fs::remove_dir_all(&folder);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let node = runtime.block_on(Node::start(&folder));
        Script {
            runtime,
            node: Some(node),
            folder,
        }
    }

    fn node(&mut self) -> &mut Node {
        self.node.as_mut().expect("the node runs between commands")
    }
}

impl Runner for Script {
    type Command = Command;

    fn run(&mut self, command: &Command, _: &Context) -> Result<String, Box<dyn Error>> {
        let mut arguments = command.consume_args();
        let answer = match command.name.as_str() {
            "prepare" => {
                let name = arguments.next_pos().ok_or("prepare NAME TEXT")?.to_string();
                let text = arguments.next_pos().ok_or("prepare NAME TEXT")?.to_string();
                self.node().prepare(&name, &text)
            }
            "execute" => {
                let name = arguments
                    .next_pos()
                    .ok_or("execute NAME VALUE..")?
                    .to_string();
                let values: Vec<String> = std::iter::from_fn(|| arguments.next_pos())
                    .map(String::from)
                    .collect();
                let (runtime, node) = (&self.runtime, self.node.as_mut().expect("a node"));
                runtime.block_on(node.execute(&name, &values))
            }
            "pages" => {
                let rows = arguments.next_pos().ok_or("pages ROWS TEXT")?.parse()?;
                let text = arguments.next_pos().ok_or("pages ROWS TEXT")?.to_string();
                let (runtime, node) = (&self.runtime, self.node.as_mut().expect("a node"));
                runtime.block_on(node.pages(&text, rows))
            }
            "batch" => {
                let statements: Vec<String> = std::iter::from_fn(|| arguments.next_pos())
                    .map(String::from)
                    .collect();
                let (runtime, node) = (&self.runtime, self.node.as_mut().expect("a node"));
                runtime.block_on(node.batch(&statements))
            }
            "flush" | "compact" => {
                let node = self.node.as_mut().expect("a node");
                let engine = node.engine();
                let done = match command.name.as_str() {
                    "flush" => self.runtime.block_on(engine.flush(None)),
                    _ => self.runtime.block_on(engine.compact(None)),
                };
                done.map(|()| String::new())
                    .map_err(|error| error.to_string())?
            }
            "restart" => {
                drop(self.node.take());
                self.node = Some(self.runtime.block_on(Node::start(&self.folder)));
                String::new()
            }
            statement => {
                let (runtime, node) = (&self.runtime, self.node.as_mut().expect("a node"));
                runtime.block_on(node.query(statement))
            }
        };
        arguments.reject_next()?;
        Ok(answer)
    }
}

fn run(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/scripts/query")
        .join(name);
    goldenscript::run(&mut Script::new(name), &path).expect("the script runs");
}

macro_rules! scripts {
    ($($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            run(stringify!($name));
        })*

        #[test]
        fn every_script_is_run() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scripts/query");
            let mut found: Vec<String> = std::fs::read_dir(folder)
                .expect("the folder of scripts")
                .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
                .collect();
            found.sort();
            let mut listed = vec![$(stringify!($name).to_string()),*];
            listed.sort();
            assert_eq!(found, listed);
        }
    };
}

scripts!(basics);
