//! The language: lexer, tree, parser and printer. Knows no catalog.
