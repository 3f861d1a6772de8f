//! The language: lexer, tree, parser and printer. Knows no catalog.
//!
//! [`parse`] turns the text of one statement into a [`tree::Statement`]; every type of [`tree`]
//! prints itself as canonical CQL, and what is printed parses to the same tree. The language is
//! that of Apache Cassandra 5.0, written down in `grammar/cql.ebnf`.
//!
//! What always holds:
//! - names in the tree are folded to lower case unless they were quoted;
//! - nesting is bounded before recursion, so no input can exhaust the stack;
//! - work is proportional to the length of the text.
//!
//! Left out: whether a table, column or function exists, and of which type a literal is.

pub mod error;
pub mod identifier;
mod keyword;
mod lexer;
mod parser;
mod printer;
mod token;
pub mod tree;

pub use error::Error;
pub use parser::parse;
