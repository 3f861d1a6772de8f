//! The entry point of the process: arguments, settings, signals, exit codes.
//!
//! This is the one place beside the real environment that touches the process's surroundings. It reads them as text
//! and hands them on; what is decided is decided in the library.
//!
//! Exit codes: 0 when a node was stopped in order, 1 when the machine's state is in the way (a port, a directory),
//! 2 when arguments or settings are wrong. An error is one line on stderr. Standard output has the ready line alone.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the entry point reads variables and files for the settings, before there is a node"
)]

use std::future::Future;
use std::io::{IsTerminal, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::ExitCode;

use base::env::{Env, raise_open_files_max};
use clap::Parser;
use helenus::command::{self, Arguments, Command, SettingsArguments, Tool};
use helenus::config::{self, Loaded, Machine, Settings, Sources};
use helenus::log_time::LogTime;
use helenus::machine;
use helenus::node::Node;
use tokio::signal::unix::{Signal, SignalKind, signal};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Something about the machine is in the way.
const MACHINE: u8 = 1;
/// Arguments or settings are wrong.
const SETTINGS: u8 = 2;

/// The signal for a write beyond the size that files may have (`ulimit -f`), which ends a process that does not catch it.
const FILE_SIZE_EXCEEDED: i32 = 25;

/// The settings file that is read when there is one.
const SETTINGS_FILE: &str = "helenus.yaml";
/// More than any settings file has.
const SETTINGS_BYTES_MAX: u64 = 1 << 20;

/// Why the process ends: the exit code and one line.
struct Failure(u8, String);

fn main() -> ExitCode {
    let Arguments { settings, command } = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => match command::admin_instead(&error) {
            Some(advice) => {
                eprintln!("helenus: {advice}");
                return ExitCode::from(SETTINGS);
            }
            None => error.exit(),
        },
    };
    let result = match command {
        None => load(&settings).and_then(run_node),
        Some(Command::Check(later)) => load(&settings.then(later)).map(print_settings),
        Some(command) => run_tool(command.tool().expect("all other commands are tools")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(code, message)) => {
            eprintln!("helenus: {message}");
            ExitCode::from(code)
        }
    }
}

fn load(arguments: &SettingsArguments) -> Result<Loaded, Failure> {
    let directory = std::env::current_dir()
        .map_err(|e| Failure(MACHINE, format!("there is no working directory: {e}")))?;
    let utf8 = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    let mut environment: Vec<_> = std::env::vars_os().filter_map(utf8).collect();
    environment.sort();
    let sources = Sources {
        file: settings_file(arguments)?,
        environment,
        arguments: arguments.overrides(),
        machine: Machine {
            memory_bytes: memory_bytes(),
            open_files_max: raise_open_files_max(),
            directory,
        },
    };
    config::load(&sources).map_err(|error| Failure(SETTINGS, error.to_string()))
}

fn settings_file(arguments: &SettingsArguments) -> Result<Option<(String, String)>, Failure> {
    let path = arguments
        .config
        .as_deref()
        .unwrap_or(Path::new(SETTINGS_FILE));
    let name = path.display().to_string();
    let failure = |what: &dyn std::fmt::Display| {
        Failure(
            SETTINGS,
            format!("{name}: the settings file cannot be read: {what}"),
        )
    };
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error)
            if error.kind() == std::io::ErrorKind::NotFound && arguments.config.is_none() =>
        {
            return Ok(None);
        }
        Err(error) => return Err(failure(&error)),
    };
    // Bounded whatever its length is said to be: a device or a pipe says none.
    let mut bytes = Vec::new();
    file.take(SETTINGS_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| failure(&error))?;
    if bytes.len() as u64 > SETTINGS_BYTES_MAX {
        return Err(failure(&"it is larger than 1MiB"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + valid.iter().filter(|byte| **byte == b'\n').count();
        Failure(
            SETTINGS,
            format!("{name}:{line}: this is not UTF-8 text; save the file as UTF-8"),
        )
    })?;
    Ok(Some((name, text)))
}

fn memory_bytes() -> u64 {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let cgroup = read("/proc/self/cgroup").unwrap_or_default();
    let limits = machine::limit_files(&cgroup)
        .iter()
        .filter_map(|path| read(path))
        .collect();
    machine::memory_bytes(&machine::Texts {
        meminfo: read("/proc/meminfo"),
        limits,
    })
}

fn print_settings(loaded: Loaded) {
    for warning in &loaded.warnings {
        eprintln!("helenus: {warning}");
    }
    say(config::effective(&loaded.settings).trim_end());
}

/// Prints to standard output; whoever closed it does not want to know.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Becomes the tool, which lies beside this program.
fn run_tool(tool: Tool) -> Result<(), Failure> {
    let failure = |what: std::io::Error| {
        Failure(
            MACHINE,
            format!("helenus-{} cannot be run: {what}", tool.name),
        )
    };
    let own = std::env::current_exe().map_err(failure)?;
    let directory = own.parent().unwrap_or(Path::new("/"));
    let error = std::process::Command::new(directory.join(format!("helenus-{}", tool.name)))
        .args(&tool.arguments)
        .exec();
    if error.kind() != std::io::ErrorKind::NotFound {
        return Err(failure(error));
    }
    let is_release = !directory.ends_with("debug");
    Err(Failure(
        MACHINE,
        tool.missing(&directory.display().to_string(), is_release),
    ))
}

fn run_node(loaded: Loaded) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(std::thread::available_parallelism().map_or(1, usize::from))
        .thread_name("worker")
        .enable_all()
        .build()
        .map_err(|error| Failure(MACHINE, format!("threads cannot be started: {error}")))?;
    runtime.block_on(async {
        let env = Env::real();
        start_log(&loaded.settings, env.clone())?;
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        serve(env, loaded.settings).await
    })
}

fn start_log(settings: &Settings, env: Env) -> Result<(), Failure> {
    let filter = tracing_subscriber::EnvFilter::try_new(&settings.log_level)
        .map_err(|error| Failure(SETTINGS, format!("log_level: {error}")))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_timer(LogTime(env))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    Ok(())
}

/// The signals that stop a node.
struct Stops {
    interrupt: Signal,
    terminate: Signal,
    /// The terminal was closed; none if the process was told to survive that.
    hangup: Option<Signal>,
}

impl Stops {
    /// Catches them from now on, and the one that would end the process without a word.
    fn catch() -> std::io::Result<Stops> {
        // Caught and not looked at: the write fails instead, and is refused as on a full disk.
        let _ = signal(SignalKind::from_raw(FILE_SIZE_EXCEEDED))?;
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let hangup = match machine::ignores_hangup(&status) {
            true => None,
            false => Some(signal(SignalKind::hangup())?),
        };
        Ok(Stops {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup,
        })
    }

    /// The future's output, unless a signal comes first.
    async fn before<T>(&mut self, future: impl Future<Output = T>) -> Option<T> {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            output = future => Some(output),
            _ = self.interrupt.recv() => None,
            _ = self.terminate.recv() => None,
            _ = hangup => None,
        }
    }
}

/// Starts the node, says so, and stops it in order at the first signal; a second one ends the process.
async fn serve(env: Env, settings: Settings) -> Result<(), Failure> {
    let failure =
        |error: std::io::Error| Failure(MACHINE, format!("signals cannot be caught: {error}"));
    let mut stops = Stops::catch().map_err(failure)?;
    let Some(node) = stops.before(Node::start(env, settings)).await else {
        return Ok(());
    };
    let node = node.map_err(|error| {
        Failure(
            if error.is_settings() {
                SETTINGS
            } else {
                MACHINE
            },
            error.to_string(),
        )
    })?;
    say(&node.ready().to_string());
    stops.before(std::future::pending::<()>()).await;
    tracing::info!("stopping; a second signal ends the process at once");
    match stops.before(node.stop()).await {
        Some(Ok(())) => {
            tracing::info!("stopped");
            Ok(())
        }
        Some(Err(error)) => Err(Failure(
            MACHINE,
            format!("the node stopped without writing everything to files: {error}"),
        )),
        None => Err(Failure(
            MACHINE,
            "stopped at once; the commit log will be replayed at the next start".into(),
        )),
    }
}
