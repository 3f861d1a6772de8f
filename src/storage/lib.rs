//! The engine: commit log, memtables, SSTables, compaction. Has never heard of replicas.
