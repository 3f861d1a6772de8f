//! The command line: what a person may type after `helenus`.

use std::ffi::OsString;
use std::path::PathBuf;

use base::text::nearest;
use clap::error::{ContextKind, ContextValue};
use clap::{Parser, Subcommand};

use crate::config;

/// The text of `helenus --help`, above the options.
const ABOUT: &str = "Starts a node of Helenus, a masterless wide-column database that speaks CQL.

Without arguments the node answers CQL at 127.0.0.1:9042 and keeps its data in ./helenus-data.
Settings come from helenus.yaml in the working directory (or --config), from HELENUS_KEY variables,
and from the options below; later ones win. 'helenus check' prints them all.";

/// `helenus` and its options.
#[derive(Debug, Parser)]
#[command(name = "helenus", version, about = ABOUT, max_term_width = 100)]
pub struct Arguments {
    /// Options about settings
    #[command(flatten)]
    pub settings: SettingsArguments,
    /// What to do instead of starting a node
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options about settings. They may stand before and after `check`.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
pub struct SettingsArguments {
    /// Read settings from this file instead of ./helenus.yaml
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Use this address for everything: clients, other nodes, and the admin port if it is a loopback address
    #[arg(long, value_name = "ADDRESS")]
    pub listen_address: Option<String>,
    /// Keep everything below this directory [default: helenus-data]
    #[arg(long, value_name = "DIRECTORY")]
    pub data_dir: Option<String>,
    /// Nodes to ask at the first start
    #[arg(long, value_name = "A,B")]
    pub seeds: Option<String>,
    /// Set any setting of the file
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// What to do instead of starting a node.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check the settings and print the ones in effect
    Check(SettingsArguments),
    /// Ask a running node: status, flush, compact, drain
    #[command(disable_help_flag = true)]
    Admin(Rest),
    /// Print and verify files of a node: commit log, metadata log, manifest, SSTable, clock, mark
    #[command(disable_help_flag = true)]
    Inspect(Rest),
    /// Type statements (not there yet: cqlsh serves meanwhile)
    #[command(disable_help_flag = true)]
    Shell(Rest),
    /// Load rows from files (not there yet: cqlsh's COPY FROM serves meanwhile)
    #[command(disable_help_flag = true)]
    Load(Rest),
}

/// What `helenus admin` can be asked; also the names that people know from nodetool.
const ADMIN_COMMANDS: [&str; 4] = ["status", "flush", "compact", "drain"];

/// What to say to somebody who left out the word `admin`; none if that is not what is wrong.
pub fn admin_instead(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else {
        return None;
    };
    // clap knows its own commands, and has a better word for what is near one of them.
    if error.get(ContextKind::SuggestedSubcommand).is_some() {
        return None;
    }
    let meant = nearest(word, ADMIN_COMMANDS.into_iter())?;
    Some(format!(
        "unrecognized subcommand '{word}'; a running node is asked by 'helenus admin {meant}'"
    ))
}

/// Arguments that a tool reads itself.
#[derive(Debug, clap::Args)]
pub struct Rest {
    /// The tool's own arguments
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "ARGUMENTS"
    )]
    pub arguments: Vec<OsString>,
}

/// A program of its own beside this one, as git has them.
#[derive(Debug, PartialEq, Eq)]
pub struct Tool {
    /// The word after `helenus`.
    pub name: &'static str,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

impl Command {
    /// The tool that a command stands for.
    pub fn tool(self) -> Option<Tool> {
        let (name, rest) = match self {
            Command::Check(_) => return None,
            Command::Admin(rest) => ("admin", rest),
            Command::Inspect(rest) => ("inspect", rest),
            Command::Shell(rest) => ("shell", rest),
            Command::Load(rest) => ("load", rest),
        };
        Some(Tool {
            name,
            arguments: rest.arguments,
        })
    }
}

impl Tool {
    /// What to tell when the program is not there: how to make it, or what serves meanwhile.
    pub fn missing(&self, directory: &str, is_release: bool) -> String {
        let name = self.name;
        let build = if is_release {
            "cargo build --release"
        } else {
            "cargo build"
        };
        match name {
            "shell" => {
                "the shell is not there yet; cqlsh serves meanwhile: pip install cqlsh".into()
            }
            "load" => {
                "the loader is not there yet; cqlsh's COPY FROM serves meanwhile: pip install cqlsh"
                    .into()
            }
            _ => format!("there is no helenus-{name} in {directory}; build it: {build}"),
        }
    }
}

impl SettingsArguments {
    /// These, and others that were written later: they win, one by one.
    pub fn then(self, later: SettingsArguments) -> SettingsArguments {
        SettingsArguments {
            config: later.config.or(self.config),
            listen_address: later.listen_address.or(self.listen_address),
            data_dir: later.data_dir.or(self.data_dir),
            seeds: later.seeds.or(self.seeds),
            set: [self.set, later.set].concat(),
        }
    }

    /// The part that says something about settings.
    pub fn overrides(&self) -> config::Arguments {
        config::Arguments {
            listen_address: self.listen_address.clone(),
            data_dir: self.data_dir.clone(),
            seeds: self.seeds.clone(),
            set: self.set.clone(),
        }
    }
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
    fn who_leaves_out_admin_is_told() {
        let check = |word: &str, expected: Option<&str>| {
            let error = Arguments::try_parse_from(["helenus", word]).unwrap_err();
            let expected = expected.map(|meant| {
                format!(
                    "unrecognized subcommand '{word}'; a running node is asked by 'helenus admin {meant}'"
                )
            });
            assert_eq!(admin_instead(&error), expected, "{word}");
        };
        check("status", Some("status"));
        check("stauts", Some("status"));
        check("comapct", Some("compact"));
        check("chekc", None);
        check("repair", None);
        check("--frobnicate", None);
    }

    #[test]
    fn settings_stand_before_and_after_check() {
        let line = [
            "helenus",
            "--data-dir",
            "d",
            "--set",
            "a=b",
            "check",
            "--set",
            "c=d",
            "--listen-address",
            "::1",
            "--data-dir",
            "e",
        ];
        let arguments = Arguments::try_parse_from(line).unwrap();
        let Some(Command::Check(later)) = arguments.command else {
            panic!("{arguments:?}");
        };
        let expected = config::Arguments {
            listen_address: Some("::1".into()),
            data_dir: Some("e".into()),
            seeds: None,
            set: vec!["a=b".into(), "c=d".into()],
        };
        assert_eq!(arguments.settings.then(later).overrides(), expected);
    }

    #[test]
    fn tools_get_their_arguments_untouched() {
        let check = |line: &[&str], name: &str, expected: &[&str]| {
            let arguments =
                Arguments::try_parse_from(line).unwrap_or_else(|e| panic!("{line:?}: {e}"));
            let tool = arguments.command.unwrap().tool().unwrap();
            assert_eq!(
                (tool.name, tool.arguments),
                (name, expected.iter().map(OsString::from).collect()),
                "{line:?}"
            );
        };
        check(&["helenus", "admin", "status"], "admin", &["status"]);
        check(
            &["helenus", "admin", "-h", "::1", "flush", "--json"],
            "admin",
            &["-h", "::1", "flush", "--json"],
        );
        check(&["helenus", "admin", "--help"], "admin", &["--help"]);
        check(
            &["helenus", "inspect", "--verify", "a", "b"],
            "inspect",
            &["--verify", "a", "b"],
        );
        check(&["helenus", "load"], "load", &[]);
    }

    #[test]
    fn a_missing_tool_is_answered_with_its_build() {
        let tool = |name| Tool {
            name,
            arguments: Vec::new(),
        };
        assert_eq!(
            tool("admin").missing("/target/release", true),
            "there is no helenus-admin in /target/release; build it: cargo build --release"
        );
        assert_eq!(
            tool("inspect").missing("/x/debug", false),
            "there is no helenus-inspect in /x/debug; build it: cargo build"
        );
        assert!(tool("shell").missing("/", true).contains("cqlsh"));
    }
}
