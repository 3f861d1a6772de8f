//! Modifications that read before they write: lists by index or by value. A BATCH of very many texts goes
//! the same way, without a read, because planning it takes longer than a turn; and so does what makes very many cells,
//! which gives way before each step that takes long.
//!
//! 1. The partitions' queues are entered, in one order, so that nobody waits in a ring.
//! 2. The lists of all rows that the statements name are read: within one BATCH no statement sees
//!    what another does.
//! 3. All mutations are encoded and committed together, and the queues are left.
//!
//! All of it takes `write_request_timeout` at most; what was not committed by then never is.

use std::collections::BTreeSet;
use std::sync::Arc;

use base::env::give_way;
use bytes::BytesMut;
use coordinator::{Guard, Turn};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use model::key::{PartitionKey, Slice};
use model::read::{Command, Keys, RowStep};
use model::{ColumnId, TableId};
use protocol::request::{BatchKind, Request};
use protocol::result::Outcome;

use crate::alone::{Alone, commit};
use crate::batch::Plans;
use crate::bind::{Bindings, Carrier};
use crate::error::Error;
use crate::heavy::HEAVY_BYTES;
use crate::modify::Plan;
use crate::modify::lists::Lists;
use crate::output::{Apart, Output};
use crate::prepared::Id;
use crate::service::{Call, Service, error_answer};
use crate::statement::{Action, Planned};
use crate::write::{self, Together};

/// Executes a modification or BATCH that names elements of lists by index or by value.
pub fn start(
    service: Service,
    call: &Call<'_>,
    request: &Request<'_>,
) -> BoxFuture<'static, Apart> {
    let mut alone = Alone::new(service, call, request);
    async move {
        let (service, address, promise) = (alone.service.clone(), alone.address, alone.promise);
        let written = write(&mut alone);
        let written = service.coordinator().within(&promise, written).await;
        let answer = written
            .unwrap_or_else(|late| Err(late.into()))
            .unwrap_or_else(|error| error_answer(address, &error, &promise));
        Apart::Answer(answer)
    }
    .boxed()
}

async fn write(alone: &mut Alone) -> Result<BytesMut, Error> {
    let (service, address, promise) = (alone.service.clone(), alone.address, alone.promise);
    let body_bytes = alone.body_bytes();
    let (request, session) = alone.parts()?;
    let (mut turn, mut out) = (service.turn(), Output::default());
    let mut call = Call {
        turn: &mut turn,
        session,
        address,
        promise,
        out: &mut out,
    };
    let planned = statements(&service, &mut call, &request).await?;
    let places = places(&service, &call, &request, &planned)?;
    let guards = enter(&service, places).await?;
    // The line may have been long: the plans and the time are those of now.
    call.turn.begin();
    let statements = match guards.is_empty() {
        true => planned,
        false => statements(&service, &mut call, &request).await?,
    };
    if body_bytes >= HEAVY_BYTES {
        service.shared().heavy.wait().await;
    }
    let bindings = bindings(&service, &call, &request, &statements)?;
    let jobs = expand(&statements, &bindings)?;
    let mut lists = Lists::default();
    for (plan, bindings) in &jobs {
        read_lists(&service, plan, bindings, &mut lists).await?;
    }
    let with = Together {
        timestamp: timestamp(&request, &statements, &bindings, call.turn)?,
        lists: Some(&lists),
        batch: batch_kind(&request, &statements),
    };
    if body_bytes >= HEAVY_BYTES {
        service.shared().heavy.wait().await;
    }
    write::together(&jobs, &with, &service.shared().options, &mut call)?;
    let warnings = call.turn.take_warnings();
    if body_bytes >= HEAVY_BYTES {
        service.shared().heavy.wait().await;
    }
    commit(&service, &mut turn).await?;
    let mut answer = BytesMut::new();
    address.result(Outcome::Void, &warnings, &mut answer);
    Ok(answer)
}

/// Which BATCH the request is, if it is one.
fn batch_kind(request: &Request<'_>, statements: &[Arc<Planned>]) -> Option<BatchKind> {
    match (request, statements.first().map(|planned| &planned.action)) {
        (Request::Batch(batch), _) => Some(batch.kind),
        (_, Some(Action::Batch(batch, _))) => Some(batch.kind),
        _ => None,
    }
}

/// The plans of the request.
async fn statements(
    service: &Service,
    call: &mut Call<'_>,
    request: &Request<'_>,
) -> Result<Vec<Arc<Planned>>, Error> {
    match request {
        Request::Batch(batch) => {
            let mut plans = Plans::begin(service, batch, call.session)?;
            for statement in batch.statements {
                plans.add(service, call.turn, statement.query)?;
                if call.turn.meter().exhausted() {
                    give_way().await;
                    call.turn.begin();
                }
            }
            let unknown =
                |ids: Vec<Id>| Error::Unprepared(ids.first().copied().unwrap_or_default());
            plans.finish(batch.consistency)?.map_err(unknown)
        }
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
    let carrier = Carrier::of(request);
    statements
        .iter()
        .map(|planned| service.bind(call, carrier, &planned.variables, parameters))
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

/// Waits in the queues of these partitions.
async fn enter(
    service: &Service,
    places: BTreeSet<(TableId, PartitionKey)>,
) -> Result<Vec<Guard>, Error> {
    let mut guards = Vec::with_capacity(places.len());
    for (table, key) in places {
        let queues = service.coordinator().queues();
        guards.push(queues.enter(table, &key.bytes).await?);
    }
    Ok(guards)
}

/// The partitions that are read, in the one order in which everybody enters their queues.
fn places(
    service: &Service,
    call: &Call<'_>,
    request: &Request<'_>,
    statements: &[Arc<Planned>],
) -> Result<BTreeSet<(TableId, PartitionKey)>, Error> {
    let bindings = bindings(service, call, request, statements)?;
    let mut places = BTreeSet::new();
    for (plan, bindings) in expand(statements, &bindings)? {
        if plan.needs_read() {
            let keys = plan.partitions(bindings)?.into_iter();
            places.extend(keys.map(|key| (plan.table.id, key)));
        }
    }
    Ok(places)
}

/// Reads the lists of all rows that a modification names.
async fn read_lists(
    service: &Service,
    plan: &Plan,
    bindings: &Bindings<'_>,
    lists: &mut Lists,
) -> Result<(), Error> {
    let command = || {
        let (table, keys) = (plan.table.id, Keys::List(plan.partitions(bindings)?));
        let now_seconds = bindings.moment.now_seconds;
        Ok::<_, Error>(Command::new(table, keys, now_seconds))
    };
    let statics = plan.lists_of_statics();
    if !statics.is_empty() {
        let mut command = command()?;
        command.distinct = true;
        read(service, plan, command, &statics, lists).await?;
    }
    let regulars = plan.lists_of_rows();
    if !regulars.is_empty() {
        let (rows, mut command) = (plan.rows(bindings)?, command()?);
        command.slices = rows.iter().map(|row| Slice::prefix(&row.bytes)).collect();
        read(service, plan, command, &regulars, lists).await?;
    }
    Ok(())
}

async fn read(
    service: &Service,
    plan: &Plan,
    command: Command,
    wanted: &BTreeSet<ColumnId>,
    lists: &mut Lists,
) -> Result<(), Error> {
    let now_seconds = command.now_seconds;
    let read = service.coordinator().read(&plan.table, command);
    let mut read = read.map_err(|error| Error::of(error, &plan.table))?;
    let mut turn = service.turn();
    loop {
        match read.step(turn.meter())? {
            RowStep::Row => {
                let row = read.row();
                let parts = [(row.clustering, row.image), (None, row.static_image)];
                for (clustering, image) in parts {
                    if let Some(image) = image {
                        let place = (plan.table.id, row.key.bytes, clustering);
                        lists.add(place, image, wanted, now_seconds)?;
                    }
                }
            }
            RowStep::End => return Ok(()),
            RowStep::Wait(wait) => wait.await,
            RowStep::Yield => {
                give_way().await;
                turn.begin();
            }
        }
    }
}
