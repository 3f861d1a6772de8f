//! Text to tree to text to tree.
//!
//! Held: no panic and no overflow of the stack; an error that points into the text; what is printed means the same, and is
//! printed the same again.

#![no_main]

use cql::tree::Statement;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match cql::parse(text) {
        Ok(statement) => reparse(text, &statement),
        Err(error) => {
            assert!(error.position.offset <= text.len(), "{text:?}: {error:?}");
            assert!(!error.message.is_empty(), "{text:?}");
        }
    }
});

fn reparse(text: &str, statement: &Statement) {
    let printed = statement.to_string();
    match cql::parse(&printed) {
        Ok(again) => {
            assert_eq!(&again, statement, "{text:?} is printed as {printed:?}");
            assert_eq!(again.to_string(), printed, "{text:?}");
        }
        Err(error) => panic!("{text:?} is printed as {printed:?}: {error}"),
    }
}
