//! BATCH: several statements of the protocol's request, written as one.

use std::sync::Arc;

use protocol::request::{Batch, BatchKind, BatchQuery, Request};

use crate::alone;
use crate::bind::Bindings;
use crate::bounds::Counter;
use crate::error::Error;
use crate::output::Progress;
use crate::prepared::Id;
use crate::read_first;
use crate::run::{acknowledge, moment};
use crate::service::{Call, Service, statement_id};
use crate::statement::{Action, Planned};
use crate::write::{self, Together};

impl Service {
    /// Executes a BATCH.
    pub(crate) fn batch(
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
        let write_type = write::batch_type(batch.kind);
        Ok(acknowledge(call, batch.consistency, write_type))
    }

    /// The plans of a BATCH's statements, or the ids that nobody here knows yet.
    pub(crate) fn batch_statements(
        &self,
        call: &mut Call<'_>,
        batch: &Batch<'_>,
    ) -> Result<Result<Vec<Arc<Planned>>, Vec<Id>>, Error> {
        if batch.kind == BatchKind::Counter {
            return Err(Error::unsupported("A counter batch"));
        }
        let keyspace = batch
            .keyspace
            .map(Arc::from)
            .or_else(|| call.session.keyspace.clone());
        let mut counter = Counter::default();
        let (mut statements, mut unknown) =
            (Vec::with_capacity(batch.statements.len()), Vec::new());
        for statement in batch.statements {
            match statement.query {
                BatchQuery::Text(text) => statements.push(Arc::new(self.plan_counted(
                    text,
                    keyspace.as_deref(),
                    &mut counter,
                )?)),
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
                    statement.values.iter(),
                    &planned.receivers,
                    moment,
                    &*self.shared.chance,
                )
            })
            .collect()
    }
}
