//! A client without a socket: requests through the protocol's bytes to the service, answers as text.

use std::collections::BTreeMap;

use bytes::BytesMut;
use coordinator::Turn;
use protocol::request::{self, BatchBuilder, BatchKind, Bindings, Parameters, Request, Value};
use protocol::response::{self, Response};
use protocol::result::{ColumnSpec, Outcome};
use protocol::{Consistency, Version};
use query::{Apart, Output, Progress, Service, Session};
use tokio::sync::broadcast;

use crate::show::{self, Columns};
use crate::value;

/// What is known of a prepared statement on the client's side.
#[derive(Clone)]
struct Prepared {
    id: Vec<u8>,
    variables: Columns,
    metadata_id: Vec<u8>,
    columns: Columns,
}

/// What every request of the client carries until it is set otherwise.
#[derive(Clone)]
pub struct Settings {
    pub version: Version,
    pub consistency: Consistency,
    pub timestamp: Option<i64>,
    pub now_seconds: Option<i32>,
    pub keyspace: Option<String>,
    pub skip_metadata: bool,
    pub batch: BatchKind,
    pub trace: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            version: Version::V5,
            consistency: Consistency::One,
            timestamp: None,
            now_seconds: None,
            keyspace: None,
            skip_metadata: true,
            batch: BatchKind::Logged,
            trace: false,
        }
    }
}

/// What a client keeps when its node dies.
#[derive(Default)]
pub struct Memory {
    settings: Settings,
    prepared: BTreeMap<String, Prepared>,
    state: Option<Vec<u8>>,
}

/// One connection.
pub struct Client {
    pub settings: Settings,
    service: Service,
    session: Session,
    turn: Turn,
    events: broadcast::Receiver<protocol::event::Event>,
    prepared: BTreeMap<String, Prepared>,
    state: Option<Vec<u8>>,
}

impl Client {
    /// A client that has been connected before, or with the default memory not.
    pub fn again(memory: Memory, service: Service) -> Client {
        Client {
            session: service.session(memory.settings.version),
            turn: service.turn(),
            events: service.events(),
            service,
            settings: memory.settings,
            prepared: memory.prepared,
            state: memory.state,
        }
    }

    /// Closes the connection.
    pub fn leave(self) -> Memory {
        Memory {
            settings: self.settings,
            prepared: self.prepared,
            state: self.state,
        }
    }

    /// Speaks another version from now on.
    pub fn speak(&mut self, version: Version) {
        self.settings.version = version;
        self.session = self.service.session(version);
    }

    /// One request through the service, to its complete answer.
    async fn send(&mut self, request: &Request<'_>) -> BytesMut {
        let version = self.settings.version;
        let mut body = BytesMut::new();
        request.encode_body(version, &mut body);
        let request = request::decode(version, 0, request.opcode(), &body).expect("a request");
        let mut out = Output::default();
        self.turn.begin();
        let trace = self.settings.trace;
        let (turn, session) = (&mut self.turn, &mut self.session);
        let mut progress = self
            .service
            .start(turn, session, &request, 1, trace, &mut out);
        loop {
            let position = self.turn.commit().expect("the log takes it");
            if let Some(position) = position {
                let synced = self.service.coordinator().synced(position);
                synced.await.expect("the log syncs");
            }
            progress = match progress {
                Progress::Answered => return out.answers,
                Progress::Acknowledged => return out.acknowledgements,
                Progress::Later(later) => match later.await {
                    Apart::Answer(answer) => return answer,
                    Apart::Read(parked) => Progress::Parked(parked),
                },
                Progress::Parked(mut parked) => {
                    if let Some(wait) = parked.take_wait() {
                        wait.await;
                    }
                    self.turn.begin();
                    parked.resume(&mut self.turn, &mut out)
                }
            };
        }
    }

    fn parameters<'a>(settings: &'a Settings, values: &'a Bindings) -> Parameters<'a> {
        let mut parameters = Parameters::new(settings.consistency);
        parameters.values = values.values();
        parameters.timestamp = settings.timestamp;
        parameters.now_in_seconds = settings.now_seconds;
        parameters.keyspace = settings.keyspace.as_deref();
        parameters
    }

    /// QUERY, with values by position or `name=value`; their types are asked for by PREPARE.
    pub async fn query(&mut self, text: &str, values: &[String]) -> String {
        let bindings = match values {
            [] => Bindings::new(),
            values => match self.ask(text).await {
                Ok(prepared) => bind(values, &prepared.variables),
                Err(error) => return error,
            },
        };
        let settings = self.settings.clone();
        let parameters = Self::parameters(&settings, &bindings);
        let query = request::Query { text, parameters };
        let answer = self.send(&Request::Query(query)).await;
        show::answer(answer, &[]).text
    }

    async fn ask(&mut self, text: &str) -> Result<Prepared, String> {
        let keyspace = self.settings.keyspace.clone();
        let keyspace = keyspace.as_deref();
        let answer = self
            .send(&Request::Prepare(request::Prepare { text, keyspace }))
            .await;
        let envelope = show::envelope(answer.clone());
        let received = response::decode(&envelope).expect("an answer");
        let Response::Result(Outcome::Prepared(prepared)) = received.response else {
            return Err(show::answer(answer, &[]).text);
        };
        Ok(Prepared {
            id: prepared.id.to_vec(),
            variables: columns(prepared.variables.columns()),
            metadata_id: prepared.result_metadata_id.to_vec(),
            columns: columns(prepared.result.columns()),
        })
    }

    /// PREPARE; the statement is known by `name` from now on.
    pub async fn prepare(&mut self, name: &str, text: &str) -> String {
        let prepared = match self.ask(text).await {
            Ok(prepared) => prepared,
            Err(error) => return error,
        };
        let answer = show::head(&prepared.variables);
        self.prepared.insert(name.into(), prepared);
        format!("variables: {answer}")
    }

    /// PREPARE, answered with which markers are the partition key's, the tables that markers are of
    /// where these are several, and what the client is warned of.
    pub async fn routing(&mut self, text: &str) -> String {
        let keyspace = None;
        let answer = self
            .send(&Request::Prepare(request::Prepare { text, keyspace }))
            .await;
        let envelope = show::envelope(answer);
        let received = response::decode(&envelope).expect("an answer");
        let Response::Result(Outcome::Prepared(prepared)) = received.response else {
            return format!("{:?}", received.response);
        };
        let mut shown = format!("partition key: {:?}", prepared.partition_key);
        let specs = prepared.variables.columns().iter();
        let tables: Vec<String> = specs
            .map(|s| format!("{}.{}", s.keyspace, s.table))
            .collect();
        if tables.iter().any(|table| *table != tables[0]) {
            shown.push_str(&format!(", markers of {}", tables.join(", ")));
        }
        for warning in &received.warnings {
            let shorter: String = warning.chars().take(60).collect();
            shown.push_str(&format!("\nwarning: {shorter}.."));
        }
        shown
    }

    /// EXECUTE; with `page` rows, the first page.
    pub async fn execute(&mut self, name: &str, values: &[String], page: Option<u32>) -> String {
        let Some(prepared) = self.prepared.get(name).cloned() else {
            return format!("no statement {name} was prepared");
        };
        let bindings = bind(values, &prepared.variables);
        let settings = self.settings.clone();
        let mut parameters = Self::parameters(&settings, &bindings);
        parameters.skip_metadata = settings.skip_metadata;
        parameters.page_size = page;
        let state = self.state.take();
        parameters.paging_state = page.and(state.as_deref());
        let execute = request::Execute {
            id: &prepared.id,
            result_metadata_id: (settings.version == Version::V5).then_some(&prepared.metadata_id),
            parameters,
        };
        let answer = self.send(&Request::Execute(execute)).await;
        let shown = show::answer(answer, &prepared.columns);
        self.state = shown.state;
        if let (Some(id), Some(known)) = (shown.new_metadata_id, self.prepared.get_mut(name)) {
            known.metadata_id = id;
            known.columns = shown.columns;
        }
        shown.text
    }

    /// QUERY with a page size: the next page after the last one of either kind.
    pub async fn page(&mut self, text: &str, rows: u32) -> String {
        let (settings, bindings) = (self.settings.clone(), Bindings::new());
        let mut parameters = Self::parameters(&settings, &bindings);
        parameters.page_size = Some(rows);
        let state = self.state.take();
        parameters.paging_state = state.as_deref();
        let answer = self
            .send(&Request::Query(request::Query { text, parameters }))
            .await;
        let shown = show::answer(answer, &[]);
        self.state = shown.state;
        shown.text
    }

    /// Whether another page follows the last one.
    pub fn has_more(&self) -> bool {
        self.state.is_some()
    }

    /// Forgets where the last page ended.
    pub fn forget_page(&mut self) {
        self.state = None;
    }

    /// BATCH: each statement a text, or `@name value ..` for a prepared one.
    pub async fn batch(&mut self, statements: &[String]) -> String {
        let mut builder = BatchBuilder::new();
        for statement in statements {
            match statement.strip_prefix('@') {
                None => builder.push_text(statement, &Bindings::new()),
                Some(call) => {
                    let mut words = call.split(' ').map(String::from);
                    let name = words.next().unwrap_or_default();
                    let Some(prepared) = self.prepared.get(&name) else {
                        return format!("no statement {name} was prepared");
                    };
                    let values: Vec<String> = words.collect();
                    builder.push_prepared(&prepared.id, &bind(&values, &prepared.variables))
                }
            };
        }
        let settings = self.settings.clone();
        let mut batch =
            request::Batch::new(settings.batch, builder.statements(), settings.consistency);
        batch.timestamp = settings.timestamp;
        batch.keyspace = settings.keyspace.as_deref();
        batch.now_in_seconds = settings.now_seconds;
        let answer = self.send(&Request::Batch(batch)).await;
        show::answer(answer, &[]).text
    }

    /// EXECUTE with an id that no node ever gave.
    pub async fn execute_unknown(&mut self) -> String {
        let execute = request::Execute {
            id: &[7; 16],
            result_metadata_id: (self.settings.version == Version::V5).then_some(&[0; 16]),
            parameters: Parameters::new(Consistency::One),
        };
        let answer = self.send(&Request::Execute(execute)).await;
        show::answer(answer, &[]).text
    }

    /// A traced QUERY, and what is left of it in `system_traces`.
    pub async fn traced(&mut self, text: &str) -> String {
        let parameters = Parameters::new(Consistency::One);
        self.settings.trace = true;
        let answer = self
            .send(&Request::Query(request::Query { text, parameters }))
            .await;
        self.settings.trace = false;
        let envelope = show::envelope(answer.clone());
        let id = response::decode(&envelope).expect("an answer").tracing_id;
        let Some(id) = id else {
            return "the answer names no trace".into();
        };
        let mut shown = show::answer(answer, &[]).text;
        for columns in [
            "request, parameters, coordinator FROM system_traces.sessions",
            "activity, source FROM system_traces.events",
        ] {
            let text = format!("SELECT {columns} WHERE session_id = {id}");
            shown.push('\n');
            shown.push_str(&self.query(&text, &[]).await);
        }
        shown
    }

    /// The events since the last call.
    pub async fn events(&mut self) -> String {
        tokio::task::yield_now().await;
        let mut lines = Vec::new();
        while let Ok(event) = self.events.try_recv() {
            lines.push(show::event(&event));
        }
        lines.join("\n")
    }
}

fn columns(specs: &[ColumnSpec]) -> Columns {
    specs
        .iter()
        .map(|spec| (spec.name.clone(), spec.ty.clone()))
        .collect()
}

/// Values as written: `null`, `unset`, a literal, or any of them after `name=`.
fn bind(values: &[String], variables: &Columns) -> Bindings {
    let mut bindings = Bindings::new();
    for (index, written) in values.iter().enumerate() {
        let named = variables
            .iter()
            .find_map(|(name, ty)| Some((name, ty, written.strip_prefix(&format!("{name}="))?)));
        let positional = variables.get(index).map(|(_, ty)| ty);
        let (text, ty) = match named {
            Some((_, ty, text)) => (text, Some(ty)),
            None => (written.as_str(), positional),
        };
        let bytes = match text {
            "null" | "unset" => Vec::new(),
            text => value::encode(text, ty),
        };
        let bound = match text {
            "null" => Value::Null,
            "unset" => Value::Unset,
            _ => Value::Set(&bytes),
        };
        match named {
            Some((name, ..)) => bindings.push_named(name, bound),
            None => bindings.push(bound),
        };
    }
    bindings
}
