//! Requests that cannot be answered within a turn: each is a future with a turn of its own.
//!
//! The request is encoded again into bytes that the future owns, since a connection's buffer moves
//! on. Two things are done so: executing a statement that must first be looked up in
//! `system.prepared_statements`, and writing to lists by index, which reads them first.

use std::sync::Arc;

use bytes::BytesMut;
use coordinator::{Guard, Turn};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use model::TableId;
use model::key::{PartitionKey, Slice};
use model::read::{Command, Keys, RowStep};
use protocol::frame::Opcode;
use protocol::request::{self, Request};
use protocol::result::Outcome;

use crate::answer::Address;
use crate::bind::Bindings;
use crate::error::{Error, coordinator_to_wire};
use crate::modify::Plan;
use crate::modify::lists::Lists;
use crate::output::{Output, Progress};
use crate::prepared::{Id, Prepared};
use crate::service::{Call, Service, consistency_of, error_answer};
use crate::session::Session;
use crate::statement::{self, Action, Planned};
use crate::write;

/// A request with everything that it needs, on its own.
struct Alone {
    service: Service,
    session: Session,
    address: Address,
    opcode: Opcode,
    body: BytesMut,
}

impl Alone {
    fn new(service: Service, call: &Call<'_>, request: &Request<'_>) -> Self {
        let mut body = BytesMut::new();
        request.encode_body(call.address.version, &mut body);
        Alone {
            service,
            session: call.session.twin(),
            address: call.address,
            opcode: request.opcode(),
            body,
        }
    }
}

/// Looks up statements that the cache does not have, then executes the request.
pub fn after_lookup(
    service: Service,
    call: &Call<'_>,
    request: &Request<'_>,
    unknown: Vec<Id>,
) -> BoxFuture<'static, BytesMut> {
    let alone = Alone::new(service, call, request);
    let consistency = consistency_of(request);
    async move {
        let address = alone.address;
        for id in unknown {
            if let Err(error) = look_up(&alone.service, id).await {
                return error_answer(address, &error, consistency);
            }
        }
        execute(alone)
            .await
            .unwrap_or_else(|error| error_answer(address, &error, consistency))
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
    service.keep(&mut turn, &prepared)?;
    turn.commit()?;
    Ok(())
}

/// Executes a request to its end, turn by turn.
async fn execute(mut alone: Alone) -> Result<BytesMut, Error> {
    let request = request::decode(alone.address.version, 0, alone.opcode, &alone.body)?;
    let (mut turn, mut out) = (alone.service.turn(), Output::default());
    let (session, address) = (&mut alone.session, alone.address);
    let mut progress = alone
        .service
        .begin(&mut turn, session, &request, address, &mut out);
    loop {
        match progress {
            Progress::Answered => {
                commit(&alone.service, &mut turn).await?;
                return Ok(out.answers);
            }
            Progress::Acknowledged => {
                commit(&alone.service, &mut turn).await?;
                return Ok(out.acknowledgements);
            }
            Progress::Later(later) => return Ok(later.await),
            Progress::Parked(mut parked) => {
                if let Some(wait) = parked.take_wait() {
                    wait.await;
                }
                tokio::task::yield_now().await;
                turn.begin();
                progress = parked.resume(&mut turn, &mut out);
            }
        }
    }
}

async fn commit(service: &Service, turn: &mut Turn) -> Result<(), Error> {
    if let Some(position) = turn.commit()? {
        service.coordinator().synced(position).await?;
    }
    Ok(())
}

/// Executes a modification or BATCH that names elements of lists by index or by value.
pub fn with_lists(
    service: Service,
    call: &Call<'_>,
    request: &Request<'_>,
) -> BoxFuture<'static, BytesMut> {
    let alone = Alone::new(service, call, request);
    let consistency = consistency_of(request);
    async move {
        let address = alone.address;
        match write_with_lists(alone).await {
            Ok(answer) => answer,
            Err(Error::Coordinator(error)) => {
                let mut out = BytesMut::new();
                address.error(&coordinator_to_wire(&error, consistency), &mut out);
                out
            }
            Err(error) => error_answer(address, &error, consistency),
        }
    }
    .boxed()
}

async fn write_with_lists(mut alone: Alone) -> Result<BytesMut, Error> {
    let request = request::decode(alone.address.version, 0, alone.opcode, &alone.body)?;
    let service = alone.service.clone();
    let (mut turn, mut out) = (service.turn(), Output::default());
    let address = alone.address;
    let mut call = Call {
        turn: &mut turn,
        session: &mut alone.session,
        address,
        out: &mut out,
    };
    let statements = statements(&service, &mut call, &request)?;
    let bindings = bindings(&service, &call, &request, &statements)?;
    let jobs = expand(&statements, &bindings)?;
    let _guards = enter(&service, &jobs).await?;
    let mut lists = Vec::with_capacity(jobs.len());
    for (plan, bindings) in &jobs {
        lists.push(read_lists(&service, plan, bindings).await?);
    }
    let timestamp = timestamp(&request, &statements, &bindings, call.turn)?;
    write::together(jobs.into_iter(), timestamp, Some(&lists), &mut call)?;
    let warnings = call.turn.take_warnings();
    commit(&service, &mut turn).await?;
    let mut answer = BytesMut::new();
    address.result(Outcome::Void, &warnings, &mut answer);
    Ok(answer)
}

/// The plans of the request.
fn statements(
    service: &Service,
    call: &mut Call<'_>,
    request: &Request<'_>,
) -> Result<Vec<Arc<Planned>>, Error> {
    match request {
        Request::Batch(batch) => match service.batch_statements(call, batch)? {
            Ok(statements) => Ok(statements),
            Err(unknown) => Err(Error::Unprepared(
                unknown.first().copied().unwrap_or_default(),
            )),
        },
        other => Ok(vec![service.planned(call, other)?]),
    }
}

fn bindings<'a>(
    service: &'a Service,
    call: &Call<'_>,
    request: &Request<'a>,
    statements: &[Arc<Planned>],
) -> Result<Vec<Bindings<'a>>, Error> {
    let parameters = match request {
        Request::Batch(batch) => return service.batch_bindings(call, batch, statements),
        Request::Query(query) => &query.parameters,
        Request::Execute(execute) => &execute.parameters,
        _ => return Ok(Vec::new()),
    };
    statements
        .iter()
        .map(|planned| service.bind(call, &planned.receivers, parameters))
        .collect()
}

/// Every single modification with its values: a `BEGIN BATCH` is several with the same.
fn expand<'p, 'b, 'v>(
    statements: &'p [Arc<Planned>],
    bindings: &'b [Bindings<'v>],
) -> Result<Vec<(&'p Plan, &'b Bindings<'v>)>, Error> {
    let mut jobs = Vec::new();
    for (planned, bindings) in statements.iter().zip(bindings) {
        match &planned.action {
            Action::Modify(plan, _) => jobs.push((&**plan, bindings)),
            Action::Batch(batch, _) => {
                jobs.extend(batch.statements.iter().map(|plan| (plan, bindings)))
            }
            _ => return Err(Error::Server("a statement that does not write".into())),
        }
    }
    Ok(jobs)
}

fn timestamp(
    request: &Request<'_>,
    statements: &[Arc<Planned>],
    bindings: &[Bindings<'_>],
    turn: &mut Turn,
) -> Result<Option<i64>, Error> {
    let given = match request {
        Request::Batch(batch) => batch.timestamp,
        Request::Query(query) => query.parameters.timestamp,
        Request::Execute(execute) => execute.parameters.timestamp,
        _ => None,
    };
    match (
        statements.first().map(|planned| &planned.action),
        bindings.first(),
    ) {
        (Some(Action::Batch(batch, _)), Some(bindings)) => {
            write::batch_timestamp(batch, bindings, given, turn)
        }
        _ => Ok(given),
    }
}

/// Waits in the queues of all partitions that are read, in one order so that nobody waits in a ring.
async fn enter(service: &Service, jobs: &[(&Plan, &Bindings<'_>)]) -> Result<Vec<Guard>, Error> {
    let mut places: Vec<(TableId, PartitionKey)> = Vec::new();
    for (plan, bindings) in jobs.iter().filter(|(plan, _)| plan.needs_read()) {
        places.extend(
            plan.partitions(bindings)?
                .into_iter()
                .map(|key| (plan.table.id, key)),
        );
    }
    places.sort();
    places.dedup();
    let mut guards = Vec::with_capacity(places.len());
    for (table, key) in places {
        guards.push(
            service
                .coordinator()
                .queues()
                .enter(table, &key.bytes)
                .await?,
        );
    }
    Ok(guards)
}

/// The lists of the one row that a modification names.
async fn read_lists(
    service: &Service,
    plan: &Plan,
    bindings: &Bindings<'_>,
) -> Result<Lists, Error> {
    let mut lists = Lists::default();
    if !plan.needs_read() {
        return Ok(lists);
    }
    let (keys, rows) = (plan.partitions(bindings)?, plan.rows(bindings)?);
    if keys.len() != 1 || rows.len() != 1 {
        return Err(Error::unsupported(
            "Changing a list by index or value in several rows at once",
        ));
    }
    let now_seconds = bindings.moment.now_seconds;
    let mut command = Command::new(plan.table.id, Keys::List(keys), now_seconds);
    if plan.touches_rows() {
        command.slices = rows.iter().map(|row| Slice::prefix(&row.bytes)).collect();
    }
    let mut read = service.coordinator().read(&plan.table, command)?;
    let mut turn = service.turn();
    loop {
        match read.step(turn.meter())? {
            RowStep::Row => {
                let row = read.row();
                let images = [row.image, row.static_image];
                images
                    .into_iter()
                    .flatten()
                    .for_each(|image| lists.add(image, now_seconds));
                return Ok(lists);
            }
            RowStep::End => return Ok(lists),
            RowStep::Wait(wait) => wait.await,
            RowStep::Yield => turn.begin(),
        }
    }
}
