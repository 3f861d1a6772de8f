//! The node as a library: what `main` starts and tests run in one process.
