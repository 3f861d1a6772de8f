//! Whole nodes in simulation.
