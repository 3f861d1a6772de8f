//! BATCH as a statement of its own text.

use crate::modify::Plan;
use crate::term;

/// The planned statements of a `BEGIN BATCH`, whose markers are numbered over all of them.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The statements in order.
    pub statements: Vec<Plan>,
    /// `USING TIMESTAMP` of the whole.
    pub timestamp: Option<term::Plan>,
}
