//! The native protocol in both directions, v4 and v5, and its errors. Knows no statement.
