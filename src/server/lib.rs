//! The native protocol listener: connections, turns, events. Knows no table.
