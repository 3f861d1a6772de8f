//! A node without its sockets: metadata log, engine, coordinator and query service on one folder.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use base::env::{Env, Task};
use bytes::BytesMut;
use coordinator::clock::Clock;
use coordinator::{Coordinator, Registry, Turn};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use metadata::{Committer, Local, Observer, State};
use protocol::request::{self, BatchBuilder, BatchKind, Bindings, Parameters, Request, Value};
use protocol::response::{self, Response};
use protocol::result::Outcome;
use protocol::{Consistency, Version, frame};
use query::{Options, Output, Progress, Service, Session};
use schema::virtual_table::Source;
use storage::Engine;
use types::Type;

/// Storage follows the catalog.
struct Follower(Arc<Engine>);

impl Observer for Follower {
    fn applied(&self, state: &Arc<State>) -> BoxFuture<'_, Result<(), String>> {
        let state = state.clone();
        async move {
            let truncations = state
                .truncations
                .iter()
                .map(|(table, at)| (*table, *at))
                .collect();
            self.0
                .set_catalog(&state.catalog, &truncations)
                .await
                .map_err(|error| error.to_string())
        }
        .boxed()
    }
}

/// What is known of a prepared statement on the client's side.
struct Prepared {
    id: Vec<u8>,
    variables: Vec<Type>,
    metadata_id: Vec<u8>,
    columns: Vec<(String, Type)>,
}

pub struct Node {
    engine: Arc<Engine>,
    service: Service,
    session: Session,
    turn: Turn,
    prepared: BTreeMap<String, Prepared>,
    _metadata: Arc<Local>,
    _clock: Task<()>,
}

impl Node {
    pub async fn start(folder: &Path) -> Node {
        let env = Env::real();
        let data = env.make_dirs(folder).expect("a folder");
        let metadata = Local::open(&env, data.clone(), metadata::Options::default())
            .await
            .expect("metadata");
        let state = metadata.state();
        let truncations = state
            .truncations
            .iter()
            .map(|(table, at)| (*table, *at))
            .collect();
        let paths = storage::Paths {
            data: folder.join("data"),
            commit_log: folder.join("commitlog"),
        };
        let options = storage::Options {
            segment_bytes: 1 << 20,
            ..storage::Options::default()
        };
        let engine = Engine::open(&env, paths, options, &state.catalog, &truncations)
            .await
            .expect("an engine");
        metadata.add_observer(Arc::new(Follower(engine.clone())));
        let (clock, task) = Clock::open(&env, data).await.expect("a clock");
        let committer: Arc<dyn Committer> = metadata.clone();
        let catalog = metadata.clone();
        let mut sources: Vec<Arc<dyn Source>> =
            metadata::system::sources(&committer, metadata.number());
        sources.extend(schema::system_schema::sources(
            &(Arc::new(move || catalog.state().catalog.clone()) as schema::system_schema::Latest),
        ));
        let registry = Registry::new(sources);
        let coordinator = Coordinator::new(
            env.clone(),
            engine.clone(),
            registry,
            clock,
            coordinator::Options::default(),
        );
        let service = Service::new(env, coordinator, metadata.clone(), Options::default());
        Node {
            session: service.session(Version::V5),
            turn: service.turn(),
            engine,
            service,
            prepared: BTreeMap::new(),
            _metadata: metadata,
            _clock: task,
        }
    }

    pub fn engine(&self) -> Arc<Engine> {
        self.engine.clone()
    }

    /// One request through the service, to its complete answer.
    async fn send(&mut self, request: &Request<'_>) -> BytesMut {
        let mut body = BytesMut::new();
        request.encode_body(Version::V5, &mut body);
        let request = request::decode(Version::V5, 0, request.opcode(), &body).expect("a request");
        let mut out = Output::default();
        self.turn.begin();
        let mut progress = self.service.start(
            &mut self.turn,
            &mut self.session,
            &request,
            1,
            false,
            &mut out,
        );
        loop {
            let position = self.turn.commit().expect("the log takes it");
            if let Some(position) = position {
                self.service
                    .coordinator()
                    .synced(position)
                    .await
                    .expect("the log syncs");
            }
            progress = match progress {
                Progress::Answered => return out.answers,
                Progress::Acknowledged => return out.acknowledgements,
                Progress::Later(later) => return later.await,
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

    pub async fn query(&mut self, text: &str) -> String {
        let parameters = Parameters::new(Consistency::One);
        let answer = self
            .send(&Request::Query(request::Query { text, parameters }))
            .await;
        show(answer, None).0
    }

    pub fn prepare(&mut self, name: &str, text: &str) -> String {
        let request = Request::Prepare(request::Prepare {
            text,
            keyspace: None,
        });
        let mut out = Output::default();
        self.turn.begin();
        self.service.start(
            &mut self.turn,
            &mut self.session,
            &request,
            1,
            false,
            &mut out,
        );
        self.turn.commit().expect("the log takes it");
        let envelope = envelope(out.answers);
        let received = response::decode(&envelope).expect("an answer");
        match received.response {
            Response::Result(Outcome::Prepared(prepared)) => {
                let columns = |columns: &[protocol::result::ColumnSpec]| {
                    columns
                        .iter()
                        .map(|c| (c.name.clone(), c.ty.clone()))
                        .collect::<Vec<_>>()
                };
                let variables = columns(prepared.variables.columns());
                let text = variables
                    .iter()
                    .map(|(name, ty)| format!("{name} {ty}"))
                    .collect::<Vec<_>>()
                    .join(", ");
                let answer = format!(
                    "variables: {text}\npartition key: {:?}",
                    prepared.partition_key
                );
                self.prepared.insert(
                    name.into(),
                    Prepared {
                        id: prepared.id.to_vec(),
                        variables: variables.into_iter().map(|(_, ty)| ty).collect(),
                        metadata_id: prepared.result_metadata_id.to_vec(),
                        columns: columns(prepared.result.columns()),
                    },
                );
                answer
            }
            Response::Error(error, text) => show_error(&error, text),
            other => format!("{other:?}"),
        }
    }

    pub async fn execute(&mut self, name: &str, values: &[String]) -> String {
        let Some(prepared) = self.prepared.get(name) else {
            return format!("no statement {name} was prepared");
        };
        let bytes: Vec<Option<Vec<u8>>> = values
            .iter()
            .zip(&prepared.variables)
            .map(|(text, ty)| match text.as_str() {
                "null" | "unset" => None,
                text => {
                    Some(types::literal::parse(ty, text).expect("a value of the variable's type"))
                }
            })
            .collect();
        let values = values
            .iter()
            .zip(&bytes)
            .map(|(text, bytes)| match (text.as_str(), bytes) {
                ("unset", _) => Value::Unset,
                (_, None) => Value::Null,
                (_, Some(bytes)) => Value::Set(bytes),
            });
        let bindings = Bindings::of(values);
        let (id, metadata_id) = (prepared.id.clone(), prepared.metadata_id.clone());
        let columns = prepared.columns.clone();
        let mut parameters = Parameters::new(Consistency::One);
        parameters.values = bindings.values();
        parameters.skip_metadata = true;
        let execute = request::Execute {
            id: &id,
            result_metadata_id: Some(&metadata_id),
            parameters,
        };
        let answer = self.send(&Request::Execute(execute)).await;
        show(answer, Some(&columns)).0
    }

    pub async fn pages(&mut self, text: &str, rows: u32) -> String {
        let mut answer = String::new();
        let mut state: Option<Vec<u8>> = None;
        loop {
            let mut parameters = Parameters::new(Consistency::One);
            parameters.page_size = Some(rows);
            parameters.paging_state = state.as_deref();
            let page = self
                .send(&Request::Query(request::Query { text, parameters }))
                .await;
            let (text, next) = show(page, None);
            answer.push_str(&format!("page:\n{text}\n"));
            state = next;
            if state.is_none() {
                return answer;
            }
        }
    }

    pub async fn batch(&mut self, texts: &[String]) -> String {
        let mut builder = BatchBuilder::new();
        for text in texts {
            builder.push_text(text, &Bindings::new());
        }
        let batch = request::Batch::new(BatchKind::Logged, builder.statements(), Consistency::One);
        let answer = self.send(&Request::Batch(batch)).await;
        show(answer, None).0
    }
}

fn envelope(mut bytes: BytesMut) -> frame::Envelope {
    let mut decoder = frame::Decoder::of_responses();
    decoder
        .decode(&mut bytes)
        .expect("a sound envelope")
        .expect("a whole envelope")
}

/// An answer as text, and the paging state it carried.
fn show(bytes: BytesMut, known: Option<&[(String, Type)]>) -> (String, Option<Vec<u8>>) {
    let envelope = envelope(bytes);
    let received = response::decode(&envelope).expect("an answer");
    let mut warnings: String = received
        .warnings
        .iter()
        .map(|warning| format!("warning: {warning}\n"))
        .collect();
    let (text, state) = match received.response {
        Response::Result(Outcome::Void) => ("ok".into(), None),
        Response::Result(Outcome::SetKeyspace(name)) => (format!("using {name}"), None),
        Response::Result(Outcome::SchemaChange(change)) => (
            format!(
                "{:?} {} {:?}",
                change.change, change.keyspace, change.target
            ),
            None,
        ),
        Response::Result(Outcome::Rows(rows)) => {
            let own: Vec<(String, Type)> = rows
                .metadata
                .as_ref()
                .map(|m| {
                    m.columns()
                        .iter()
                        .map(|c| (c.name.clone(), c.ty.clone()))
                        .collect()
                })
                .unwrap_or_default();
            let columns = if own.is_empty() {
                known.unwrap_or_default().to_vec()
            } else {
                own
            };
            let mut text: Vec<String> = vec![
                columns
                    .iter()
                    .map(|(name, ty)| format!("{name} {ty}"))
                    .collect::<Vec<_>>()
                    .join(" | "),
            ];
            for row in rows.iter() {
                let cells = row.zip(&columns).map(|(cell, (_, ty))| match cell {
                    None => "null".to_string(),
                    Some(bytes) => ty.format(bytes),
                });
                text.push(cells.collect::<Vec<_>>().join(" | "));
            }
            (text.join("\n"), rows.paging_state.map(<[u8]>::to_vec))
        }
        Response::Error(error, text) => (show_error(&error, text), None),
        other => (format!("{other:?}"), None),
    };
    warnings.push_str(&text);
    (warnings, state)
}

fn show_error(error: &protocol::Error, text: &str) -> String {
    format!("error 0x{:04x}: {text}", error.code())
}
