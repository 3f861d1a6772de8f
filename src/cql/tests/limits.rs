//! Hostile input: deep nesting and long chains end in errors, fast and on a small stack.

use std::fmt::Write;

use cql::parse;

/// Runs on a stack of 512 KiB, a quarter of what worker threads have.
#[expect(
    clippy::disallowed_methods,
    reason = "the size of the stack is what is tested"
)]
fn on_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(512 << 10);
    thread
        .spawn(test)
        .expect("a thread")
        .join()
        .expect("no panic");
}

#[test]
fn a_hundred_thousand_levels_are_an_error() {
    on_small_stack(|| {
        for opening in [
            "(",
            "[",
            "{",
            "f(",
            "(int)",
            "- ",
            "(a)",
            "CAST(",
            "{1:",
            "[[",
            "(-",
            "{a:",
            "list<",
            "frozen<map<int,",
            "a.",
            "a[",
            "(list<",
            "1+",
            "- (",
            "a[1]",
            "1 *",
        ] {
            let deep = opening.repeat(100_000);
            for text in [
                format!("SELECT {deep}1 FROM t"),
                format!("SELECT a FROM t WHERE {deep}1"),
                format!("SELECT a FROM t WHERE a = {deep}1"),
                format!("SELECT a FROM t WHERE a IN {deep}1"),
                format!("SELECT a FROM t WHERE (a, b) IN {deep}1"),
                format!("SELECT a FROM t GROUP BY {deep}1"),
                format!("INSERT INTO t (a) VALUES ({deep}1"),
                format!("UPDATE t SET a = {deep}1"),
                format!("UPDATE t SET a[{deep}1"),
                format!("CREATE TABLE t (a {deep}int"),
                format!("CREATE TABLE t (a int) WITH b = {deep}1"),
                format!("CREATE TYPE t (a {deep}int"),
                format!("USE {deep}"),
            ] {
                assert!(parse(&text).is_err(), "{}", &text[..60]);
            }
        }
    });
}

#[test]
fn balanced_nesting_is_bounded_too() {
    on_small_stack(|| {
        for (open, close) in [
            ("(", ")"),
            ("[", "]"),
            ("{", "}"),
            ("f(", ")"),
            ("{1: ", "}"),
            ("{a: ", "}"),
            ("CAST(", " AS int)"),
        ] {
            for levels in [1, 10, 20, 1_000, 50_000] {
                let nested = format!("{}1{}", open.repeat(levels), close.repeat(levels));
                for text in [
                    format!("SELECT {nested} FROM t"),
                    format!("INSERT INTO t (a) VALUES ({nested})"),
                ] {
                    let parsed = parse(&text);
                    let fits = levels <= 20 || open == "CAST(" && parsed.is_err();
                    match parsed {
                        Ok(statement) => {
                            assert!(fits, "{levels} levels of {open}");
                            assert_eq!(parse(&statement.to_string()), Ok(statement));
                        }
                        Err(error) if open != "CAST(" => {
                            assert!(!fits, "{error}");
                            assert!(error.message.contains("nested too deeply"), "{error}");
                        }
                        Err(_) => {}
                    }
                }
            }
        }
    });
}

#[test]
fn long_chains_are_bounded() {
    on_small_stack(|| {
        for (operands, fits) in [(100, true), (1_000, false), (100_000, false)] {
            let chain = vec!["1"; operands].join(" + ");
            assert_eq!(parse(&format!("SELECT {chain} FROM t")).is_ok(), fits);
            assert_eq!(
                parse(&format!("INSERT INTO t (a) VALUES ({chain})")).is_ok(),
                fits
            );
            let fields = vec!["a"; operands].join(".");
            assert_eq!(parse(&format!("SELECT {fields} FROM t")).is_ok(), fits);
        }
    });
}

/// Time grows with the length: twenty times the text of a wide statement stays far below what a
/// quadratic step would take.
#[test]
fn wide_statements_are_parsed() {
    let mut columns = String::new();
    let mut sets = String::new();
    let mut relations = String::new();
    let mut properties = String::new();
    for index in 0..50_000 {
        write!(columns, "c{index}, ").expect("a string");
        write!(sets, "c{index} = ?, m[{index}] = {{{index}: :v}}, ").expect("a string");
        write!(relations, "c{index} = ? AND ").expect("a string");
        write!(properties, "p{index} = {{'a': {index}}} AND ").expect("a string");
    }
    let markers = "?, ".repeat(50_000);
    for text in [
        format!("INSERT INTO t ({columns}k) VALUES ({markers}?)"),
        format!("UPDATE t SET {sets}c = 1 WHERE k = ?"),
        format!("SELECT {columns}k FROM t WHERE {relations}k = ?"),
        format!("ALTER TABLE t WITH {properties}p = 1"),
        format!(
            "BEGIN BATCH {}APPLY BATCH",
            "DELETE FROM t WHERE k = ?; ".repeat(20_000)
        ),
        format!(
            "SELECT a FROM t WHERE k IN ({}1)",
            "(1, 2), ".repeat(50_000)
        ),
    ] {
        let statement = parse(&text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(parse(&statement.to_string()), Ok(statement));
    }
}

/// The tree takes memory for each element, so their number is bounded, in all lists together.
#[test]
fn too_many_elements_are_an_error() {
    let check = |text: String, fits: bool| match parse(&text) {
        Ok(_) => assert!(fits, "{}", &text[..40]),
        Err(error) => {
            let expected = "too many elements: at most 262140 in a statement";
            assert!(!fits && error.message.ends_with(expected), "{error}");
        }
    };
    for (element, count, fits) in [
        ("1", 262_140, true),
        ("1", 262_142, false),
        ("[1,1,1]", 65_000, true),
        ("[1,1,1]", 100_000, false),
    ] {
        let list = vec![element; count].join(",");
        check(format!("SELECT a FROM t WHERE b IN ({list})"), fits);
    }
    let names = vec!["a"; 300_000].join(",");
    check(format!("SELECT {names} FROM t"), false);
    check(format!("INSERT INTO t ({names}) VALUES (1)"), false);
    check(format!("DELETE {names} FROM t"), false);
}

/// A line of a megabyte is quoted around the place that is wrong, and nothing else is repeated whole.
#[test]
fn errors_in_long_lines_are_short() {
    let long = "x".repeat(1 << 20);
    let list = "1, ".repeat(100_000);
    for text in [
        format!("SELECT a FROM t WHERE b IN ({list}!, {list}1)"),
        format!("SELECT a FROM t WHERE b IN ({list}SELECT, {list}1)"),
        format!("SELECT '{long}' '{long}'"),
        format!("SELECT \"{long}\" \"{long}\""),
        format!("INSERT {long} INTO t"),
        format!("INSERT INTO t (a) VALUES ('{long}"),
        format!("ALTER TABLE t WITH a = {{[1]: '{long}'}}"),
        format!("ALTER TABLE t WITH a = {{'{long}': [1]}}"),
        format!("ALTER TABLE t WITH \"{long}\" = 1 AND \"{long}\" = 1"),
    ] {
        let error = parse(&text).expect_err("it is wrong").to_string();
        assert!(error.len() <= cql::error::TEXT_BYTES_MAX, "{}", error.len());
        let caret = error
            .lines()
            .find(|line| line.trim_start().starts_with('^'));
        let caret = caret.unwrap_or_else(|| panic!("no caret: {error}"));
        assert!(caret.len() <= 202, "{error}");
    }
}

#[test]
fn any_bytes_are_an_error_and_no_panic() {
    let words = [
        "SELECT", "'", "\"", "$$", "/*", "--", "é", "\u{0}", "(", "{", "?", ":", "..", "1", "a",
        "FROM", "-", "=", "\n", "\t",
    ];
    let mut state = 1u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..8 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            text.push_str(words[(state >> 33) as usize % words.len()]);
            if state >> 60 & 1 == 1 {
                text.push(' ');
            }
        }
        if let Err(error) = parse(&text) {
            assert!(!error.to_string().is_empty());
        }
    }
}
