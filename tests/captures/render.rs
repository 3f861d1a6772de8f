//! Requests and answers as text that is the same in every run.
//!
//! - Identifiers are numbered in the order of their appearance, so that equal ones are seen to be equal.
//! - Times, tokens, and the node's port are named instead of shown; so is its release.
//! - What the schema's tables say of built-in keyspaces is counted and summed up by a digest; `built_in.golden` shows it once.
//! - Prepared statements are shown by their text, with their id where PREPARED gives it: drivers rely on it being the same on
//!   every node.

use std::collections::BTreeMap;

use protocol::digest128;
use protocol::event::{Event, SchemaChange, Target};
use protocol::frame::Envelope;
use protocol::request::{BatchQuery, Parameters, Request};
use protocol::response::{self, Response};
use protocol::result::{ColumnSpec, Metadata, Outcome, Prepared, Rows};
use schema::system;
use types::Type;

/// A row of this many columns is shown with a line for each, unless many rows are.
const WIDE_COLUMNS_MIN: usize = 7;
const WIDE_ROWS_MAX: usize = 2;

/// What was seen so far, to name it again.
pub struct Renderer {
    port: u16,
    /// Identifiers, and the numbers they are shown by.
    identifiers: BTreeMap<Vec<u8>, usize>,
    /// Text and result of each prepared statement.
    statements: BTreeMap<Vec<u8>, (String, Metadata)>,
    /// Whether rows about built-in keyspaces are only summed up.
    sums_up: bool,
}

impl Renderer {
    /// For a node whose clients connect to this port.
    pub fn new(port: u16) -> Renderer {
        Renderer {
            port,
            identifiers: BTreeMap::new(),
            statements: BTreeMap::new(),
            sums_up: true,
        }
    }

    /// One that shows every row as it is.
    pub fn in_full() -> Renderer {
        Renderer {
            sums_up: false,
            ..Renderer::new(0)
        }
    }

    /// A request in a line.
    pub fn request(&self, request: &Request<'_>) -> String {
        let name = request.opcode().name();
        match request {
            Request::Startup(startup) => {
                let known = ["CQL_VERSION", "COMPRESSION"];
                let options = known
                    .iter()
                    .filter_map(|key| Some(format!(" {key}={}", startup.get(key)?)));
                format!("{name}{}", options.collect::<String>())
            }
            Request::Register(kinds) => {
                let kinds: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
                format!("{name} {}", kinds.join(", "))
            }
            Request::Query(query) => format!(
                "{name} {}{}",
                one_line(query.text),
                parameters(&query.parameters)
            ),
            Request::Prepare(prepare) => format!("{name} {}", one_line(prepare.text)),
            Request::Execute(execute) => {
                let text = self.text(execute.id);
                format!("{name} {text}{}", parameters(&execute.parameters))
            }
            Request::Batch(batch) => {
                let statements = batch
                    .statements
                    .iter()
                    .map(|statement| match statement.query {
                        BatchQuery::Text(text) => one_line(text),
                        BatchQuery::Prepared(id) => self.text(id).to_owned(),
                    });
                let statements: Vec<_> = statements.collect();
                format!("{name} {:?}: {}", batch.kind, statements.join("; "))
            }
            Request::Options | Request::AuthResponse(_) => name.to_owned(),
        }
    }

    fn text(&self, id: &[u8]) -> &str {
        self.statements
            .get(id)
            .map_or("what was never prepared", |(text, _)| text)
    }

    /// The answer to a request, in lines.
    pub fn answer(&mut self, envelope: &Envelope, request: Option<&Request<'_>>) -> Vec<String> {
        let received = response::decode(envelope).expect("a readable answer");
        let mut lines: Vec<String> = received
            .warnings
            .iter()
            .map(|warning| format!("warning: {warning}"))
            .collect();
        let name = received.response.opcode().name();
        match received.response {
            Response::Error(error, message) => {
                lines.push(format!("{name} {:#06x}", error.code()));
                lines.extend(message.lines().map(|line| format!("  {line}")));
            }
            Response::Supported(options) => {
                lines.push(name.to_owned());
                lines.extend(
                    options
                        .iter()
                        .map(|(key, values)| format!("  {key}: {}", values.join(", "))),
                );
            }
            Response::Authenticate(class) => lines.push(format!("{name} {class}")),
            Response::Result(outcome) => lines.extend(self.outcome(outcome, request)),
            Response::Event(event) => lines.push(self.event(&event)),
            Response::Ready | Response::AuthChallenge(_) | Response::AuthSuccess(_) => {
                lines.push(name.to_owned())
            }
        }
        lines
    }

    /// An event in a line.
    pub fn event(&self, event: &Event) -> String {
        match event {
            Event::Schema(change) => format!("EVENT {}", schema_change(change)),
            other => format!("EVENT {other:?}"),
        }
    }

    fn outcome(&mut self, outcome: Outcome<'_>, request: Option<&Request<'_>>) -> Vec<String> {
        match outcome {
            Outcome::Void => vec!["VOID".into()],
            Outcome::SetKeyspace(keyspace) => vec![format!("SET_KEYSPACE {keyspace}")],
            Outcome::SchemaChange(change) => vec![schema_change(&change)],
            Outcome::Prepared(prepared) => self.prepared(&prepared, request),
            Outcome::Rows(rows) => self.rows(&rows, request),
        }
    }

    fn prepared(&mut self, prepared: &Prepared<'_>, request: Option<&Request<'_>>) -> Vec<String> {
        if let Some(Request::Prepare(prepare)) = request {
            let known = (one_line(prepare.text), prepared.result.clone().into_owned());
            self.statements.insert(prepared.id.to_vec(), known);
        }
        let mut lines = vec![format!("PREPARED {}", hexadecimal(&prepared.id))];
        if !prepared.result_metadata_id.is_empty() {
            lines.push(format!(
                "  result metadata {}",
                hexadecimal(&prepared.result_metadata_id)
            ));
        }
        lines.push(format!(
            "  variables: {}",
            columns(prepared.variables.columns())
        ));
        lines.push(format!("  partition key: {:?}", prepared.partition_key));
        lines.push(format!("  result: {}", columns(prepared.result.columns())));
        lines
    }

    fn rows(&mut self, rows: &Rows<'_>, request: Option<&Request<'_>>) -> Vec<String> {
        let known = match request {
            Some(Request::Execute(execute)) => self
                .statements
                .get(execute.id)
                .map(|(_, result)| result.clone()),
            _ => None,
        };
        let metadata = rows
            .metadata
            .clone()
            .or(known)
            .expect("rows that a client can read");
        let mut head = match rows.len() {
            1 => "1 ROW".to_owned(),
            count => format!("{count} ROWS"),
        };
        head += if rows.metadata.is_some() {
            ""
        } else {
            ", no metadata"
        };
        if let Some(id) = rows.new_metadata_id {
            head += &format!(", metadata changed to {}", hexadecimal(id));
        }
        head += if rows.paging_state.is_some() {
            ", more pages"
        } else {
            ""
        };
        let mut lines = vec![head];
        let mut summed_up = Vec::new();
        let is_wide =
            rows.column_count() >= WIDE_COLUMNS_MIN && (1..=WIDE_ROWS_MAX).contains(&rows.len());
        if !is_wide {
            lines.push(format!("  {}", columns(metadata.columns())));
        }
        for row in rows.iter() {
            let cells: Vec<_> = row.collect();
            if self.sums_up && is_built_in(metadata.columns(), &cells) {
                summed_up.extend(cells);
                continue;
            }
            let values = metadata
                .columns()
                .iter()
                .zip(cells)
                .map(|(column, cell)| (column, self.value(column, cell)));
            if is_wide {
                lines.extend(values.map(|(column, value)| {
                    format!("  {} {} = {value}", column.name, spelled(&column.ty))
                }));
            } else {
                lines.push(format!(
                    "  | {}",
                    values
                        .map(|(_, value)| value)
                        .collect::<Vec<_>>()
                        .join(" | ")
                ));
            }
        }
        if !summed_up.is_empty() {
            lines.push(sum(&summed_up, rows.column_count()));
        }
        lines
    }

    fn value(&mut self, column: &ColumnSpec, cell: Option<&[u8]>) -> String {
        let Some(value) = cell else {
            return "null".into();
        };
        let text = column.ty.format(value);
        match (&column.ty, column.name.as_str()) {
            (Type::Uuid | Type::TimeUuid, _) if self.sums_up => self.identifier(value),
            (Type::Timestamp, _) => "<time>".into(),
            (Type::Set { .. }, "tokens") => {
                format!("<{} tokens>", text.matches("', '").count() + 1)
            }
            (Type::Int, "gossip_generation") => "<generation>".into(),
            (Type::Int, "rpc_port" | "native_port") if text == self.port.to_string() => {
                "<port>".into()
            }
            (Type::Text, "helenus_version")
                if text == concat!("'", env!("CARGO_PKG_VERSION"), "'") =>
            {
                "<release>".into()
            }
            _ => text.replace('\n', "\n    "),
        }
    }

    fn identifier(&mut self, value: &[u8]) -> String {
        let next = self.identifiers.len() + 1;
        let number = self.identifiers.entry(value.to_vec()).or_insert(next);
        format!("<identifier {number}>")
    }
}

/// Whether a row of the schema's tables tells of a keyspace that every node has.
fn is_built_in(columns: &[ColumnSpec], cells: &[Option<&[u8]>]) -> bool {
    let (Some(column), Some(Some(keyspace))) = (columns.first(), cells.first()) else {
        return false;
    };
    let is_of_schema = [system::SCHEMA, system::VIRTUAL_SCHEMA].contains(&&*column.keyspace);
    is_of_schema
        && column.name == "keyspace_name"
        && std::str::from_utf8(keyspace).is_ok_and(system::is_system)
}

fn sum(cells: &[Option<&[u8]>], column_count: usize) -> String {
    let mut bytes = Vec::new();
    for cell in cells {
        let length = cell.map_or(-1, |cell| {
            i64::try_from(cell.len()).expect("a cell's length")
        });
        bytes.extend(length.to_be_bytes());
        bytes.extend(cell.unwrap_or_default());
    }
    let digest = digest128(&[&bytes]);
    format!(
        "  and {} of built-in keyspaces, digest {}",
        cells.len() / column_count,
        hexadecimal(&digest[..4])
    )
}

fn columns(columns: &[ColumnSpec]) -> String {
    let Some(first) = columns.first() else {
        return "nothing".into();
    };
    let named: Vec<_> = columns
        .iter()
        .map(|column| format!("{} {}", column.name, spelled(&column.ty)))
        .collect();
    format!("{}.{}: {}", first.keyspace, first.table, named.join(", "))
}

fn spelled(ty: &Type) -> String {
    ty.to_string()
}

fn parameters(parameters: &Parameters<'_>) -> String {
    let mut text = match parameters.values.len() {
        0 => String::new(),
        1 => "; 1 value".into(),
        count => format!("; {count} values"),
    };
    if let Some(rows) = parameters.page_size {
        text += &format!("; pages of {rows}");
    }
    text
}

fn schema_change(change: &SchemaChange) -> String {
    let (kind, name) = match &change.target {
        Target::Keyspace => ("KEYSPACE", ""),
        Target::Table(name) => ("TABLE", name.as_str()),
        Target::Type(name) => ("TYPE", name.as_str()),
        Target::Function(name, _) => ("FUNCTION", name.as_str()),
        Target::Aggregate(name, _) => ("AGGREGATE", name.as_str()),
    };
    format!(
        "SCHEMA_CHANGE {:?} {kind} {} {name}",
        change.change, change.keyspace
    )
    .trim_end()
    .to_owned()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
