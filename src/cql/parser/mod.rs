//! The parser: tokens to a tree, in `nom` combinators.
//!
//! Each rule of `grammar/cql.ebnf` is a function of the same name; the modules of rules are
//! `statements`, `select`, `selectors`, `relations`, `modifications`, `terms`, `types`, `names`,
//! `keyspaces`, `tables`, `user_types` and `describe`. The other modules are what rules are made
//! of: the input, the error, combinators, and conversions that need no input.

mod assignments;
pub(crate) mod combinators;
mod comparisons;
mod decisions;
mod definitions;
mod describe;
pub(crate) mod failure;
mod hints;
mod keyspaces;
pub(crate) mod lexemes;
mod modifications;
mod modifier;
mod names;
mod operators;
mod properties;
mod relations;
mod select;
mod selectors;
mod statements;
mod tables;
mod terms;
pub(crate) mod tokens;
mod type_words;
mod types;
mod unsupported;
mod user_types;

use nom::Err;

use crate::error::Error;
use crate::lexer;
use crate::tree::Statement;
use failure::Failure;
use tokens::{Context, Tokens};

/// Parses one statement, with or without semicolons after it.
pub fn parse(text: &str) -> Result<Statement, Error> {
    if u32::try_from(text.len()).is_err() {
        return Err(Error::too_long(text));
    }
    let lexed = lexer::tokenize(text);
    let context = Context::new(text, &lexed.tokens);
    match statements::query(Tokens::new(&context)) {
        Ok((_, statement)) => Ok(statement),
        Err(Err::Error(failure) | Err::Failure(failure)) => {
            Err(Error::syntax(&context, failure, lexed.stop))
        }
        Err(Err::Incomplete(_)) => Err(Error::syntax(&context, Failure::at_end(&context), None)),
    }
}
