"""Sessions of the Python driver the way applications open them."""

import logging
import warnings

from cassandra import connection as driver_connection
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.query import named_tuple_factory

from node import HOST

warnings.simplefilter("ignore")
logging.getLogger("cassandra").setLevel(logging.ERROR)


def connect(node, version=None, compression=False, row_factory=named_tuple_factory, keyspace=None, **options):
    """Opens a cluster and a session; `version` None leaves the driver to find the highest."""
    if version is not None:
        options["protocol_version"] = version
    profile = ExecutionProfile(request_timeout=30, row_factory=row_factory)
    cluster = Cluster(
        [HOST],
        port=node.port,
        compression=compression,
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
        **options,
    )
    return cluster, cluster.connect(keyspace)


def compressors():
    """The compressors the driver has here."""
    return list(driver_connection.locally_supported_compressions)


def fresh_keyspace(session, name):
    """An empty keyspace, in use."""
    session.execute(f"DROP KEYSPACE IF EXISTS {name}")
    session.execute(
        f"CREATE KEYSPACE {name} WITH replication = {{'class': 'SimpleStrategy', 'replication_factor': 1}}"
    )
    session.set_keyspace(name)
