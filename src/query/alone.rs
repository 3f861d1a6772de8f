//! Requests that cannot be answered within a turn: each is a future with a turn of its own.
//!
//! The request is encoded again into bytes that the future owns, since a connection's buffer moves
//! on. Two things are done so: executing a statement that must first be looked up in
//! `system.prepared_statements`, here, and what reads before it writes, in `crate::read_first`.
//!
//! Nobody waits for ever: each step has the deadline that its kind of request has everywhere. A read
//! is handed back as soon as it must wait: its answer grows in the connection's turns, where it is
//! counted.

use std::sync::Arc;

use bytes::BytesMut;
use coordinator::{Promise, Turn};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use protocol::frame::Opcode;
use protocol::request::{self, Request};

use crate::answer::Address;
use crate::error::Error;
use crate::output::{Apart, Output, Progress};
use crate::prepared::{Id, Prepared};
use crate::service::{Call, Service, error_answer};
use crate::session::Session;
use crate::statement;

/// A request with everything that it needs, on its own.
pub struct Alone {
    pub(crate) service: Service,
    pub(crate) session: Session,
    pub(crate) address: Address,
    /// What it was promised when it left its turn.
    pub(crate) promise: Promise,
    opcode: Opcode,
    body: BytesMut,
}

impl Alone {
    /// Takes a request out of its turn.
    pub(crate) fn new(service: Service, call: &Call<'_>, request: &Request<'_>) -> Self {
        let mut body = BytesMut::new();
        request.encode_body(call.address.version, &mut body);
        Alone {
            service,
            session: call.session.twin(),
            address: call.address,
            promise: call.promise,
            opcode: request.opcode(),
            body,
        }
    }

    /// How long the request is.
    pub(crate) fn body_bytes(&self) -> usize {
        self.body.len()
    }

    /// Takes it apart into what may be borrowed side by side.
    pub(crate) fn parts(&mut self) -> Result<(Request<'_>, &mut Session), Error> {
        let request = request::decode(self.address.version, 0, self.opcode, &self.body)?;
        Ok((request, &mut self.session))
    }
}

/// Looks up statements that the cache does not have, then executes the request.
pub fn after_lookup(
    service: Service,
    call: &Call<'_>,
    request: &Request<'_>,
    unknown: Vec<Id>,
) -> BoxFuture<'static, Apart> {
    let alone = Alone::new(service, call, request);
    async move {
        let (address, promise) = (alone.address, alone.promise);
        for id in unknown {
            let coordinator = alone.service.coordinator();
            let begun = coordinator.env().mono();
            let reading = Promise::read(coordinator.options(), promise.consistency, begun);
            let found = coordinator.within(&reading, look_up(&alone.service, id));
            // A client that is told so prepares the statement again, which needs no look-up.
            let found = found.await.unwrap_or(Err(Error::Unprepared(id)));
            if let Err(error) = found {
                return Apart::Answer(error_answer(address, &error, &promise));
            }
        }
        execute(alone)
            .await
            .unwrap_or_else(|error| Apart::Answer(error_answer(address, &error, &promise)))
    }
    .boxed()
}

/// Puts a statement that the table remembers into the cache.
async fn look_up(service: &Service, id: Id) -> Result<(), Error> {
    let shared = service.shared();
    let catalog = shared.metadata.state().catalog.clone();
    let found = shared
        .store
        .find(&id, &catalog, &shared.coordinator)
        .await?;
    let found = found.ok_or(Error::Unprepared(id))?;
    let parsed = cql::parse(&found.text)?;
    let planned = statement::plan(
        parsed,
        found.keyspace.as_deref(),
        &shared.options.data_center,
        &catalog,
    )?;
    let (first, differs) = (found.first_metadata_id, found.differs);
    let prepared = Arc::new(Prepared::known(
        &found.text,
        found.keyspace.as_deref(),
        planned,
        first,
        differs,
    ));
    if prepared.id != id {
        return Err(Error::Unprepared(id));
    }
    let mut turn = service.turn();
    service.keep(&mut turn, &prepared);
    turn.commit()?;
    Ok(())
}

/// Executes a request to its end; a read, as far as it goes without waiting.
async fn execute(mut alone: Alone) -> Result<Apart, Error> {
    let (service, address, promise) = (alone.service.clone(), alone.address, alone.promise);
    let (request, session) = alone.parts()?;
    let (mut turn, mut out) = (service.turn(), Output::default());
    match service.begin(&mut turn, session, &request, address, &mut out) {
        Progress::Answered => {
            turn.commit()?;
            Ok(Apart::Answer(out.answers))
        }
        Progress::Acknowledged => {
            let promise = out.written.first().map_or(promise, |write| write.promise);
            let committed = commit(&service, &mut turn);
            let committed = service.coordinator().within(&promise, committed).await;
            let committed = committed.unwrap_or_else(|late| Err(late.into()));
            Ok(Apart::Answer(match committed {
                Ok(()) => out.acknowledgements,
                Err(error) => error_answer(address, &error, &promise),
            }))
        }
        Progress::Parked(parked) => Ok(Apart::Read(parked)),
        Progress::Later(later) => Ok(later.await),
    }
}

/// Writes the turn's frame and waits until it is as safe as the log's mode promises.
pub(crate) async fn commit(service: &Service, turn: &mut Turn) -> Result<(), Error> {
    if let Some(position) = turn.commit()? {
        service.coordinator().synced(position).await?;
    }
    Ok(())
}
