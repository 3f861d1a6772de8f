//! Reads, writes and paging at a consistency level, from storage or a virtual source.
