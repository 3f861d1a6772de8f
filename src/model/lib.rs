//! Rows as bytes: images, keys, merging, streams; mutations, read commands and filters.
