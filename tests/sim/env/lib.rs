//! The simulated environment: clocks, disk, network and tasks from one seed.
