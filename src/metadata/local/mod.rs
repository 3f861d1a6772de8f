//! The committer of a node that is alone: one queue, one task, one file.
//!
//! A proposal goes through these steps, one proposal at a time:
//! 1. apply it to the newest state; refused or nothing to do: answer;
//! 2. append it to the log and sync;
//! 3. let the observers act on the new state;
//! 4. publish the state, tell subscribers, answer;
//! 5. mark the log, and write a snapshot if it has grown; nobody waits for that.
//!
//! The task goes on when a proposer stops waiting, so no entry is ever half-way.
//!
//! - `options`: what the node says of itself, and whether the directory is its own
//! - `create`: a new cluster
//! - `worker`: the task

mod create;
mod options;
mod worker;

use std::sync::Arc;

use arc_swap::ArcSwap;
use base::env::{BoxFuture, Class, Dir, Env, Task};
use parking_lot::Mutex;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use uuid::Uuid;

pub use self::options::Options;
use self::worker::{Proposal, Worker};
use crate::log::{self, Log};
use crate::{
    Boot, Committed, Committer, Epoch, Error, NodeNumber, Observer, State, Transformation,
};

/// Proposals that wait; more wait outside.
const QUEUE_LENGTH_MAX: usize = 256;
/// Events that a slow subscriber may be behind before it misses some and is told so.
const EVENTS_MAX: usize = 1024;
/// Why a node cannot open its metadata.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The log: see there.
    #[error(transparent)]
    Log(#[from] log::Error),
    /// The settings contradict the data: one of the two is the wrong one.
    #[error("{0}")]
    Settings(String),
    /// An entry was refused or could not be written.
    #[error(transparent)]
    Committer(#[from] Error),
}

/// The committer of a node that is alone.
pub struct Local {
    shared: Arc<Shared>,
    proposals: mpsc::Sender<Proposal>,
    host_id: Uuid,
    number: NodeNumber,
    is_new: bool,
    _task: Task<()>,
}

struct Shared {
    state: ArcSwap<State>,
    observers: Mutex<Vec<Arc<dyn Observer>>>,
    events: broadcast::Sender<Arc<Committed>>,
    epochs: watch::Sender<Epoch>,
}

impl Local {
    /// Opens the metadata in `dir`, or makes a new cluster of one node there. Counts this start.
    pub async fn open(
        env: &Env,
        dir: Arc<dyn Dir>,
        options: Options,
    ) -> Result<Arc<Local>, OpenError> {
        options.check()?;
        let opened = {
            let (dir, epoch_min) = (dir.clone(), options.epoch_min);
            env.blocking(Class::General, move || Log::open(&dir, epoch_min))
                .await?
        };
        let is_new = opened.is_none();
        let (log, state, host_id) = match opened {
            Some(opened) => {
                if opened.cut_bytes > 0 {
                    tracing::warn!(
                        bytes = opened.cut_bytes,
                        "metadata log: cut the tail of a write that was interrupted"
                    );
                }
                (opened.log, opened.state, opened.host_id)
            }
            None => create::create(env, &dir, &options).await?,
        };
        let number = options.check_state(&state, host_id, &dir)?;
        let shared = Arc::new(Shared::new(state));
        let (proposals, queue) = mpsc::channel(QUEUE_LENGTH_MAX);
        let worker = Worker::new(env, log, shared.clone(), options.log_bytes_max);
        let task = env.spawn("metadata", worker.run(queue));
        let local = Arc::new(Local {
            shared,
            proposals,
            host_id,
            number,
            is_new,
            _task: task,
        });
        if !is_new {
            local.count_start(env, &options).await?;
        }
        Ok(local)
    }

    async fn count_start(&self, env: &Env, options: &Options) -> Result<(), OpenError> {
        let state = self.state();
        let Some(node) = state.nodes.get(&self.number) else {
            return Ok(());
        };
        let boot = Boot {
            count: node.boot.count.saturating_add(1),
            nonce: create::random(env),
        };
        let update = Transformation::UpdateNode {
            number: self.number,
            addresses: options.addresses,
            boot,
            version: options.version.clone(),
        };
        self.propose(update).await?;
        Ok(())
    }

    /// The newest state.
    pub fn state(&self) -> Arc<State> {
        self.shared.state.load_full()
    }

    /// This node's identity.
    pub fn host_id(&self) -> Uuid {
        self.host_id
    }

    /// This node's number.
    pub fn number(&self) -> NodeNumber {
        self.number
    }

    /// Whether the cluster was made by this start.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// What is committed from now on, in order. A subscriber that falls far behind is told how many it missed.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Committed>> {
        self.shared.events.subscribe()
    }

    /// The newest epoch.
    pub fn epochs(&self) -> watch::Receiver<Epoch> {
        self.shared.epochs.subscribe()
    }

    /// Lets `observer` act on each new state before it is published. It is not told of the present one.
    pub fn add_observer(&self, observer: Arc<dyn Observer>) {
        self.shared.observers.lock().push(observer);
    }
}

impl Committer for Local {
    fn propose(&self, transformation: Transformation) -> BoxFuture<'_, Result<Committed, Error>> {
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            let proposal = Proposal {
                transformation,
                answer,
            };
            self.proposals
                .send(proposal)
                .await
                .map_err(|_| Error::Closed)?;
            answered.await.unwrap_or(Err(Error::Closed))
        })
    }

    fn state(&self) -> Arc<State> {
        Local::state(self)
    }

    fn number(&self) -> NodeNumber {
        Local::number(self)
    }

    fn subscribe(&self) -> broadcast::Receiver<Arc<Committed>> {
        Local::subscribe(self)
    }
}

impl Shared {
    fn new(state: State) -> Shared {
        let (events, _) = broadcast::channel(EVENTS_MAX);
        let (epochs, _) = watch::channel(state.epoch);
        Shared {
            state: ArcSwap::from_pointee(state),
            observers: Mutex::new(Vec::new()),
            events,
            epochs,
        }
    }
}
