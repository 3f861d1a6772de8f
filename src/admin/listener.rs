//! The listener: connections from the environment, HTTP by hyper, routes by axum.
//!
//! One request per connection, as its clients are people and probes. A connection has [`REQUEST_TIME_MAX`] to send its
//! request, all of it within [`REQUEST_BYTES_MAX`]. Of more than [`CONNECTIONS_MAX`] the oldest that has not sent its
//! request is closed, so that a probe is answered however many others say nothing. So nobody who can connect can make
//! it hold much.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::response::Response;
use base::env::{Env, Listener, Stream, Task};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;

use crate::api::{self, Context, refuse};
use crate::control::Control;
use crate::guard;

/// Connections at a time.
const CONNECTIONS_MAX: usize = 256;
/// Bytes of a request's head; hyper takes no less.
const HEAD_BYTES_MAX: usize = 8 * 1024;
/// Bytes of a request's body: names of tables.
const REQUEST_BYTES_MAX: usize = 64 * 1024;
/// How long a client, which is on this machine, may take to send its request.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(2);
/// How long to wait after accepting failed, for the process's files to be closed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A running admin port; dropping it ends it.
pub struct Running {
    address: SocketAddr,
    _task: Task<()>,
}

impl Running {
    /// The address in use, with the port that was chosen.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Answers requests to `control` on a bound listener.
pub fn serve(
    env: &Env,
    listener: Box<dyn Listener>,
    control: Arc<dyn Control>,
) -> io::Result<Running> {
    let address = listener.local_addr()?;
    let router = api::router(Context {
        env: env.clone(),
        control,
    });
    let task = env.spawn("admin", accept(env.clone(), listener, router));
    Ok(Running {
        address,
        _task: task,
    })
}

/// A connection; dropping it ends it.
struct Accepted {
    task: Task<()>,
    /// Its request is here, and worked on.
    has_request: Arc<AtomicBool>,
}

async fn accept(env: Env, listener: Box<dyn Listener>, router: Router) {
    // Owned here, so that they end with the listener. The finished ones go when a new one comes.
    let mut connections: Vec<Accepted> = Vec::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                if !make_room(&mut connections) {
                    continue;
                }
                let has_request = Arc::new(AtomicBool::new(false));
                let connection =
                    connection(env.clone(), stream, router.clone(), has_request.clone());
                let task = env.spawn("admin connection", connection);
                connections.push(Accepted { task, has_request });
            }
            Err(error) => {
                tracing::warn!("the admin port cannot accept: {error}");
                env.sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Drops what is finished and, if that is not enough, the oldest without a request; whether there is room for one more.
fn make_room(connections: &mut Vec<Accepted>) -> bool {
    connections.retain(|connection| !connection.task.is_finished());
    if connections.len() < CONNECTIONS_MAX {
        return true;
    }
    let oldest = connections
        .iter()
        .position(|connection| !connection.has_request.load(Ordering::Relaxed));
    oldest.map(|at| connections.remove(at)).is_some()
}

async fn connection(env: Env, stream: Stream, router: Router, received: Arc<AtomicBool>) {
    let flag = received.clone();
    let service = service_fn(move |request| answer(router.clone(), request, flag.clone()));
    let mut builder = http1::Builder::new();
    // Without a timer of hyper's own: time comes from the environment, below.
    builder
        .keep_alive(false)
        .header_read_timeout(None)
        .max_buf_size(HEAD_BYTES_MAX)
        .auto_date_header(false);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let result = match env.timeout(REQUEST_TIME_MAX, connection.as_mut()).await {
        Some(result) => result,
        // It works on the answer, which takes as long as it takes.
        None if received.load(Ordering::Relaxed) => connection.await,
        None => return,
    };
    if let Err(error) = result {
        tracing::debug!("admin connection: {error}");
    }
}

/// Judges the request, reads it whole, and hands it to the routes.
async fn answer(
    router: Router,
    request: Request<Incoming>,
    received: Arc<AtomicBool>,
) -> Result<Response, Infallible> {
    if let Err(refusal) = guard::check(request.method(), request.uri(), request.headers()) {
        return Ok(refuse(refusal.0, refusal.1));
    }
    let (head, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(Body::new(body), REQUEST_BYTES_MAX).await else {
        return Ok(refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is cut short or larger than 64KiB",
        ));
    };
    received.store(true, Ordering::Relaxed);
    TowerToHyperService::new(router)
        .call(Request::from_parts(head, Body::from(body)))
        .await
}
