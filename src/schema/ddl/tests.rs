//! Statements to changes.
