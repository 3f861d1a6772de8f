//! What the cluster agrees on, by epoch: state, transformations, the log file, placement.
//!
//! - [`State`] is all of it at one [`Epoch`], immutable: nodes, the schema catalog, truncations.
//! - A [`Transformation`] is one step; [`State::apply`] is pure and total, and all that chance or the clock decides is
//!   inside the transformation. So every node that applies the same entries has the same state, and
//!   [`State::hash`] says so.
//! - [`log`] keeps entries and snapshots in one checksummed file. An epoch is synced before anyone sees it.
//! - [`Committer`] puts a transformation into the order. [`Local`] does it for a node that is alone; agreement among
//!   several goes in front of it and leaves file, entries and state as they are.
//! - [`State::placement`] says which nodes keep a token; [`system`] shows the state in `system.local` and the peers
//!   tables.
//!
//! The crate knows no client, no storage and no network. Those that must act before a state is shown register an
//! [`Observer`].

pub mod log;
pub mod system;

mod committer;
mod local;
mod placement;
mod state;
mod transformation;

pub use committer::{Committed, Committer, Error, Observer};
pub use local::{Local, OpenError, Options};
pub use placement::Placement;
pub use state::{Addresses, Effect, Epoch, Node, NodeNumber, Outcome, Refused, State};
pub use transformation::{Boot, Registration, Transformation};
