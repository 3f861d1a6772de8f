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

use std::sync::Arc;

use arc_swap::ArcSwap;
use base::env::{BoxFuture, Class, Dir, Env, Rng, Task};
use parking_lot::Mutex;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use types::Token;
use uuid::Uuid;

use crate::log::format::Header;
use crate::log::{self, AppendError, Log};
use crate::{
    Addresses, Boot, Committed, Committer, Epoch, Error, NodeNumber, Observer, Refused,
    Registration, State, Transformation,
};

/// Proposals that wait; more wait outside.
const QUEUE_LENGTH_MAX: usize = 256;
/// Events that a slow subscriber may be behind before it misses some and is told so.
const EVENTS_MAX: usize = 1024;
/// The most tokens a node may ask for, as in Cassandra's tools.
const TOKENS_MAX: usize = 4096;

/// What a node says of itself.
#[derive(Debug, Clone)]
pub struct Options {
    /// `cluster_name`
    pub cluster_name: String,
    /// Where the node is reached.
    pub addresses: Addresses,
    /// `data_center`
    pub data_center: String,
    /// `rack`
    pub rack: String,
    /// `num_tokens`
    pub num_tokens: usize,
    /// The version of the server.
    pub version: String,
    /// What else the node keeps depends on the log up to this epoch: one that ends below is an older copy, or has lost
    /// its end, and is refused before anything is written to it.
    pub epoch_min: Epoch,
    /// The log is written anew when entries outweigh this, and four times the snapshot they follow.
    pub log_bytes_max: u64,
}

impl Default for Options {
    fn default() -> Options {
        let loopback = std::net::IpAddr::from([127, 0, 0, 1]);
        Options {
            cluster_name: "Test Cluster".to_owned(),
            addresses: Addresses::on(loopback, 7000, 9042),
            data_center: "datacenter1".to_owned(),
            rack: "rack1".to_owned(),
            num_tokens: 16,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            epoch_min: Epoch(0),
            log_bytes_max: 1 << 20,
        }
    }
}

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

struct Proposal {
    transformation: Transformation,
    answer: oneshot::Sender<Result<Committed, Error>>,
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
            None => create(env, &dir, &options).await?,
        };
        let number = options.check_state(&state, host_id, &dir)?;
        let shared = Arc::new(Shared::new(state));
        let (proposals, queue) = mpsc::channel(QUEUE_LENGTH_MAX);
        let worker = Worker {
            env: env.clone(),
            log: Some(log),
            shared: shared.clone(),
            rng: env.rng("metadata requests"),
            log_bytes_max: options.log_bytes_max,
            failed: None,
        };
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
            nonce: random(env),
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

/// The task that has the log.
struct Worker {
    env: Env,
    /// Taken only while a blocking call has it.
    log: Option<Log>,
    shared: Arc<Shared>,
    rng: Rng,
    log_bytes_max: u64,
    failed: Option<Error>,
}

impl Worker {
    async fn run(mut self, mut queue: mpsc::Receiver<Proposal>) {
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
        let request = uuid(&mut self.rng);
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
            Some(Err(AppendError::NotWritten(reason))) => return Err(Error::NotWritten(reason)),
            Some(Err(AppendError::Unknown(reason))) => {
                return Err(self.fail(Error::Unknown(reason)));
            }
            None => return Err(self.fail(Error::Closed)),
        }
        let state = Arc::new(state);
        let observers = self.shared.observers.lock().clone();
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

/// Makes a cluster of one node.
async fn create(
    env: &Env,
    dir: &Arc<dyn Dir>,
    options: &Options,
) -> Result<(Log, State, Uuid), OpenError> {
    let mut rng = env.rng("metadata tokens");
    let host_id = secret_uuid(env);
    let registration = Registration {
        host_id,
        addresses: options.addresses,
        data_center: options.data_center.clone(),
        rack: options.rack.clone(),
        tokens: tokens(&mut rng, options.num_tokens),
        boot: Boot {
            count: 1,
            nonce: random(env),
        },
        version: options.version.clone(),
    };
    let cluster_name = options.cluster_name.clone();
    let entries = vec![
        (
            Transformation::Initialize {
                cluster_id: secret_uuid(env),
                cluster_name,
            },
            uuid(&mut rng),
        ),
        (Transformation::RegisterNode(registration), uuid(&mut rng)),
    ];
    let mut state = State::empty();
    for (transformation, _) in &entries {
        (state, _) = state.apply(transformation).map_err(Error::Refused)?;
    }
    let header = Header {
        salt: rng.next_u64(),
        host_id,
    };
    let dir = dir.clone();
    let log = env
        .blocking(Class::General, move || Log::create(&dir, header, &entries))
        .await?;
    Ok((log, state, host_id))
}

/// This many tokens, ascending: one in each of as many equal parts of the ring, so that no part is large.
fn tokens(rng: &mut Rng, count: usize) -> Vec<Token> {
    let count = count as u64;
    let part = u64::MAX / count.max(1);
    let token = |index: u64| {
        let place = part
            .saturating_mul(index)
            .saturating_add(rng.below(part.max(1)));
        // The smallest number is the ring's minimum, which no key has.
        Token(i64::MIN.wrapping_add_unsigned(place).max(i64::MIN + 1))
    };
    (0..count).map(token).collect()
}

fn uuid(rng: &mut Rng) -> Uuid {
    let mut bytes = [0; 16];
    rng.fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

fn secret_uuid(env: &Env) -> Uuid {
    let mut bytes = [0; 16];
    env.secret(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

fn random(env: &Env) -> u64 {
    let mut bytes = [0; 8];
    env.secret(&mut bytes);
    u64::from_le_bytes(bytes)
}

impl Options {
    fn check(&self) -> Result<(), OpenError> {
        if self.num_tokens == 0 || self.num_tokens > TOKENS_MAX {
            return Err(OpenError::Settings(format!(
                "num_tokens is {}; it has to be between 1 and {TOKENS_MAX}",
                self.num_tokens
            )));
        }
        Ok(())
    }

    /// Whether the data is this node's, by the settings; gives the node's number.
    fn check_state(
        &self,
        state: &State,
        host_id: Uuid,
        dir: &Arc<dyn Dir>,
    ) -> Result<NodeNumber, OpenError> {
        let path = dir.path().display();
        if *state.cluster_name != *self.cluster_name {
            return Err(OpenError::Settings(format!(
                "cluster_name is '{}' in the settings, but {path} belongs to the cluster '{}': \
                 set cluster_name to '{}', or use another data directory",
                self.cluster_name, state.cluster_name, state.cluster_name
            )));
        }
        let Some(node) = state.node(host_id) else {
            return Err(OpenError::Settings(format!(
                "{path} belongs to host id {host_id}, which is not a member of the cluster '{}': \
                 use an empty data directory to join as a new node",
                state.cluster_name
            )));
        };
        let same = |setting: &str, given: String, stored: String| {
            if given == stored {
                return Ok(());
            }
            Err(OpenError::Settings(format!(
                "{setting} is '{given}' in the settings, but the node in {path} was made with '{stored}': \
                 set {setting} to '{stored}', or use another data directory"
            )))
        };
        same(
            "data_center",
            self.data_center.clone(),
            node.data_center.clone(),
        )?;
        same("rack", self.rack.clone(), node.rack.clone())?;
        same(
            "num_tokens",
            self.num_tokens.to_string(),
            node.tokens.len().to_string(),
        )?;
        Ok(node.number)
    }
}
