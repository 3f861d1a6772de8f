//! The routes: what each path answers.
//!
//! | Request | Answer |
//! |---|---|
//! | `GET /health/live` | 200 as long as the process runs |
//! | `GET /health/ready` | 200 while it serves clients, else 503; the body says its mode |
//! | `GET /status` | [`Status`](crate::Status) |
//! | `POST /flush`, `POST /compact` | done for the [`Target`] in the body, or why not |
//! | `POST /drain` | when everything is in files |
//!
//! Answers are JSON; an error is `{"error": "..."}`. An operation that was begun goes on when its client leaves.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base::env::{BoxFuture, Env};
use serde_json::json;
use tokio::sync::oneshot;

use crate::control::{Control, Failure, Mode, Target};

/// What handlers need.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) env: Env,
    pub(crate) control: Arc<dyn Control>,
}

/// All routes.
pub(crate) fn router(context: Context) -> Router {
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/status", get(status))
        .route("/flush", post(flush))
        .route("/compact", post(compact))
        .route("/drain", post(drain))
        .fallback(nothing)
        .with_state(context)
}

/// An error as every route answers it.
pub(crate) fn refuse(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "error": message }))).into_response()
}

async fn live(State(context): State<Context>) -> Response {
    Json(json!({ "live": true, "mode": context.control.mode() })).into_response()
}

async fn ready(State(context): State<Context>) -> Response {
    let mode = context.control.mode();
    let is_ready = mode == Mode::Normal;
    let status = if is_ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(json!({ "ready": is_ready, "mode": mode }))).into_response()
}

async fn status(State(context): State<Context>) -> Response {
    Json(context.control.status()).into_response()
}

async fn flush(State(context): State<Context>, body: Bytes) -> Response {
    operate(&context, &body, |control, target| control.flush(target)).await
}

async fn compact(State(context): State<Context>, body: Bytes) -> Response {
    operate(&context, &body, |control, target| control.compact(target)).await
}

async fn drain(State(context): State<Context>, body: Bytes) -> Response {
    operate(&context, &body, |control, target| match target {
        target if target == Target::default() => control.drain(),
        _ => Box::pin(async { Err(Failure::Unknown("drain is about the whole node".into())) }),
    })
    .await
}

async fn nothing() -> Response {
    refuse(
        StatusCode::NOT_FOUND,
        "there is nothing here; see /status, /health/live, /health/ready",
    )
}

type Operation = for<'a> fn(&'a dyn Control, Target) -> BoxFuture<'a, Result<(), Failure>>;

/// Reads the target, runs the operation to its end, and answers.
async fn operate(context: &Context, body: &[u8], operation: Operation) -> Response {
    let target = match read_target(body) {
        Ok(target) => target,
        Err(message) => return refuse(StatusCode::BAD_REQUEST, &message),
    };
    let (sender, receiver) = oneshot::channel();
    let control = context.control.clone();
    let run = async move {
        // The client may be gone; the operation is done all the same.
        let _ = sender.send(operation(&*control, target).await);
    };
    context.env.spawn("admin operation", run).detach();
    match receiver.await {
        Ok(Ok(())) => Json(json!({ "done": true, "mode": context.control.mode() })).into_response(),
        Ok(Err(failure)) => refuse(code(&failure), &failure.to_string()),
        Err(_) => refuse(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the operation was interrupted",
        ),
    }
}

fn read_target(body: &[u8]) -> Result<Target, String> {
    let target: Target = match body.trim_ascii() {
        [] => Target::default(),
        body => serde_json::from_slice(body).map_err(|error| {
            format!(
                "expected a body such as {{\"keyspace\": \"ks\", \"tables\": [\"t\"]}}: {error}"
            )
        })?,
    };
    match target.keyspace {
        None if !target.tables.is_empty() => Err("tables need a keyspace".into()),
        _ => Ok(target),
    }
}

fn code(failure: &Failure) -> StatusCode {
    match failure {
        Failure::Unknown(_) => StatusCode::NOT_FOUND,
        Failure::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        Failure::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
