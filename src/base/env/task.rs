//! Tasks and blocking closures with typed results, on any executor.
//!
//! A task's body is wrapped so that the executor sees a plain future of no result: the wrapper catches a panic, sends
//! the outcome to the [`Task`], and stops early when the task is aborted. A panic reaches whoever awaits the task;
//! with nobody left to await it, it goes on into the executor.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::FutureExt;
use futures_util::future::{AbortHandle, Abortable};
use tokio::sync::oneshot;

use super::{BoxFuture, Finish, Job};

/// Lets other tasks run: this one goes to the end of the queue. By the waker alone, so that it works
/// on any executor.
pub async fn give_way() {
    let mut has_given_way = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_given_way, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

type Panic = Box<dyn Any + Send + 'static>;

/// Why a task gave no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaskError {
    /// It was aborted, or its executor ended.
    #[error("the task was cancelled")]
    Cancelled,
    /// It panicked with this message.
    #[error("the task panicked: {0}")]
    Panicked(String),
}

/// A running task. Await it for its result; drop it to cancel it.
#[must_use = "a dropped task is cancelled"]
pub struct Task<T> {
    receiver: oneshot::Receiver<Result<T, Panic>>,
    abort: AbortHandle,
    detached: bool,
}

impl<T> Task<T> {
    /// Lets the task run to its end without an owner.
    pub fn detach(mut self) {
        self.detached = true;
    }

    /// Asks the task to stop at its next await; awaiting it then gives [`TaskError::Cancelled`] unless it was done.
    pub fn abort(&self) {
        self.abort.abort();
    }

    /// Whether a result is there to be awaited.
    pub fn is_finished(&self) -> bool {
        !self.receiver.is_empty() || self.receiver.is_terminated()
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match ready!(self.receiver.poll_unpin(context)) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(panic)) => Err(TaskError::Panicked(message(&*panic))),
            Err(_) => Err(TaskError::Cancelled),
        })
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        if !self.detached {
            self.abort.abort();
        }
    }
}

impl<T> std::fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Task")
            .field("finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

/// The two halves of a task: its owner's handle, and the body to poll.
pub(super) fn task<T, F>(future: F) -> (Task<T>, BoxFuture<'static, ()>)
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let (sender, receiver) = oneshot::channel();
    let (abort, registration) = AbortHandle::new_pair();
    let body = async move {
        let guarded = AssertUnwindSafe(future).catch_unwind();
        // Aborted: dropping the sender tells the owner.
        if let Ok(outcome) = Abortable::new(guarded, registration).await
            && let Err(Err(panic)) = sender.send(outcome)
        {
            resume_unwind(panic);
        }
    };
    (
        Task {
            receiver,
            abort,
            detached: false,
        },
        body.boxed(),
    )
}

/// The result of a blocking closure, to be awaited.
///
/// If the closure is discarded unrun, which only a simulated power failure does, this never resolves.
#[must_use = "await it for the result; the closure runs in any case"]
pub struct Blocking<T> {
    receiver: oneshot::Receiver<Result<T, Panic>>,
}

impl<T> Future for Blocking<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        if self.receiver.is_terminated() {
            return Poll::Pending;
        }
        match ready!(self.receiver.poll_unpin(context)) {
            Ok(Ok(value)) => Poll::Ready(value),
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => Poll::Pending,
        }
    }
}

impl<T> std::fmt::Debug for Blocking<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Blocking")
    }
}

/// The two halves of a blocking call: the future, and the job to run.
pub(super) fn blocking<T, F>(work: F) -> (Blocking<T>, Job)
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    let (sender, receiver) = oneshot::channel();
    let job = move || -> Finish {
        let outcome = catch_unwind(AssertUnwindSafe(work));
        // If nobody waits any more the result is not wanted, and the panic hook has reported a panic.
        Box::new(move || drop(sender.send(outcome)))
    };
    (Blocking { receiver }, Box::new(job))
}

/// The text of a panic.
fn message(panic: &(dyn Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        return (*text).to_owned();
    }
    panic
        .downcast_ref::<String>()
        .cloned()
        .unwrap_or_else(|| "no message".to_owned())
}
