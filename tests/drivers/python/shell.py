"""cqlsh as people use it: statements, formatted rows, DESCRIBE, files, COPY to and from, errors."""

import csv
import os
import re
import subprocess
import sys
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from cassandra.concurrent import execute_concurrent_with_args
from cassandra.util import Date, Time

from connection import connect
from harness import Suite, contains, equal
from node import HOST, WORK, Node

HOME = WORK / "home"
COPIED_ROWS = 3000


def cqlsh(node, *arguments, text=None, fails=False):
    """Runs the stock cqlsh without a terminal; gives its output and its errors."""
    command = [str(Path(sys.executable).with_name("cqlsh")), *arguments, HOST, str(node.port)]
    HOME.mkdir(parents=True, exist_ok=True)
    environment = dict(os.environ, HOME=str(HOME), CQL_HISTORY=str(HOME / "history"), PYTHONWARNINGS="ignore", COLUMNS="200")
    if text is not None:
        file = HOME / "input.cql"
        file.write_text(text)
        command[1:1] = ["-f", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=HOME, timeout=120)
    if not fails and (done.returncode != 0 or "Error" in done.stderr):
        raise AssertionError(f"cqlsh ended with {done.returncode}: {done.stderr}{done.stdout}")
    return done.stdout, done.stderr


SCHEMA = """
-- A schema with one of everything that DESCRIBE shows.
CREATE KEYSPACE shop WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1};
USE shop;
CREATE TYPE address (
    street text,
    "Zip" int
);
CREATE TYPE customer_info (name text, home frozen<address>);
CREATE TABLE customers (id int PRIMARY KEY, info frozen<customer_info>, emails set<text>, notes map<timestamp, text>);
CREATE TABLE orders (
    customer int, placed timestamp, item text, amount decimal, total double static,
    tags list<text>, at inet, took duration, code blob, pair frozen<tuple<int, text>>, near vector<float, 2>,
    PRIMARY KEY ((customer), placed, item)
) WITH CLUSTERING ORDER BY (placed DESC, item ASC)
    AND comment = 'it''s an order'
    AND default_time_to_live = 864000;
/* a comment
   of two lines */
INSERT INTO customers (id, info, emails) VALUES (1, {name: 'Ann', home: {street: 'Elm', "Zip": 10}}, {'a@x', 'b@y'}); INSERT INTO
  customers (id)
  VALUES (2);
"""


def runs_files(node):
    cqlsh(node, text=SCHEMA)
    out, _ = cqlsh(node, "-e", "SELECT id, emails FROM shop.customers")
    contains(out, " id | emails\n----+----------------\n  1 | {'a@x', 'b@y'}\n  2 |           null\n\n(2 rows)")


def formats_rows(node):
    cqlsh(node, text="""
        USE shop;
        INSERT INTO orders (customer, placed, item, amount, tags, at, took, code, pair, near)
        VALUES (1, '2013-01-01 10:00:00.000+0000', 'cup', 1.50, ['a', 'b'], '::1', 1h30m, 0xcafe, (1, 'x'), [1.0, 2.5]);
        UPDATE orders SET total = 1.5 WHERE customer = 1;
    """)
    out, _ = cqlsh(node, "-e", "SELECT * FROM shop.orders")
    heads = [h.strip() for h in out.splitlines()[1].split("|")]
    equal(heads, ["customer", "placed", "item", "total", "amount", "at", "code", "near", "pair", "tags", "took"])
    values = [v.strip() for v in out.splitlines()[3].split("|")]
    equal(values, ["1", "2013-01-01 10:00:00.000000+0000", "cup", "1.5", "1.50", "::1", "0xcafe", "[1, 2.5]", "(1, 'x')", "['a', 'b']", "1h30m"])
    out, _ = cqlsh(node, "-e", "EXPAND ON; SELECT item, amount FROM shop.orders;")
    contains(out, "@ Row 1")


def system_rows(node):
    for table in ("system.local", "system_schema.tables", "system_schema.columns", "system_virtual_schema.tables", "system_views.settings"):
        out, _ = cqlsh(node, "-e", f"PAGING OFF; SELECT * FROM {table}")
        contains(out, "rows)")


def describes(node):
    out, _ = cqlsh(node, "-e", "DESCRIBE KEYSPACES")
    for name in ("shop", "system", "system_schema", "system_views"):
        contains(out.split(), name)
    out, _ = cqlsh(node, "-e", "DESCRIBE CLUSTER")
    contains(out, "Cluster: Test Cluster")
    contains(out, "Partitioner: Murmur3Partitioner")
    out, _ = cqlsh(node, "-k", "shop", "-e", "DESCRIBE TABLES; DESCRIBE TYPES; DESC TABLE orders; DESC TYPE address")
    contains(out, "customers")
    contains(out, "CREATE TABLE shop.orders (")
    contains(out, "PRIMARY KEY (customer, placed, item)")
    contains(out, "WITH CLUSTERING ORDER BY (placed DESC, item ASC)")
    contains(out, 'CREATE TYPE shop.address (')
    out, _ = cqlsh(node, "-e", "DESCRIBE FULL SCHEMA")
    contains(out, "CREATE KEYSPACE system_schema")
    _, errors = cqlsh(node, "-e", "DESCRIBE TABLE shop.missing", fails=True)
    contains(errors, "missing")


def recreates(node):
    """What DESCRIBE SCHEMA printed here makes the same schema on an empty node."""
    printed, _ = cqlsh(node, "-e", "DESCRIBE SCHEMA")
    contains(printed, "CREATE KEYSPACE shop")
    with Node("shell-copy") as other:
        cqlsh(other, text=printed)
        again, _ = cqlsh(other, "-e", "DESCRIBE SCHEMA")
        equal(again, printed)


def shows_errors(node):
    _, errors = cqlsh(node, "-e", "SELECT * FROM shop.customers WHRE id = 1", fails=True)
    contains(errors, "SyntaxException")
    contains(errors, "line 1:29")
    contains(errors, "WHRE")
    _, errors = cqlsh(node, "-e", "SELECT nothing FROM shop.customers", fails=True)
    contains(errors, 'InvalidRequest: Error from server: code=2200 [Invalid query] message="Undefined column name nothing in table shop.customers')
    _, errors = cqlsh(node, "-e", "USE nowhere", fails=True)
    contains(errors, "'nowhere' does not exist")


def session_commands(node):
    out, _ = cqlsh(node, "-e", "CONSISTENCY QUORUM; CONSISTENCY; SERIAL CONSISTENCY; USE shop; SELECT id FROM customers WHERE id = 2; SHOW VERSION; SHOW HOST")
    contains(out, "Consistency level set to QUORUM.")
    contains(out, "Current consistency level is QUORUM.")
    contains(out, "Current serial consistency level is SERIAL.")
    contains(out, "(1 rows)")
    contains(out, "| CQL spec 3.4.7 | Native protocol v5]")
    contains(out, "Connected to Test Cluster at")
    for version in ("4", "5"):
        out, _ = cqlsh(node, f"--protocol-version={version}", "-e", "SHOW VERSION")
        contains(out, f"Native protocol v{version}]")
    out, _ = cqlsh(node, "-C", "-e", "SELECT id FROM shop.customers")
    contains(re.sub("\x1b\\[[0-9;]*m", "", out), "(2 rows)")


def copies(node):
    """COPY TO, COPY FROM into a second table, COPY TO again: both files hold the same rows.

    Without what cqlsh itself does not copy: durations, line breaks in texts, nulls within tuples.
    """
    columns = "id int, part text, n bigint, d double, e decimal, t timestamp, day date, clock time, u uuid, b blob, ok boolean, ip inet, l list<int>, s set<text>, m map<text, int>, tup frozen<tuple<int, text>>, PRIMARY KEY (id, part)"
    cqlsh(node, text=f"CREATE TABLE shop.source ({columns}); CREATE TABLE shop.target ({columns});")
    cluster, session = connect(node, keyspace="shop")
    insert = session.prepare("INSERT INTO source (id, part, n, d, e, t, day, clock, u, b, ok, ip, l, s, m, tup) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
    execute_concurrent_with_args(session, insert, [copied_row(n) for n in range(COPIED_ROWS)])
    first, second = HOME / "first.csv", HOME / "second.csv"
    out, _ = cqlsh(node, "-e", f"COPY shop.source TO '{first}' WITH HEADER = TRUE")
    contains(out, f"{COPIED_ROWS} rows exported to 1 files")
    out, _ = cqlsh(node, "-e", f"COPY shop.target FROM '{first}' WITH HEADER = TRUE AND MINBATCHSIZE = 1")
    contains(out, f"{COPIED_ROWS} rows imported from 1 files")
    cqlsh(node, "-e", f"COPY shop.target TO '{second}' WITH HEADER = TRUE")
    equal(sorted_lines(second) == sorted_lines(first), True, "both files")
    rows = lambda table: sorted(str(tuple(r)) for r in session.execute(f"SELECT * FROM {table}"))
    equal(rows("target") == rows("source"), True, "both tables")
    cluster.shutdown()


def copied_row(n):
    absent = n % 10 == 0
    return (
        n // 3, f"part {n}, 'quoted' \"twice\", and a comma", n - 1500, n / 8, Decimal(n) / 8,
        datetime(2013, 1, 1) + timedelta(milliseconds=n * 7919), Date(n), Time(n * 1_000_003), UUID(int=n), bytes([n % 256]) * (n % 5),
        n % 2 == 0, f"10.0.{n // 256}.{n % 256}", None if absent else [n, -n], None if absent else {f"a{n}", "b,c"},
        None if absent else {"k": n, "'": 1}, (n, "x"),
    )


def sorted_lines(path):
    with open(path, newline="") as file:
        return sorted(map(tuple, csv.reader(file)))


def main():
    suite = Suite("cqlsh")
    with Node("shell") as node:
        for title, function in [
            ("statements of several lines from a file", runs_files),
            ("rows as people read them", formats_rows),
            ("system tables", system_rows),
            ("DESCRIBE", describes),
            ("DESCRIBE SCHEMA recreates the schema elsewhere", recreates),
            ("errors", shows_errors),
            ("CONSISTENCY, USE, SHOW", session_commands),
            ("COPY TO and COPY FROM lose nothing", copies),
        ]:
            suite.check(title, function, node)
    suite.finish()


if __name__ == "__main__":
    sys.exit(main())
