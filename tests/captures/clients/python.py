"""The first second of the Python driver: connect, read the schema, make a table, write, read, meet two errors, close.

All programs of this folder do the same, each in the way its driver's documentation begins with.
"""

import os
import sys
import warnings

from cassandra import InvalidRequest
from cassandra.cluster import Cluster
from cassandra.protocol import SyntaxException

warnings.simplefilter("ignore")
options = {}
if "--version=4" in sys.argv:
    options["protocol_version"] = 4
cluster = Cluster(
    [os.environ["NODE_HOST"]],
    port=int(os.environ["NODE_PORT"]),
    compression="lz4" if "--lz4" in sys.argv else False,
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
for text, error in [("SELECT * FROM nowhere", InvalidRequest), ("SELEC * FROM visits", SyntaxException)]:
    try:
        session.execute(text)
    except error:
        continue
    sys.exit(f"no error: {text}")
cluster.shutdown()
