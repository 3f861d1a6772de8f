"""Every CQL type through the driver: tricky values there and back, by marker and by literal, and their order as keys."""

import math
import sys
import uuid
from datetime import datetime
from decimal import Decimal

from cassandra import InvalidRequest
from cassandra.query import UNSET_VALUE
from cassandra.util import Date, Duration, OrderedMap, OrderedMapSerializedKey, SortedSet, Time

from connection import connect, fresh_keyspace
from harness import Suite, contains, equal, raises
from node import Node

TIME_UUIDS = [
    uuid.UUID("00000000-0000-1000-8080-808080808080"),
    uuid.UUID("13814000-1dd2-11b2-8000-000000000000"),
    uuid.UUID("c232ab00-9414-11ec-b3c8-9f6bdeced846"),
    uuid.UUID("ffffffff-ffff-1fff-bf7f-7f7f7f7f7f7f"),
]

# Values in the order of the type, so that the same table says what comes back and in which order keys sort.
SCALARS = {
    "ascii": ["", " ", "A", "a", "a quoted ' and \" and \\ text", "zz"],
    "bigint": [-(2**63), -1, 0, 1, 2**63 - 1],
    "blob": [b"", b"\x00", b"\x00\x00", b"\x7f", b"\x80", b"\xff" * 300],
    "boolean": [False, True],
    "date": [Date("1969-12-31"), Date("1970-01-01"), Date("2013-02-28"), Date("9999-12-31")],
    "decimal": [Decimal("-1e+30"), Decimal("-1.5"), Decimal("0"), Decimal("1e-20"), Decimal("1.50"), Decimal("123456789012345678901234567890.5")],
    "double": [-math.inf, -1e308, -5e-324, -0.0, 0.0, 5e-324, 1.1, 1e308, math.inf, math.nan],
    "float": [-math.inf, -1.5, -0.0, 0.0, 2.0**-149, 1.5, math.inf, math.nan],
    "inet": ["0.0.0.0", "::1", "10.0.0.1", "2001:db8::ff00:42:8329", "127.0.0.1", "255.255.255.255"],
    "int": [-(2**31), -1, 0, 1, 2**31 - 1],
    "smallint": [-32768, -1, 0, 1, 32767],
    "text": ["", "Straße", "it''s", "zzz", "\u65e5\u672c\u8a9e", "\U0001f409"],
    "time": [Time(0), Time(1), Time("12:34:56.789012345"), Time(86_399_999_999_999)],
    "timestamp": [datetime(1, 1, 1), datetime(1969, 12, 31, 23, 59, 59, 999000), datetime(1970, 1, 1), datetime(2013, 3, 10, 7, 30, 0, 1000), datetime(9999, 12, 31, 23, 59, 59)],
    "timeuuid": TIME_UUIDS,
    "tinyint": [-128, -1, 0, 1, 127],
    "uuid": [uuid.UUID(int=0), TIME_UUIDS[2], uuid.UUID("00000000-0000-4000-8000-000000000001"), uuid.UUID("f47ac10b-58cc-4372-a567-0e02b2c3d479")],
    "varint": [-(2**127), -(2**64), -129, -128, -1, 0, 127, 128, 255, 256, 2**64, 2**300],
}

UNORDERED = {
    "duration": [Duration(0, 0, 0), Duration(1, 2, 3), Duration(-1, -2, -3), Duration(2**31 - 1, 0, 2**63 - 1)],
    "list<int>": [[1], [3, 1, 2, 1]],
    "list<text>": [["", "b", "a"]],
    "set<text>": [{"b", "a", ""}],
    "map<text, int>": [{"": 0, "b": -1, "a": 2**31 - 1}],
    "map<int, frozen<list<text>>>": [{1: ["x", "y"], -1: []}],
    "frozen<list<int>>": [[], [1, 1]],
    "frozen<set<varint>>": [set(), {-(2**80), 0, 2**80}],
    "frozen<map<uuid, double>>": [{}, {uuid.UUID(int=7): 0.5}],
    "list<frozen<map<text, frozen<set<int>>>>>": [[{"a": {1, 2}}, {"b": set()}]],
    "tuple<int, text, frozen<list<double>>>": [(1, "one", [1.0, 2.0]), (None, "", []), (1, None, None)],
    "frozen<address>": [("Main St", 12, {"a": "b"}), (None, None, None)],
    "address": [("Main St", 12, {"a": "b"}), ("only the street", None, None)],
    "list<frozen<address>>": [[("Main St", 12, {}), ("", 0, {"k": ""})]],
    "vector<float, 3>": [[0.0, -1.5, 3.25], [math.inf, 0.0, -0.0]],
    "vector<int, 1>": [[7]],
    "vector<text, 2>": [["", "x" * 300]],
    "vector<vector<double, 2>, 2>": [[[1.0, 2.0], [3.0, 4.0]]],
    "frozen<list<vector<float, 2>>>": [[[1.0, 2.0], [3.0, 4.0]]],
}


def plain(value):
    """The value in a form that compares by content, with NaN equal to itself and -0.0 apart from 0.0."""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, (dict, OrderedMap, OrderedMapSerializedKey)):
        return ("map", sorted(((plain(k), plain(v)) for k, v in value.items()), key=repr))
    if isinstance(value, (set, frozenset, SortedSet)):
        return ("set", sorted((plain(v) for v in value), key=repr))
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, Decimal):
        return str(value)
    return value


def setting(name, kind):
    return f"{name}_" + "".join(c if c.isalnum() else "_" for c in kind)


def values_come_back(session):
    table = {kind: f"c{number}" for number, kind in enumerate([*SCALARS, *UNORDERED])}
    columns = ", ".join(f"{column} {kind}" for kind, column in table.items())
    session.execute("CREATE TYPE address (street text, number int, notes frozen<map<text, text>>)")
    session.execute(f"CREATE TABLE everything (id int PRIMARY KEY, {columns})")
    wrong = []
    for kind, values in [*SCALARS.items(), *UNORDERED.items()]:
        column = table[kind]
        insert = session.prepare(f"INSERT INTO everything (id, {column}) VALUES (?, ?)")
        select = session.prepare(f"SELECT {column} FROM everything WHERE id = ?")
        for number, value in enumerate([*values, None]):
            session.execute(insert, (number, value))
            got = session.execute(select, (number,)).one()
            # A row that has only nulls still has its key.
            if plain(got[0]) != plain(value):
                wrong.append(f"{kind}: sent {value!r}, got {got[0]!r}")
    equal(wrong, [])


def literals_come_back(session):
    """What the driver writes into the statement's text, as `%s` does in many programs."""
    kinds = ["ascii", "bigint", "blob", "boolean", "date", "double", "float", "inet", "int", "text", "time", "timestamp", "uuid", "varint"]
    columns = ", ".join(f"v_{kind} {kind}" for kind in kinds)
    session.execute(f"CREATE TABLE literals (id int PRIMARY KEY, {columns}, l list<int>, m map<text, int>, s set<text>)")
    wrong = []
    for kind in kinds:
        for number, value in enumerate(SCALARS[kind]):
            if isinstance(value, float) and not math.isfinite(value):
                continue  # the driver writes Python's spelling, which is not CQL's
            session.execute(f"INSERT INTO literals (id, v_{kind}) VALUES (%s, %s)", (number, value))
            got = session.execute(f"SELECT v_{kind} FROM literals WHERE id = %s", (number,)).one()[0]
            if plain(got) != plain(value):
                wrong.append(f"{kind}: sent {value!r}, got {got!r}")
    equal(wrong, [])
    session.execute("INSERT INTO literals (id, l, m, s) VALUES (%s, %s, %s, %s)", (99, [1, 2], {"a": 1}, {"x", "y"}))
    row = session.execute("SELECT l, m, s FROM literals WHERE id = 99").one()
    equal(plain(row), plain(([1, 2], {"a": 1}, {"x", "y"})))


def keys_sort(session, version):
    """Each scalar as clustering key, both ways round, and as partition key."""
    for kind, values in SCALARS.items():
        up, down = setting(f"up{version}", kind), setting(f"down{version}", kind)
        session.execute(f"CREATE TABLE {up} (p int, k {kind}, v int, PRIMARY KEY (p, k))")
        session.execute(f"CREATE TABLE {down} (p int, k {kind}, v int, PRIMARY KEY (p, k)) WITH CLUSTERING ORDER BY (k DESC)")
        for table in (up, down):
            insert = session.prepare(f"INSERT INTO {table} (p, k, v) VALUES (0, ?, ?)")
            for number, value in reversed(list(enumerate(values))):
                session.execute(insert, (value, number))
        forward = [plain(v) for v in values]
        read = lambda text: [plain(row.k) for row in session.execute(text)]
        equal(read(f"SELECT k FROM {up} WHERE p = 0"), forward, f"{kind} ascending")
        equal(read(f"SELECT k FROM {down} WHERE p = 0"), forward[::-1], f"{kind} descending")
        equal(read(f"SELECT k FROM {up} WHERE p = 0 ORDER BY k DESC"), forward[::-1], f"{kind} reversed")
        select = session.prepare(f"SELECT v FROM {down} WHERE p = 0 AND k = ?")
        above = session.prepare(f"SELECT v FROM {up} WHERE p = 0 AND k > ?")
        for number, value in enumerate(values):
            equal([row.v for row in session.execute(select, (value,))], [number], f"{kind} {value!r}")
            equal([row.v for row in session.execute(above, (value,))], list(range(number + 1, len(values))), f"{kind} > {value!r}")


def partition_keys_find(session, version):
    for kind, values in SCALARS.items():
        table = setting(f"part{version}", kind)
        session.execute(f"CREATE TABLE {table} (k {kind} PRIMARY KEY, v int)")
        insert = session.prepare(f"INSERT INTO {table} (k, v) VALUES (?, ?)")
        select = session.prepare(f"SELECT k, v FROM {table} WHERE k = ?")
        for number, value in enumerate(values):
            if value in ("", b""):
                error = raises(InvalidRequest, session.execute, insert, (value, number))
                contains(str(error), "Key may not be empty")
                continue
            session.execute(insert, (value, number))
            row = session.execute(select, (value,)).one()
            equal(row and (plain(row.k), row.v), (plain(value), number), kind)


def null_unset_empty(session):
    session.execute("CREATE TABLE gaps (id int PRIMARY KEY, a int, b text, c list<int>)")
    session.execute("CREATE TABLE gap_keys (id int, k int, PRIMARY KEY (id, k))")
    insert = session.prepare("INSERT INTO gaps (id, a, b, c) VALUES (?, ?, ?, ?)")
    session.execute(insert, (1, 1, "b", [1]))
    session.execute(insert, (1, UNSET_VALUE, UNSET_VALUE, UNSET_VALUE))
    equal(tuple(session.execute("SELECT a, b, c FROM gaps WHERE id = 1").one()), (1, "b", [1]), "unset leaves alone")
    session.execute(insert, (1, None, "", []))
    equal(tuple(session.execute("SELECT a, b, c FROM gaps WHERE id = 1").one()), (None, "", None), "null, empty text, empty list")
    insert = session.prepare("INSERT INTO gap_keys (id, k) VALUES (?, ?)")
    contains(str(raises(InvalidRequest, session.execute, insert, (1, UNSET_VALUE))), "unset value for column k")
    contains(str(raises(InvalidRequest, session.execute, insert, (1, None))), "k")
    session.execute("INSERT INTO gaps (id, a) VALUES (2, blobasint(0x))")
    row = session.execute("SELECT intasblob(a), b FROM gaps WHERE id = 2").one()
    equal((row[0], row[1]), (b"", None), "an empty int is not null")


def cells_of_collections(session):
    session.execute("CREATE TABLE parts (id int PRIMARY KEY, l list<int>, s set<text>, m map<text, int>, u address)")
    one = lambda column: session.execute(f"SELECT {column} FROM parts WHERE id = 1").one()[0]
    do = session.execute
    do("UPDATE parts SET l = [1, 2, 3], s = {'a', 'b'}, m = {'x': 1, 'y': 2}, u = {street: 's', number: 1} WHERE id = 1")
    do("UPDATE parts SET l = l + [4], s = s + {'c'}, m = m + {'z': 3} WHERE id = 1")
    do("UPDATE parts SET l = [0] + l, s = s - {'a'}, m = m - {'x'} WHERE id = 1")
    do("UPDATE parts SET l[1] = 10, m['y'] = 20, u.number = 2 WHERE id = 1")
    do("DELETE l[0], m['z'] FROM parts WHERE id = 1")
    do("UPDATE parts SET l = l - [3] WHERE id = 1")
    equal(plain(one("l")), plain([10, 2, 4]))
    equal(plain(one("s")), plain({"b", "c"}))
    equal(plain(one("m")), plain({"y": 20}))
    equal(plain(one("u")), plain(("s", 2, None)))
    equal(one("u.street"), "s")
    equal(one("m['y']"), 20)


def main():
    suite = Suite("types")
    with Node("types") as node:
        for version in (5, 4):
            cluster, session = connect(node, version)
            fresh_keyspace(session, "types_of_python")
            suite.check(f"v{version}: every value comes back by marker", values_come_back, session)
            suite.check(f"v{version}: every value comes back by literal", literals_come_back, session)
            suite.check(f"v{version}: clustering keys sort as their type does", keys_sort, session, version)
            suite.check(f"v{version}: partition keys find their rows", partition_keys_find, session, version)
            suite.check(f"v{version}: null, unset and empty stay apart", null_unset_empty, session)
            suite.check(f"v{version}: elements and fields change one by one", cells_of_collections, session)
            cluster.shutdown()
    suite.finish()


if __name__ == "__main__":
    sys.exit(main())
