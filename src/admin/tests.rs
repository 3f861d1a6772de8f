//! The admin port over the simulated network: routes, refusals, limits, and clients that leave.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base::env::{BoxFuture, Env};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::control::{Control, Failure, Mode, Status, Storage, Target};
use crate::serve;

/// What a node was asked, in order.
#[derive(Default)]
struct Recorder(Mutex<Vec<String>>);

impl Recorder {
    fn note(&self, what: String) {
        self.0.lock().expect("no test panics with it").push(what);
    }

    fn notes(&self) -> Vec<String> {
        self.0.lock().expect("no test panics with it").clone()
    }
}

/// A node that does little and notes it.
struct Fake {
    env: Env,
    recorder: Recorder,
    mode: AtomicUsize,
}

impl Fake {
    fn new(env: &Env) -> Arc<Fake> {
        Arc::new(Fake {
            env: env.clone(),
            recorder: Recorder::default(),
            mode: AtomicUsize::new(0),
        })
    }
}

impl Control for Fake {
    fn mode(&self) -> Mode {
        [Mode::Normal, Mode::Draining, Mode::Drained][self.mode.load(Ordering::Relaxed)]
    }

    fn status(&self) -> Status {
        Status {
            mode: self.mode(),
            version: "1".into(),
            uptime_micros: 2,
            cluster_name: "c".into(),
            epoch: 3,
            schema_version: "s".into(),
            nodes: Vec::new(),
            storage: Storage::default(),
            connections: 4,
        }
    }

    fn flush(&self, target: Target) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async move {
            self.recorder
                .note(format!("flush {:?} {:?}", target.keyspace, target.tables));
            match target.keyspace.as_deref() {
                Some("absent") => Err(Failure::Unknown("Keyspace 'absent' does not exist".into())),
                _ => Ok(()),
            }
        })
    }

    fn compact(&self, _target: Target) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async {
            self.env.sleep(Duration::from_secs(3600)).await;
            self.recorder.note("compacted".into());
            Ok(())
        })
    }

    fn drain(&self) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async {
            self.mode.store(1, Ordering::Relaxed);
            self.env.sleep(Duration::from_secs(1)).await;
            self.mode.store(2, Ordering::Relaxed);
            Ok(())
        })
    }
}

async fn start(env: &Env, control: Arc<Fake>) -> crate::Running {
    let listener = env.bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    serve(env, listener, control).unwrap()
}

/// Sends bytes and reads to the end: status and body.
async fn exchange(env: &Env, running: &crate::Running, request: &str) -> (u16, String) {
    let mut stream = env.connect(running.address()).await.unwrap();
    // Who is refused need not be heard to the end, and a reset after the answer is as good as an end.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .unwrap_or(0);
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status, body.into())
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

#[test]
fn routes_answer() {
    sim::local::block_on(1, |env| async move {
        let control = Fake::new(&env);
        let running = start(&env, control.clone()).await;
        let check = async |request: String, code: u16, part: &str| {
            let (status, body) = exchange(&env, &running, &request).await;
            assert_eq!(status, code, "{request}: {body}");
            assert!(body.contains(part), "{request}: {body}");
        };
        check(get("/health/live"), 200, "\"live\":true").await;
        check(get("/health/ready"), 200, "\"mode\":\"NORMAL\"").await;
        check(get("/status"), 200, "\"cluster_name\":\"c\"").await;
        check(get("/flush"), 405, "").await;
        check(get("/else"), 404, "nothing here").await;
        check(post("/flush", ""), 200, "\"done\":true").await;
        check(
            post("/flush", "{\"keyspace\":\"k\",\"tables\":[\"t\"]}"),
            200,
            "done",
        )
        .await;
        check(
            post("/flush", "{\"keyspace\":\"absent\"}"),
            404,
            "'absent' does not exist",
        )
        .await;
        check(
            post("/flush", "{\"tables\":[\"t\"]}"),
            400,
            "tables need a keyspace",
        )
        .await;
        check(
            post("/flush", "{\"keyspaces\":\"k\"}"),
            400,
            "expected a body such as",
        )
        .await;
        check(post("/flush", "{"), 400, "expected a body such as").await;
        check(post("/drain", "{\"keyspace\":\"k\"}"), 404, "whole node").await;
        check(
            get("/health/live").replace("localhost", "evil.example"),
            403,
            "Host",
        )
        .await;
        check(
            get("/health/live").replace("Host:", "Host: localhost\r\nHost:"),
            403,
            "Host",
        )
        .await;
        check(get("http://evil.example/health/live"), 403, "Host").await;
        check(get("http://localhost:1/health/live"), 200, "live").await;
        check(
            post("/drain", "{}").replace("application/json", "text/plain"),
            415,
            "Content-Type",
        )
        .await;
        check("nonsense\r\n\r\n".into(), 400, "").await;
        let notes = [
            "flush None []",
            "flush Some(\"k\") [\"t\"]",
            "flush Some(\"absent\") []",
        ];
        assert_eq!(control.recorder.notes(), notes);
    });
}

#[test]
fn health_is_answered_while_it_drains_and_after() {
    sim::local::block_on(2, |env| async move {
        let control = Fake::new(&env);
        let running = Arc::new(start(&env, control.clone()).await);
        let (other, port) = (env.clone(), running.clone());
        let drain = env.spawn("drain", async move {
            exchange(&other, &port, &post("/drain", "")).await
        });
        env.sleep(Duration::from_millis(500)).await;
        let (status, body) = exchange(&env, &running, &get("/health/ready")).await;
        assert_eq!((status, body.contains("DRAINING")), (503, true), "{body}");
        assert_eq!(exchange(&env, &running, &get("/health/live")).await.0, 200);
        let (status, body) = drain.await.unwrap();
        assert_eq!((status, body.contains("DRAINED")), (200, true), "{body}");
        assert_eq!(exchange(&env, &running, &get("/health/ready")).await.0, 503);
    });
}

#[test]
fn an_operation_goes_on_without_its_client() {
    sim::local::block_on(3, |env| async move {
        let control = Fake::new(&env);
        let running = start(&env, control.clone()).await;
        let mut stream = env.connect(running.address()).await.unwrap();
        stream
            .write_all(post("/compact", "").as_bytes())
            .await
            .unwrap();
        env.sleep(Duration::from_secs(1)).await;
        drop(stream);
        env.sleep(Duration::from_secs(3700)).await;
        assert_eq!(control.recorder.notes(), ["compacted"]);
    });
}

#[test]
fn requests_are_bounded() {
    sim::local::block_on(4, |env| async move {
        let running = start(&env, Fake::new(&env)).await;
        let long = "x".repeat(70_000);
        assert_eq!(
            exchange(&env, &running, &post("/flush", &long)).await.0,
            413
        );
        let head = format!("GET /status HTTP/1.1\r\nHost: localhost\r\nX: {long}\r\n\r\n");
        assert_eq!(exchange(&env, &running, &head).await.0, 431);
        // One that sends nothing is closed, and so is one that stops in the middle of its body.
        for start in [
            "",
            "GET /status HT",
            "POST /flush HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
        ] {
            let before = env.mono();
            assert_eq!(
                exchange(&env, &running, start).await,
                (0, String::new()),
                "{start}"
            );
            let waited = env.mono() - before;
            assert!(
                waited >= Duration::from_secs(1) && waited < Duration::from_secs(3),
                "{start}: {waited:?}"
            );
        }
        // Many half-open ones do not delay the next.
        let mut idle = Vec::new();
        for _ in 0..600 {
            let mut stream = env.connect(running.address()).await.unwrap();
            let _ = stream.write_all(b"GET /health/li").await;
            idle.push(stream);
        }
        let before = env.mono();
        assert_eq!(exchange(&env, &running, &get("/health/live")).await.0, 200);
        let waited = env.mono() - before;
        assert!(waited < Duration::from_secs(1), "{waited:?}");
    });
}
