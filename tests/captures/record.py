"""Records what real drivers send in their first second, as fixtures for tests/captures.rs.

    target/drivers/venv/bin/python tests/captures/record.py               all clients
    target/drivers/venv/bin/python tests/captures/record.py java gocql    some of them

Each client of CLIENTS runs against a fresh node (the release build) through a proxy, which notes every connection, every
message from the client, and every connection's end, in the order in which they came. The result is
tests/fixtures/captures/NAME.capture; its format is described in tests/captures/capture.rs. What the server answered is not
noted: the test asks again, and `UPDATE_GOLDENFILES=1 cargo test --test captures` writes NAME.golden.

Drivers announce the node's address to themselves, so the node listens on 127.0.0.2 and says that clients reach it at
127.0.0.1, on the same port: the proxy's. Nothing passes it by.

Clients come from where tests/drivers/run put them (Python, cqlsh, the Java driver's jars below target/drivers), from
benches/load (Rust), and for Node.js and Go from below target/captures, installed at the first run. A client that cannot run
is named; its old capture stays.
"""

import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests" / "drivers" / "python"))

import lz4.block  # noqa: E402
import snappy  # noqa: E402
from node import Node  # noqa: E402

WORK = ROOT / "target" / "captures"
DRIVERS = ROOT / "target" / "drivers"
FIXTURES = ROOT / "tests" / "fixtures" / "captures"
PROXY_HOST, NODE_HOST = "127.0.0.1", "127.0.0.2"
CLIENT_SECONDS_MAX = 120
HEX_BYTES_PER_LINE = 60
COMMENT_CHARACTERS_MAX = 200
PYTHON = sys.executable
PROGRAMS = HERE / "clients"

OPCODES = {1: "STARTUP", 5: "OPTIONS", 7: "QUERY", 9: "PREPARE", 10: "EXECUTE", 11: "REGISTER", 13: "BATCH", 15: "AUTH_RESPONSE"}


def install_node():
    """The Node.js driver below target/captures."""
    folder = WORK / "node"
    if not (folder / "node_modules" / "cassandra-driver").exists():
        folder.mkdir(parents=True, exist_ok=True)
        run(["npm", "install", "--no-audit", "--no-fund", "cassandra-driver@4.10.0"], cwd=folder)
    return {"NODE_PATH": str(folder / "node_modules")}


def install_go():
    """The Go client, built below target/captures."""
    folder = WORK / "go"
    environment = {"GOFLAGS": "-mod=readonly", "GOPATH": str(folder), "GOCACHE": str(folder / "cache")}
    run(["go", "build", "-modcacherw", "-o", str(folder / "client"), "."], cwd=PROGRAMS / "gocql", **environment)
    return {}


def nothing():
    """For clients that are there already."""
    return {}


# Name, what it is, how to install it, how to run it.
CLIENTS = [
    ("python_v5", "Python cassandra-driver 3.30.1 by its defaults: it settles on v5", nothing, [PYTHON, PROGRAMS / "python.py"]),
    ("python_v4", "Python cassandra-driver 3.30.1 told to speak v4", nothing, [PYTHON, PROGRAMS / "python.py", "--version=4"]),
    ("python_v5_lz4", "Python cassandra-driver 3.30.1, v5 with lz4", nothing, [PYTHON, PROGRAMS / "python.py", "--lz4"]),
    ("python_v4_lz4", "Python cassandra-driver 3.30.1, v4 with lz4", nothing, [PYTHON, PROGRAMS / "python.py", "--version=4", "--lz4"]),
    ("python_v4_snappy", "Python cassandra-driver 3.30.1, v4 with snappy", nothing, [PYTHON, PROGRAMS / "python.py", "--version=4", "--snappy"]),
    ("cqlsh", "cqlsh 6.2.0: SELECT and DESCRIBE", nothing,
     [DRIVERS / "venv/bin/cqlsh", "-f", PROGRAMS / "cqlsh.cql", PROXY_HOST, "{port}"]),
    ("java", "Apache Cassandra Java driver 4.19.3 by its defaults: it settles on v5", nothing,
     ["java", "-cp", f"{DRIVERS}/java/lib/*", PROGRAMS / "First.java"]),
    ("rust", "scylla-rust-driver 1.9.0 in benches/load: v4", nothing,
     [ROOT / "target/load/release/cqlload", "--client=scylla", f"--host={PROXY_HOST}:{{port}}", "--mode=load", "--keys=3", "--ops=3",
      "--repeat=1", "--concurrency=1", "--connections=1", "--value-size=16"]),
    ("node", "Node.js cassandra-driver 4.10.0 by its defaults: it settles on v4", install_node, ["node", PROGRAMS / "first.js"]),
    ("gocql", "cassandra-gocql-driver 2.1.2 by its defaults: it settles on v5", install_go, [WORK / "go" / "client"]),
]


def run(command, cwd=None, **environment):
    """Runs a command; its output is shown only if it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd, env=dict(os.environ, **environment), capture_output=True, text=True, timeout=CLIENT_SECONDS_MAX,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


class Splitter:
    """Cuts a client's bytes into units: envelopes, or from v5's STARTUP on, segments."""

    def __init__(self):
        self.bytes = b""
        self.segments = False
        self.lz4 = False

    def feed(self, data):
        self.bytes += data
        while (length := self.next_length()) and len(self.bytes) >= length:
            unit, self.bytes = self.bytes[:length], self.bytes[length:]
            comments = [self.describe(envelope) for envelope in self.envelopes(unit)]
            yield unit, comments

    def next_length(self):
        """The length of the first unit, once its header is there."""
        if not self.segments:
            return 9 + struct.unpack(">I", self.bytes[5:9])[0] if len(self.bytes) >= 9 else None
        header = 8 if self.lz4 else 6
        if len(self.bytes) < header:
            return None
        return header + (int.from_bytes(self.bytes[:header - 3], "little") & 0x1FFFF) + 4

    def envelopes(self, unit):
        """The envelopes of a unit; a part of a large one is left out."""
        if not self.segments:
            return [unit]
        header = 8 if self.lz4 else 6
        bits, payload = int.from_bytes(unit[:header - 3], "little"), unit[header:-4]
        if self.lz4 and (length := bits >> 17 & 0x1FFFF):
            payload = lz4.block.decompress(payload, uncompressed_size=length)
        if not bits >> (34 if self.lz4 else 17) & 1:
            return []
        found = []
        while payload:
            length = 9 + struct.unpack(">I", payload[5:9])[0]
            found.append(payload[:length])
            payload = payload[length:]
        return found

    def describe(self, envelope):
        """A request in a few words, for people who read the fixture."""
        version, flags, stream, code = envelope[0], envelope[1], struct.unpack(">h", envelope[2:4])[0], envelope[4]
        body, words = envelope[9:], ""
        if flags & 1 and version == 4 and self.lz4:
            body = lz4.block.decompress(body[4:], uncompressed_size=struct.unpack(">I", body[:4])[0])
        elif flags & 1 and version == 4:
            body = snappy.uncompress(body)
        if code == 1:
            options = strings(body[2:])
            words = ", ".join(f"{key}={value}" for key, value in zip(options[::2], options[1::2]))
            self.segments = version == 5
            self.lz4 = "lz4" in options
        elif code in (7, 9):
            words = " ".join(body[4:4 + struct.unpack(">I", body[:4])[0]].decode(errors="replace").split())
        elif code == 10:
            words = body[2:2 + struct.unpack(">H", body[:2])[0]].hex()
        elif code == 11:
            words = ", ".join(strings(body[2:]))
        return f"version {version}, stream {stream}: {OPCODES.get(code, code)} {words}"[:COMMENT_CHARACTERS_MAX].rstrip()


def strings(body):
    """All strings of a body that has nothing else."""
    found = []
    while body:
        length = struct.unpack(">H", body[:2])[0]
        found.append(body[2:2 + length].decode())
        body = body[2 + length:]
    return found


class Proxy:
    """Carries connections to the node and notes what clients do, in one order over all connections."""

    def __init__(self, port):
        self.port = port
        self.lines = []
        self.lock = threading.Lock()
        self.count = 0
        self.listener = socket.create_server((PROXY_HOST, port))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection((NODE_HOST, self.port))
            with self.lock:
                self.count += 1
                number = self.count
                self.lines.append(f"open {number}")
            threading.Thread(target=self.from_client, args=(number, client, server), daemon=True).start()
            threading.Thread(target=self.from_server, args=(client, server), daemon=True).start()

    def from_client(self, number, client, server):
        splitter = Splitter()
        while data := receive(client):
            for unit, comments in splitter.feed(data):
                with self.lock:
                    self.lines.append(f"send {number}")
                    self.lines += [f"    # {comment}" for comment in comments]
                    text = unit.hex()
                    width = 2 * HEX_BYTES_PER_LINE
                    self.lines += ["    " + text[at:at + width] for at in range(0, len(text), width)]
                send(server, unit)
        with self.lock:
            self.lines.append(f"close {number}")
        shut(server)

    def from_server(self, client, server):
        while data := receive(server):
            send(client, data)
        shut(client)

    def finish(self):
        """Waits until the client's connections have ended, and gives the lines."""
        until = time.monotonic() + 5
        while time.monotonic() < until and sum(line.startswith("close") for line in self.lines) < self.count:
            time.sleep(0.05)
        self.listener.close()
        with self.lock:
            return list(self.lines)


def receive(connection):
    try:
        return connection.recv(1 << 16)
    except OSError:
        return b""


def send(connection, data):
    try:
        connection.sendall(data)
    except OSError:
        pass


def shut(connection):
    try:
        connection.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def record(name, title, install, command):
    """Runs a client against a fresh node and writes its capture."""
    environment = install()
    settings = [f"rpc_address={NODE_HOST}", f"broadcast_rpc_address={PROXY_HOST}"]
    with Node(f"capture-{name}", settings) as node:
        home = WORK / "home"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        proxy = Proxy(node.port)
        environment |= {"NODE_HOST": PROXY_HOST, "NODE_PORT": str(node.port), "HOME": str(home), "PYTHONWARNINGS": "ignore"}
        run([str(part).replace("{port}", str(node.port)) for part in command], **environment)
        lines = proxy.finish()
    head = [f"# {title}.", "# Recorded by tests/captures/record.py; the format is described in tests/captures/capture.rs.", ""]
    (FIXTURES / f"{name}.capture").write_text("\n".join(head + lines) + "\n")
    print(f"{name}: {sum(line.startswith('open') for line in lines)} connections, "
          f"{sum(line.startswith('send') for line in lines)} messages", flush=True)


def main():
    known = [client[0] for client in CLIENTS]
    wanted = sys.argv[1:] or known
    if unknown := [name for name in wanted if name not in known]:
        sys.exit(f"no client {', '.join(unknown)}; there are: {', '.join(known)}")
    FIXTURES.mkdir(parents=True, exist_ok=True)
    failed = []
    for client in CLIENTS:
        if client[0] not in wanted:
            continue
        try:
            record(*client)
        except (OSError, RuntimeError, subprocess.TimeoutExpired) as error:
            failed.append(client[0])
            print(f"{client[0]}: not recorded: {error}", file=sys.stderr, flush=True)
    if failed:
        sys.exit(f"not recorded: {', '.join(failed)}")


if __name__ == "__main__":
    main()
