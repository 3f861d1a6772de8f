//! The real environment against the operating system: files below `target/`, sockets on loopback, real threads.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use base::env::{Class, Dir, Env, Options, TaskError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A fresh directory for one test, below the build's own; removed at the end of the test.
struct Scratch {
    path: PathBuf,
    dir: Arc<dyn Dir>,
}

impl Scratch {
    #[expect(
        clippy::disallowed_methods,
        reason = "leftovers of an interrupted run are removed"
    )]
    fn new(env: &Env, test: &str) -> Scratch {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("base-real")
            .join(test);
        let _ = std::fs::remove_dir_all(&path);
        let dir = env.make_dirs(&path).unwrap();
        Scratch { path, dir }
    }
}

impl Drop for Scratch {
    #[expect(clippy::disallowed_methods, reason = "tests leave nothing behind")]
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

fn run<T>(main: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(main)
}

fn kind<T>(result: io::Result<T>) -> Option<io::ErrorKind> {
    result.err().map(|error| error.kind())
}

#[test]
fn files_read_what_was_written() {
    let env = Env::real();
    let scratch = Scratch::new(&env, "files");
    let file = scratch.dir.create("file").unwrap();
    file.append(b"hello").unwrap();
    file.append(b" world").unwrap();
    file.write_at(b"W", 6).unwrap();
    file.sync_data().unwrap();
    assert_eq!(file.read_all(100).unwrap(), b"hello World");
    assert_eq!(kind(file.read_all(10)), Some(io::ErrorKind::InvalidData));

    let mut buffer = [0; 8];
    assert_eq!(
        file.read_at(&mut buffer, 6).unwrap(),
        5,
        "short only at the end"
    );
    assert_eq!(&buffer[..5], b"World");
    assert_eq!(file.read_at(&mut buffer, 1000).unwrap(), 0);
    assert_eq!(
        kind(file.read_exact_at(&mut buffer, 6)),
        Some(io::ErrorKind::UnexpectedEof)
    );

    file.truncate(5).unwrap();
    file.append(b"!").unwrap();
    assert_eq!(
        scratch.dir.open("file").unwrap().read_all(100).unwrap(),
        b"hello!"
    );
    file.allocate(0, 4096).unwrap();
    assert_eq!(file.len().unwrap(), 4096);
    assert!(!file.is_empty().unwrap());
    file.append(b"end").unwrap();
    assert_eq!(file.len().unwrap(), 4099);
}

#[test]
fn read_now_answers_or_would_block() {
    let env = Env::real();
    let scratch = Scratch::new(&env, "read_now");
    let file = scratch.dir.create("file").unwrap();
    file.append(&[7; 10_000]).unwrap();
    let mut buffer = vec![0; 4096];
    // Just written, so it is in memory; a file system that cannot promise anything says "would block".
    match file.read_now(&mut buffer, 8_192) {
        Ok(count) => assert_eq!((count, &buffer[..count]), (1_808, &[7; 1_808][..])),
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
    }
}

#[test]
fn directories_hold_names() {
    let env = Env::real();
    let scratch = Scratch::new(&env, "directories");
    let dir = &scratch.dir;
    dir.create("b").unwrap().append(b"12").unwrap();
    let sub = dir.make_dir("a").unwrap();
    assert_eq!(kind(dir.make_dir("a")), Some(io::ErrorKind::AlreadyExists));
    assert_eq!(kind(dir.create("b")), Some(io::ErrorKind::AlreadyExists));
    assert_eq!(kind(dir.open("c")), Some(io::ErrorKind::NotFound));
    assert_eq!(kind(dir.open("../b")), Some(io::ErrorKind::InvalidInput));
    assert_eq!(
        kind(env.dir(&scratch.path.join("b"))),
        Some(io::ErrorKind::NotADirectory)
    );

    dir.link("b", &*sub, "linked").unwrap();
    dir.rename("b", "c").unwrap();
    let list = |dir: &dyn Dir| -> Vec<_> {
        dir.list()
            .unwrap()
            .into_iter()
            .map(|entry| (entry.name, entry.is_dir, entry.len))
            .collect()
    };
    assert_eq!(
        list(&**dir),
        [("a".to_owned(), true, 0), ("c".to_owned(), false, 2)]
    );
    assert_eq!(
        list(&*dir.dir("a").unwrap()),
        [("linked".to_owned(), false, 2)]
    );
    assert!(dir.exists("c").unwrap() && !dir.exists("b").unwrap());
    sub.sync_dir().unwrap();
    sub.remove("linked").unwrap();
    dir.remove_dir("a").unwrap();
    dir.remove("c").unwrap();
    assert!(dir.list().unwrap().is_empty());
    let space = dir.space().unwrap();
    assert!(space.available > 0 && space.available <= space.total);
}

#[test]
fn make_dirs_makes_what_is_missing() {
    let env = Env::real();
    let scratch = Scratch::new(&env, "make_dirs");
    let deep = scratch.path.join("x/y/z");
    env.make_dirs(&deep).unwrap().create("file").unwrap();
    assert!(env.make_dirs(&deep).unwrap().exists("file").unwrap());
    assert_eq!(
        kind(env.make_dirs(&deep.join("file/below"))),
        Some(io::ErrorKind::NotADirectory)
    );
}

#[test]
fn a_lock_is_held_until_dropped() {
    let env = Env::real();
    let scratch = Scratch::new(&env, "lock");
    let lock = scratch.dir.lock().unwrap();
    assert_eq!(kind(scratch.dir.lock()), Some(io::ErrorKind::WouldBlock));
    drop(lock);
    scratch.dir.lock().unwrap();
}

#[test]
fn blocking_runs_at_most_as_many_at_once_as_allowed() {
    let env = Env::real_with(Options {
        read_threads: 2,
        ..Options::default()
    });
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let work = || {
        let (running, most) = (running.clone(), most.clone());
        env.blocking(Class::Read, move || {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // Long enough for the other thread to start.
            (0..200_000u64).fold(0, |sum: u64, value| std::hint::black_box(sum ^ value));
            running.fetch_sub(1, Ordering::SeqCst);
        })
    };
    run(async { futures_util::future::join_all((0..50).map(|_| work())).await });
    assert!((1..=2).contains(&most.load(Ordering::SeqCst)), "{most:?}");
}

#[test]
fn what_is_queued_is_done_before_the_last_env_is_gone() {
    for class in Class::ALL {
        let env = Env::real();
        let done = Arc::new(AtomicU64::new(0));
        for _ in 0..100 {
            let done = done.clone();
            drop(env.blocking(class, move || done.fetch_add(1, Ordering::SeqCst)));
        }
        drop(env);
        assert_eq!(done.load(Ordering::SeqCst), 100, "{class:?}");
    }
}

#[test]
fn a_job_may_drop_the_last_env() {
    let env = Env::real();
    let inner = env.clone();
    let blocking = env.blocking(Class::General, move || drop(inner));
    drop(env);
    run(blocking);
}

#[test]
fn panics_become_errors_of_the_task() {
    run(async {
        let env = Env::real();
        let inner = env.clone();
        let task = env.spawn("panics", async move {
            inner
                .blocking(Class::General, || panic!("bad block {}", 7))
                .await;
        });
        assert_eq!(
            task.await,
            Err(TaskError::Panicked("bad block 7".to_owned()))
        );
        assert_eq!(
            env.blocking(Class::General, || 1).await,
            1,
            "the thread lives on"
        );
    });
}

#[test]
fn dropped_tasks_stop_and_detached_ones_go_on() {
    run(async {
        let env = Env::real();
        let (dropped, dropped_end) = tokio::sync::oneshot::channel::<()>();
        drop(env.spawn("dropped", async move {
            std::future::pending::<()>().await;
            drop(dropped);
        }));
        assert!(dropped_end.await.is_err(), "its future is dropped");
        let (detached, detached_end) = tokio::sync::oneshot::channel();
        env.spawn("detached", async move { detached.send(5) })
            .detach();
        assert_eq!(detached_end.await, Ok(5));
        let aborted = env.spawn("aborted", std::future::pending::<()>());
        aborted.abort();
        assert_eq!(aborted.await, Err(TaskError::Cancelled));
    });
}

#[test]
fn streams_cross_loopback() {
    run(async {
        let env = Env::real();
        let listener = env.bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        assert_ne!(address.port(), 0);
        let echo = env.spawn("echo", async move {
            let (mut stream, from) = listener.accept().await.unwrap();
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).await.unwrap();
            (from.ip(), bytes.len())
        });
        let mut stream = env.connect(address).await.unwrap();
        assert!(stream.is_write_vectored(), "one call writes many answers");
        stream.write_all(&[1; 300_000]).await.unwrap();
        drop(stream);
        assert_eq!(echo.await, Ok((address.ip(), 300_000)));
        assert_eq!(
            kind(env.connect(address).await),
            Some(io::ErrorKind::ConnectionRefused)
        );
    });
}

#[test]
fn clocks_and_timeouts() {
    run(async {
        let env = Env::real();
        let start = env.mono();
        assert_eq!(
            env.timeout(Duration::from_millis(5), std::future::pending::<()>())
                .await,
            None
        );
        assert!(env.mono() - start >= Duration::from_millis(5));
        assert_eq!(
            env.timeout(Duration::from_secs(60), async { 1 }).await,
            Some(1)
        );
        assert!(env.wall_seconds() > 1_700_000_000);
        assert!((env.wall_micros() / 1_000_000 - env.wall_seconds()).abs() <= 1);
        assert!(env.thread_cpu() > Duration::ZERO);
        assert!(!env.buggify("never", 1.0) && !env.mutant("never"));
    });
}

#[test]
fn randomness_differs() {
    let env = Env::real();
    assert_ne!(env.rng("a").next_u64(), env.rng("a").next_u64());
    let (mut first, mut second) = ([0; 16], [0; 16]);
    env.secret(&mut first);
    env.secret(&mut second);
    assert_ne!(first, second);
    assert_eq!(env.hash_keys(), env.clone().hash_keys());
    assert_ne!(env.hash_keys(), Env::real().hash_keys());
}
