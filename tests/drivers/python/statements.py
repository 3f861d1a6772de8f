"""Connections and statements: versions, compression, markers, paging, batches, timestamps, tokens."""

import sys
import uuid

from cassandra.concurrent import execute_concurrent_with_args
from cassandra.metadata import Murmur3Token
from cassandra.query import BatchStatement, BatchType, SimpleStatement, dict_factory

from connection import compressors, connect, fresh_keyspace
from harness import Suite, equal, eventually
from node import HOST, Node

PARTITIONS = 40
ROWS_PER_PARTITION = 250


def finds_the_version(node):
    cluster, session = connect(node)
    equal(cluster.protocol_version, 5, "the version the driver settles on")
    row = session.execute("SELECT release_version, cql_version, partitioner, data_center, rack FROM system.local").one()
    equal(row.release_version.split("-")[0], "5.0.0")
    equal((row.cql_version, row.data_center, row.rack), ("3.4.7", "datacenter1", "rack1"))
    cluster.shutdown()


def compresses(node, version, name):
    cluster, session = connect(node, version, compression=name)
    fresh_keyspace(session, f"packed_{version}_{name}")
    session.execute("CREATE TABLE texts (id int PRIMARY KEY, v text)")
    insert = session.prepare("INSERT INTO texts (id, v) VALUES (?, ?)")
    lengths = [0, 1, 100, 511, 512, 513, 65_535, 131_071, 131_072, 300_000]
    for length in lengths:
        session.execute(insert, (length, "ab" * (length // 2) + "c" * (length % 2)))
    got = {row.id: len(row.v) for row in session.execute("SELECT id, v FROM texts")}
    equal(got, {length: length for length in lengths})
    cluster.shutdown()


def large_values_pass(session):
    """Requests and answers of several segments."""
    session.execute("CREATE TABLE large (id int PRIMARY KEY, v blob)")
    insert = session.prepare("INSERT INTO large (id, v) VALUES (?, ?)")
    for number, length in enumerate([1 << 17, (1 << 17) + 1, 1 << 20, 5 << 20]):
        value = bytes(range(256)) * (length // 256) + b"x" * (length % 256)
        session.execute(insert, (number, value))
        equal(session.execute("SELECT v FROM large WHERE id = %s", (number,)).one().v == value, True, f"{length} bytes")


def named_markers(session):
    session.execute("CREATE TABLE named (a int, b text, c double, PRIMARY KEY (a, b))")
    insert = session.prepare("INSERT INTO named (a, b, c) VALUES (:first, :second, :\"Third\")")
    session.execute(insert, {"second": "two", "first": 1, "Third": 3.0})
    select = session.prepare("SELECT c FROM named WHERE a = :a AND b IN :names LIMIT :most")
    equal([r.c for r in session.execute(select, {"names": ["one", "two"], "a": 1, "most": 5})], [3.0])
    names = [column.name for column in session.prepare("SELECT c FROM named WHERE a = ? AND b IN ? PER PARTITION LIMIT ? LIMIT ?").column_metadata]
    equal(names, ["a", "in(b)", "[per_partition_limit]", "[limit]"])
    names = [column.name for column in session.prepare("UPDATE named USING TTL ? AND TIMESTAMP ? SET c = ? WHERE a = ? AND b = ?").column_metadata]
    equal(names, ["[ttl]", "[timestamp]", "c", "a", "b"])


def routing_keys(session):
    session.execute("CREATE TABLE routed (a int, b text, c uuid, v int, PRIMARY KEY ((b, c), a))")
    insert = session.prepare("INSERT INTO routed (a, b, c, v) VALUES (?, ?, ?, ?)")
    equal(list(insert.routing_key_indexes), [1, 2], "indexes of the partition key")
    session.execute("CREATE TABLE tokens (k text PRIMARY KEY)")
    insert = session.prepare("INSERT INTO tokens (k) VALUES (?)")
    keys = ["a", "longer than sixteen bytes for sure", "\u00e9" * 17, *(str(n) for n in range(200))]
    for key in keys:
        session.execute(insert, (key,))
    got = {row.k: row[1] for row in session.execute("SELECT k, token(k) FROM tokens")}
    equal(got, {key: Murmur3Token.hash_fn(key.encode()) for key in keys})


def fill(session):
    session.execute("CREATE TABLE pages (p int, c int, v text, s text STATIC, PRIMARY KEY (p, c))")
    insert = session.prepare("INSERT INTO pages (p, c, v) VALUES (?, ?, ?)")
    rows = [(p, c, f"{p}/{c}") for p in range(PARTITIONS) for c in range(ROWS_PER_PARTITION)]
    execute_concurrent_with_args(session, insert, rows, concurrency=100)
    session.execute("UPDATE pages SET s = 'static' WHERE p = 3")
    session.execute("UPDATE pages SET s = 'alone' WHERE p = 1000")


def pages_are_whole(session):
    """Sizes that divide partitions evenly and not, larger than all, and one."""
    keys = lambda rows: [(r.p, r.c) for r in rows]
    everything = {(p, c) for p in range(PARTITIONS) for c in range(ROWS_PER_PARTITION)} | {(1000, None)}
    for size in (7, 100, 250, 5000, 100_000):
        got = keys(session.execute(SimpleStatement("SELECT * FROM pages", fetch_size=size)))
        equal((len(got), set(got)), (len(everything), everything), f"all rows in pages of {size}")
        one = keys(session.execute(SimpleStatement("SELECT * FROM pages WHERE p = 3", fetch_size=size)))
        equal(one, [(3, c) for c in range(ROWS_PER_PARTITION)], f"a partition in pages of {size}")
        back = keys(session.execute(SimpleStatement("SELECT * FROM pages WHERE p = 3 ORDER BY c DESC", fetch_size=size)))
        equal(back, one[::-1], f"backwards in pages of {size}")
        some = keys(session.execute(SimpleStatement("SELECT * FROM pages WHERE p IN (5, 3, 4) AND c >= 100 AND c < 111", fetch_size=size)))
        equal(some, [(p, c) for p in (3, 4, 5) for c in range(100, 111)], f"slices of several in pages of {size}")
        few = keys(session.execute(SimpleStatement("SELECT * FROM pages LIMIT 777", fetch_size=size)))
        equal(len(set(few)), 777, f"a limit over pages of {size}")
        each = keys(session.execute(SimpleStatement("SELECT * FROM pages PER PARTITION LIMIT 2", fetch_size=size)))
        equal(len(each), 2 * PARTITIONS + 1, f"two of each partition in pages of {size}")
        apart = [r.p for r in session.execute(SimpleStatement("SELECT DISTINCT p FROM pages", fetch_size=size))]
        equal(sorted(apart), [*range(PARTITIONS), 1000], f"partitions in pages of {size}")
        filtered = keys(session.execute(SimpleStatement("SELECT * FROM pages WHERE c = 17 ALLOW FILTERING", fetch_size=size)))
        equal(sorted(filtered), [(p, 17) for p in range(PARTITIONS)], f"filtered in pages of {size}")
    single = SimpleStatement("SELECT c FROM pages WHERE p = 3 AND c < 30", fetch_size=1)
    equal([r.c for r in session.execute(single)], list(range(30)), "pages of one")


def token_ranges_cover(session):
    step = 2**62
    edges = [-(2**63) + n * step for n in range(4)] + [2**63 - 1]
    query = session.prepare("SELECT p, c FROM pages WHERE token(p) > ? AND token(p) <= ?")
    rows = [(r.p, r.c) for a, b in zip(edges, edges[1:]) for r in session.execute(query, (a, b))]
    equal((len(rows), len(set(rows))), (PARTITIONS * ROWS_PER_PARTITION + 1,) * 2)


def aggregates(session):
    row = session.execute("SELECT count(*), min(c), max(c), sum(c), avg(c) FROM pages WHERE p = 3").one()
    equal(tuple(row), (250, 0, 249, sum(range(250)), sum(range(250)) // 250))
    equal(session.execute("SELECT count(*) FROM pages").one()[0], PARTITIONS * ROWS_PER_PARTITION + 1)
    # An alias names the column of the answer.
    equal(session.execute("SELECT count(*) AS n FROM pages WHERE p = 3").one().n, 250)


def batches(session):
    session.execute("CREATE TABLE batched (a int, b int, v text, PRIMARY KEY (a, b))")
    insert = session.prepare("INSERT INTO batched (a, b, v) VALUES (?, ?, ?)")
    for number, kind in enumerate((BatchType.LOGGED, BatchType.UNLOGGED)):
        batch = BatchStatement(batch_type=kind)
        for b in range(50):
            batch.add(insert, (number, b, f"v{b}"))
        batch.add(SimpleStatement("DELETE FROM batched WHERE a = %s AND b = 7"), (number,))
        batch.add("INSERT INTO batched (a, b, v) VALUES (1000, 1, 'simple')")
        session.execute(batch)
        rows = session.execute("SELECT b, v FROM batched WHERE a = %s", (number,))
        equal([(r.b, r.v) for r in rows], [(b, f"v{b}") for b in range(50) if b != 7])
    session.execute("BEGIN UNLOGGED BATCH USING TIMESTAMP 1234 INSERT INTO batched (a, b, v) VALUES (9, 9, 'x'); "
                    "INSERT INTO batched (a, b, v) VALUES (9, 8, 'y'); APPLY BATCH")
    equal([r[0] for r in session.execute("SELECT writetime(v) FROM batched WHERE a = 9")], [1234, 1234])


def timestamps_and_ttl(session):
    session.execute("CREATE TABLE timed (id int PRIMARY KEY, v text, w text)")
    do = session.execute
    do("INSERT INTO timed (id, v, w) VALUES (1, 'new', 'new') USING TIMESTAMP 2000")
    do("INSERT INTO timed (id, v) VALUES (1, 'old') USING TIMESTAMP 1000")
    equal(tuple(do("SELECT v, writetime(v) FROM timed WHERE id = 1").one()), ("new", 2000))
    do("UPDATE timed USING TTL 100 SET w = 'short' WHERE id = 1")
    row = do("SELECT ttl(w), ttl(v) FROM timed WHERE id = 1").one()
    equal((90 <= row[0] <= 100, row[1]), (True, None), "ttl(w), ttl(v)")
    do("INSERT INTO timed (id, v) VALUES (2, 'soon gone') USING TTL 1")
    eventually(lambda: do("SELECT * FROM timed WHERE id = 2").one() is None, 5, "expiry after a second")
    do("DELETE FROM timed USING TIMESTAMP 1500 WHERE id = 1")
    equal(do("SELECT v FROM timed WHERE id = 1").one().v, "new", "an older deletion")
    do("DELETE FROM timed WHERE id = 1")
    equal(do("SELECT v FROM timed WHERE id = 1").one(), None, "a newer deletion")


def deletions(session):
    session.execute("CREATE TABLE gone (p int, c int, d int, v int, PRIMARY KEY (p, c, d))")
    insert = session.prepare("INSERT INTO gone (p, c, d, v) VALUES (1, ?, ?, 0)")
    execute_concurrent_with_args(session, insert, [(c, d) for c in range(10) for d in range(10)])
    do = session.execute
    left = lambda: {(r.c, r.d) for r in do("SELECT c, d FROM gone WHERE p = 1")}
    rest = {(c, d) for c in range(10) for d in range(10)}
    for text, dead in [
        ("p = 1 AND c = 3", lambda c, d: c == 3),
        ("p = 1 AND c = 4 AND d = 4", lambda c, d: (c, d) == (4, 4)),
        ("p = 1 AND c = 5 AND d >= 3 AND d < 6", lambda c, d: c == 5 and 3 <= d < 6),
        ("p = 1 AND c > 7", lambda c, d: c > 7),
    ]:
        do(f"DELETE FROM gone WHERE {text}")
        rest = {row for row in rest if not dead(*row)}
        equal(left(), rest, text)
    do("INSERT INTO gone (p, c, d, v) VALUES (1, 9, 9, 1)")
    equal(left(), rest | {(9, 9)}, "a row written after its range was deleted")
    do("DELETE FROM gone WHERE p = 1")
    equal(left(), set(), "the partition")
    do("INSERT INTO gone (p, c, d, v) VALUES (2, 1, 1, 1)")
    do("TRUNCATE gone")
    equal(list(do("SELECT * FROM gone")), [], "truncated")


def topology(node, cluster):
    hosts = cluster.metadata.all_hosts()
    equal(len(hosts), 1)
    equal((hosts[0].address, hosts[0].datacenter, hosts[0].rack), (HOST, "datacenter1", "rack1"))
    equal(isinstance(hosts[0].host_id, uuid.UUID), True, "host_id")
    ring = cluster.metadata.token_map
    equal(len(ring.ring), 16, "tokens")
    keyspace = next(iter(k for k in cluster.metadata.keyspaces if k.startswith("statements")))
    equal(cluster.metadata.get_replicas(keyspace, b"key"), hosts, "replicas")


def many_in_flight(session):
    """More requests at once than one turn takes, answered in any order."""
    session.execute("CREATE TABLE busy (id int PRIMARY KEY, v int)")
    insert = session.prepare("INSERT INTO busy (id, v) VALUES (?, ?)")
    select = session.prepare("SELECT v FROM busy WHERE id = ?")
    execute_concurrent_with_args(session, insert, [(n, n * n) for n in range(5000)], concurrency=1000)
    answers = execute_concurrent_with_args(session, select, [(n,) for n in range(5000)], concurrency=1000)
    equal([a.result_or_exc.one().v for a in answers], [n * n for n in range(5000)])


def traces(session):
    """A traced request names its trace at once, and the trace can be read soon after."""
    result = session.execute("SELECT * FROM pages WHERE p = 3", trace=True)
    equal(len(list(result)), ROWS_PER_PARTITION)
    trace = result.get_query_trace(max_wait_sec=5)
    equal(trace.duration is not None and len(trace.events) > 0, True, f"duration and events of {trace}")


def names_of_columns(node, version):
    """Names of result columns, as programs that read rows as dicts see them."""
    cluster, session = connect(node, version, row_factory=dict_factory, keyspace=f"statements_{version}")
    row = session.execute("SELECT count(*), max(c), cast(min(c) AS text), token(p) FROM pages WHERE p = 3").one()
    equal(list(row), ["count", "system.max(c)", "cast(system.min(c) as text)", "system.token(p)"])
    cluster.shutdown()


def main():
    suite = Suite("statements")
    with Node("statements") as node:
        suite.check("the driver finds v5 by itself", finds_the_version, node)
        equal("lz4" in compressors(), True, "lz4 in this Python")
        for version, names in ((5, ["lz4"]), (4, compressors())):
            for name in names:
                suite.check(f"v{version}: compressed with {name}", compresses, node, version, name)
        for version in (5, 4):
            cluster, session = connect(node, version)
            fresh_keyspace(session, f"statements_{version}")
            for title, function in [
                ("values of megabytes", large_values_pass),
                ("markers by name", named_markers),
                ("routing keys and tokens as the driver computes them", routing_keys),
                ("ten thousand rows written", fill),
                ("pages of any size add up", pages_are_whole),
                ("token ranges cover the table", token_ranges_cover),
                ("aggregates", aggregates),
                ("batches", batches),
                ("timestamps and time to live", timestamps_and_ttl),
                ("deletions of every shape", deletions),
                ("a thousand requests in flight", many_in_flight),
                ("traces", traces),
            ]:
                suite.check(f"v{version}: {title}", function, session)
            suite.check(f"v{version}: one node, its tokens and replicas", topology, node, cluster)
            suite.check(f"v{version}: names of result columns", names_of_columns, node, version)
            cluster.shutdown()
    suite.finish()


if __name__ == "__main__":
    sys.exit(main())
