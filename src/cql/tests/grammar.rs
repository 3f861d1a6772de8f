//! The grammar file and the parser say the same: their rules have the same names, every example
//! and every random statement made from the grammar parses, prints and parses to the same tree.

#![expect(
    clippy::disallowed_methods,
    reason = "the rule names and examples are read from files"
)]

mod ebnf;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cql::parse;
use ebnf::{Generator, Grammar};

/// The modules of `src/cql/parser/` that hold rules.
const RULE_MODULES: [&str; 12] = [
    "statements",
    "select",
    "selectors",
    "relations",
    "modifications",
    "terms",
    "types",
    "names",
    "keyspaces",
    "tables",
    "user_types",
    "describe",
];

fn grammar() -> Grammar {
    Grammar::read(include_str!("../../../grammar/cql.ebnf"))
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The statement parses, prints, and what is printed parses to the same tree and text.
fn round_trip(text: &str) -> Result<(), String> {
    let statement = parse(text).map_err(|error| format!("{text}\n{error}"))?;
    let printed = statement.to_string();
    let again = parse(&printed).map_err(|error| format!("{text}\n{printed}\n{error}"))?;
    if again != statement || again.to_string() != printed {
        return Err(format!("{text}\n{printed}\n{again}"));
    }
    Ok(())
}

#[test]
fn rules_are_the_functions_of_the_parser() {
    let grammar = grammar();
    let rules: BTreeSet<&str> = grammar.rule_names().collect();
    let mut functions = BTreeSet::new();
    for module in RULE_MODULES {
        let path = here(&format!("parser/{module}.rs"));
        let source = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        for line in source.lines().map(str::trim_start) {
            let Some(rest) = line
                .strip_prefix("pub fn ")
                .or_else(|| line.strip_prefix("fn "))
            else {
                continue;
            };
            let end = rest.find(['(', '<']).expect("parameters");
            functions.insert(rest[..end].to_string());
        }
    }
    let functions: BTreeSet<&str> = functions.iter().map(String::as_str).collect();
    let missing: Vec<_> = rules.difference(&functions).collect();
    assert!(missing.is_empty(), "rules without a function: {missing:?}");
    let extra: Vec<_> = functions.difference(&rules).collect();
    assert!(extra.is_empty(), "functions without a rule: {extra:?}");
}

#[test]
fn words_are_reserved_as_the_grammar_says() {
    let grammar = grammar();
    for word in grammar.words("RESERVED") {
        assert!(parse(&format!("USE {word}")).is_err(), "{word}");
        assert!(
            cql::identifier::needs_quotes(&word.to_ascii_lowercase()),
            "{word}"
        );
    }
    for word in grammar.words("unreserved_keyword") {
        assert!(parse(&format!("USE {word}")).is_ok(), "{word}");
        assert!(
            !cql::identifier::needs_quotes(&word.to_ascii_lowercase()),
            "{word}"
        );
    }
}

#[test]
fn every_example_parses_and_prints() {
    let mut files: Vec<PathBuf> = fs::read_dir(here("../../grammar/examples"))
        .expect("the folder of examples")
        .map(|entry| entry.expect("an example").path())
        .collect();
    files.sort();
    assert!(files.len() >= 15, "{} files", files.len());
    for file in files {
        let text = fs::read_to_string(&file).expect("an example");
        let mut statements = 0;
        for statement in text
            .split("\n\n")
            .filter(|statement| !statement.trim().is_empty())
        {
            statements += 1;
            round_trip(statement).unwrap_or_else(|error| panic!("{}\n{error}", file.display()));
        }
        assert!(statements > 0, "{} is empty", file.display());
    }
}

/// Random statements. Two keys of a map may come out alike, two assignments may contradict each
/// other, a number may be greater than all doubles; such statements are well-formed but refused,
/// with their own words.
#[test]
fn generated_statements_parse_and_print() {
    let grammar = grammar();
    let mut refused = 0;
    for seed in 0..20_000 {
        let text = Generator::new(&grammar, seed, 12 + seed as usize % 14).text("query");
        if let Err(error) = round_trip(&text) {
            let refusals = [
                "\nMultiple definition",
                "\nMultiple incompatible",
                "reason: NumberFormatException",
            ];
            let known = refusals.iter().any(|refusal| error.contains(refusal));
            assert!(known, "seed {seed}\n{error}");
            refused += 1;
        }
    }
    assert!(refused < 400, "{refused} statements were refused");
}

/// Every rule is reached by the generator, so the test above speaks about all of them.
#[test]
fn generated_statements_reach_every_rule() {
    let grammar = grammar();
    let mut reached = BTreeSet::from(["query".to_string()]);
    loop {
        let before = reached.len();
        for name in reached.clone() {
            collect(&grammar.rules[&name], &mut reached);
        }
        if reached.len() == before {
            break;
        }
    }
    let unreached: Vec<_> = grammar
        .rules
        .keys()
        .filter(|name| !reached.contains(*name) && *name != "RESERVED")
        .collect();
    assert!(unreached.is_empty(), "{unreached:?}");
}

fn collect(node: &ebnf::Node, names: &mut BTreeSet<String>) {
    match node {
        ebnf::Node::Choice(nodes) | ebnf::Node::Sequence(nodes) => {
            nodes.iter().for_each(|node| collect(node, names));
        }
        ebnf::Node::Repeat(node, ..) => collect(node, names),
        ebnf::Node::Rule(name) => {
            names.insert(name.clone());
        }
        ebnf::Node::Literal(_) | ebnf::Node::Class(_) => {}
    }
}

/// A statement damaged in one place is an error or another statement, never a panic.
#[test]
fn damaged_statements_never_panic() {
    let grammar = grammar();
    for seed in 0..3_000 {
        let text = Generator::new(&grammar, seed, 16).text("query");
        let at = (0..=seed as usize % (text.len() + 1)).rfind(|at| text.is_char_boundary(*at));
        let (head, tail) = text.split_at(at.unwrap_or_default());
        let shorter: String = tail.chars().skip(1).collect();
        for damaged in [
            head.to_string(),
            format!("{head}{shorter}"),
            format!("{head} ) {tail}"),
            format!("{head}#{tail}"),
        ] {
            match parse(&damaged) {
                Ok(statement) => {
                    round_trip(&statement.to_string()).unwrap_or_else(|error| panic!("{error}"))
                }
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
    }
}

proptest::proptest! {
    #[test]
    fn any_name_survives_printing(name in "[^\u{0}]{1,12}") {
        let text = format!("USE {}", cql::identifier::quote_if_needed(&name));
        let parsed = parse(&text).map(|statement| statement.to_string());
        proptest::prop_assert_eq!(parsed, Ok(text.clone()));
        let Ok(cql::tree::Statement::Use(statement)) = parse(&text) else { panic!("{text}") };
        proptest::prop_assert_eq!(statement.keyspace.text, name);
    }

    #[test]
    fn any_text_survives_printing(value in ".{0,40}") {
        let text = format!("INSERT INTO t (a) VALUES ({})", cql::tree::Literal::Text(value));
        let parsed = parse(&text).map(|statement| statement.to_string());
        proptest::prop_assert_eq!(parsed, Ok(text));
    }

    #[test]
    fn any_input_is_answered(text in ".{0,200}") {
        if let Err(error) = parse(&text) {
            proptest::prop_assert!(error.to_string().len() <= cql::error::TEXT_BYTES_MAX);
        }
    }
}
