//! The task that has the log: one proposal after the other.

use std::sync::Arc;

use base::env::{Class, Env, Rng};
use tokio::sync::{mpsc, oneshot};

use super::{Shared, create};
use crate::log::{AppendError, Log};
use crate::{Committed, Error, Refused, Transformation};

/// A transformation, and where its answer goes.
pub(super) struct Proposal {
    pub transformation: Transformation,
    pub answer: oneshot::Sender<Result<Committed, Error>>,
}

/// The task that has the log.
pub(super) struct Worker {
    env: Env,
    /// Taken only while a blocking call has it.
    log: Option<Log>,
    shared: Arc<Shared>,
    rng: Rng,
    log_bytes_max: u64,
    failed: Option<Error>,
}

impl Worker {
    pub fn new(env: &Env, log: Log, shared: Arc<Shared>, log_bytes_max: u64) -> Worker {
        Worker {
            env: env.clone(),
            log: Some(log),
            shared,
            rng: env.rng("metadata requests"),
            log_bytes_max,
            failed: None,
        }
    }

    /// Works until nobody can propose any more.
    pub async fn run(mut self, mut queue: mpsc::Receiver<Proposal>) {
        while let Some(proposal) = queue.recv().await {
            let result = self.commit(proposal.transformation).await;
            // Whoever proposed may have stopped waiting.
            let _ = proposal.answer.send(result);
            self.tidy().await;
        }
    }

    async fn commit(&mut self, transformation: Transformation) -> Result<Committed, Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let before = self.shared.state.load_full();
        before.check(&transformation)?;
        let (state, outcome) = before.apply(&transformation)?;
        if outcome.effect.is_none() {
            return Ok(Committed {
                epoch: before.epoch,
                outcome,
            });
        }
        let request = create::uuid(&mut self.rng);
        let appended = self
            .with_log(move |log| log.append(&transformation, request))
            .await;
        match appended {
            Some(Ok(epoch)) => self.env.always(
                "the log and the state count epochs alike",
                epoch == state.epoch,
            ),
            Some(Err(error @ AppendError::TooLong { .. })) => {
                let refused = schema::Error::invalid(error.to_string());
                return Err(Error::Refused(Refused::Schema(refused)));
            }
            Some(Err(AppendError::NotWritten(reason))) => {
                self.env
                    .sometimes("metadata: an entry could not be written", true);
                return Err(Error::NotWritten(reason));
            }
            Some(Err(AppendError::Unknown(reason))) => {
                return Err(self.fail(Error::Unknown(reason)));
            }
            None => return Err(self.fail(Error::Closed)),
        }
        let state = Arc::new(state);
        let mut observers = self.shared.observers.lock().clone();
        if self.env.mutant("schema: shown before storage follows") {
            observers.clear();
        }
        for observer in observers {
            if let Err(reason) = observer.applied(&state).await {
                return Err(self.fail(Error::Unknown(reason)));
            }
        }
        let committed = Committed {
            epoch: state.epoch,
            outcome,
        };
        self.shared.state.store(state);
        self.shared.epochs.send_replace(committed.epoch);
        // Nobody may be subscribed.
        let _ = self.shared.events.send(Arc::new(committed.clone()));
        Ok(committed)
    }

    fn fail(&mut self, error: Error) -> Error {
        tracing::error!(%error, "metadata: no further change is possible");
        self.failed = Some(error.clone());
        error
    }

    /// Marks the log, and starts it anew if it has grown. Nobody waits for that, and what fails is tried again after
    /// the next entry, unless it leaves the log unusable.
    async fn tidy(&mut self) {
        let state = self.shared.state.load_full();
        let salt = self.rng.next_u64();
        let limit = self.log_bytes_max;
        let tidied = self
            .with_log(move |log| {
                let mut done = log.mark();
                if log.grown_bytes() > limit.max(log.base_bytes().saturating_mul(4)) {
                    done = done.and(log.compact(&state, salt));
                }
                done.map_err(|error| (error, log.failure().map(str::to_owned)))
            })
            .await;
        match tidied {
            Some(Err((_, Some(reason)))) => {
                self.fail(Error::Unknown(reason));
            }
            Some(Err((error, None))) => {
                tracing::warn!(%error, "metadata log: it could not be tidied, and goes on as it is");
            }
            Some(Ok(())) | None => {}
        }
    }

    /// Runs `work` on the log where it may wait; none if the log was lost to an earlier panic.
    async fn with_log<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Log) -> T + Send + 'static,
    ) -> Option<T> {
        let mut log = self.log.take()?;
        let (log, result) = self
            .env
            .blocking(Class::Sync, move || {
                let result = work(&mut log);
                (log, result)
            })
            .await;
        self.log = Some(log);
        Some(result)
    }
}
