"""The first second of the Python driver: connect, read the schema, make a table, write, read, meet two errors, close.

All programs of this folder do the same, each in the way its driver's documentation begins with. This one also sends a batch
and adds a column under a prepared SELECT.
"""

import os
import sys
import warnings

from cassandra import InvalidRequest
from cassandra.cluster import Cluster
from cassandra.protocol import SyntaxException
from cassandra.query import BatchStatement

warnings.simplefilter("ignore")
options = {}
if "--version=4" in sys.argv:
    options["protocol_version"] = 4
cluster = Cluster(
    [os.environ["NODE_HOST"]],
    port=int(os.environ["NODE_PORT"]),
    compression=next((name for name in ("lz4", "snappy") if f"--{name}" in sys.argv), False),
    **options,
)
session = cluster.connect()
session.execute("CREATE KEYSPACE web WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
session.set_keyspace("web")
session.execute("CREATE TABLE visits (page text, day int, visitors set<text>, seconds double, PRIMARY KEY (page, day))")
insert = session.prepare("INSERT INTO visits (page, day, visitors, seconds) VALUES (?, ?, ?, ?)")
session.execute(insert, ("index", 1, {"ann", "bob"}, 1.5))
session.execute(insert, ("index", 2, None, 0.25))
select = session.prepare("SELECT * FROM visits WHERE page = ?")
assert [row.day for row in session.execute(select, ("index",))] == [1, 2]
assert len(list(session.execute("SELECT day, seconds FROM visits WHERE page = %s AND day >= %s", ("index", 2)))) == 1
batch = BatchStatement()
batch.add(insert, ("index", 3, {"eve"}, 2.0))
batch.add("INSERT INTO visits (page, day, seconds) VALUES (%s, %s, %s)", ("index", 4, 3.0))
session.execute(batch)
session.execute("ALTER TABLE visits ADD country text")
assert [row.seconds for row in session.execute(select, ("index",))] == [1.5, 0.25, 2.0, 3.0]
for text, error in [("SELECT * FROM nowhere", InvalidRequest), ("SELEC * FROM visits", SyntaxException)]:
    try:
        session.execute(text)
    except error:
        continue
    sys.exit(f"no error: {text}")
cluster.shutdown()
