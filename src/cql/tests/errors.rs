//! Error texts: the first line is Cassandra's, to the letter; below it are ours.

use cql::parse;

#[track_caller]
fn message(text: &str, expected: &str) {
    match parse(text) {
        Ok(statement) => panic!("{text} is {statement}"),
        Err(error) => assert_eq!(error.message, expected, "{text}"),
    }
}

#[track_caller]
fn whole(text: &str, expected: &[&str]) {
    match parse(text) {
        Ok(statement) => panic!("{text} is {statement}"),
        Err(error) => assert_eq!(error.to_string(), expected.join("\n"), "{text}"),
    }
}

/// Messages that Cassandra 3.11 to 5.0 is known to give.
#[test]
fn messages_of_cassandra() {
    message(
        "SELECT * zeppelin WHERE",
        "line 1:9 mismatched input 'zeppelin' expecting K_FROM (SELECT * [zeppelin]...)",
    );
    message(
        "select*\n;",
        "line 2:0 mismatched input ';' expecting K_FROM (select*[;])",
    );
    message(
        "DROP cqlkeyspace.t;",
        "line 1:5 no viable alternative at input 'cqlkeyspace' ([DROP] cqlkeyspace...)",
    );
    message(
        "DELETE cqlkeyspace.t;",
        "line 1:20 mismatched input ';' expecting K_FROM (DELETE cqlkeyspace.t[;])",
    );
    message(
        "insert into users (user_id, birthday, name)\nvalues (1, '2021-01-01', 'naoty'),\n (2, '2021-02-01', 'naoty2');",
        "line 2:33 mismatched input ',' expecting EOF (... (1, '2021-01-01', 'naoty')[,]...)",
    );
    message(
        "CREATE KEYSPACE social_app\nWITH REPLICATION={}\n'class':'NetworkTopologyStrategy'",
        "line 3:0 mismatched input 'class' expecting EOF (... social_appWITH REPLICATION={}['clas]...)",
    );
    message(
        "insert into \"xephonnaive\".metrics (metric_name, metric_timestamp, value) values (\"cpu.load\", now(), 30);",
        "line 1:91 no viable alternative at input ',' (... metric_timestamp, value) values ([\"cpu.loa]d\",...)",
    );
    message(
        "SELECT * FROM users WHERE state='TX' USING CONSISTENCY QUORUM;",
        "line 1:37 no viable alternative at input 'USING' (...FROM users WHERE state='TX' [USING]...)",
    );
    message(
        "UPDATE c SET count = count + 1WHERE name = 'installed_rank';",
        "line 1:31 no viable alternative at input 'HERE' (... count = count + 1W[HERE]...)",
    );
    message(
        "\n                  select * from users;\n                  select * from t;",
        "line 3:18 mismatched input 'select' expecting EOF (                  select * from users;                  [select]...)",
    );
    message(
        "CREATE TABLE users (key varchar PRIMARY KEY, password varchar, gender varchar) WITH compression_parameters:x = 'y'",
        "line 1:106 no viable alternative at input ':' (...varchar, gender varchar) WITH [compression_parameters]:...)",
    );
    message(
        "UPDATE \"request_trace\" SET  WHERE a = 1",
        "line 1:28 no viable alternative at input 'WHERE' (UPDATE \"request_trace\" SET  [WHERE]...)",
    );
    message(
        "INSERT INTO usertable (y_id,0) VALUES (1)",
        "line 1:28 no viable alternative at input '0' (INSERT INTO usertable (y_id,[0]...)",
    );
    message(
        "SELECT *",
        "line 0:-1 mismatched input '<EOF>' expecting K_FROM",
    );
    message("", "line 0:-1 no viable alternative at input '<EOF>'");
    message(
        "SELECT a FROM t WHERE $x;",
        "line 1:23 mismatched character 'x' expecting '$'",
    );
    message(
        "SELECT ı FROM t",
        "line 1:7 no viable alternative at character 'ı'",
    );
}

#[test]
fn more_messages() {
    message(
        "SELEC * FROM t",
        "line 1:0 no viable alternative at input 'SELEC' ([SELEC]...)",
    );
    message(
        "SELECT a b FROM t",
        "line 1:9 no viable alternative at input 'b' (SELECT [a] b...)",
    );
    message(
        "SELECT a, FROM t",
        "line 1:10 no viable alternative at input 'FROM' (SELECT a, [FROM]...)",
    );
    message(
        "SELECT a AS b c FROM t",
        "line 1:14 mismatched input 'c' expecting K_FROM (SELECT a AS b [c]...)",
    );
    message(
        "SELECT * FROM t LIMIT 1 x",
        "line 1:24 mismatched input 'x' expecting EOF (...* FROM t LIMIT 1 [x])",
    );
    message(
        "SELECT * FROM t WHERE name LIKEX 'a'",
        "line 1:27 no viable alternative at input 'LIKEX' (SELECT * FROM t WHERE [name] LIKEX...)",
    );
    message(
        "CREATE TABLE t (a int b int)",
        "line 1:22 no viable alternative at input 'b' (CREATE TABLE t (a [int] b...)",
    );
    message(
        "CREATE KEYSPACE ks",
        "line 0:-1 mismatched input '<EOF>' expecting K_WITH",
    );
    message(
        "USE 'ks' x",
        "line 1:4 no viable alternative at input 'ks' (USE ['k]...)",
    );
}

/// What Cassandra's parser decides by several tokens, and which tokens it has read then.
#[test]
fn decisions() {
    let mut checked = 0;
    let mut lines = include_str!("messages.txt").lines().skip(1);
    while let Some(statement) = lines.next() {
        if statement.is_empty() {
            continue;
        }
        message(statement, lines.next().expect("a message").trim_start());
        checked += 1;
    }
    assert!(checked > 200, "{checked} statements");
}

#[test]
fn well_formed_but_refused() {
    message(
        "UPDATE t SET a = c + 1 WHERE k = 1",
        "Only expressions of the form X = X +<value> are supported.",
    );
    message(
        "UPDATE t SET a = c - 1 WHERE k = 1",
        "Only expressions of the form X = X -<value> are supported.",
    );
    message(
        "UPDATE t SET a = c -1 WHERE k = 1",
        "Only expressions of the form X = X - <value> are supported.",
    );
    message(
        "UPDATE t SET a = [1] + c WHERE k = 1",
        "Only expressions of the form X = <value> + X are supported.",
    );
    for text in [
        "UPDATE t SET a = 1, a = 2 WHERE k = 1",
        "UPDATE t SET a.x = 1, a.x = 2 WHERE k = 1",
        "UPDATE t SET a[1] = 1, a = {} WHERE k = 1",
    ] {
        message(text, "Multiple incompatible setting of column a");
    }
    assert!(parse("UPDATE t SET a[1] = 1, a[1] = 2, b.x = 1, b.y = 2 WHERE k = 1").is_ok());
    message(
        "CREATE TABLE t (a byte)",
        "Invalid (reserved) user type name byte",
    );
    message(
        "SELECT * FROM ?",
        "Bind variables cannot be used for table names",
    );
    message("USE ?", "Bind variables cannot be used for keyspace names");
    message(
        "INSERT INTO t (a) VALUES (-1e400)",
        "Failed parsing statement: [INSERT INTO t (a) VALUES (-1e400)] reason: NumberFormatException Character I is neither a decimal digit number, decimal point, nor \"e\" notation exponential mark.",
    );
    assert!(parse("INSERT INTO t (a) VALUES (1e-400, Infinity, 1.7e308)").is_ok());
    message(
        "ALTER TABLE t WITH a = 1 AND a = 2",
        "Multiple definitions for property 'a'",
    );
    message(
        "ALTER TABLE t WITH a = {'x': 1, 'x': 2}",
        "Multiple definition for property x",
    );
    message(
        "ALTER TABLE t WITH a = {'x': ?}",
        "Invalid property value: ? for property: 'x' (bind variables are not supported in DDL queries)",
    );
}

#[test]
fn carets_expectations_and_suggestions() {
    whole(
        "SELECT *\n  FORM t",
        &[
            "line 2:2 mismatched input 'FORM' expecting K_FROM (SELECT *  [FORM]...)",
            "    FORM t",
            "    ^^^^",
            "expected FROM; did you mean FROM?",
        ],
    );
    whole(
        "SELECT * FROM t WHERE order = 1",
        &[
            "line 1:22 no viable alternative at input 'order' (SELECT * FROM t WHERE [order]...)",
            "  SELECT * FROM t WHERE order = 1",
            "                        ^^^^^",
            "expected a name; order is a reserved word: write \"order\" to use it as a name",
        ],
    );
    whole(
        "INSERT INTO t (a) VALUES (1, 2",
        &[
            "line 0:-1 mismatched input '<EOF>' expecting ')'",
            "  INSERT INTO t (a) VALUES (1, 2",
            "                                ^",
            "expected ')' or ','",
        ],
    );
    whole(
        "SELECT a FROM t WHERE a = 'é",
        &[
            "line 1:28 mismatched character '<EOF>' expecting '''",
            "  SELECT a FROM t WHERE a = 'é",
            "                              ^",
        ],
    );
}

#[test]
fn positions_count_bytes_lines_and_characters() {
    let error = parse("SELECT 'é',\n 'x' y").expect_err("an error");
    let position = error.position;
    assert_eq!(
        (position.offset, position.line, position.column),
        (18, 2, 5)
    );
}

#[test]
fn texts_are_bounded() {
    let long = "x".repeat(100_000);
    for text in [
        format!("SELECT * FROM t {long}"),
        format!("SELECT * FROM t '{long}' {long}"),
        format!("SELECT {long}, '{long}' {long} FROM t"),
        format!("SELECT é{long}"),
    ] {
        let error = parse(&text).expect_err("an error");
        let shown = error.to_string();
        assert!(
            shown.len() <= cql::error::TEXT_BYTES_MAX,
            "{} bytes",
            shown.len()
        );
        let lines_below = shown.lines().skip(1);
        assert!(lines_below.clone().count() >= 2, "{shown}");
        assert!(
            lines_below
                .into_iter()
                .all(|line| line.chars().count() <= 202),
            "{shown}"
        );
    }
}
