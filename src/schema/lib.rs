//! The catalog and its changes as pure steps; DESCRIBE; system table definitions.
