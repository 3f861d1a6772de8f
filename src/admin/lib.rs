//! Operations over HTTP and health. Acts only through the [`Control`] it is given.
//!
//! - [`Control`] is a node as its operators see it; `control` has the words of its answers.
//! - `api` has the routes, `listener` the connections, `guard` says who may ask.
//!
//! What always holds:
//! - It answers programs on this machine, and no web page.
//! - Every request is bounded in bytes and in the time it takes to arrive, and connections are bounded in number.
//! - It goes on answering while the node drains and after.
//!
//! It knows no setting, no file and no table.

mod api;
mod control;
mod guard;
mod listener;

#[cfg(test)]
mod tests;

pub use control::{Control, Failure, Mode, Node, Status, Storage, Table, Target};
pub use listener::{Running, serve};
