//! Runs the golden scripts of `tests/scripts/schema`: statements, and what they do to a catalog.
//!
//! A line after `>` is a statement; it prints what changed, or why not and in which part of it. Every change goes through its binary form, and
//! the catalog through its own after each statement, so a script that passes shows these too.

use std::error::Error;
use std::fmt::Write as _;

use base::bytes::Reader;
use cql::tree::Statement;
use goldenscript::{Command, Context, Runner};
use schema::change::Verb;
use schema::ddl::{self, Choices};
use schema::describe::{self, Cluster};
use schema::{Catalog, Change, Topology};
use uuid::Uuid;

struct Shell {
    catalog: Catalog,
    keyspace: Option<String>,
    topology: Topology,
    next_id: u128,
}

impl Shell {
    fn new() -> Shell {
        let data_centers = [("dc1".to_owned(), 2), ("dc2".to_owned(), 1)].into();
        Shell {
            catalog: Catalog::new(),
            keyspace: None,
            topology: Topology { data_centers },
            next_id: 1,
        }
    }

    fn statement(&mut self, text: &str) -> Result<String, String> {
        let statement = cql::parse(text).map_err(|error| first_line(&error.to_string()))?;
        match &statement {
            Statement::Use(name) => {
                self.keyspace = Some(name.keyspace.text.clone());
                Ok(String::new())
            }
            Statement::Describe(statement) => self.describe(statement),
            _ => self
                .change(&statement)
                .map_err(|error| show_in(text, &statement, &error)),
        }
    }

    fn describe(&self, statement: &cql::tree::Describe) -> Result<String, String> {
        let cluster = Cluster {
            name: "Test Cluster".to_owned(),
            ..Cluster::default()
        };
        let answer =
            describe::describe(statement, self.keyspace.as_deref(), &self.catalog, &cluster)
                .map_err(show)?;
        let mut out = String::new();
        let text = |value: &Vec<u8>| String::from_utf8_lossy(value).into_owned();
        for row in &answer.rows {
            let row: Vec<String> = row.iter().map(text).collect();
            match row.as_slice() {
                [keyspace, kind, name, create] => {
                    let _ = writeln!(out, "-- {kind} {name} in {keyspace}\n{create}");
                }
                row => {
                    let _ = writeln!(out, "{}", row.join(" | "));
                }
            }
        }
        Ok(out)
    }

    fn change(&mut self, statement: &Statement) -> Result<String, schema::Error> {
        let next_id = &mut self.next_id;
        let mut id = || {
            *next_id += 1;
            Uuid::from_u128(*next_id)
        };
        let choices = Choices {
            id: &mut id,
            now_micros: 1_700_000_000_000_000,
        };
        let change = ddl::resolve(statement, self.keyspace.as_deref(), &self.catalog, choices)?;
        let change = through_bytes(&change);
        self.catalog.check(&change)?;
        let (catalog, outcome) = self.catalog.apply(&change, &self.topology)?;
        check_catalog(&catalog);
        assert_eq!(
            catalog == self.catalog,
            outcome.effect.is_none(),
            "an effect tells of every change"
        );
        self.catalog = catalog;
        let mut out = String::new();
        match outcome.effect {
            None => out.push_str("nothing to do\n"),
            Some(effect) => {
                let verb = match effect.verb {
                    Verb::Created => "created",
                    Verb::Updated => "updated",
                    Verb::Dropped => "dropped",
                };
                let _ = writeln!(
                    out,
                    "{verb} {:?} {} {}",
                    effect.target, effect.keyspace, effect.name
                );
            }
        }
        for warning in outcome.warnings {
            let _ = writeln!(out, "warning: {warning}");
        }
        Ok(out)
    }

    fn columns(&self, keyspace: &str, table: &str) -> Result<String, Box<dyn Error>> {
        let table = self.catalog.table(keyspace, table).ok_or("no such table")?;
        let mut out = format!("version {}\n", table.version);
        for column in table.columns() {
            let _ = writeln!(
                out,
                "{} {} {} {}",
                column.id.0,
                column.name,
                column.ty,
                column.kind.as_str()
            );
        }
        for dropped in &table.dropped {
            let _ = writeln!(
                out,
                "{} {} {} dropped at {}",
                dropped.id.0, dropped.name, dropped.ty, dropped.time_micros
            );
        }
        Ok(out)
    }
}

fn show(error: schema::Error) -> String {
    let kind = match &error {
        schema::Error::Invalid(_) => "INVALID",
        schema::Error::Config(_) => "CONFIG",
        schema::Error::Syntax(_) => "SYNTAX",
        schema::Error::Unauthorized(_) => "UNAUTHORIZED",
        schema::Error::AlreadyExists { .. } => "ALREADY_EXISTS",
    };
    format!("{kind} {error}")
}

/// An error, and in which part of the statement it is.
fn show_in(text: &str, statement: &Statement, error: &schema::Error) -> String {
    let place = ddl::place(statement, error);
    let place = place.and_then(|span| text.get(span.start as usize..span.end as usize));
    let shown = show(error.clone());
    match place {
        Some(place) => format!("{shown}\n  at {place}"),
        None => shown,
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

fn through_bytes(change: &Change) -> Change {
    let mut bytes = Vec::new();
    change.encode(&mut bytes);
    let mut reader = Reader::new(&bytes);
    let decoded = Change::decode(&mut reader).expect("what was encoded decodes");
    assert!(reader.is_empty());
    assert_eq!(&decoded, change);
    decoded
}

fn check_catalog(catalog: &Catalog) {
    let mut bytes = Vec::new();
    catalog.encode(&mut bytes);
    let mut reader = Reader::new(&bytes);
    let decoded = Catalog::decode(&mut reader).expect("what was encoded decodes");
    assert!(reader.is_empty());
    assert_eq!(&decoded, catalog);
    assert_eq!(decoded.version(), catalog.version());
}

impl Runner for Shell {
    type Command = Command;

    fn run(&mut self, command: &Command, _: &Context) -> Result<String, Box<dyn Error>> {
        let mut arguments = command.consume_args();
        let words: Vec<&str> = std::iter::from_fn(|| arguments.next_pos()).collect();
        match (command.name.as_str(), words.as_slice()) {
            ("columns", [keyspace, table]) => self.columns(keyspace, table),
            (text, []) => Ok(self
                .statement(text)
                .unwrap_or_else(|error| format!("{error}\n"))),
            (name, _) => Err(format!("unknown command {name}").into()),
        }
    }
}

fn run(name: &str) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/scripts/schema");
    goldenscript::run(&mut Shell::new(), format!("{folder}/{name}"))
        .expect("the script can be read");
}

macro_rules! scripts {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                run(stringify!($name));
            }
        )*
    };
}

scripts! { keyspaces tables columns user_types options system describe }
