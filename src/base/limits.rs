//! How large anything may be. Formats and protocols depend on these, so they are constants; what an operator may
//! tune lives in each layer's `Options`, with these as the outer bounds.

/// One kibibyte.
pub const KIB: usize = 1024;
/// One mebibyte.
pub const MIB: usize = 1024 * KIB;

// Data.

/// A partition key, or all clustering columns of a row together, as CQL values. Drivers and Cassandra write key
/// lengths as unsigned shorts.
pub const KEY_BYTES_MAX: usize = u16::MAX as usize;
/// A byte-comparable key: in the worst case escaping doubles each byte, and each component adds a header and an end.
pub const ENCODED_KEY_BYTES_MAX: usize = 4 * KEY_BYTES_MAX;
/// A commit log segment. Segments are recycled, so this is also the step in which the log grows.
pub const SEGMENT_BYTES: usize = 32 * MIB;
/// A mutation or a whole BATCH: half a segment, so that a segment wastes at most half of itself.
pub const MUTATION_BYTES_MAX: usize = SEGMENT_BYTES / 2;
/// One value of a cell: it must fit into a mutation.
pub const VALUE_BYTES_MAX: usize = MUTATION_BYTES_MAX;
/// A row with all its columns: what an answer can hold. A collection that is not frozen grows with each write, and could
/// not be read any more beyond.
pub const ROW_BYTES_MAX: usize = ANSWER_BYTES_MAX;

// Names and shapes.

/// Columns of a table; column ids are shorts in many places.
pub const COLUMNS_MAX: usize = 32_767;
/// A keyspace or table name: 48 characters become file names on any system.
pub const NAME_CHARS_MAX: usize = 48;
/// Types within types: `list<list<...>>`. Real schemas stay below five; the decoder recurses.
pub const TYPE_DEPTH_MAX: usize = 32;
/// Nested literals, terms and functions in a statement; the parser recurses.
pub const EXPRESSION_DEPTH_MAX: usize = 64;
/// Dimensions of a vector, as in Cassandra.
pub const VECTOR_DIMENSIONS_MAX: usize = 8_192;

// The native protocol.

/// A request's frame. Cassandra's `native_transport_max_frame_size`; nothing larger than a mutation is useful.
pub const FRAME_BYTES_MAX: usize = 16 * MIB;
/// An answer's frame, and what a client of this protocol accepts: the protocol's own bound.
pub const ANSWER_BYTES_MAX: usize = 256 * MIB;
/// The payload of a version 5 segment: 17 bits of length.
pub const SEGMENT_PAYLOAD_BYTES_MAX: usize = (1 << 17) - 1;
/// A statement's text.
pub const STATEMENT_BYTES_MAX: usize = MIB;
/// Values bound to one statement: the protocol counts them in an unsigned short.
pub const BOUND_VALUES_MAX: usize = u16::MAX as usize;
/// Bytes of a page's envelope at which it ends before its number of rows is reached: a page of large rows should not hold up
/// others, and 4 MiB is a few milliseconds of copying.
pub const PAGE_BYTES_MAX: usize = 4 * MIB;

// A turn of a connection.

/// What a buffer keeps of its memory from one request to the next: a slice of a hundred rows of 300 bytes fits. Some
/// ten buffers of a connection may be that large, so a thousand connections keep 320 MB at the very worst.
pub const KEPT_BUFFER_BYTES: usize = 32 * KIB;

/// Requests of one turn: at 2 µs each they leave a third of the turn's time to their rows.
pub const TURN_REQUESTS: u64 = 64;
/// Bytes of answers of one turn: about what a socket takes in one call.
pub const TURN_ANSWER_BYTES: u64 = 256 * KIB as u64;
/// Work of one turn as charged by the meter: 200 µs, so that a thousand busy connections on four cores wait 50 ms.
pub const TURN_WORK_NANOS: u64 = 200_000;
/// Bytes of answers a connection may have unsent before its socket is no longer read.
pub const UNSENT_BYTES_MAX: usize = MIB;
/// Requests of a connection that may wait before its socket is no longer read.
pub const WAITING_REQUESTS_MAX: usize = 1_024;

const _: () = {
    assert!(MUTATION_BYTES_MAX <= SEGMENT_BYTES / 2);
    assert!(FRAME_BYTES_MAX <= ANSWER_BYTES_MAX);
    assert!(TURN_ANSWER_BYTES as usize <= UNSENT_BYTES_MAX);
    assert!(STATEMENT_BYTES_MAX < FRAME_BYTES_MAX);
};
