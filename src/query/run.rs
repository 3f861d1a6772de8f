//! Executing one planned statement: values bound, level checked, then read, written or changed.

use coordinator::{Promise, Turn};
use protocol::error::WriteType;
use protocol::request::{Parameters, Request, Values};
use protocol::result::Outcome;
use protocol::wire::Value;
use std::sync::Arc;

use crate::bind::{Bindings, Carrier, Moment};
use crate::error::Error;
use crate::heavy::HEAVY_BYTES;
use crate::marker::Variable;
use crate::modify::{self, Context};
use crate::output::{Acknowledgement, Parked, Progress};
use crate::prepared::Id;
use crate::read_first;
use crate::restriction::KeyPlan;
use crate::schema_change::{self, Source};
use crate::select::{self, Choice, Execution};
use crate::service::{Call, Service};
use crate::statement::{Action, Planned};
use crate::write::{self, Together};

/// What is executed, and how.
pub(crate) struct Run<'a> {
    /// The statement.
    pub(crate) planned: &'a Planned,
    /// What the request says besides.
    pub(crate) parameters: &'a Parameters<'a>,
    /// How the result's columns are told.
    pub(crate) metadata: Choice,
    /// The digest of keyspace and text.
    pub(crate) id: Id,
    /// The request itself, for what goes on after its turn.
    pub(crate) request: &'a Request<'a>,
}

impl Service {
    /// Executes a statement.
    pub(crate) fn run(
        &self,
        call: &mut Call<'_>,
        run: &Run<'_>,
        keyspace: Option<&str>,
    ) -> Result<Progress, Error> {
        let parameters = run.parameters;
        match &run.planned.action {
            Action::Select(plan, replicas) => {
                replicas.check_read(parameters.consistency)?;
                call.promise = self.promise_read(call, plan);
                self.select(call, plan, run)
            }
            Action::Modify(plan, replicas) => {
                replicas.check_write(parameters.consistency)?;
                call.promise = self.promise_write(call, WriteType::Simple);
                if plan.needs_read() || is_heavy(plan, &parameters.values) {
                    return Ok(Progress::Later(read_first::start(
                        self.clone(),
                        call,
                        run.request,
                    )));
                }
                let bindings = self.bind_all(call, run)?;
                let context = Context {
                    timestamp: parameters.timestamp,
                    lists: None,
                    is_counted: false,
                };
                plan.execute(&bindings, &context, call.turn, &mut call.session.scratch)?;
                Ok(acknowledge(call))
            }
            Action::Batch(batch, replicas) => {
                replicas
                    .iter()
                    .try_for_each(|replicas| replicas.check_write(parameters.consistency))?;
                call.promise = self.promise_write(call, write::batch_type(batch.kind));
                let mut plans = batch.statements.iter();
                if plans.any(|plan| plan.needs_read() || is_heavy(plan, &parameters.values)) {
                    return Ok(Progress::Later(read_first::start(
                        self.clone(),
                        call,
                        run.request,
                    )));
                }
                let bindings = self.bind_all(call, run)?;
                let timestamp =
                    write::batch_timestamp(batch, &bindings, parameters.timestamp, call.turn)?;
                let jobs = batch.statements.iter().map(|plan| (plan, &bindings));
                let with = Together {
                    timestamp,
                    lists: None,
                    batch: Some(batch.kind),
                };
                write::together(&jobs.collect::<Vec<_>>(), &with, &self.shared.options, call)?;
                Ok(acknowledge(call))
            }
            Action::Other(statement) => {
                self.bind_all(call, run)?;
                let source = Source::of(run.request, statement);
                schema_change::start(self, call, source, keyspace)
            }
        }
    }

    fn bind_all<'a>(&'a self, call: &Call<'_>, run: &Run<'a>) -> Result<Bindings<'a>, Error> {
        let carrier = Carrier::of(run.request);
        self.bind(call, carrier, &run.planned.variables, run.parameters)
    }

    /// The values of a request, in the order of the statement's markers.
    pub(crate) fn bind<'a>(
        &'a self,
        call: &Call<'_>,
        carrier: Carrier,
        variables: &[Variable],
        parameters: &Parameters<'a>,
    ) -> Result<Bindings<'a>, Error> {
        let moment = moment(call.turn, parameters.now_in_seconds);
        let chance = &*self.shared.chance;
        if !parameters.values.are_named() {
            let values = parameters.values.iter();
            return Bindings::new(carrier, values, variables, moment, chance);
        }
        let values = by_name(&parameters.values, variables);
        Bindings::new(carrier, values, variables, moment, chance)
    }

    fn select(
        &self,
        call: &mut Call<'_>,
        plan: &Arc<select::Plan>,
        run: &Run<'_>,
    ) -> Result<Progress, Error> {
        let parameters = run.parameters;
        let bindings = self.bind_all(call, run)?;
        let request = select::Request {
            address: call.address,
            page_rows: parameters.page_size,
            metadata: run.metadata,
            statement: run.id,
            dead_rows_fail: self.shared.options.dead_rows_fail,
            dead_rows_warn: self.shared.options.dead_rows_warn,
        };
        let mut execution = Execution::begin(
            plan,
            &bindings,
            &self.shared,
            request,
            parameters.paging_state,
            call.session.buffers.take().unwrap_or_default(),
        )?;
        let wait = match execution.step(call.turn.meter(), &mut call.out.answers)? {
            select::Progress::Done => {
                call.session.buffers = Some(execution.into_buffers());
                return Ok(Progress::Answered);
            }
            select::Progress::Yield => None,
            select::Progress::Wait(wait) => Some(wait),
        };
        Ok(Progress::Parked(Parked {
            buffer: execution.detach(&mut call.out.answers),
            execution: Box::new(execution),
            wait,
            promise: call.promise,
            address: call.address,
            trace: None,
        }))
    }

    fn promise_read(&self, call: &Call<'_>, plan: &select::Plan) -> Promise {
        let options = self.shared.coordinator.options();
        let (consistency, begun) = (call.promise.consistency, call.turn.mono());
        match plan.restrictions.keys {
            KeyPlan::Points(_) => Promise::read(options, consistency, begun),
            KeyPlan::Tokens(_) => Promise::range(options, consistency, begun),
        }
    }

    fn promise_write(&self, call: &Call<'_>, write_type: WriteType) -> Promise {
        let options = self.shared.coordinator.options();
        Promise::write(
            options,
            call.promise.consistency,
            write_type,
            call.turn.mono(),
        )
    }
}

/// Whether a write makes so many cells that others should not wait for all of it.
pub(crate) fn is_heavy(plan: &modify::Plan, values: &Values<'_>) -> bool {
    let bytes = |value: Value<'_>| match value {
        Value::Set(bytes) => bytes.len(),
        Value::Null | Value::Unset => 0,
    };
    plan.makes_many_cells() && values.iter().map(bytes).sum::<usize>() >= HEAVY_BYTES
}

/// A write that is in the turn's frame.
pub(crate) fn acknowledge(call: &mut Call<'_>) -> Progress {
    let warnings = call.turn.take_warnings();
    call.address
        .result(Outcome::Void, &warnings, &mut call.out.acknowledgements);
    call.out.written.push(Acknowledgement {
        stream: call.address.stream,
        promise: call.promise,
    });
    Progress::Acknowledged
}

/// When a request takes place: now, unless it says otherwise.
pub(crate) fn moment(turn: &Turn, now_in_seconds: Option<i32>) -> Moment {
    let now_seconds = now_in_seconds.map_or_else(|| turn.now_seconds(), i64::from);
    Moment {
        wall_micros: turn.wall_micros(),
        now_seconds,
    }
}

/// Values given by name, in the order of the markers. Those that have no marker are left out.
fn by_name<'a>(values: &Values<'a>, variables: &[Variable]) -> impl Iterator<Item = Value<'a>> {
    let names = variables.iter().map(|variable| &*variable.receiver.name);
    names.filter_map(|name| values.by_name(name))
}
