//! Statements of every kind: how each is printed, and that the printed form means the same.

use cql::parse;
use cql::tree::{Statement, TermKind};

/// The statement parses, prints as expected, and the printed form parses to the same tree.
#[track_caller]
fn check(text: &str, expected: &str) -> Statement {
    let statement = parse(text).unwrap_or_else(|error| panic!("{text}\n{error}"));
    assert_eq!(statement.to_string(), expected, "{text}");
    let again = parse(expected).unwrap_or_else(|error| panic!("{expected}\n{error}"));
    assert_eq!(again, statement, "{text}");
    statement
}

/// The statement is printed as it is written.
#[track_caller]
fn same(text: &str) -> Statement {
    check(text, text)
}

#[test]
fn keyspaces() {
    check("use KS;", "USE ks");
    same("USE \"Ks\"");
    check(
        "create keyspace if not exists Ks with replication = {'class':'SimpleStrategy','replication_factor':1} and durable_writes=TRUE",
        "CREATE KEYSPACE IF NOT EXISTS ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1} AND durable_writes = true",
    );
    same("ALTER KEYSPACE IF EXISTS ks WITH replication = {}");
    same("DROP KEYSPACE IF EXISTS ks");
}

#[test]
fn tables() {
    check(
        "CREATE COLUMNFAMILY ks.t (k int PRIMARY KEY, v text,)",
        "CREATE TABLE ks.t (k int, v text, PRIMARY KEY (k))",
    );
    same(
        "CREATE TABLE IF NOT EXISTS t (a int, b varint, c map<text, frozen<list<int>>>, d tuple<int, ks.u>, s set<uuid> STATIC, \
         v vector<float, 3>, x 'org.Foo', n counter, PRIMARY KEY ((a, b), c, d)) WITH COMPACT STORAGE AND \
         CLUSTERING ORDER BY (c DESC, d ASC) AND comment = 'it''s' AND gc_grace_seconds = 10 AND compaction = {'class': 'x'}",
    );
    check(
        "CREATE TABLE t (k varchar PRIMARY KEY) WITH memtable = default AND ID=123e4567-e89b-12d3-a456-426614174000",
        "CREATE TABLE t (k text, PRIMARY KEY (k)) WITH memtable = 'default' AND id = 123e4567-e89b-12d3-a456-426614174000",
    );
    same(
        "CREATE TABLE t (k int, v text MASKED WITH mask_inner(1, NULL), w int MASKED WITH DEFAULT, PRIMARY KEY (k))",
    );
    same("CREATE TABLE t (key int, list list<int>, map text, frozen frozen, PRIMARY KEY (key))");
    check("ALTER TABLE t ADD v int", "ALTER TABLE t ADD v int");
    same("ALTER TABLE IF EXISTS ks.t ADD IF NOT EXISTS (v int, w text STATIC)");
    same("ALTER TABLE t DROP IF EXISTS (v, w) USING TIMESTAMP 5");
    same("ALTER TABLE t DROP compact");
    same("ALTER TABLE t DROP COMPACT STORAGE");
    same("ALTER TABLE t RENAME IF EXISTS a TO b AND c TO d");
    same("ALTER TABLE t ALTER v TYPE bigint");
    same("ALTER TABLE t ALTER IF EXISTS v MASKED WITH DEFAULT");
    same("ALTER TABLE t ALTER v DROP MASKED");
    same("ALTER TABLE t WITH comment = 'x' AND caching = {'keys': 'ALL'}");
    same("DROP TABLE IF EXISTS ks.t");
    check("TRUNCATE t;;", "TRUNCATE TABLE t");
}

#[test]
fn types() {
    same("CREATE TYPE IF NOT EXISTS ks.u (a int, b frozen<set<text>>)");
    same("ALTER TYPE u ADD IF NOT EXISTS c int");
    same("ALTER TYPE u RENAME a TO b AND c TO d");
    same("ALTER TYPE u ALTER a TYPE text");
    same("DROP TYPE IF EXISTS ks.u");
}

#[test]
fn inserts() {
    same("INSERT INTO ks.t (k, v) VALUES (?, :name) IF NOT EXISTS USING TIMESTAMP ? AND TTL 5");
    same(
        "INSERT INTO t (a) VALUES ([1, 2.5, -1e5], {}, {1}, {1: 'x', 2: NULL}, {f: 1, \"G\": true}, (1, (2, 3)), 0xff, \
          123e4567-e89b-12d3-a456-426614174000, NaN, -Infinity, 1h30m, P1Y, 'a''b', (int)1, CAST(1 AS text), now(), ks.f(1, g()))",
    );
    check(
        "insert into T (A) values ($$it's$$, -NaN, INFINITY)",
        "INSERT INTO t (a) VALUES ('it''s', NaN, Infinity)",
    );
    same("INSERT INTO t JSON '{\"a\": 1}' DEFAULT UNSET IF NOT EXISTS");
    check(
        "INSERT INTO t JSON :j DEFAULT NULL",
        "INSERT INTO t JSON :j",
    );
    same("INSERT INTO t (a) VALUES (1 + 2 * (3 - ?) / - f(5) % (list<int>)[1])");
    same("INSERT INTO t (a) VALUES ({:a, :b}, {:a: :b})");
}

#[test]
fn updates() {
    same(
        "UPDATE t USING TTL ? AND TIMESTAMP :ts SET a = 1, m['k'] = 2, l[0] = ?, u.f = NULL WHERE k = 1 IF EXISTS",
    );
    check(
        "UPDATE t SET c += 1, d -= {'x'}, e = e + 1, f = f - 2, g = [1] + g, h = h -3, i = i + -4 WHERE k = ?",
        "UPDATE t SET c = c + 1, d = d - {'x'}, e = e + 1, f = f - 2, g = [1] + g, h = h + -3, i = i + -4 WHERE k = ?",
    );
    same("UPDATE t SET a = 1 + 2 + a WHERE k = 1");
    same(
        "UPDATE t SET a = now() WHERE k = 1 IF a = 1 AND b != 2 AND c IN (1, 2) AND d IN ? AND m['x'] >= 3 AND u.f IN () AND s CONTAINS 1 AND n CONTAINS KEY 'x'",
    );
    same("UPDATE t SET a = 1 WHERE k = 1 IF exists = 2");
}

#[test]
fn deletes() {
    same("DELETE FROM t WHERE k = 1");
    same(
        "DELETE a, m['k'], l[?], u.f FROM ks.t USING TIMESTAMP ? WHERE k IN (1, 2) AND c > 3 IF EXISTS",
    );
}

#[test]
fn batches() {
    check(
        "BEGIN BATCH INSERT INTO t (a) VALUES (?) UPDATE t SET a = ? WHERE k = ?; DELETE FROM t WHERE k = :x APPLY BATCH;",
        "BEGIN BATCH INSERT INTO t (a) VALUES (?); UPDATE t SET a = ? WHERE k = ?; DELETE FROM t WHERE k = :x; APPLY BATCH",
    );
    same("BEGIN UNLOGGED BATCH USING TIMESTAMP 5 APPLY BATCH");
    same("BEGIN COUNTER BATCH UPDATE t SET a = a + 1 WHERE k = 1; APPLY BATCH");
}

#[test]
fn selects() {
    check(
        "select * from system.local where key='local'",
        "SELECT * FROM system.local WHERE key = 'local'",
    );
    same("SELECT JSON DISTINCT a, b AS c FROM t");
    same("SELECT json, distinct, count AS json FROM t");
    same("SELECT distinct FROM t");
    check(
        "SELECT count(1), COUNT(*), count(a) FROM t",
        "SELECT count(*), count(*), count(a) FROM t",
    );
    same(
        "SELECT writetime(a), maxwritetime(m['k']), ttl(u.f), CAST(a AS text), token(k), ks.f(a, 1, ?), (int)1, (text)a FROM t",
    );
    same(
        "SELECT a.b.c, m['k'], m[1..2], m[..?], m[:x..], l[0][1].f, - a + 2 * (b - 1), (a, b), [a, 1], {a}, {a: b}, {}, null FROM t",
    );
    same("SELECT (a) AS b FROM t");
    same(
        "SELECT a FROM t WHERE a = 1 AND b < 2 AND c <= 3 AND d > 4 AND e >= 5 AND f != 6 AND g IN (1, ?) AND h IN ? AND i IN ()",
    );
    same(
        "SELECT a FROM t WHERE s CONTAINS 1 AND m CONTAINS KEY ? AND x LIKE 'a%' AND y BETWEEN 1 AND 2 AND z IS NOT NULL AND m['k'] = 1",
    );
    same(
        "SELECT a FROM t WHERE (a, b) > (1, 2) AND (a, b) IN ((1, 2), (?, ?)) AND (c) IN ? AND (d, e) IN (?, :f) AND (g) = ? AND (h, i) BETWEEN (1, 2) AND ?",
    );
    same("SELECT a FROM t WHERE token(a, b) > token(1, 2) AND token(k) <= ?");
    check(
        "SELECT a FROM t WHERE (a = 1) AND ((b) = (2)) AND (token(k) > 1)",
        "SELECT a FROM t WHERE a = 1 AND (b) = (2) AND token(k) > 1",
    );
    check(
        "SELECT a FROM t WHERE k = 1 GROUP BY a, floor(b, 1h) ORDER BY c ASC, d DESC PER PARTITION LIMIT ? LIMIT 10 ALLOW FILTERING",
        "SELECT a FROM t WHERE k = 1 GROUP BY a, floor(b, 1h) ORDER BY c, d DESC PER PARTITION LIMIT ? LIMIT 10 ALLOW FILTERING",
    );
    same("SELECT a FROM t ORDER BY v ANN OF [1.0, 2.0] LIMIT :l");
    same("SELECT similarity_cosine(v, ?) FROM t ORDER BY v ANN OF ? LIMIT 3");
    check(
        "SELECT a -- one\n FROM /* two */ t // three",
        "SELECT a FROM t",
    );
}

#[test]
fn describes() {
    for text in [
        "CLUSTER",
        "SCHEMA",
        "FULL SCHEMA",
        "KEYSPACES",
        "TABLES",
        "TYPES",
        "FUNCTIONS",
        "AGGREGATES",
        "KEYSPACE",
        "KEYSPACE ks",
        "ONLY KEYSPACE ks",
        "TABLE ks.t",
        "INDEX ks.i",
        "MATERIALIZED VIEW v",
        "TYPE ks.u",
        "FUNCTION ks.f",
        "AGGREGATE a",
        "ks.t",
        "\"T\"",
        "SCHEMA WITH INTERNALS",
        "TABLE t WITH INTERNALS",
        "ks WITH INTERNALS",
    ] {
        same(&format!("DESCRIBE {text}"));
        check(&format!("desc {text};"), &format!("DESCRIBE {text}"));
    }
    check("DESCRIBE COLUMNFAMILIES", "DESCRIBE TABLES");
    check("DESC COLUMNFAMILY t", "DESCRIBE TABLE t");
}

#[test]
fn unsupported() {
    for (text, expected) in [
        ("CREATE INDEX IF NOT EXISTS ON t (v)", "CREATE INDEX"),
        (
            "CREATE CUSTOM INDEX i ON t (v) USING 'x' WITH OPTIONS = {'a': 'b'};",
            "CREATE CUSTOM INDEX",
        ),
        (
            "CREATE MATERIALIZED VIEW v AS SELECT a FROM t",
            "CREATE MATERIALIZED VIEW",
        ),
        (
            "CREATE OR REPLACE FUNCTION f (a int) RETURNS NULL ON NULL INPUT RETURNS int LANGUAGE java AS $$return 1;$$",
            "CREATE OR REPLACE FUNCTION",
        ),
        ("create role r with password = 'x'", "CREATE ROLE"),
        ("GRANT SELECT ON ALL KEYSPACES TO r", "GRANT"),
        ("REVOKE ALL ON t FROM r", "REVOKE"),
        ("LIST ALL PERMISSIONS OF r", "LIST PERMISSIONS"),
        ("LIST ROLES", "LIST ROLES"),
        ("ADD IDENTITY 'x' TO ROLE r", "ADD IDENTITY"),
        ("DROP TRIGGER t ON u", "DROP TRIGGER"),
    ] {
        assert_eq!(
            parse(text),
            Ok(Statement::Unsupported { name: expected }),
            "{text}"
        );
    }
}

#[test]
fn markers_are_numbered_in_order_and_know_their_names() {
    let text = "BEGIN BATCH USING TIMESTAMP ? INSERT INTO t (a, b) VALUES (:x, {1: ?}); DELETE m[?] FROM t WHERE k IN ? APPLY BATCH";
    let statement = same(&text.replace(" APPLY", "; APPLY"));
    let markers: Vec<(u32, Option<&str>)> = statement
        .markers()
        .iter()
        .map(|marker| (marker.index, marker.name.as_ref().map(|name| name.as_str())))
        .collect();
    assert_eq!(
        markers,
        [(0, None), (1, Some("x")), (2, None), (3, None), (4, None)]
    );
    let Statement::Batch(batch) = statement else {
        panic!("a batch")
    };
    let cql::tree::Modification::Delete(delete) = &batch.statements[1] else {
        panic!("a delete")
    };
    assert_eq!(
        delete
            .markers
            .iter()
            .map(|marker| marker.index)
            .collect::<Vec<_>>(),
        [3, 4]
    );
}

#[test]
fn spans_are_where_things_stood() {
    let text = "INSERT INTO ks.\"T\" (a) VALUES (f(1) + :name)";
    let Ok(Statement::Insert(insert)) = parse(text) else {
        panic!("an insert")
    };
    let cut = |span: cql::tree::Span| &text[span.start as usize..span.end as usize];
    assert_eq!(cut(insert.table.span()), "ks.\"T\"");
    assert_eq!(cut(insert.markers[0].span), ":name");
    let cql::tree::InsertSource::Values {
        values,
        values_span,
        ..
    } = &insert.source
    else {
        panic!("values")
    };
    assert_eq!(cut(*values_span), "(f(1) + :name)");
    assert_eq!(cut(values[0].span), "f(1) + :name");
    let TermKind::Arithmetic(_, left, _) = &values[0].kind else {
        panic!("a sum")
    };
    assert_eq!(cut(left.span), "f(1)");
}

#[test]
fn unreserved_words_are_names_and_reserved_ones_are_not() {
    for word in "as key keys per partition distinct count keyspaces columnfamilies tables custom values timestamp ttl cast type types \
        compact storage filtering contains between group cluster internals only all permission permissions mbean mbeans user users role \
        roles superusers superuser nosuperuser generated password hashed login nologin options access datacenters cidrs identity \
        clustering ascii bigint blob boolean counter decimal double duration float inet int smallint tinyint text uuid varchar varint \
        timeuuid writetime maxwritetime date time exists map list tuple trigger static frozen function functions aggregate aggregates \
        sfunc stype finalfunc initcond returns called input language replace json default unset like masked unmask select_masked vector ann"
        .split_whitespace()
    {
        same(&format!("CREATE TABLE {word}.{word} ({word} int, {word} text, PRIMARY KEY ({word}))"));
        same(&format!("SELECT {word}, {word}.{word} AS {word} FROM {word} WHERE {word} = 1 GROUP BY {word} ORDER BY {word}"));
        same(&format!("UPDATE {word} SET {word} = {word} + 1, {word}.{word} = 2 WHERE {word} IN (:{word}) IF {word} = {{{word}: 1}}"));
        same(&format!("DELETE {word} FROM {word} WHERE {word} > 1"));
        same(&format!("ALTER TYPE {word}.t ADD {word} int"));
        same(&format!("USE {word}"));
    }
    for word in "select from where table keyspace token to set order nan infinity null true"
        .split_whitespace()
    {
        assert!(parse(&format!("USE {word}")).is_err(), "{word}");
        assert!(parse(&format!("USE \"{word}\"")).is_ok(), "{word}");
    }
}
