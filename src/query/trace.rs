//! A traced request: what happened to it and when, left in `system_traces` for a day.
//!
//! The client is told the trace's id with the answer and reads the rows by it. They are written with
//! the turn in which the request ended, so nobody waits for them.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use coordinator::Turn;
use futures_util::FutureExt;
use model::cell::Kind;
use model::image::Builder;
use model::key::clustering::{self, Component};
use model::key::{Order, PartitionKey};
use model::{Liveness, Timestamp};
use protocol::Consistency;
use protocol::request::{Execute, Query, Request};
use schema::{Catalog, Table};
use types::Type;
use types::value::inet;
use uuid::Uuid;

use crate::error::Error;
use crate::output::{Apart, Progress};
use crate::service::{Service, consistency_of};
use crate::session::Session;

/// Where the rows are.
const KEYSPACE: &str = "system_traces";

/// How long the rows live.
const KEPT_SECONDS: u32 = 24 * 60 * 60;

/// A request that is being traced.
pub struct Trace {
    service: Service,
    /// What the client asks for the rows by.
    pub id: Uuid,
    began: Duration,
    started_micros: i64,
    client: Option<IpAddr>,
    request: &'static str,
    parameters: Vec<(&'static str, String)>,
    events: Vec<(Duration, &'static str)>,
}

impl Trace {
    /// Begins with the request.
    pub fn begin(service: &Service, turn: &Turn, session: &Session, request: &Request<'_>) -> Self {
        // As the session's row has it, so that no event seems to come after the end.
        let started_micros = turn.wall_micros().div_euclid(1_000) * 1_000;
        let id = service.shared.chance.time_uuid(started_micros);
        let (kind, text) = match request {
            Request::Query(query) => ("Execute CQL3 query", Some(query.text)),
            Request::Prepare(prepare) => ("Preparing CQL3 query", Some(prepare.text)),
            Request::Execute(_) => ("Execute CQL3 prepared query", None),
            _ => ("Execute batch of CQL3 queries", None),
        };
        let mut parameters = vec![("consistency_level", consistency_of(request).to_string())];
        parameters.extend(text.map(|text| ("query", text.to_string())));
        if let Request::Query(Query { parameters: p, .. })
        | Request::Execute(Execute { parameters: p, .. }) = request
        {
            let serial = p.serial_consistency.unwrap_or(Consistency::Serial);
            parameters.push(("serial_consistency_level", serial.to_string()));
            let page_size = p.page_size.map(|rows| ("page_size", rows.to_string()));
            parameters.extend(page_size);
        }
        Trace {
            service: service.clone(),
            id: Uuid::from_bytes(id),
            began: service.coordinator().env().mono(),
            started_micros,
            client: session.client,
            request: kind,
            parameters,
            events: Vec::new(),
        }
    }

    /// Notes what just happened.
    pub fn note(&mut self, activity: &'static str) {
        self.events.push((self.elapsed(), activity));
    }

    fn elapsed(&self) -> Duration {
        let now = self.service.coordinator().env().mono();
        now.saturating_sub(self.began)
    }

    /// Goes along with the request until it has its answer.
    pub fn follow(mut self, progress: Progress, turn: &mut Turn) -> Progress {
        match progress {
            Progress::Answered => self.note("Answered within the turn"),
            Progress::Acknowledged => self.note("Encoded into the turn's commit log frame"),
            Progress::Parked(mut parked) => {
                self.note("Reading on in another turn");
                parked.trace = Some(Box::new(self));
                return Progress::Parked(parked);
            }
            Progress::Later(later) => {
                self.note("Continuing apart from the turn");
                let answered = async move {
                    let answer = match later.await {
                        Apart::Answer(answer) => answer,
                        Apart::Read(mut parked) => {
                            self.note("Reading on in another turn");
                            parked.trace = Some(Box::new(self));
                            return Apart::Read(parked);
                        }
                    };
                    let mut turn = self.service.turn();
                    self.finish(&mut turn);
                    if let Err(error) = turn.commit() {
                        tracing::warn!("a trace was not written: {error}");
                    }
                    Apart::Answer(answer)
                };
                return Progress::Later(answered.boxed());
            }
        }
        self.finish(turn);
        progress
    }

    /// Writes the rows into the turn.
    pub fn finish(mut self, turn: &mut Turn) {
        self.note("Request complete");
        if let Err(error) = self.write(turn) {
            tracing::warn!("a trace was not written: {error}");
        }
    }

    fn write(&self, turn: &mut Turn) -> Result<(), Error> {
        let state = self.service.shared.metadata.state();
        let node = state.nodes.get(&self.service.shared.metadata.number());
        let own = node.map(|node| node.addresses.broadcast);
        let own = own.ok_or_else(|| Error::Server("this node is not known".into()))?;
        self.write_session(&state.catalog, own, turn)?;
        for event in &self.events {
            self.write_event(&state.catalog, *event, own, turn)?;
        }
        Ok(())
    }

    fn write_session(
        &self,
        catalog: &Catalog,
        own: SocketAddr,
        turn: &mut Turn,
    ) -> Result<(), Error> {
        let table = catalog.require_table(KEYSPACE, "sessions")?;
        let mut row = TraceRow::new(table, turn)?;
        row.set("command", b"QUERY");
        row.set("coordinator", &inet::write(own.ip()));
        row.set("coordinator_port", &i32::from(own.port()).to_be_bytes());
        if let Some(client) = self.client {
            row.set("client", &inet::write(client));
        }
        row.set("duration", &micros(self.elapsed()));
        row.set("request", self.request.as_bytes());
        let started_millis = self.started_micros.div_euclid(1_000);
        row.set("started_at", &started_millis.to_be_bytes());
        for (key, value) in &self.parameters {
            row.put("parameters", key.as_bytes(), value.as_bytes());
        }
        row.write(self.id, &[], turn)
    }

    fn write_event(
        &self,
        catalog: &Catalog,
        (elapsed, activity): (Duration, &str),
        own: SocketAddr,
        turn: &mut Turn,
    ) -> Result<(), Error> {
        let table = catalog.require_table(KEYSPACE, "events")?;
        let at = self.started_micros + i64::try_from(elapsed.as_micros()).unwrap_or_default();
        let id = self.service.shared.chance.time_uuid(at);
        let mut clustering = Vec::new();
        let component = Component::Value(&id);
        clustering::push(&Type::TimeUuid, Order::Asc, component, &mut clustering)?;
        let mut row = TraceRow::new(table, turn)?;
        row.set("activity", activity.as_bytes());
        row.set("source", &inet::write(own.ip()));
        row.set("source_port", &i32::from(own.port()).to_be_bytes());
        row.set("source_elapsed", &micros(elapsed));
        row.set("thread", b"query");
        row.write(self.id, &clustering, turn)
    }
}

fn micros(duration: Duration) -> [u8; 4] {
    i32::try_from(duration.as_micros())
        .unwrap_or(i32::MAX)
        .to_be_bytes()
}

/// A row of one of the two tables.
struct TraceRow<'a> {
    table: &'a Table,
    timestamp: Timestamp,
    expiry_seconds: i64,
    builder: Builder,
}

impl<'a> TraceRow<'a> {
    fn new(table: &'a Table, turn: &mut Turn) -> Result<Self, Error> {
        let timestamp = Timestamp(turn.timestamp()?);
        let expiry_seconds = turn.now_seconds() + i64::from(KEPT_SECONDS);
        let mut builder = Builder::new();
        builder.liveness(Liveness::expiring(timestamp, KEPT_SECONDS, expiry_seconds));
        Ok(TraceRow {
            table,
            timestamp,
            expiry_seconds,
            builder,
        })
    }

    fn set(&mut self, column: &str, value: &[u8]) {
        let kind = Kind::with_ttl(value, KEPT_SECONDS, self.expiry_seconds);
        if let Some(column) = self.table.column(column) {
            self.builder.cell(column.id, self.timestamp, kind);
        }
    }

    /// An entry of a map.
    fn put(&mut self, column: &str, key: &[u8], value: &[u8]) {
        let kind = Kind::with_ttl(value, KEPT_SECONDS, self.expiry_seconds);
        if let Some(column) = self.table.column(column) {
            self.builder.complex(column.id, None);
            self.builder.element(key, self.timestamp, kind);
        }
    }

    fn write(mut self, id: Uuid, clustering: &[u8], turn: &mut Turn) -> Result<(), Error> {
        let key = PartitionKey::new(id.as_bytes().to_vec());
        let mut write = turn.mutate(self.table.id, key.as_ref())?;
        write.row_from(clustering, &mut self.builder);
        write.finish().map_err(coordinator::Error::from)?;
        Ok(())
    }
}
