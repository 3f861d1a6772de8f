//! The entry of a node's requests.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use base::env::{Env, Task};
use base::limits::STATEMENT_BYTES_MAX;
use bytes::BytesMut;
use coordinator::{Coordinator, Turn};
use metadata::Local;
use protocol::error::Error as Wire;
use protocol::event::Event;
use protocol::request::{Batch, BatchQuery, Execute, Parameters, Prepare, Query, Request, Values};
use protocol::result::{Outcome, Prepared as PreparedAnswer};
use protocol::wire::Value;
use protocol::{Consistency, Version};
use schema::Catalog;
use smallvec::SmallVec;
use tokio::sync::broadcast;

use crate::alone;
use crate::answer::Address;
use crate::bind::{Bindings, Chance, Moment};
use crate::chance::NodeChance;
use crate::error::{Error, coordinator_to_wire};
use crate::events;
use crate::marker::Receiver;
use crate::modify::Context;
use crate::options::Options;
use crate::output::{Output, Parked, Progress};
use crate::prepared::{self, Cached, Id, Prepared};
use crate::prepared_store::Store;
use crate::schema_change;
use crate::select::{self, Choice, Execution};
use crate::session::Session;
use crate::statement::{self, Action, Planned};
use crate::write;

/// Executes requests. A clone is the same service.
#[derive(Clone)]
pub struct Service {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) coordinator: Coordinator,
    pub(crate) metadata: Arc<Local>,
    pub(crate) options: Options,
    pub(crate) chance: Arc<dyn Chance>,
    pub(crate) cached: Cached,
    pub(crate) store: Store,
    events: broadcast::Sender<Event>,
    _events_task: Task<()>,
}

/// One request with whom it is from.
pub(crate) struct Call<'a> {
    pub(crate) turn: &'a mut Turn,
    pub(crate) session: &'a mut Session,
    pub(crate) address: Address,
    pub(crate) out: &'a mut Output,
}

impl Service {
    /// A service over a coordinator and the agreed metadata.
    pub fn new(env: Env, coordinator: Coordinator, metadata: Arc<Local>, options: Options) -> Self {
        let (sender, _) = broadcast::channel(events::QUEUE_LENGTH);
        let task = env.spawn(
            "schema events",
            events::forward(metadata.clone(), sender.clone()),
        );
        let shared = Shared {
            chance: Arc::new(NodeChance::new(&env)),
            cached: Cached::new(env.hash_keys()),
            store: Store::new(),
            coordinator,
            metadata,
            options,
            events: sender,
            _events_task: task,
        };
        Service {
            shared: Arc::new(shared),
        }
    }

    /// The state of a new connection.
    pub fn session(&self, version: Version) -> Session {
        Session::new(version)
    }

    /// A turn for a connection, used again and again.
    pub fn turn(&self) -> Turn {
        self.shared.coordinator.turn()
    }

    /// The coordinator.
    pub fn coordinator(&self) -> &Coordinator {
        &self.shared.coordinator
    }

    /// Schema changes, in order, each after the system tables show it.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.shared.events.subscribe()
    }

    /// The answer to a write whose commit or sync failed.
    pub fn commit_failed(&self, error: &coordinator::Error) -> Wire {
        coordinator_to_wire(error, Consistency::One)
    }

    /// Starts a QUERY, PREPARE, EXECUTE or BATCH. It never waits: what cannot be answered now is
    /// parked or later.
    pub fn start(
        &self,
        turn: &mut Turn,
        session: &mut Session,
        request: &Request<'_>,
        stream: i16,
        _tracing: bool,
        out: &mut Output,
    ) -> Progress {
        turn.meter().request();
        let address = Address {
            version: session.version,
            stream,
        };
        let consistency = consistency_of(request);
        let mut call = Call {
            turn,
            session,
            address,
            out,
        };
        let started = match request {
            Request::Query(query) => self.query(&mut call, query, request),
            Request::Prepare(prepare) => self.prepare(&mut call, prepare),
            Request::Execute(execute) => self.execute(&mut call, execute, request),
            Request::Batch(batch) => self.batch(&mut call, batch, request),
            other => Err(Error::Protocol(format!(
                "{} is not a statement",
                other.opcode().name()
            ))),
        };
        started.unwrap_or_else(|error| {
            call.address
                .error(&error.to_wire(consistency), &mut call.out.answers);
            Progress::Answered
        })
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    fn catalog(&self) -> Arc<Catalog> {
        self.shared.metadata.state().catalog.clone()
    }

    fn plan(&self, text: &str, keyspace: Option<&str>) -> Result<Planned, Error> {
        if text.len() > STATEMENT_BYTES_MAX {
            return Err(Error::invalid(format!(
                "The statement is {} bytes long, the maximum is {STATEMENT_BYTES_MAX}; bind large values instead of writing them out",
                text.len()
            )));
        }
        let statement = cql::parse(text)?;
        statement::plan(
            statement,
            keyspace,
            &self.shared.options.data_center,
            &self.catalog(),
        )
        .map_err(|error| error.quoting(text))
    }

    fn query(
        &self,
        call: &mut Call<'_>,
        query: &Query<'_>,
        request: &Request<'_>,
    ) -> Result<Progress, Error> {
        let keyspace = query
            .parameters
            .keyspace
            .map(Arc::from)
            .or_else(|| call.session.keyspace.clone());
        let planned = self.plan(query.text, keyspace.as_deref())?;
        let id = prepared::id(query.text, keyspace.as_deref());
        let run = Run {
            planned: &planned,
            parameters: &query.parameters,
            metadata: Choice::Full,
            id,
            request,
        };
        self.run(call, &run, keyspace.as_deref())
    }

    fn execute(
        &self,
        call: &mut Call<'_>,
        execute: &Execute<'_>,
        request: &Request<'_>,
    ) -> Result<Progress, Error> {
        let id = statement_id(execute.id)?;
        let Some(prepared) = self.shared.cached.get(&id) else {
            return Ok(Progress::Later(alone::after_lookup(
                self.clone(),
                call,
                request,
                vec![id],
            )));
        };
        let planned = self.current(call.turn, &prepared)?;
        let metadata = match (call.session.version, execute.result_metadata_id) {
            (Version::V5, Some(held)) if held != planned.metadata_id => {
                Choice::Changed(planned.metadata_id)
            }
            (Version::V4, _) if prepared.differs() => Choice::Full,
            _ if execute.parameters.skip_metadata => Choice::Skip,
            _ => Choice::Full,
        };
        let run = Run {
            planned: &planned,
            parameters: &execute.parameters,
            metadata,
            id,
            request,
        };
        self.run(call, &run, prepared.keyspace.as_deref())
    }

    /// The statement's plan for the present catalog.
    pub(crate) fn current(
        &self,
        turn: &mut Turn,
        prepared: &Arc<Prepared>,
    ) -> Result<Arc<Planned>, Error> {
        let (planned, newly_differs) =
            prepared.current(&self.catalog(), &self.shared.options.data_center)?;
        if newly_differs {
            self.shared
                .store
                .remember(prepared, true, &self.catalog(), turn)?;
        }
        Ok(planned)
    }

    /// The plan of a QUERY or EXECUTE whose statement is known.
    pub(crate) fn planned(
        &self,
        call: &mut Call<'_>,
        request: &Request<'_>,
    ) -> Result<Arc<Planned>, Error> {
        match request {
            Request::Query(query) => {
                let keyspace = query
                    .parameters
                    .keyspace
                    .map(Arc::from)
                    .or_else(|| call.session.keyspace.clone());
                Ok(Arc::new(self.plan(query.text, keyspace.as_deref())?))
            }
            Request::Execute(execute) => {
                let id = statement_id(execute.id)?;
                let prepared = self.shared.cached.get(&id).ok_or(Error::Unprepared(id))?;
                self.current(call.turn, &prepared)
            }
            other => Err(Error::Protocol(format!(
                "{} is not one statement",
                other.opcode().name()
            ))),
        }
    }

    fn prepare(&self, call: &mut Call<'_>, prepare: &Prepare<'_>) -> Result<Progress, Error> {
        let keyspace = prepare
            .keyspace
            .map(Arc::from)
            .or_else(|| call.session.keyspace.clone());
        let id = prepared::id(prepare.text, keyspace.as_deref());
        let prepared = match self.shared.cached.get(&id) {
            Some(prepared) => prepared,
            None => self.take_in(call.turn, prepare.text, keyspace.as_deref())?,
        };
        let planned = self.current(call.turn, &prepared)?;
        let keyspace_and_table = write::table_of(&planned);
        let variables = write::variables(&planned.receivers, keyspace_and_table);
        let answer = PreparedAnswer {
            id: Cow::Borrowed(&id),
            result_metadata_id: Cow::Borrowed(&planned.metadata_id),
            variables: Cow::Owned(variables),
            partition_key: Cow::Borrowed(&planned.partition_key_markers),
            result: Cow::Borrowed(&planned.metadata),
        };
        call.address
            .result(Outcome::Prepared(answer), &[], &mut call.out.answers);
        Ok(Progress::Answered)
    }

    /// Plans a text and keeps it; its row is written with the turn, and nobody waits for it.
    fn take_in(
        &self,
        turn: &mut Turn,
        text: &str,
        keyspace: Option<&str>,
    ) -> Result<Arc<Prepared>, Error> {
        let planned = self.plan(text, keyspace)?;
        let prepared = Arc::new(Prepared::new(text, keyspace, planned));
        self.keep(turn, &prepared)?;
        self.shared
            .store
            .remember(&prepared, false, &self.catalog(), turn)?;
        Ok(prepared)
    }

    /// Puts a statement into the cache, and takes the rows of those it replaces out of the table.
    pub(crate) fn keep(&self, turn: &mut Turn, prepared: &Arc<Prepared>) -> Result<(), Error> {
        for evicted in self.shared.cached.insert(prepared.clone()) {
            self.shared.store.forget(&evicted, &self.catalog(), turn)?;
        }
        Ok(())
    }

    fn run(
        &self,
        call: &mut Call<'_>,
        run: &Run<'_>,
        keyspace: Option<&str>,
    ) -> Result<Progress, Error> {
        let parameters = run.parameters;
        match &run.planned.action {
            Action::Select(plan, replicas) => {
                replicas.check_read(parameters.consistency)?;
                self.select(call, plan, run)
            }
            Action::Modify(plan, replicas) => {
                replicas.check_write(parameters.consistency)?;
                if plan.needs_read() {
                    return Ok(Progress::Later(alone::with_lists(
                        self.clone(),
                        call,
                        run.request,
                    )));
                }
                let bindings = self.bind(call, &run.planned.receivers, parameters)?;
                let context = Context {
                    timestamp: parameters.timestamp,
                    lists: None,
                };
                plan.execute(&bindings, &context, call.turn, &mut call.session.scratch)?;
                Ok(acknowledge(call))
            }
            Action::Batch(batch, replicas) => {
                replicas
                    .iter()
                    .try_for_each(|replicas| replicas.check_write(parameters.consistency))?;
                if batch.statements.iter().any(crate::modify::Plan::needs_read) {
                    return Ok(Progress::Later(alone::with_lists(
                        self.clone(),
                        call,
                        run.request,
                    )));
                }
                let bindings = self.bind(call, &run.planned.receivers, parameters)?;
                let timestamp =
                    write::batch_timestamp(batch, &bindings, parameters.timestamp, call.turn)?;
                let jobs = batch.statements.iter().map(|plan| (plan, &bindings));
                write::together(jobs, timestamp, None, call)?;
                Ok(acknowledge(call))
            }
            Action::Other(statement) => schema_change::start(self, call, statement, keyspace),
        }
    }

    pub(crate) fn bind<'a>(
        &'a self,
        call: &Call<'_>,
        receivers: &[Receiver],
        parameters: &Parameters<'a>,
    ) -> Result<Bindings<'a>, Error> {
        let moment = moment(call.turn, parameters.now_in_seconds);
        let chance = &*self.shared.chance;
        if !parameters.values.are_named() {
            return Bindings::new(parameters.values.iter(), receivers, moment, chance);
        }
        let values = by_name(&parameters.values, receivers)?;
        Bindings::new(values.into_iter(), receivers, moment, chance)
    }

    fn select(
        &self,
        call: &mut Call<'_>,
        plan: &Arc<select::Plan>,
        run: &Run<'_>,
    ) -> Result<Progress, Error> {
        let parameters = run.parameters;
        let bindings = self.bind(call, &run.planned.receivers, parameters)?;
        let request = select::Request {
            version: call.address.version,
            stream: call.address.stream,
            page_rows: parameters.page_size,
            metadata: run.metadata,
            statement: run.id,
            tracing_id: None,
            dead_rows_fail: self.shared.options.dead_rows_fail,
            dead_rows_warn: self.shared.options.dead_rows_warn,
        };
        let chance = self.shared.chance.clone();
        let coordinator = &self.shared.coordinator;
        let mut execution = Execution::begin(
            plan,
            &bindings,
            chance,
            request,
            parameters.paging_state,
            coordinator,
        )?;
        let wait = match execution.step(call.turn.meter(), &mut call.out.answers)? {
            select::Progress::Done => return Ok(Progress::Answered),
            select::Progress::Yield => None,
            select::Progress::Wait(wait) => Some(wait),
        };
        Ok(Progress::Parked(Parked {
            buffer: execution.detach(&mut call.out.answers),
            execution: Box::new(execution),
            wait,
            deadline: call.turn.mono() + self.timeout(plan),
            address: call.address,
            consistency: parameters.consistency,
        }))
    }

    fn timeout(&self, plan: &select::Plan) -> Duration {
        let options = self.shared.coordinator.options();
        match plan.restrictions.keys {
            crate::restriction::KeyPlan::Points(_) => options.read_timeout,
            crate::restriction::KeyPlan::Tokens(_) => options.range_timeout,
        }
    }

    fn batch(
        &self,
        call: &mut Call<'_>,
        batch: &Batch<'_>,
        request: &Request<'_>,
    ) -> Result<Progress, Error> {
        let statements = match self.batch_statements(call, batch)? {
            Ok(statements) => statements,
            Err(unknown) => {
                return Ok(Progress::Later(alone::after_lookup(
                    self.clone(),
                    call,
                    request,
                    unknown,
                )));
            }
        };
        if write::any_needs_read(&statements) {
            return Ok(Progress::Later(alone::with_lists(
                self.clone(),
                call,
                request,
            )));
        }
        let bindings = self.batch_bindings(call, batch, &statements)?;
        let jobs = write::jobs(&statements, &bindings)?;
        write::together(jobs.into_iter(), batch.timestamp, None, call)?;
        Ok(acknowledge(call))
    }

    /// The plans of a BATCH's statements, or the ids that nobody here knows yet.
    pub(crate) fn batch_statements(
        &self,
        call: &mut Call<'_>,
        batch: &Batch<'_>,
    ) -> Result<Result<Vec<Arc<Planned>>, Vec<Id>>, Error> {
        if batch.kind == protocol::request::BatchKind::Counter {
            return Err(Error::unsupported("A counter batch"));
        }
        let keyspace = batch
            .keyspace
            .map(Arc::from)
            .or_else(|| call.session.keyspace.clone());
        let (mut statements, mut unknown) =
            (Vec::with_capacity(batch.statements.len()), Vec::new());
        for statement in batch.statements {
            match statement.query {
                BatchQuery::Text(text) => {
                    statements.push(Arc::new(self.plan(text, keyspace.as_deref())?))
                }
                BatchQuery::Prepared(id) => {
                    let id = statement_id(id)?;
                    match self.shared.cached.get(&id) {
                        Some(prepared) => statements.push(self.current(call.turn, &prepared)?),
                        None => unknown.push(id),
                    }
                }
            }
        }
        for planned in &statements {
            match &planned.action {
                Action::Modify(_, replicas) => replicas.check_write(batch.consistency)?,
                _ => {
                    return Err(Error::invalid(
                        "Invalid statement in batch: only UPDATE, INSERT and DELETE statements are allowed.",
                    ));
                }
            }
        }
        Ok(if unknown.is_empty() {
            Ok(statements)
        } else {
            Err(unknown)
        })
    }

    pub(crate) fn batch_bindings<'a>(
        &'a self,
        call: &Call<'_>,
        batch: &Batch<'a>,
        statements: &[Arc<Planned>],
    ) -> Result<Vec<Bindings<'a>>, Error> {
        let moment = moment(call.turn, batch.now_in_seconds);
        batch
            .statements
            .iter()
            .zip(statements)
            .map(|(statement, planned)| {
                Bindings::new(
                    statement.values.iter(),
                    &planned.receivers,
                    moment,
                    &*self.shared.chance,
                )
            })
            .collect()
    }
}

/// What is executed, and how.
struct Run<'a> {
    planned: &'a Planned,
    parameters: &'a Parameters<'a>,
    metadata: Choice,
    id: Id,
    request: &'a Request<'a>,
}

/// A write that is in the turn's frame.
pub(crate) fn acknowledge(call: &mut Call<'_>) -> Progress {
    let warnings = call.turn.take_warnings();
    call.address
        .result(Outcome::Void, &warnings, &mut call.out.acknowledgements);
    call.out.written.push(call.address.stream);
    Progress::Acknowledged
}

fn moment(turn: &Turn, now_in_seconds: Option<i32>) -> Moment {
    let now_seconds = now_in_seconds.map_or_else(|| turn.now_seconds(), i64::from);
    Moment {
        wall_micros: turn.wall_micros(),
        now_seconds,
    }
}

fn statement_id(bytes: &[u8]) -> Result<Id, Error> {
    bytes
        .try_into()
        .map_err(|_| Error::from(Wire::Unprepared { id: bytes.to_vec() }))
}

/// Values given by name, in the order of the markers.
fn by_name<'a>(
    values: &Values<'a>,
    receivers: &[Receiver],
) -> Result<SmallVec<[Value<'a>; 16]>, Error> {
    receivers
        .iter()
        .map(|receiver| {
            values.by_name(&receiver.name).ok_or_else(|| {
                Error::invalid(format!("Missing value for bind marker {}", receiver.name))
            })
        })
        .collect()
}

pub(crate) fn consistency_of(request: &Request<'_>) -> Consistency {
    match request {
        Request::Query(query) => query.parameters.consistency,
        Request::Execute(execute) => execute.parameters.consistency,
        Request::Batch(batch) => batch.consistency,
        _ => Consistency::One,
    }
}

/// The answer of a future that failed.
pub(crate) fn error_answer(address: Address, error: &Error, consistency: Consistency) -> BytesMut {
    let mut out = BytesMut::new();
    address.error(&error.to_wire(consistency), &mut out);
    out
}
