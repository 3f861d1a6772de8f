//! The SSTable against a twin in memory, against damage, power failures, and its own past.

mod crash;
mod damage;
mod fixtures;
mod loading;
mod overlap;
mod support;
mod twin;
