//! One immutable sorted file: format, writer, reader, block cache. Knows no table's history.
