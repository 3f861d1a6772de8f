"""Schema as the driver sees it: metadata, events, agreement, errors, and tables that change under running statements."""

import sys
import threading

from cassandra import AlreadyExists, ConsistencyLevel, InvalidRequest, Unavailable
from cassandra.cluster import NoHostAvailable
from cassandra.protocol import ConfigurationException, SyntaxException
from cassandra.query import SimpleStatement, dict_factory

from connection import connect, fresh_keyspace
from harness import Suite, contains, equal, eventually, raises
from node import Node

TABLE = """
CREATE TABLE {keyspace}.readings (
    sensor uuid, day date, at timestamp, "Value" double, tags map<text, text>,
    place frozen<position>, unit text STATIC, history list<frozen<position>>, embedding vector<float, 3>,
    PRIMARY KEY ((sensor, day), at, "Value")
) WITH CLUSTERING ORDER BY (at DESC, "Value" ASC)
  AND comment = 'it''s a test' AND gc_grace_seconds = 3600 AND default_time_to_live = 86400
  AND compaction = {{'class': 'LeveledCompactionStrategy', 'sstable_size_in_mb': '64'}}
"""


def metadata_is_complete(cluster, session):
    keyspace = session.keyspace
    session.execute("CREATE TYPE position (x double, y double)")
    session.execute(TABLE.format(keyspace=keyspace))
    seen = cluster.metadata.keyspaces[keyspace]
    equal(seen.replication_strategy.name, "SimpleStrategy")
    equal(list(seen.user_types), ["position"])
    table = seen.tables["readings"]
    equal([c.name for c in table.partition_key], ["sensor", "day"])
    equal([c.name for c in table.clustering_key], ["at", "Value"])
    equal([c.is_reversed for c in table.clustering_key], [True, False])
    equal(table.columns["unit"].is_static, True, "unit is static")
    equal(table.columns["place"].cql_type, "frozen<position>")
    equal(table.columns["embedding"].cql_type, "vector<float, 3>")
    equal(table.options["comment"], "it's a test")
    equal(table.options["gc_grace_seconds"], 3600)
    equal(table.options["default_time_to_live"], 86400)


def exported_text_recreates(cluster, session):
    """What the driver prints of a keyspace, run under another name, prints the same again."""
    keyspace = session.keyspace
    text = cluster.metadata.keyspaces[keyspace].export_as_string()
    copy = f"{keyspace}_copy"
    session.execute(f"DROP KEYSPACE IF EXISTS {copy}")
    for statement in text.replace(keyspace, copy).split(";\n"):
        if statement.strip():
            session.execute(statement)
    again = cluster.metadata.keyspaces[copy].export_as_string()
    equal(again.replace(copy, keyspace), text)


def system_tables_are_known(cluster):
    """cqlsh and many tools read these through the driver's metadata."""
    known = cluster.metadata.keyspaces
    for keyspace, tables in {
        "system": ["local", "peers", "peers_v2", "prepared_statements", "size_estimates"],
        "system_schema": ["keyspaces", "tables", "columns", "types", "indexes", "views", "functions", "aggregates", "triggers", "dropped_columns"],
        "system_auth": ["roles"],
        "system_traces": ["sessions", "events"],
        "system_distributed": [],
        "system_virtual_schema": ["keyspaces", "tables", "columns"],
        "system_views": ["settings", "clients"],
    }.items():
        equal(keyspace in known, True, keyspace)
        for table in tables:
            equal(table in known[keyspace].tables, True, f"{keyspace}.{table}")


def others_hear_of_it(node, version, session):
    keyspace = session.keyspace
    other_cluster, _ = connect(node, version, schema_event_refresh_window=0)
    tables = lambda: other_cluster.metadata.keyspaces[keyspace].tables
    session.execute("CREATE TABLE heard (id int PRIMARY KEY)")
    eventually(lambda: "heard" in tables(), what="the new table in the other session")
    session.execute("ALTER TABLE heard ADD v text")
    eventually(lambda: "v" in tables()["heard"].columns, what="the new column in the other session")
    session.execute("DROP TABLE heard")
    eventually(lambda: "heard" not in tables(), what="the dropped table in the other session")
    session.execute("CREATE TYPE heard_of (a int)")
    eventually(lambda: "heard_of" in other_cluster.metadata.keyspaces[keyspace].user_types, what="the new type")
    result = session.execute("CREATE TABLE agreed (id int PRIMARY KEY)")
    equal(result.response_future.is_schema_agreed, True, "schema agreement")
    other_cluster.shutdown()


def errors_have_their_class(session):
    do = session.execute
    do("CREATE TABLE errors (id int PRIMARY KEY, v int)")
    error = raises(AlreadyExists, do, "CREATE TABLE errors (id int PRIMARY KEY)")
    equal((error.keyspace, error.table), (session.keyspace, "errors"))
    do("CREATE TABLE IF NOT EXISTS errors (id int PRIMARY KEY)")
    raises(AlreadyExists, do, f"CREATE KEYSPACE {session.keyspace} WITH replication = {{'class': 'SimpleStrategy', 'replication_factor': 1}}")
    for text, part in [
        ("SELECT nothing FROM errors", "Undefined column name nothing"),
        ("SELECT * FROM no_such_table", "no_such_table"),
        ("SELECT * FROM no_such_keyspace.t", "no_such_keyspace"),
        ("INSERT INTO errors (v) VALUES (1)", "Some partition key parts are missing: id"),
        ("INSERT INTO errors (id, v) VALUES (1, 'text')", "Invalid STRING constant"),
        ("SELECT * FROM errors WHERE v = 1", "ALLOW FILTERING"),
        ("USE no_such_keyspace", "no_such_keyspace"),
    ]:
        contains(str(raises(InvalidRequest, do, text)), part)
    raises(ConfigurationException, do, "CREATE KEYSPACE bad WITH replication = {'class': 'NoSuchStrategy'}")


def syntax_errors_point(session):
    error = raises(SyntaxException, session.execute, "SELECT * FROM\n  readings WHRE id = 1")
    text = str(error)
    contains(text, "line 2:11")
    contains(text, "WHRE")
    contains(text, "^")


def consistency_is_judged(session):
    session.execute("CREATE KEYSPACE IF NOT EXISTS thrice WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}")
    session.execute("CREATE TABLE IF NOT EXISTS thrice.t (id int PRIMARY KEY, v int)")
    for text in ("SELECT * FROM thrice.t WHERE id = 1", "INSERT INTO thrice.t (id, v) VALUES (1, 1)"):
        for level, required in ((ConsistencyLevel.QUORUM, 2), (ConsistencyLevel.ALL, 3), (ConsistencyLevel.TWO, 2)):
            error = raises((Unavailable, NoHostAvailable), session.execute, SimpleStatement(text, consistency_level=level))
            if isinstance(error, NoHostAvailable):
                error = next(iter(error.errors.values()))
            equal((type(error), error.required_replicas, error.alive_replicas), (Unavailable, required, 1), text)
        session.execute(SimpleStatement(text, consistency_level=ConsistencyLevel.ONE))


# Each value says which column it belongs to, so that a shifted column shows.
EXPECTED = {"id": 1, "m": "column m", "n": 77, "o": 0.5}


def altered_under_readers(node, version):
    """SELECT * by a prepared statement while columns come and go in front of, between and after the others."""
    cluster, session = connect(node, version, row_factory=dict_factory)
    fresh_keyspace(session, f"altered_{version}")
    session.execute("CREATE TABLE shifting (id int PRIMARY KEY, m text, n int, o double)")
    session.execute("INSERT INTO shifting (id, m, n, o) VALUES (1, 'column m', 77, 0.5)")
    done, wrong, reads = threading.Event(), [], [0]

    def read(statement_of):
        own_cluster, own = connect(node, version, row_factory=dict_factory, keyspace=f"altered_{version}")
        statement = statement_of(own)
        while not done.is_set() and len(wrong) < 5:
            try:
                row = own.execute(statement).one()
            except Exception as error:
                wrong.append(repr(error))
                continue
            reads[0] += 1
            kept = {name: row.get(name) for name in EXPECTED}
            others = {name: v for name, v in row.items() if name not in EXPECTED and v not in (None, f"column {name}")}
            if kept != EXPECTED or others:
                wrong.append(row)
        own_cluster.shutdown()

    prepared = threading.Thread(target=read, args=(lambda s: s.prepare("SELECT * FROM shifting WHERE id = 1"),))
    simple = threading.Thread(target=read, args=(lambda s: "SELECT * FROM shifting",))
    prepared.start(), simple.start()
    try:
        for name in ("aa", "mm", "nn", "zz", "ab", "l"):
            session.execute(f"ALTER TABLE shifting ADD {name} text")
            session.execute(f"UPDATE shifting SET {name} = 'column {name}' WHERE id = 1")
        for name in ("aa", "zz", "mm"):
            session.execute(f"ALTER TABLE shifting DROP {name}")
        session.execute("ALTER TABLE shifting ADD aa text")
        equal(session.execute("SELECT aa FROM shifting").one(), {"aa": None}, "a column that was dropped comes back empty")
    finally:
        done.set()
        prepared.join(), simple.join()
    equal(wrong, [])
    equal(reads[0] > 50, True, f"reads under way: {reads[0]}")
    cluster.shutdown()


def prepared_before_it_changed(node, version):
    """A statement prepared before ALTER gives the new columns after it, by the same id."""
    cluster, session = connect(node, version, row_factory=dict_factory)
    fresh_keyspace(session, f"renewed_{version}")
    session.execute("CREATE TABLE t (id int PRIMARY KEY, b text)")
    session.execute("INSERT INTO t (id, b) VALUES (1, 'b')")
    select = session.prepare("SELECT * FROM t WHERE id = 1")
    equal(session.execute(select).one(), {"id": 1, "b": "b"})
    session.execute("ALTER TABLE t ADD a int")
    session.execute("UPDATE t SET a = 5 WHERE id = 1")
    for _ in range(3):
        equal(session.execute(select).one(), {"id": 1, "a": 5, "b": "b"})
    session.execute("ALTER TABLE t DROP b")
    for _ in range(3):
        equal(session.execute(select).one(), {"id": 1, "a": 5})
    cluster.shutdown()


def dropped_means_gone(session):
    session.execute("CREATE TABLE fleeting (id int PRIMARY KEY)")
    session.execute("INSERT INTO fleeting (id) VALUES (1)")
    session.execute("DROP TABLE fleeting")
    raises(InvalidRequest, session.execute, "SELECT * FROM fleeting")
    session.execute("CREATE TABLE fleeting (id int PRIMARY KEY)")
    equal(list(session.execute("SELECT * FROM fleeting")), [], "a table made again")
    session.execute("DROP TABLE IF EXISTS fleeting")
    session.execute("DROP TABLE IF EXISTS fleeting")


def main():
    suite = Suite("schema")
    with Node("schema") as node:
        for version in (5, 4):
            cluster, session = connect(node, version)
            fresh_keyspace(session, f"schema_{version}")
            suite.check(f"v{version}: metadata of a table", metadata_is_complete, cluster, session)
            suite.check(f"v{version}: exported text recreates the keyspace", exported_text_recreates, cluster, session)
            suite.check(f"v{version}: system tables are known", system_tables_are_known, cluster)
            suite.check(f"v{version}: other sessions hear of changes", others_hear_of_it, node, version, session)
            suite.check(f"v{version}: errors have their class", errors_have_their_class, session)
            suite.check(f"v{version}: syntax errors point at the place", syntax_errors_point, session)
            suite.check(f"v{version}: consistency levels without their replicas", consistency_is_judged, session)
            suite.check(f"v{version}: ALTER under running SELECT *", altered_under_readers, node, version)
            suite.check(f"v{version}: statements prepared before ALTER", prepared_before_it_changed, node, version)
            suite.check(f"v{version}: dropped means gone", dropped_means_gone, session)
            cluster.shutdown()
    suite.finish()


if __name__ == "__main__":
    sys.exit(main())
