//! Statements to plans, plans to storage calls, rows to results, errors to wire codes.
//!
//! A request takes this way:
//!
//! 1. [`Service::start`] parses the text, or finds the prepared statement.
//! 2. `statement` binds names against one catalog snapshot: `restriction` turns WHERE into keys,
//!    byte ranges and a filter, `term` and `selector` turn values and selectors into plans.
//! 3. `modify` encodes mutations into the turn's frame; `select` reads live rows and writes their
//!    cells into the answer. `row` finds a row's values without copying them.
//! 4. What takes its own time is a future: schema changes, reads before writes, looking up a
//!    prepared statement. Rows of very many elements come one at a time (`heavy`). A traced request
//!    leaves its `trace` behind.
//!
//! What always holds: executing a prepared statement looks up no name and builds no tree of values;
//! no lock is held that another request could wait for; whatever a client sends ends in an answer.
//!
//! The crate knows no socket, no file and no replica: it hands reads and writes to the coordinator.

mod alone;
mod answer;
mod batch;
mod bind;
mod bounds;
mod chance;
mod consistency;
mod error;
mod events;
mod function;
mod heavy;
mod marker;
mod modify;
mod options;
mod output;
mod prepared;
mod prepared_store;
mod read_first;
mod restriction;
mod row;
mod run;
mod schema_change;
mod select;
mod selector;
mod service;
mod session;
mod statement;
mod term;
mod trace;
mod write;

pub use error::Error;
pub use options::Options;
pub use output::{Acknowledgement, Apart, Output, Parked, Progress};
pub use service::Service;
pub use session::Session;
