//! What the cluster agrees on, by epoch: state, transformations, the log file, placement.
