//! The simulated environment: clocks, disk, network and tasks that follow one seed.
//!
//! Two simulators share a [`disk`], [`clock`]s, and a [`trace`]:
//! - [`local`]: one node on an executor of its own with virtual time, no set-up to speak of. Storage tests run
//!   thousands of seeds and a crash at every step with it. Start there.
//! - [`cluster`]: many nodes on `turmoil`, with its network between them, for whole `Node`s.
//!
//! In both, a run follows its seed alone: the same seed gives the same [`trace::Trace`], and a run that failed is
//! repeated by its seed. Every hash map, clock, thread or entropy that slipped past `base::env` shows as a difference.
//!
//! What always holds:
//! - Time passes only when nobody can go on.
//! - A power failure ends an environment: from that moment its calls fail and change nothing.
//! - A blocking closure runs in one piece, at a seeded later moment; its disk time passes before its result is there.
//!
//! It sees `base` only, and is a dev-dependency of the layers.

// Documentation is built by other flags and runs nothing.
#[cfg(not(any(tokio_unstable, doc, doctest)))]
compile_error!(
    "sim needs --cfg tokio_unstable (set in .cargo/config.toml; RUSTFLAGS in the environment replaces it)"
);

pub mod clock;
pub mod cluster;
pub mod disk;
pub mod local;
mod node;
pub mod properties;
pub mod seed;
pub mod trace;
mod wire;

pub use disk::{Disk, PowerFailure, is_power_failure};
pub use trace::Trace;
