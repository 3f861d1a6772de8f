//! BATCH: several statements of the protocol's request, written as one.

use std::sync::Arc;

use coordinator::Turn;
use protocol::Consistency;
use protocol::request::{Batch, BatchKind, BatchQuery, Request};

use crate::alone;
use crate::bind::{Bindings, Carrier};
use crate::bounds::{self, Counter};
use crate::error::Error;
use crate::output::Progress;
use crate::prepared::Id;
use crate::read_first;
use crate::run::{acknowledge, is_heavy, moment};
use crate::service::{Call, Service, statement_id};
use crate::session::Session;
use crate::statement::{Action, Planned};
use crate::write::{self, Together};

/// A BATCH of more texts is planned apart from the turn.
const TEXTS_PER_TURN_MAX: usize = 128;
/// What a text costs, in bytes read: 4 µs to parse and plan a short one.
const TEXT_READ_BYTES: u64 = 16 << 10;

impl Service {
    /// Executes a BATCH.
    pub(crate) fn batch(
        &self,
        call: &mut Call<'_>,
        batch: &Batch<'_>,
        request: &Request<'_>,
    ) -> Result<Progress, Error> {
        // Others would wait while all of these are parsed.
        if texts(batch) > TEXTS_PER_TURN_MAX {
            return Ok(Progress::Later(read_first::start(
                self.clone(),
                call,
                request,
            )));
        }
        let mut plans = Plans::begin(self, batch, call.session)?;
        for statement in batch.statements {
            plans.add(self, call.turn, statement.query)?;
        }
        let statements = match plans.finish(batch.consistency)? {
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
        if write::any_needs_read(&statements) || any_is_heavy(batch, &statements) {
            return Ok(Progress::Later(read_first::start(
                self.clone(),
                call,
                request,
            )));
        }
        let bindings = self.batch_bindings(call, batch, &statements)?;
        let jobs = write::jobs(&statements, &bindings)?;
        let with = Together {
            timestamp: batch.timestamp,
            lists: None,
            batch: Some(batch.kind),
        };
        write::together(&jobs, &with, &self.shared.options, call)?;
        Ok(acknowledge(call))
    }

    /// The values of each statement.
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
                    Carrier::Batch,
                    statement.values.iter(),
                    &planned.variables,
                    moment,
                    &*self.shared.chance,
                )
            })
            .collect()
    }
}

/// Whether a statement makes very many cells.
fn any_is_heavy(batch: &Batch<'_>, statements: &[Arc<Planned>]) -> bool {
    let mut each = batch.statements.iter().zip(statements);
    each.any(|(statement, planned)| match &planned.action {
        Action::Modify(plan, _) => is_heavy(plan, &statement.values),
        _ => false,
    })
}

fn texts(batch: &Batch<'_>) -> usize {
    let queries = batch.statements.iter().map(|statement| statement.query);
    queries
        .filter(|query| matches!(query, BatchQuery::Text(_)))
        .count()
}

/// The plans of a BATCH's statements, made one by one.
pub(crate) struct Plans {
    keyspace: Option<Arc<str>>,
    counter: Counter,
    statements: Vec<Arc<Planned>>,
    /// The ids that nobody here knows yet.
    unknown: Vec<Id>,
}

impl Plans {
    /// None yet.
    pub(crate) fn begin(
        service: &Service,
        batch: &Batch<'_>,
        session: &Session,
    ) -> Result<Self, Error> {
        if batch.kind == BatchKind::Counter {
            return Err(Error::unsupported("A counter batch"));
        }
        bounds::check_texts(texts(batch))?;
        Ok(Plans {
            keyspace: service.keyspace(session, batch.keyspace)?,
            counter: Counter::default(),
            statements: Vec::with_capacity(batch.statements.len()),
            unknown: Vec::new(),
        })
    }

    /// Plans the next statement.
    pub(crate) fn add(
        &mut self,
        service: &Service,
        turn: &mut Turn,
        query: BatchQuery<'_>,
    ) -> Result<(), Error> {
        match query {
            BatchQuery::Text(text) => {
                turn.meter().charge(0, 0, TEXT_READ_BYTES);
                let keyspace = self.keyspace.as_deref();
                let planned = service.plan_counted(text, keyspace, &mut self.counter)?;
                self.statements.push(Arc::new(planned));
            }
            BatchQuery::Prepared(id) => {
                let id = statement_id(id)?;
                match service.shared.cached.get(&id) {
                    Some(prepared) => self.statements.push(service.current(turn, &prepared)?),
                    None => self.unknown.push(id),
                }
            }
        }
        Ok(())
    }

    /// All plans, or the ids that nobody here knows yet.
    pub(crate) fn finish(
        self,
        consistency: Consistency,
    ) -> Result<Result<Vec<Arc<Planned>>, Vec<Id>>, Error> {
        for planned in &self.statements {
            match &planned.action {
                Action::Modify(_, replicas) => replicas.check_write(consistency)?,
                _ => {
                    return Err(Error::invalid(
                        "Invalid statement in batch: only UPDATE, INSERT and DELETE statements are allowed.",
                    ));
                }
            }
        }
        Ok(if self.unknown.is_empty() {
            Ok(self.statements)
        } else {
            Err(self.unknown)
        })
    }
}
