//! The node as a library: what `main` starts, and tests run in one process, real or simulated.
//!
//! - [`config`] turns file, environment and command line into settings.
//! - [`node`] builds every service from them, in order, and stops them.
//! - [`command`] is the command line; [`machine`] and [`log_time`] serve the entry point.
//!
//! Nothing here reads a file, a variable or a clock by itself: `main` hands texts over, and a node has its
//! [`Env`](base::env::Env).

pub mod command;
pub mod config;
pub mod log_time;
pub mod machine;
pub mod node;
