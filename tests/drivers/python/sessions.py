"""Sessions as applications configure them: event loops, callbacks, heartbeats, credentials, keyspaces per request, mapper."""

import importlib
import sys
import threading
import time
import uuid
from datetime import date

from cassandra import InvalidRequest
from cassandra.auth import PlainTextAuthProvider
from cassandra.concurrent import execute_concurrent
from cassandra.cqlengine import columns, management, query
from cassandra.cqlengine import connection as engine_connection
from cassandra.cqlengine.models import Model
from cassandra.cqlengine.usertype import UserType
from cassandra.query import SimpleStatement, dict_factory, ordered_dict_factory, tuple_factory

from connection import connect, fresh_keyspace
from harness import Suite, equal, eventually, raises
from node import HOST, Node

ROWS = 1000
# The driver's own event loops; Python 3.12 no longer has asyncore.
LOOPS = [("libevreactor", "LibevConnection"), ("asyncioreactor", "AsyncioConnection"), ("asyncorereactor", "AsyncoreConnection")]


def loops():
    """The event loops that this Python and this build of the driver have."""
    found = []
    for module, name in LOOPS:
        try:
            found.append((name, getattr(importlib.import_module(f"cassandra.io.{module}"), name)))
        except Exception:
            continue
    return found


def runs_on(node, kind):
    cluster, session = connect(node, connection_class=kind, keyspace="sessions")
    futures = [session.execute_async("SELECT v FROM numbers WHERE k = %s", (n,)) for n in range(200)]
    equal([future.result().one().v for future in futures], [n * n for n in range(200)])
    cluster.shutdown()


def callbacks_follow_pages(session):
    """Pages fetched from callbacks, as asynchronous applications do."""
    done, seen, failures = threading.Event(), [], []
    future = session.execute_async(SimpleStatement("SELECT k FROM numbers", fetch_size=77))

    def page(rows):
        seen.extend(row.k for row in rows)
        future.start_fetching_next_page() if future.has_more_pages else done.set()

    def failed(error):
        failures.append(error)
        done.set()

    future.add_callbacks(page, failed)
    equal(done.wait(30), True, "the last page came")
    equal((sorted(seen), failures), (list(range(ROWS)), []))


def failures_stand_beside_results(session):
    """Statements at once, of which some are wrong: each has its own outcome, in order."""
    statements = [(f"SELECT v FROM {'numbers' if n % 3 else 'nowhere'} WHERE k = {n}", ()) for n in range(90)]
    results = execute_concurrent(session, statements, concurrency=30, raise_on_first_error=False)
    for n, (success, result) in enumerate(results):
        equal(success, bool(n % 3), f"statement {n}")
        equal(result.one().v if success else type(result), n * n if success else InvalidRequest)


def rows_in_any_form(node, version):
    for factory, expected in [
        (tuple_factory, (3, 9)),
        (dict_factory, {"k": 3, "v": 9}),
        (ordered_dict_factory, {"k": 3, "v": 9}),
    ]:
        cluster, session = connect(node, version, row_factory=factory, keyspace="sessions")
        equal(session.execute("SELECT k, v FROM numbers WHERE k = 3").one(), expected)
        cluster.shutdown()


def idle_connections_stay(node):
    """OPTIONS as heartbeat each second; the connections of before are still the connections of after."""
    cluster, session = connect(node, idle_heartbeat_interval=1, keyspace="sessions")
    pools = lambda: [id(connection) for pool in session.get_pools() for connection in pool.get_connections()]
    before = pools()
    time.sleep(3.5)
    equal(pools(), before)
    equal(session.execute("SELECT v FROM numbers WHERE k = 2").one().v, 4)
    cluster.shutdown()


def credentials_are_not_needed(node):
    """A client that has credentials is let in without being asked for them."""
    cluster, session = connect(node, auth_provider=PlainTextAuthProvider("cassandra", "cassandra"))
    equal(session.execute("SELECT key FROM system.local").one().key, "local")
    cluster.shutdown()


def clients_show_what_they_said(node):
    """What STARTUP said is in the list of clients, for each connection of this session and no other."""
    cluster, session = connect(node, no_compact=True, keyspace="sessions")
    rows = list(session.execute("SELECT client_options, driver_name, keyspace_name, protocol_version FROM system_views.clients"))
    own = [row for row in rows if row.client_options.get("NO_COMPACT") == "true"]
    equal(len(own), 2, "a connection for control and one for statements")
    for row in own:
        equal((row.driver_name, row.protocol_version), ("Apache Cassandra Python Driver", 5))
        equal(row.client_options["CQL_VERSION"], "3.4.7")
    equal({row.keyspace_name for row in own}, {None, "sessions"})
    cluster.shutdown()


def metadata_can_be_left_out(node):
    cluster, session = connect(node, schema_metadata_enabled=False, token_metadata_enabled=False, keyspace="sessions")
    equal(session.execute("SELECT count(*) FROM numbers").one()[0], ROWS)
    equal(cluster.metadata.keyspaces, {})
    cluster.shutdown()


def metadata_is_read_again(cluster, session):
    """Each refresh that the driver offers, after changes that it was not to hear of."""
    cluster.schema_metadata_enabled = False
    session.execute("CREATE TYPE point (x int, y int)")
    session.execute("CREATE TABLE places (id int PRIMARY KEY, at frozen<point>)")
    cluster.schema_metadata_enabled = True
    cluster.refresh_user_type_metadata("sessions", "point")
    cluster.refresh_table_metadata("sessions", "places")
    cluster.refresh_keyspace_metadata("sessions")
    cluster.refresh_schema_metadata()
    cluster.refresh_nodes()
    keyspace = cluster.metadata.keyspaces["sessions"]
    equal(list(keyspace.user_types["point"].field_names), ["x", "y"])
    equal(keyspace.tables["places"].columns["at"].cql_type, "frozen<point>")


def keyspaces_go_with_requests(node):
    """A keyspace per request, on v5: prepared and not, and one that does not exist."""
    cluster, session = connect(node, 5)
    select = "SELECT v FROM numbers WHERE k = 5"
    equal(session.execute(SimpleStatement(select, keyspace="sessions")).one().v, 25)
    prepared = session.prepare("SELECT v FROM numbers WHERE k = ?", keyspace="sessions")
    equal(session.execute(prepared, (6,)).one().v, 36)
    raises(InvalidRequest, session.execute, SimpleStatement(select, keyspace="nowhere"))
    raises(InvalidRequest, session.execute, select)
    cluster.shutdown()


class Address(UserType):
    street = columns.Text()
    number = columns.Integer()


class Person(Model):
    __keyspace__ = "mapped"
    __options__ = {"gc_grace_seconds": 3600, "comment": "people"}
    team = columns.Text(partition_key=True)
    id = columns.UUID(primary_key=True, default=uuid.uuid4)
    name = columns.Text(static=True)
    born = columns.Date()
    tags = columns.Set(columns.Text())
    scores = columns.List(columns.Integer())
    notes = columns.Map(columns.Text(), columns.Text())
    home = columns.UserDefinedType(Address)


def mapper(node):
    """The driver's mapper: tables from classes, objects written, changed, found and deleted, a column added."""
    engine_connection.setup([HOST], "mapped", port=node.port, protocol_version=4)
    management.create_keyspace_simple("mapped", 1)
    management.sync_type("mapped", Address)
    management.sync_table(Person)
    management.sync_table(Person)
    first = Person.create(team="a", name="A", born=date(1990, 5, 1), tags={"x"}, scores=[1], notes={"k": "v"}, home=Address(street="Main", number=1))
    for _ in range(9):
        Person.create(team="a")
    equal(Person.objects(team="a").count(), 10)
    found = Person.objects.get(team="a", id=first.id)
    equal((found.name, found.born, found.tags, found.scores, found.notes, found.home.number), ("A", date(1990, 5, 1), {"x"}, [1], {"k": "v"}, 1))
    found.tags.add("y")
    found.scores.append(2)
    found.notes["l"] = "w"
    found.save()
    Person.objects(team="a", id=first.id).update(tags__remove={"x"}, scores__prepend=[0])
    found = Person.objects.get(team="a", id=first.id)
    equal((found.tags, found.scores, found.notes), ({"y"}, [0, 1, 2], {"k": "v", "l": "w"}))
    with query.BatchQuery() as batch:
        Person.batch(batch).create(team="b")
        Person.batch(batch).create(team="b")
    equal(len(Person.objects(team="b").limit(None)), 2)
    Person.objects(team="b").delete()
    equal(Person.objects(team="b").count(), 0)
    Person.ttl(100).create(team="c")
    first.delete()
    equal(Person.objects(team="a").count(), 9)

    class Wider(Model):
        __keyspace__, __table_name__ = "mapped", "person"
        team = columns.Text(partition_key=True)
        id = columns.UUID(primary_key=True)
        height = columns.Float()

    management.sync_table(Wider)
    eventually(lambda: "height" in engine_connection.get_cluster().metadata.keyspaces["mapped"].tables["person"].columns)
    management.drop_table(Person)
    management.drop_keyspace("mapped")
    engine_connection.unregister_connection("default")


def main():
    suite = Suite("sessions")
    with Node("sessions") as node:
        cluster, session = connect(node)
        fresh_keyspace(session, "sessions")
        session.execute("CREATE TABLE numbers (k int PRIMARY KEY, v int)")
        insert = session.prepare("INSERT INTO numbers (k, v) VALUES (?, ?)")
        execute_concurrent(session, [(insert, (n, n * n)) for n in range(ROWS)])
        for name, kind in loops():
            suite.check(f"event loop {name}", runs_on, node, kind)
        suite.check("callbacks follow pages", callbacks_follow_pages, session)
        suite.check("failures stand beside results", failures_stand_beside_results, session)
        for version in (5, 4):
            suite.check(f"v{version}: rows in any form", rows_in_any_form, node, version)
        suite.check("idle connections stay", idle_connections_stay, node)
        suite.check("credentials are not needed", credentials_are_not_needed, node)
        suite.check("clients show what they said", clients_show_what_they_said, node)
        suite.check("metadata can be left out", metadata_can_be_left_out, node)
        suite.check("metadata is read again", metadata_is_read_again, cluster, session)
        suite.check("keyspaces go with requests", keyspaces_go_with_requests, node)
        cluster.shutdown()
        suite.check("the mapper", mapper, node)
    suite.finish()


if __name__ == "__main__":
    sys.exit(main())
