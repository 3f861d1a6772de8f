//! The state between two pages of a result: all that any node needs to go on.

pub mod format;

use model::TableId;
use model::read::Position;

/// Where a paged read goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The digest of the statement, so that a state is not used with another one.
    pub statement: [u8; 16],
    /// The table.
    pub table: TableId,
    /// The last row that was returned.
    pub position: Position,
    /// Rows left of LIMIT; `u64::MAX` is no limit.
    pub rows_left: u64,
    /// What `query` carries from page to page.
    pub opaque: Vec<u8>,
}
