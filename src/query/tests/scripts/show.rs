//! Answers and events as text.

use bytes::BytesMut;
use protocol::event::{Event, SchemaChange, Target};
use protocol::frame;
use protocol::response::{self, Response};
use protocol::result::{Outcome, Rows};
use types::Type;

/// Names and types.
pub type Columns = Vec<(String, Type)>;

/// An answer.
pub struct Shown {
    pub text: String,
    pub state: Option<Vec<u8>>,
    pub new_metadata_id: Option<Vec<u8>>,
    pub columns: Columns,
}

pub fn envelope(mut bytes: BytesMut) -> frame::Envelope {
    let mut decoder = frame::Decoder::of_responses();
    let envelope = decoder.decode(&mut bytes).expect("a sound envelope");
    let envelope = envelope.expect("a whole envelope");
    assert!(bytes.is_empty(), "one answer for one request");
    envelope
}

/// An answer as text; `known` are the columns that the client holds already.
pub fn answer(bytes: BytesMut, known: &[(String, Type)]) -> Shown {
    let envelope = envelope(bytes);
    let received = response::decode(&envelope).expect("an answer");
    let mut shown = Shown {
        text: String::new(),
        state: None,
        new_metadata_id: None,
        columns: known.to_vec(),
    };
    for warning in &received.warnings {
        shown.text.push_str(&format!("warning: {warning}\n"));
    }
    let text = match received.response {
        Response::Result(Outcome::Void) => "ok".into(),
        Response::Result(Outcome::SetKeyspace(name)) => format!("using {name}"),
        Response::Result(Outcome::SchemaChange(change)) => change_text(&change),
        Response::Result(Outcome::Rows(answered)) => {
            shown.state = answered.paging_state.map(<[u8]>::to_vec);
            shown.new_metadata_id = answered.new_metadata_id.map(<[u8]>::to_vec);
            let mut text = rows(&answered, &mut shown.columns);
            if shown.state.is_some() {
                text.push_str("\n(more pages)");
            }
            text
        }
        Response::Error(error, text) => {
            format!("error 0x{:04x}: {text}{}", error.code(), fields(&error))
        }
        other => format!("{other:?}"),
    };
    shown.text.push_str(&text);
    shown
}

/// What drivers decode of an error beside its text.
fn fields(error: &protocol::Error) -> String {
    match error {
        protocol::Error::Unavailable {
            required, alive, ..
        } => format!(" (required {required}, alive {alive})"),
        protocol::Error::Unprepared { id } => format!("\n(id of {} bytes)", id.len()),
        protocol::Error::AlreadyExists { keyspace, table } => format!(" ({keyspace:?}, {table:?})"),
        _ => String::new(),
    }
}

/// Rows below their columns; says how the columns were told, unless that was in full.
fn rows(rows: &Rows<'_>, columns: &mut Columns) -> String {
    let told = match (&rows.metadata, rows.new_metadata_id) {
        (None, _) => "(columns not told) ",
        (Some(_), Some(_)) => "(columns changed) ",
        (Some(_), None) => "",
    };
    if let Some(metadata) = &rows.metadata {
        let own = metadata.columns().iter();
        *columns = own.map(|c| (c.name.clone(), c.ty.clone())).collect();
    }
    let mut lines = vec![format!("{told}{}", head(columns))];
    for row in rows.iter() {
        let cells = row.zip(columns.iter()).map(|(cell, (_, ty))| match cell {
            None => "null".to_string(),
            Some([]) if !matches!(ty, Type::Text | Type::Ascii | Type::Blob) => "(empty)".into(),
            Some(bytes) => ty.format(bytes),
        });
        lines.push(cells.collect::<Vec<_>>().join(" | "));
    }
    lines.join("\n")
}

/// Names and types in one line.
pub fn head(columns: &Columns) -> String {
    let each = columns.iter().map(|(name, ty)| format!("{name} {ty}"));
    each.collect::<Vec<_>>().join(" | ")
}

fn change_text(change: &SchemaChange) -> String {
    let verb = format!("{:?}", change.change).to_lowercase();
    match &change.target {
        Target::Keyspace => format!("{verb} keyspace {}", change.keyspace),
        Target::Table(name) => format!("{verb} table {}.{name}", change.keyspace),
        Target::Type(name) => format!("{verb} type {}.{name}", change.keyspace),
        other => format!("{verb} {other:?} in {}", change.keyspace),
    }
}

/// An event as text.
pub fn event(event: &Event) -> String {
    match event {
        Event::Schema(change) => format!("event: {}", change_text(change)),
        other => format!("event: {other:?}"),
    }
}
