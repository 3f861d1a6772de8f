"""336,776 flights written through the driver and added up again: loaded, killed half-way, flushed, compacted.

1. Two processes write the rows with a prepared statement, cancelled flights with unset values, and note each acknowledgement.
2. Half-way the node dies by kill -9 and starts again: every acknowledged row must be there as it was written.
3. What there is goes to a file, and the rest is written. The whole table, read back by token range, must sum up by carrier to what the CSV says, and the
   node's own sums by partition as well.
4. The same after another flush, after major compaction, and after one more kill -9.
"""

import csv
import gzip
import json
import multiprocessing
import sys
import threading
import time
from collections import Counter, defaultdict
from datetime import datetime

from cassandra.concurrent import execute_concurrent_with_args
from cassandra.query import UNSET_VALUE, tuple_factory
from cassandra.util import Date

from connection import connect
from harness import Suite, equal
from node import ROOT, Node

CSV = ROOT / "examples" / "flights" / "flights.csv.gz"
KEYSPACE = "flights"
WRITERS = 2
IN_FLIGHT = 120
TABLE = """
CREATE TABLE flights (
    origin text, day date, scheduled timestamp, carrier text, flight int,
    year smallint, month tinyint, dep_time smallint, sched_dep_time smallint, dep_delay smallint,
    arr_time smallint, sched_arr_time smallint, arr_delay smallint,
    tailnum text, dest text, air_time smallint, distance int, hour tinyint, minute tinyint,
    PRIMARY KEY ((origin, day), scheduled, carrier, flight)
) WITH comment = 'every flight that left New York in 2013'
"""
NUMBERS = ["year", "month", "dep_time", "sched_dep_time", "dep_delay", "arr_time", "sched_arr_time", "arr_delay",
           "air_time", "distance", "hour", "minute", "flight"]
TEXTS = ["tailnum", "dest", "carrier", "origin"]
COLUMNS = ["origin", "day", "scheduled", "carrier", "flight", "year", "month", "dep_time", "sched_dep_time", "dep_delay",
           "arr_time", "sched_arr_time", "arr_delay", "tailnum", "dest", "air_time", "distance", "hour", "minute"]
SUMMED = ["dep_time", "dep_delay", "arr_time", "arr_delay", "air_time", "distance", "sched_dep_time", "minute"]
TOKEN_RANGES = 8


def read_csv():
    """All rows, as values in the order of COLUMNS; None where the CSV says NA."""
    rows = []
    with gzip.open(CSV, "rt", newline="") as file:
        for line in csv.DictReader(file):
            value = {name: None if line[name] == "NA" else int(line[name]) for name in NUMBERS}
            value |= {name: None if line[name] == "NA" else line[name] for name in TEXTS}
            value["day"] = Date(datetime(int(line["year"]), int(line["month"]), int(line["day"])).date())
            value["scheduled"] = datetime.strptime(line["time_hour"], "%Y-%m-%dT%H:%M:%SZ")
            rows.append(tuple(value[name] for name in COLUMNS))
    return rows


def sums(rows):
    """Per carrier: how many rows, and for each summed column how many values and their sum."""
    carrier, places = COLUMNS.index("carrier"), [COLUMNS.index(name) for name in SUMMED]
    total = defaultdict(Counter)
    for row in rows:
        counter = total[row[carrier]]
        counter["rows"] += 1
        for place, name in zip(places, SUMMED):
            if row[place] is not None:
                counter[f"{name}: values"] += 1
                counter[f"{name}: sum"] += row[place]
    return {key: dict(counter) for key, counter in total.items()}


def key(row):
    return row[:5]


def write_part(node, rows, numbers, acknowledged, may_fail):
    """Writes the rows of these numbers, many at once; notes in `acknowledged` each that the node confirmed."""
    cluster, session = connect(node, keyspace=KEYSPACE)
    insert = session.prepare(f"INSERT INTO flights ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})")
    slots, errors = threading.Semaphore(IN_FLIGHT), []

    def confirmed(_, number):
        acknowledged[number] = 1
        slots.release()

    def failed(error, _):
        errors.append(error)
        slots.release()

    for number in numbers:
        slots.acquire()
        if errors:
            slots.release()
            break
        values = [UNSET_VALUE if value is None else value for value in rows[number]]
        future = session.execute_async(insert, values)
        future.add_callbacks(confirmed, failed, callback_args=(number,), errback_args=(number,))
    for _ in range(IN_FLIGHT):
        slots.acquire()
    cluster.shutdown()
    if errors and not may_fail:
        raise errors[0]


def write(node, rows, acknowledged, kill_at=None):
    """Writes what is not acknowledged yet with several processes; kills the node when `kill_at` rows are."""
    missing = [n for n in range(len(rows)) if not acknowledged[n]]
    writers = [
        multiprocessing.Process(target=write_part, args=(node.address_only(), rows, missing[part::WRITERS], acknowledged, kill_at is not None))
        for part in range(WRITERS)
    ]
    for writer in writers:
        writer.start()
    while kill_at is not None and any(w.is_alive() for w in writers):
        if sum(acknowledged) >= kill_at:
            node.kill()
            break
        time.sleep(0.05)
    for writer in writers:
        writer.join()
    if kill_at is None:
        equal([w.exitcode for w in writers], [0] * WRITERS, "exit codes of the writers")


def read_range(arguments):
    """Reads the rows of one token range."""
    node, low, high = arguments
    cluster, session = connect(node, keyspace=KEYSPACE, row_factory=tuple_factory)
    query = session.prepare(f"SELECT {', '.join(COLUMNS)} FROM flights WHERE token(origin, day) > ? AND token(origin, day) <= ?")
    query.fetch_size = 2000
    rows = list(session.execute(query, (low, high)))
    cluster.shutdown()
    return rows


def read_all(node):
    """The whole table, by token ranges, from several processes."""
    width = 2**64 // TOKEN_RANGES
    edges = [-(2**63) + n * width for n in range(TOKEN_RANGES)] + [2**63 - 1]
    with multiprocessing.Pool(WRITERS) as pool:
        parts = pool.map(read_range, [(node.address_only(), a, b) for a, b in zip(edges, edges[1:])], chunksize=1)
    return [row for part in parts for row in part]


def acknowledged_rows_are_there(node, rows, acknowledged):
    written = {key(row): row for row in read_all(node)}
    confirmed = [n for n in range(len(rows)) if acknowledged[n]]
    missing = [rows[n][:5] for n in confirmed if key(rows[n]) not in written]
    equal(len(missing), 0, f"of {len(confirmed)} acknowledged rows missing, such as {missing[:3]}")
    changed = [(rows[n], written[key(rows[n])]) for n in confirmed if written[key(rows[n])] != rows[n]]
    equal(changed[:3], [], "acknowledged rows that read back otherwise")
    print(f"      {len(confirmed)} acknowledged, {len(written)} there after kill -9", flush=True)


def adds_up(node, rows, expected):
    got = read_all(node)
    equal(len(got), len(rows), "rows")
    equal(sums(got), expected, "sums by carrier")
    equal(set(got) == set(rows), True, "every value as in the CSV")


def the_node_adds_up(node, rows):
    """count and sum by partition, as the node computes them."""
    cluster, session = connect(node, keyspace=KEYSPACE, row_factory=tuple_factory)
    place = {name: COLUMNS.index(name) for name in COLUMNS}
    expected = defaultdict(lambda: [0, 0, 0, 0])
    for row in rows:
        entry = expected[row[:2]]
        entry[0] += 1
        entry[1] += row[place["dep_time"]] is not None
        entry[2] += row[place["distance"]]
        entry[3] += row[place["air_time"]] or 0
    query = session.prepare("SELECT count(*), count(dep_time), sum(distance), sum(cast(air_time AS int)) FROM flights WHERE origin = ? AND day = ?")
    keys = list(expected)
    results = execute_concurrent_with_args(session, query, keys)
    for partition, (_, result) in zip(keys, results):
        got = list(result.one())
        got[3] = got[3] or 0
        equal(got, expected[partition], str(partition))
    total = session.execute("SELECT count(*) FROM flights", timeout=120).one()[0]
    equal(total, len(rows), "count(*) of the table")
    cluster.shutdown()


def cancelled_are_unset(node, rows):
    """A cancelled flight has neither a departure time nor a trace of one."""
    cluster, session = connect(node, keyspace=KEYSPACE, row_factory=tuple_factory)
    query = session.prepare("SELECT dep_time, writetime(dep_time), writetime(sched_dep_time) FROM flights WHERE origin = ? AND day = ? AND scheduled = ? AND carrier = ? AND flight = ?")
    cancelled = [row for row in rows if row[COLUMNS.index("dep_time")] is None]
    equal(len(cancelled), 8255, "cancelled flights in the CSV")
    results = execute_concurrent_with_args(session, query, [key(row) for row in cancelled[::20]])
    for _, result in results:
        dep_time, dep_written, sched_written = result.one()
        equal((dep_time, dep_written, sched_written is not None), (None, None, True))
    cluster.shutdown()


def held(node):
    """What the node says it holds of the table: files, and rows in memory."""
    status = json.loads(node.admin("status", "--json"))
    table = next(t for t in status["storage"]["tables"] if t["table"] == "flights")
    return table["sstables"], table["memtable_rows"]


def flush(node, files):
    node.admin("flush")
    equal(held(node), (files, 0), "files, rows in memory")


def compact(node):
    node.admin("compact")
    equal(held(node), (1, 0), "files, rows in memory")


def main():
    suite = Suite("flights")
    rows = read_csv()
    expected = sums(rows)
    acknowledged = multiprocessing.Array("b", len(rows), lock=False)
    with Node("flights") as node:
        cluster, session = connect(node)
        session.execute(f"CREATE KEYSPACE {KEYSPACE} WITH replication = {{'class': 'SimpleStrategy', 'replication_factor': 1}}")
        session.execute(f"USE {KEYSPACE}")
        session.execute(TABLE)
        cluster.shutdown()

        suite.check("half of the rows written, then kill -9", write, node, rows, acknowledged, len(rows) // 2)
        node.kill()
        node.start()
        suite.check("no acknowledged row is missing", acknowledged_rows_are_there, node, rows, acknowledged)
        suite.check("flush of half", flush, node, 1)
        suite.check("the rest written", write, node, rows, acknowledged)
        suite.check("sums by carrier equal the CSV", adds_up, node, rows, expected)
        suite.check("the node's own sums equal the CSV", the_node_adds_up, node, rows)
        suite.check("cancelled flights are unset", cancelled_are_unset, node, rows)
        suite.check("flush of the rest", flush, node, 2)
        suite.check("sums after flush", adds_up, node, rows, expected)
        suite.check("major compaction", compact, node)
        suite.check("sums after compaction", adds_up, node, rows, expected)
        suite.check("the node's own sums after compaction", the_node_adds_up, node, rows)
        suite.check("cancelled flights are unset after compaction", cancelled_are_unset, node, rows)
        node.kill()
        node.start()
        suite.check("sums after one more kill -9", adds_up, node, rows, expected)
    suite.finish()


if __name__ == "__main__":
    sys.exit(main())
