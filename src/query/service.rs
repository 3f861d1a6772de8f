//! The entry of a node's requests.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use base::env::{Env, Task};
use bytes::BytesMut;
use coordinator::{Coordinator, Promise, Turn};
use metadata::{Committer, State};
use protocol::error::Error as Wire;
use protocol::event::Event;
use protocol::request::{Execute, Prepare, Query, Request};
use protocol::result::{Outcome, Prepared as PreparedAnswer};
use protocol::{Consistency, Version};
use tokio::sync::broadcast;

use crate::alone;
use crate::answer::Address;
use crate::bind::Chance;
use crate::bounds::Counter;
use crate::chance::NodeChance;
use crate::error::{Error, coordinator_to_wire};
use crate::events;
use crate::heavy::Heavy;
use crate::marker;
use crate::options::Options;
use crate::output::{Acknowledgement, Output, Progress};
use crate::prepared::{self, Cached, Id, Prepared};
use crate::prepared_store::Store;
use crate::run::Run;
use crate::select::Choice;
use crate::session::Session;
use crate::statement::{self, Planned};
use crate::trace::Trace;
use crate::write;

/// Executes requests. A clone is the same service.
#[derive(Clone)]
pub struct Service {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) coordinator: Coordinator,
    pub(crate) metadata: Arc<dyn Committer>,
    pub(crate) options: Options,
    pub(crate) chance: Arc<dyn Chance>,
    pub(crate) heavy: Arc<Heavy>,
    pub(crate) cached: Cached,
    pub(crate) store: Store,
    /// This node, as others know it.
    node: IpAddr,
    events: broadcast::Sender<Event>,
    _events_task: Task<()>,
}

/// One request with whom it is from.
pub(crate) struct Call<'a> {
    pub(crate) turn: &'a mut Turn,
    pub(crate) session: &'a mut Session,
    pub(crate) address: Address,
    /// What is promised, as far as is known before the plan is: a BATCH writes, others read.
    pub(crate) promise: Promise,
    pub(crate) out: &'a mut Output,
}

impl Service {
    /// A service over a coordinator and the agreed metadata.
    pub fn new(
        env: Env,
        coordinator: Coordinator,
        metadata: Arc<dyn Committer>,
        options: Options,
    ) -> Self {
        let (sender, _) = broadcast::channel(events::QUEUE_LENGTH);
        let task = env.spawn(
            "schema events",
            events::forward(metadata.clone(), sender.clone()),
        );
        let state = metadata.state();
        let node = state.nodes.get(&metadata.number());
        let shared = Shared {
            node: node.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |node| {
                node.addresses.broadcast.ip()
            }),
            chance: Arc::new(NodeChance::new(&env)),
            heavy: Arc::default(),
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
    pub fn commit_failed(&self, error: &coordinator::Error, write: &Acknowledgement) -> Wire {
        coordinator_to_wire(error, &write.promise, self.shared.node)
    }

    /// The answer to a write whose sync does not come.
    pub fn commit_timed_out(&self, write: &Acknowledgement) -> Wire {
        self.commit_failed(&write.promise.late(), write)
    }

    /// Starts a QUERY, PREPARE, EXECUTE or BATCH. It never waits: what cannot be answered now is
    /// parked or later.
    pub fn start(
        &self,
        turn: &mut Turn,
        session: &mut Session,
        request: &Request<'_>,
        stream: i16,
        tracing: bool,
        out: &mut Output,
    ) -> Progress {
        // What an earlier request of the turn was warned of is none of this one's business.
        drop(turn.take_warnings());
        let mut address = Address {
            node: self.shared.node,
            version: session.version,
            stream,
            tracing_id: None,
        };
        if !tracing {
            return self.begin(turn, session, request, address, out);
        }
        let trace = Trace::begin(self, turn, session, request);
        address.tracing_id = Some(trace.id);
        let progress = self.begin(turn, session, request, address, out);
        trace.follow(progress, turn)
    }

    /// Starts a request for whoever is at this address.
    pub(crate) fn begin(
        &self,
        turn: &mut Turn,
        session: &mut Session,
        request: &Request<'_>,
        address: Address,
        out: &mut Output,
    ) -> Progress {
        turn.meter().request();
        let mut call = Call {
            promise: self.promise(request, turn),
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
                .failure(&error, &call.promise, &mut call.out.answers);
            Progress::Answered
        })
    }

    /// What a request is promised, as far as is known before its plan is.
    pub(crate) fn promise(&self, request: &Request<'_>, turn: &Turn) -> Promise {
        let options = self.shared.coordinator.options();
        let (consistency, begun) = (consistency_of(request), turn.mono());
        match request {
            Request::Batch(batch) => {
                Promise::write(options, consistency, write::batch_type(batch.kind), begun)
            }
            _ => Promise::read(options, consistency, begun),
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The cluster's state as it is now.
    fn state(&self) -> Arc<State> {
        self.shared.metadata.state()
    }

    /// Plans the one statement of a request.
    pub(crate) fn plan(&self, text: &str, keyspace: Option<&str>) -> Result<Planned, Error> {
        self.plan_counted(text, keyspace, &mut Counter::default())
    }

    /// Plans one of the statements of a request, which count together.
    pub(crate) fn plan_counted(
        &self,
        text: &str,
        keyspace: Option<&str>,
        counter: &mut Counter,
    ) -> Result<Planned, Error> {
        counter.text(text)?;
        let statement = cql::parse(text)?;
        counter
            .statement(&statement)
            .map_err(|error| error.quoting(text))?;
        statement::plan(
            statement,
            keyspace,
            &self.shared.options.data_center,
            &self.state().catalog,
        )
        .map_err(|error| error.quoting(text))
    }

    fn query(
        &self,
        call: &mut Call<'_>,
        query: &Query<'_>,
        request: &Request<'_>,
    ) -> Result<Progress, Error> {
        let keyspace = self.keyspace(call.session, query.parameters.keyspace)?;
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
        let state = self.state();
        let (planned, newly_differs) =
            prepared.current(&state.catalog, &self.shared.options.data_center)?;
        if newly_differs || prepared.takes_note() {
            self.note(turn, prepared, prepared.differs());
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
                let keyspace = self.keyspace(call.session, query.parameters.keyspace)?;
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
        let keyspace = self.keyspace(call.session, prepare.keyspace)?;
        let keyspace = keyspace.as_deref();
        let mut warnings = Vec::new();
        let prepared = match self.known(prepare.text, keyspace) {
            Some(prepared) => prepared,
            None => {
                let prepared = self.take_in(call.turn, prepare.text, keyspace)?;
                let is_for_once = prepare.keyspace.is_some();
                if !prepared.is_qualified() && (is_for_once || !call.session.is_warned_of_use) {
                    call.session.is_warned_of_use |= !is_for_once;
                    warnings.push(prepared::warning_of_use(&prepared.id, keyspace));
                }
                prepared
            }
        };
        let planned = self.current(call.turn, &prepared)?;
        let variables = marker::metadata(&planned.variables);
        let answer = PreparedAnswer {
            id: Cow::Borrowed(&prepared.id),
            result_metadata_id: Cow::Borrowed(&planned.metadata_id),
            variables: Cow::Owned(variables),
            partition_key: Cow::Borrowed(&planned.partition_key_markers),
            result: Cow::Borrowed(&planned.metadata),
        };
        call.address
            .result(Outcome::Prepared(answer), &warnings, &mut call.out.answers);
        Ok(Progress::Answered)
    }

    /// The keyspace of a request's unqualified names: that which it names, else the one in use.
    pub(crate) fn keyspace(
        &self,
        session: &Session,
        named: Option<&str>,
    ) -> Result<Option<Arc<str>>, Error> {
        let Some(name) = named else {
            return Ok(session.keyspace.clone());
        };
        self.require_keyspace(name)?;
        Ok(Some(name.into()))
    }

    /// Refuses a keyspace that is not there, as USE does.
    pub(crate) fn require_keyspace(&self, name: &str) -> Result<(), schema::Error> {
        match self.state().catalog.keyspace(name) {
            Some(_) => Ok(()),
            None => Err(schema::Error::invalid(format!(
                "Keyspace '{name}' does not exist"
            ))),
        }
    }

    /// The statement that was prepared before, for this keyspace or for any.
    fn known(&self, text: &str, keyspace: Option<&str>) -> Option<Arc<Prepared>> {
        let cached = &self.shared.cached;
        cached.get(&prepared::id(text, keyspace)).or_else(|| {
            let any = cached.get(&prepared::id(text, None))?;
            any.is_qualified().then_some(any)
        })
    }

    /// Plans a text and keeps it; its row is written with the turn, and nobody waits for it.
    fn take_in(
        &self,
        turn: &mut Turn,
        text: &str,
        keyspace: Option<&str>,
    ) -> Result<Arc<Prepared>, Error> {
        let planned = self.plan(text, keyspace)?;
        let keyspace = keyspace.filter(|_| !planned.is_qualified);
        let prepared = Arc::new(Prepared::new(text, keyspace, planned));
        self.keep(turn, &prepared);
        self.note(turn, &prepared, false);
        Ok(prepared)
    }

    /// Writes a statement's row with the turn. Nobody fails because it cannot be written: without the
    /// row a client prepares again after a restart.
    fn note(&self, turn: &mut Turn, prepared: &Prepared, differs: bool) {
        let catalog = &self.state().catalog;
        if let Err(error) = self.shared.store.remember(prepared, differs, catalog, turn) {
            tracing::debug!("a prepared statement is not remembered: {error}");
            prepared.owe_note();
        }
    }

    /// Puts a statement into the cache, and takes the rows of those it replaces out of the table.
    pub(crate) fn keep(&self, turn: &mut Turn, prepared: &Arc<Prepared>) {
        for evicted in self.shared.cached.insert(prepared.clone()) {
            let catalog = &self.state().catalog;
            if let Err(error) = self.shared.store.forget(&evicted, catalog, turn) {
                tracing::debug!("a prepared statement is not forgotten: {error}");
            }
        }
    }
}

pub(crate) fn statement_id(bytes: &[u8]) -> Result<Id, Error> {
    bytes
        .try_into()
        .map_err(|_| Error::from(Wire::Unprepared { id: bytes.to_vec() }))
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
pub(crate) fn error_answer(address: Address, error: &Error, promise: &Promise) -> BytesMut {
    let mut out = BytesMut::new();
    address.failure(error, promise, &mut out);
    out
}
