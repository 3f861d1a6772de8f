//! Statements of Cassandra 5.0 that Helenus knows by their first words only.

use nom::Input;

use super::tokens::Tokens;
use crate::keyword::Keyword::{self, *};

/// First words and the name in messages.
pub const UNSUPPORTED: &[(&[Keyword], &str)] = &[
    (&[Create, Index], "CREATE INDEX"),
    (&[Create, Custom, Index], "CREATE CUSTOM INDEX"),
    (&[Create, Materialized, View], "CREATE MATERIALIZED VIEW"),
    (&[Create, Function], "CREATE FUNCTION"),
    (
        &[Create, Or, Replace, Function],
        "CREATE OR REPLACE FUNCTION",
    ),
    (&[Create, Aggregate], "CREATE AGGREGATE"),
    (
        &[Create, Or, Replace, Aggregate],
        "CREATE OR REPLACE AGGREGATE",
    ),
    (&[Create, Trigger], "CREATE TRIGGER"),
    (&[Create, Role], "CREATE ROLE"),
    (&[Create, User], "CREATE USER"),
    (&[Alter, Materialized, View], "ALTER MATERIALIZED VIEW"),
    (&[Alter, Role], "ALTER ROLE"),
    (&[Alter, User], "ALTER USER"),
    (&[Drop, Index], "DROP INDEX"),
    (&[Drop, Materialized, View], "DROP MATERIALIZED VIEW"),
    (&[Drop, Function], "DROP FUNCTION"),
    (&[Drop, Aggregate], "DROP AGGREGATE"),
    (&[Drop, Trigger], "DROP TRIGGER"),
    (&[Drop, Role], "DROP ROLE"),
    (&[Drop, User], "DROP USER"),
    (&[Drop, Identity], "DROP IDENTITY"),
    (&[Add, Identity], "ADD IDENTITY"),
    (&[Grant], "GRANT"),
    (&[Revoke], "REVOKE"),
    (&[List, Roles], "LIST ROLES"),
    (&[List, Users], "LIST USERS"),
    (&[List, Superusers], "LIST SUPERUSERS"),
    (&[List], "LIST PERMISSIONS"),
];

/// Whether these words stand next.
pub fn begins_with(input: Tokens<'_>, words: &[Keyword]) -> bool {
    words
        .iter()
        .enumerate()
        .all(|(ahead, word)| input.is_keyword(ahead, *word))
}

/// The input with nothing but `End` left.
pub fn to_the_end(input: Tokens<'_>) -> Tokens<'_> {
    input.take_from(input.input_len().saturating_sub(1))
}
