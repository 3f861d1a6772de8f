//! `helenus admin`: asks a running node for its status and tells it to flush, compact or drain.
//!
//! It speaks HTTP to the node's admin port. Names and flags are nodetool's. Exit codes: 0 when it is done, 1 when the
//! node is not there or says no, 2 when the arguments are wrong.

mod http;
mod table;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use serde_json::{Value, json};

/// Asks a running node of Helenus.
#[derive(Debug, Parser)]
#[command(
    name = "helenus admin",
    bin_name = "helenus admin",
    version,
    disable_help_flag = true,
    max_term_width = 100
)]
struct Arguments {
    /// The node's admin address
    #[arg(short, long, default_value = "127.0.0.1", global = true)]
    host: String,
    /// The node's admin port
    #[arg(short, long, default_value_t = 7199, global = true)]
    port: u16,
    /// Print the node's answer as JSON
    #[arg(long, global = true)]
    json: bool,
    /// Print help
    #[arg(long, action = clap::ArgAction::Help, global = true)]
    help: Option<bool>,
    /// What to do
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the cluster's nodes, and what this one holds
    Status,
    /// Write memtables to files
    Flush(Target),
    /// Merge the files of each table into one
    Compact(Target),
    /// Take no more requests, finish those that were begun, and write everything to files
    Drain,
}

/// What a command is about.
#[derive(Debug, clap::Args)]
struct Target {
    /// A keyspace; without it, everything
    keyspace: Option<String>,
    /// Tables of the keyspace; without any, all
    tables: Vec<String>,
}

impl Target {
    fn body(&self) -> Value {
        match &self.keyspace {
            None => json!({}),
            Some(keyspace) => json!({ "keyspace": keyspace, "tables": self.tables }),
        }
    }
}

impl Command {
    /// The path to ask, and the body if it changes something.
    fn request(&self) -> (&'static str, Option<Value>) {
        match self {
            Command::Status => ("/status", None),
            Command::Flush(target) => ("/flush", Some(target.body())),
            Command::Compact(target) => ("/compact", Some(target.body())),
            Command::Drain => ("/drain", Some(json!({}))),
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(text) => {
            let mut out = std::io::stdout().lock();
            // Whoever closed the pipe has seen enough.
            let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("helenus admin: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The text to print.
fn run(arguments: &Arguments) -> Result<String, String> {
    let (path, body) = arguments.command.request();
    let answer = http::ask(&arguments.host, arguments.port, path, body.as_ref())
        .map_err(|error| error.to_string())?;
    if answer.status != 200 {
        let error = answer.body["error"].as_str().map_or_else(
            || format!("the node answered {}", answer.status),
            String::from,
        );
        return Err(error);
    }
    if arguments.json {
        return Ok(format!("{}\n", answer.body));
    }
    Ok(match arguments.command {
        Command::Status => table::status(&answer.body),
        // As nodetool: nothing to say is good news.
        Command::Flush(_) | Command::Compact(_) | Command::Drain => String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn commands_become_requests() {
        let check = |line: &[&str], path: &str, body: Option<Value>| {
            let arguments =
                Arguments::try_parse_from(line).unwrap_or_else(|e| panic!("{line:?}: {e}"));
            assert_eq!(arguments.command.request(), (path, body), "{line:?}");
        };
        check(&["admin", "status"], "/status", None);
        check(
            &["admin", "-h", "::1", "-p", "1", "flush"],
            "/flush",
            Some(json!({})),
        );
        check(
            &["admin", "flush", "ks", "-p", "1"],
            "/flush",
            Some(json!({"keyspace": "ks", "tables": []})),
        );
        check(
            &["admin", "compact", "ks", "a", "b"],
            "/compact",
            Some(json!({"keyspace": "ks", "tables": ["a", "b"]})),
        );
        check(&["admin", "drain", "--json"], "/drain", Some(json!({})));
        assert!(Arguments::try_parse_from(["admin", "drain", "ks"]).is_err());
        assert!(Arguments::try_parse_from(["admin"]).is_err());
    }
}
