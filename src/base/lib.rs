//! Effects and plain tools every layer stands on: bytes, checksums, compression, the environment, clocks, meters, limits.
