//! The engine on a simulated disk: scripts, a model, crashes at every step, damage, and old files.

mod crash;
mod damage;
mod failing;
mod fixtures;
mod large_rows;
mod model;
mod pressure;
mod races;
mod scripts;
mod support;
mod threads;
mod truncation;
mod twin;
