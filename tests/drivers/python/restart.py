"""What survives a restart, in order and by kill -9: rows, schema, identity, prepared ids, pages."""

import logging
import random
import sys

from cassandra.concurrent import execute_concurrent_with_args
from cassandra.query import SimpleStatement

from connection import connect, fresh_keyspace
from harness import Suite, equal
from node import Node

ROWS = 3000


class Preparations(logging.Handler):
    """Counts how often the driver had to prepare a statement again."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.count = 0

    def emit(self, record):
        if "Re-preparing unrecognized" in record.getMessage():
            self.count += 1


def identity(session):
    row = session.execute("SELECT host_id, tokens, schema_version, cluster_name FROM system.local").one()
    return row.host_id, sorted(row.tokens), row.schema_version, row.cluster_name


def survives(node, version, hard):
    keyspace = f"again_{version}_{'killed' if hard else 'stopped'}"
    options = dict(reprepare_on_up=False, prepare_on_all_hosts=False)
    cluster, session = connect(node, version, **options)
    fresh_keyspace(session, keyspace)
    session.execute("CREATE TYPE pair (a int, b text)")
    session.execute("CREATE TABLE kept (p int, c int, v text, u frozen<pair>, PRIMARY KEY (p, c))")
    insert = session.prepare("INSERT INTO kept (p, c, v, u) VALUES (?, ?, ?, ?)")
    rows = [(n % 7, n, f"v{n}", (n, "b")) for n in range(ROWS)]
    execute_concurrent_with_args(session, insert, rows)
    select = session.prepare("SELECT p, c, v FROM kept WHERE p = ? AND c = ?")
    paged = SimpleStatement("SELECT p, c FROM kept", fetch_size=100)
    bound = session.prepare("SELECT c FROM kept WHERE p = ? ORDER BY c DESC").bind((3,))
    bound.fetch_size = 50
    result = session.execute(paged)
    first, state = list(result.current_rows), result.paging_state
    result = session.execute(bound)
    first_back, state_back = list(result.current_rows), result.paging_state
    before = identity(session)

    node.restart(hard=hard)
    log, again = logging.getLogger("cassandra.cluster"), Preparations()
    log.addHandler(again)
    log.setLevel(logging.DEBUG)
    log.propagate = False
    try:
        cluster2, session2 = connect(node, version, keyspace=keyspace, **options)
        equal(identity(session2), before, "host id, tokens, schema version")
        for p, c, v, _ in random.Random(7).sample(rows, 100):
            equal(tuple(session2.execute(select, (p, c)).one()), (p, c, v))
        session2.execute(insert, (100, 1, "after", None))
        equal(again.count, 0, "statements prepared again")
    finally:
        log.removeHandler(again)
        log.setLevel(logging.NOTSET)
        log.propagate = True
    rest = list(session2.execute(paged, paging_state=state))
    got = [(r.p, r.c) for r in first + rest if r.p != 100]
    equal(sorted(got), sorted((p, c) for p, c, _, _ in rows), "pages before and after")
    rest = list(session2.execute(bound, paging_state=state_back))
    expected = sorted((c for p, c, _, _ in rows if p == 3), reverse=True)
    equal([r.c for r in first_back + rest], expected, "pages of a prepared statement, backwards")
    cluster.shutdown()
    cluster2.shutdown()


def survives_tools(node):
    """After flush, compaction and drain the same rows are there."""
    cluster, session = connect(node)
    fresh_keyspace(session, "flushed")
    session.execute("CREATE TABLE t (p int, c int, v int, PRIMARY KEY (p, c))")
    insert = session.prepare("INSERT INTO t (p, c, v) VALUES (?, ?, ?)")
    rows = lambda: sorted(tuple(r) for r in session.execute("SELECT p, c, v FROM t"))
    expected = {}
    for generation in range(3):
        wanted = [(n % 5, n, generation) for n in range(generation * 50, 400)]
        execute_concurrent_with_args(session, insert, wanted)
        session.execute(f"DELETE FROM t WHERE p = 1 AND c > {300 - generation}")
        expected.update({(p, c): v for p, c, v in wanted})
        expected = {k: v for k, v in expected.items() if not (k[0] == 1 and k[1] > 300 - generation)}
        node.admin("flush")
        equal(rows(), sorted((p, c, v) for (p, c), v in expected.items()), f"after flush {generation}")
    node.admin("compact")
    equal(rows(), sorted((p, c, v) for (p, c), v in expected.items()), "after compaction")
    node.admin("status")
    cluster.shutdown()
    node.restart(hard=True)
    cluster, session = connect(node, keyspace="flushed")
    equal(rows(), sorted((p, c, v) for (p, c), v in expected.items()), "after kill -9")
    cluster.shutdown()


def main():
    suite = Suite("restart")
    with Node("restart") as node:
        equal("(new)" in node.ready_line, True, node.ready_line)
        for version in (5, 4):
            suite.check(f"v{version}: a stop and a start", survives, node, version, False)
            suite.check(f"v{version}: kill -9 and a start", survives, node, version, True)
        suite.check("flush, compaction, kill -9", survives_tools, node)
    suite.finish()


if __name__ == "__main__":
    sys.exit(main())
