//! CQL types and values: wire form, text form, order, byte-comparable form, and the partition token.
