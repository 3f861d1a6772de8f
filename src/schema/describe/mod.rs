//! DESCRIBE: the catalog as statements that make it again.
