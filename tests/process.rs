//! The real process: ready line, signals, exit codes, errors in one line, and what is left after kill -9.
//!
//! Each test has a directory of its own below `target/`, takes free ports, and leaves nothing behind.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "these tests start real processes and talk to them"
)]

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use protocol::client::{Client, Options, Outcome};

const HELENUS: &str = env!("CARGO_BIN_EXE_helenus");
/// Far beyond what anything here takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A directory that goes when its test has passed.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("process-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a directory below target");
        Folder(path)
    }

    /// `helenus` in this directory, with free ports and little memory.
    fn command(&self) -> Command {
        let mut command = Command::new(HELENUS);
        command.current_dir(&self.0).stdin(Stdio::null());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("HELENUS_")) {
            command.env_remove(name);
        }
        for setting in [
            "native_transport_port=0",
            "admin_port=0",
            "memory_limit=128MiB",
        ] {
            command.args(["--set", setting]);
        }
        command
    }

    /// The same, below what a line of shell does to its process.
    fn command_after(&self, shell: &str) -> Command {
        let plain = self.command();
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{shell}; exec \"$0\" \"$@\"")]);
        command.arg(plain.get_program()).args(plain.get_args());
        for (name, value) in plain.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.current_dir(&self.0).stdin(Stdio::null());
        command
    }

    /// Runs to the end: exit code, standard output, standard error.
    fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        ended(
            self.command()
                .args(arguments)
                .output()
                .expect("the process runs"),
        )
    }

    fn files(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(&self.0)
            .expect("a directory")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        names.sort();
        names
            .into_iter()
            .map(|name| name.into_string().expect("a plain name"))
            .collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

fn ended(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// A running node; killed when dropped.
struct Process {
    child: Child,
    out: BufReader<ChildStdout>,
    ready: String,
}

impl Process {
    /// Starts and waits for the ready line.
    fn start(mut command: Command) -> Process {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the process starts");
        let mut out = BufReader::new(child.stdout.take().expect("its output"));
        let mut ready = String::new();
        out.read_line(&mut ready).expect("a line");
        if !ready.starts_with("ready: CQL ") {
            let mut error = String::new();
            let _ = child
                .stderr
                .take()
                .expect("its errors")
                .read_to_string(&mut error);
            panic!("no ready line but '{ready}': {error}");
        }
        Process {
            child,
            out,
            ready: ready.trim_end().to_string(),
        }
    }

    /// The address after a word of the ready line.
    fn address(&self, word: &str) -> SocketAddr {
        let (_, rest) = self
            .ready
            .split_once(&format!("{word} "))
            .expect("the word in the ready line");
        rest.split([',', ' '])
            .next()
            .expect("an address")
            .parse()
            .expect("an address")
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([name, &self.child.id().to_string()])
            .status();
        assert!(status.expect("kill runs").success());
    }

    /// Waits for the end: the exit code, the rest of standard output, and standard error.
    fn end(mut self) -> (Option<i32>, String, String) {
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait().expect("a child").is_none() {
            assert!(Instant::now() < deadline, "the process does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
        let (mut out, mut error) = (String::new(), String::new());
        self.out.read_to_string(&mut out).expect("text");
        self.child
            .stderr
            .take()
            .expect("its errors")
            .read_to_string(&mut error)
            .expect("text");
        (self.child.wait().expect("a child").code(), out, error)
    }

    fn kill(mut self) {
        self.child.kill().expect("a child to kill");
        self.child.wait().expect("a killed child");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A GET of the admin port: status and body.
fn get(address: SocketAddr, path: &str) -> (u16, String) {
    http(
        address,
        &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    )
}

fn post(address: SocketAddr, path: &str) -> (u16, String) {
    http(
        address,
        &format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
        ),
    )
}

fn http(address: SocketAddr, request: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("the admin port listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    stream.write_all(request.as_bytes()).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .expect("a status");
    (
        status,
        answer.split_once("\r\n\r\n").expect("a body").1.into(),
    )
}

/// Runs statements on a connection of their own; rows of the last one.
fn cql(
    address: SocketAddr,
    statements: &[String],
) -> Result<Vec<Vec<Option<bytes::Bytes>>>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(address)
            .await
            .map_err(|error| error.to_string())?;
        let mut client = Client::open(stream, Options::default())
            .await
            .map_err(|error| error.to_string())?;
        let mut rows = Vec::new();
        for statement in statements {
            let reply = client
                .run(statement)
                .await
                .map_err(|error| format!("{statement}: {error}"))?;
            if let Outcome::Rows(page) = reply.outcome {
                rows = page.rows;
            }
        }
        Ok(rows)
    })
}

fn schema() -> Vec<String> {
    vec![
        "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}".into(),
        "CREATE TABLE ks.t (k int PRIMARY KEY, v text)".into(),
    ]
}

#[test]
fn a_node_says_it_is_ready_and_stops_at_a_signal() {
    for signal in ["-TERM", "-INT"] {
        let folder = Folder::new(&format!("ready{signal}"));
        let process = Process::start(folder.command());
        let data = folder.0.join("helenus-data").display().to_string();
        assert!(
            process.ready.ends_with(&format!(", data {data} (new)")),
            "{}",
            process.ready
        );
        let admin = process.address("admin");
        assert_eq!(get(admin, "/health/ready").0, 200);
        cql(process.address("CQL"), &schema()).unwrap();
        process.signal(signal);
        let (code, out, error) = process.end();
        assert_eq!((code, out.as_str()), (Some(0), ""), "{error}");

        let again = Process::start(folder.command());
        assert!(
            again.ready.ends_with(&format!(", data {data} (1 table)")),
            "{}",
            again.ready
        );
    }
}

#[test]
fn a_closed_terminal_stops_a_node_unless_it_was_told_to_stay() {
    let folder = Folder::new("hangup");
    let process = Process::start(folder.command_after("trap '' HUP"));
    process.signal("-HUP");
    cql(process.address("CQL"), &schema()).expect("it stays");
    process.signal("-TERM");
    assert_eq!(process.end().0, Some(0));

    // Whoever runs the tests so that they survive has told the node, too.
    let own = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if !helenus::machine::ignores_hangup(&own) {
        let process = Process::start(folder.command());
        process.signal("-HUP");
        let (code, _, error) = process.end();
        assert_eq!(code, Some(0), "{error}");
        assert!(error.contains("everything is in files"), "{error}");
    }
}

/// Without files that are kept back, clients who only connect would end all writing.
#[test]
fn connections_leave_files_for_tables() {
    let folder = Folder::new("files");
    let process = Process::start(folder.command_after("ulimit -n 120"));
    let address = process.address("CQL");
    cql(address, &schema()).expect("a table");
    cql(address, &["INSERT INTO ks.t (k, v) VALUES (0, 'x')".into()]).expect("something to flush");
    let clients: Vec<TcpStream> = (0..100)
        .map(|_| TcpStream::connect(address).expect("it listens"))
        .collect();
    let is_closed = |mut client: &TcpStream| {
        client.set_read_timeout(Some(PATIENCE)).expect("a limit");
        matches!(client.read(&mut [0]), Ok(0) | Err(_))
    };
    assert!(is_closed(&clients[99]), "there are more than 60");
    assert_eq!(
        post(process.address("admin"), "/flush").0,
        200,
        "it can write"
    );
    drop(clients);
    let insert = |row: i32| format!("INSERT INTO ks.t (k, v) VALUES ({row}, 'x')");
    let deadline = Instant::now() + PATIENCE;
    while cql(address, &[insert(1)]).is_err() {
        assert!(Instant::now() < deadline, "no connection has become free");
    }
    process.signal("-TERM");
    let (code, _, error) = process.end();
    assert_eq!(code, Some(0), "{error}");
    for line in [
        "at most 60 clients may be connected: the process may open 120 files",
        "closing connections beyond native_transport_max_concurrent_connections",
    ] {
        assert!(error.contains(line), "{line}: {error}");
    }
}

#[test]
fn a_limit_on_the_size_of_files_is_an_error_and_not_the_end_without_a_word() {
    let folder = Folder::new("filesize");
    let output = folder.command_after("ulimit -f 1").output();
    let (code, _, error) = ended(output.expect("the process runs"));
    assert_eq!(code, Some(1), "{error}");
    assert!(error.contains("File too large"), "{error}");
}

#[test]
fn a_drained_node_answers_health_and_nothing_else() {
    let folder = Folder::new("drain");
    let process = Process::start(folder.command());
    let (admin, native) = (process.address("admin"), process.address("CQL"));
    cql(native, &schema()).unwrap();
    cql(native, &["INSERT INTO ks.t (k, v) VALUES (1, 'x')".into()]).unwrap();
    let (status, body) = post(admin, "/flush");
    assert_eq!(status, 200, "{body}");
    let one = |statement: &str| {
        let rows = cql(native, &[statement.to_string()]).expect("rows");
        assert_eq!(rows.len(), 1, "{statement}");
        i64::from_be_bytes(
            rows[0][0]
                .as_deref()
                .expect("a value")
                .try_into()
                .expect("a bigint"),
        )
    };
    let used = "SELECT mebibytes FROM system_views.disk_usage WHERE keyspace_name = 'ks' AND table_name = 't'";
    assert_eq!(one(used), 1, "a file takes room");
    assert!(one("SELECT capacity_bytes FROM system_views.caches") > 1 << 20);
    let (status, body) = post(admin, "/drain");
    assert_eq!((status, body.contains("DRAINED")), (200, true), "{body}");
    assert_eq!(get(admin, "/health/live").0, 200);
    assert_eq!(get(admin, "/health/ready").0, 503);
    assert!(cql(native, &[]).is_err());
    assert_eq!(post(admin, "/drain").0, 200);
    let (status, body) = post(admin, "/compact");
    assert_eq!(
        (status, body.contains("the node is drained")),
        (503, true),
        "{body}"
    );
    process.signal("-TERM");
    let (code, _, log) = process.end();
    assert_eq!(code, Some(0), "{log}");
    // The log tells what people did, each thing once, in its order.
    let (news, told): (Vec<_>, Vec<_>) = log
        .lines()
        .filter_map(|line| Some(line.split_once(" INFO helenus")?.1.split_once(": ")?.1))
        .map(|text| text.split_once(" in ").map_or(text, |(what, _)| what))
        // Told by a task of its own, so before or after the flush.
        .partition(|text| text.starts_with("created "));
    let expected = [
        "created keyspace ks (epoch 3)",
        "created table ks.t (epoch 4)",
    ];
    assert_eq!(news, expected, "{log}");
    let expected = [
        "flushing all tables, as an operator asked",
        "flushed all tables",
        "draining: finishing requests, then writing memtables to files",
        "drained",
        "stopping; a second signal ends the process at once",
        "stopped",
    ];
    assert_eq!(told, expected, "{log}");
}

/// Every file of a table, by its name.
fn table_files(folder: &Folder, table: &str) -> Vec<PathBuf> {
    fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => walk(&path, found),
                false => found.push(path),
            }
        }
    }
    let mut found = Vec::new();
    walk(&folder.0.join("helenus-data/data"), &mut found);
    let directory = format!("{table}-");
    let is_of_table = |path: &PathBuf| {
        path.components()
            .any(|part| part.as_os_str().to_string_lossy().starts_with(&directory))
    };
    found.retain(is_of_table);
    found
}

#[test]
fn compaction_of_everything_goes_on_after_a_table_that_fails() {
    let folder = Folder::new("compact");
    let process = Process::start(folder.command());
    let (admin, native) = (process.address("admin"), process.address("CQL"));
    let mut statements = vec![schema().swap_remove(0)];
    let tables = ["aa", "bb", "cc"];
    statements.extend(tables.map(|table| format!("CREATE TABLE ks.{table} (k int PRIMARY KEY)")));
    cql(native, &statements).unwrap();
    for key in 0..2 {
        let inserts = tables.map(|table| format!("INSERT INTO ks.{table} (k) VALUES ({key})"));
        cql(native, &inserts).unwrap();
        assert_eq!(post(admin, "/flush").0, 200);
    }
    process.kill();
    for table in ["aa", "bb"] {
        let files = table_files(&folder, table);
        assert_eq!(files.len(), 2, "{files:?}");
        let mut bytes = fs::read(&files[0]).expect("a file");
        // In the first block, past what an opening reads.
        bytes[40] ^= 1;
        fs::write(&files[0], bytes).expect("a file");
    }
    let process = Process::start(folder.command());
    let (status, body) = post(process.address("admin"), "/compact");
    assert_eq!(status, 500, "{body}");
    assert!(
        body.contains("\"ks.aa: ") && body.contains("; and 1 more table failed"),
        "{body}"
    );
    assert_eq!(table_files(&folder, "aa").len(), 2);
    assert_eq!(table_files(&folder, "cc").len(), 1);
}

#[test]
fn a_second_process_is_refused() {
    let folder = Folder::new("second");
    let first = Process::start(folder.command());
    let (code, out, error) = folder.run(&[]);
    let data = folder.0.join("helenus-data");
    let expected = format!(
        "helenus: {} is in use by another helenus process; stop that one, or say another directory with --data-dir\n",
        data.display()
    );
    assert_eq!(
        (code, out.as_str(), &error),
        (Some(1), "", &expected),
        "{error}"
    );
    // Nothing that a person may take for left over from a crash decides who has the directory.
    for entry in fs::read_dir(&data).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_file() && !path.ends_with("helenus.directory") && !path.ends_with("clock") {
            fs::remove_file(path).expect("a file to remove");
        }
    }
    assert_eq!(folder.run(&[]), (Some(1), String::new(), expected));
    assert_eq!(get(first.address("admin"), "/health/ready").0, 200);
}

#[test]
fn a_taken_port_is_named_and_nothing_is_touched() {
    let folder = Folder::new("port");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("its address").port();
    for setting in ["native_transport_port", "admin_port"] {
        let (code, out, error) = folder.run(&["--set", &format!("{setting}={port}")]);
        let expected = format!(
            "helenus: cannot listen on 127.0.0.1:{port}: another program has the port, perhaps a node that is running; stop it, or say another {setting}\n"
        );
        assert_eq!((code, out.as_str(), error), (Some(1), "", expected));
    }
    assert_eq!(folder.files(), Vec::<String>::new());
}

#[test]
fn directories_of_others_are_left_alone() {
    let folder = Folder::new("foreign");
    fs::write(folder.0.join("diary.txt"), "dear").expect("a file");
    let path = folder.0.display().to_string();
    let (code, _, error) = folder.run(&["--data-dir", &path]);
    let expected = format!(
        "helenus: {path} holds files of something else, such as 'diary.txt', and was left as it is; say another directory with --data-dir\n"
    );
    assert_eq!((code, error), (Some(1), expected));
    assert_eq!(folder.files(), ["diary.txt"]);
    let file = folder.0.join("diary.txt").display().to_string();
    let (code, _, error) = folder.run(&["--data-dir", &file]);
    assert_eq!(code, Some(1));
    assert!(
        error.starts_with(&format!("helenus: {file} cannot be used: "))
            && error.lines().count() == 1,
        "{error}"
    );
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let folder = Folder::new("unwritable");
    // Nobody can make a directory there, not even root.
    let path = "/proc/helenus-data";
    let (code, _, error) = folder.run(&["--data-dir", path]);
    assert_eq!(code, Some(1));
    assert!(
        error.starts_with(&format!("helenus: {path} cannot be used: ")),
        "{error}"
    );
    assert!(
        error.ends_with(
            "give this user the right to write there, or say another directory with --data-dir\n"
        ),
        "{error}"
    );
    assert_eq!(error.lines().count(), 1);
}

#[test]
fn bad_settings_and_arguments_end_with_2() {
    let folder = Folder::new("settings");
    let check = |arguments: &[&str], expected: &str| {
        let (code, out, error) = folder.run(arguments);
        assert_eq!(
            (code, out.as_str()),
            (Some(2), ""),
            "{arguments:?}: {error}"
        );
        assert!(error.contains(expected), "{arguments:?}: {error}");
    };
    check(
        &["--set", "rakc=a"],
        "helenus: --set rakc=a: unknown setting 'rakc'; did you mean 'rack'?\n",
    );
    check(
        &["--listen-address", "10.0.0.1"],
        "authenticator: AllowAllAuthenticator",
    );
    check(
        &["--config", "absent.yaml"],
        "helenus: absent.yaml: the settings file cannot be read: ",
    );
    check(&["--frobnicate"], "unexpected argument '--frobnicate'");
    check(&["chekc"], "unrecognized subcommand 'chekc'");
    fs::write(folder.0.join("helenus.yaml"), "rack: r\nrpc_adress: x\n").expect("a file");
    check(
        &[],
        "helenus: helenus.yaml:2:1: unknown setting 'rpc_adress'; did you mean 'rpc_address'?\n",
    );
    check(&["check"], "helenus: helenus.yaml:2:1: unknown setting");
    assert_eq!(folder.files(), ["helenus.yaml"]);
}

/// What says no length is read no further than a settings file goes.
#[test]
fn settings_come_from_pipes_and_never_without_end() {
    let folder = Folder::new("pipe");
    let (code, _, error) = folder.run(&["check", "--config", "/dev/zero"]);
    let expected = "helenus: /dev/zero: the settings file cannot be read: it is larger than 1MiB\n";
    assert_eq!((code, error.as_str()), (Some(2), expected));

    let pipe = folder.0.join("pipe.yaml");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo runs").success());
    let write = |text: String| {
        let pipe = pipe.clone();
        // The reader may leave in the middle.
        std::thread::spawn(move || drop(fs::write(pipe, text)))
    };
    let writer = write("rack: from-a-pipe\n".into());
    let (code, out, error) = folder.run(&["check", "--config", "pipe.yaml"]);
    assert_eq!((code, error.as_str()), (Some(0), ""));
    assert!(out.contains("\nrack: from-a-pipe\n"), "{out}");
    writer.join().expect("a writer");
    let writer = write("#".repeat(2 << 20));
    let (code, _, error) = folder.run(&["check", "--config", "pipe.yaml"]);
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("it is larger than 1MiB"), "{error}");
    writer.join().expect("a writer");
}

#[test]
fn check_prints_what_loads_again() {
    let folder = Folder::new("check");
    fs::write(
        folder.0.join("helenus.yaml"),
        "rack: r7\nendpoint_snitch: x\n",
    )
    .expect("a file");
    let (code, first, error) = folder.run(&["check", "--set", "num_tokens=4"]);
    assert_eq!(code, Some(0), "{error}");
    assert_eq!(
        error,
        "helenus: helenus.yaml:2:1: endpoint_snitch has no effect here: say data_center and rack\n"
    );
    assert!(
        first.contains("\nrack: r7\n") && first.contains("\nnum_tokens: 4\n"),
        "{first}"
    );
    fs::write(folder.0.join("again.yaml"), &first).expect("a file");
    assert_eq!(
        folder.run(&["check", "--config", "again.yaml"]),
        (Some(0), first, String::new())
    );
    let mut variable = folder.command();
    let (code, out, _) = ended(
        variable
            .env("HELENUS_RACK", "r8")
            .arg("check")
            .output()
            .expect("the process runs"),
    );
    assert!(code == Some(0) && out.contains("\nrack: r8\n"), "{out}");
    assert_eq!(folder.files(), ["again.yaml", "helenus.yaml"]);
}

#[test]
fn a_tool_that_is_not_there_is_answered_with_its_build() {
    let folder = Folder::new("tool");
    let alone = folder.0.join("helenus");
    fs::hard_link(HELENUS, &alone)
        .or_else(|_| fs::copy(HELENUS, &alone).map(drop))
        .expect("a copy of the program");
    let output = Command::new(&alone)
        .args(["admin", "status"])
        .output()
        .expect("the process runs");
    let (code, _, error) = ended(output);
    let expected = format!(
        "helenus: there is no helenus-admin in {}; build it: cargo build --release\n",
        folder.0.display()
    );
    assert_eq!((code, error), (Some(1), expected));
}

#[test]
fn a_killed_node_keeps_every_acknowledged_row() {
    const ROUNDS: i32 = 4;
    const ROWS: i32 = 100;
    let folder = Folder::new("kill");
    let mut expected = BTreeSet::new();
    for round in 0..ROUNDS {
        let process = Process::start(folder.command());
        let address = process.address("CQL");
        if round == 0 {
            cql(address, &schema()).unwrap();
        }
        let writer = std::thread::spawn(move || {
            let mut acknowledged = Vec::new();
            for row in round * ROWS..(round + 1) * ROWS {
                if cql(
                    address,
                    &[format!(
                        "INSERT INTO ks.t (k, v) VALUES ({row}, 'row {row}')"
                    )],
                )
                .is_err()
                {
                    break;
                }
                acknowledged.push(row);
            }
            acknowledged
        });
        // In the middle of the load, wherever that is by now.
        std::thread::sleep(Duration::from_millis(100));
        if round == 2 {
            assert_eq!(post(process.address("admin"), "/flush").0, 200);
        }
        process.kill();
        expected.extend(writer.join().expect("a writer"));
    }
    let process = Process::start(folder.command());
    let rows = cql(
        process.address("CQL"),
        &["SELECT k, v FROM ks.t".to_string()],
    )
    .unwrap();
    let found: BTreeSet<i32> = rows
        .iter()
        .map(|row| {
            let key = i32::from_be_bytes(
                row[0].as_deref().expect("a key")[..]
                    .try_into()
                    .expect("an int"),
            );
            assert_eq!(row[1].as_deref(), Some(format!("row {key}").as_bytes()));
            key
        })
        .collect();
    let lost: Vec<_> = expected.difference(&found).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    assert!(!expected.is_empty(), "nothing was acknowledged");
}
