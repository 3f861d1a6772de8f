"""A node of its own for one suite: a real process, free ports, a directory below target/drivers.

Run as a program it starts a node, runs a command with NODE_HOST and NODE_PORT set, and stops the node:
`node.py NAME COMMAND...`. Its exit code is the command's, or 1 when the node did not stop as it should.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
WORK = ROOT / "target" / "drivers"
HOST = "127.0.0.1"
READY_SECONDS_MAX = 20
STOP_SECONDS_MAX = 60


def binary():
    """The server: the release build, unless NODE_PROFILE says debug."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    path = target / os.environ.get("NODE_PROFILE", "release") / "helenus"
    if not path.exists():
        sys.exit(f"{path} is not there: run `cargo build --release` first")
    return path


def free_ports(count):
    """Ports nobody listens on now; all held at once, so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind((HOST, 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


class Address:
    """Where a node is."""

    def __init__(self, port):
        self.port = port


class Node:
    """One server process and its data; `with Node("name") as node:` leaves neither behind."""

    def __init__(self, name, settings=()):
        self.directory = WORK / "nodes" / f"{name}-{os.getpid()}"
        self.port, self.admin_port, self.storage_port = free_ports(3)
        self.settings = list(settings)
        self.process = None
        self.ready_line = ""
        self.ready_seconds = 0.0

    def __enter__(self):
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        self.start()
        return self

    def __exit__(self, kind, *_):
        clean = self.stop()
        if kind is None and clean:
            shutil.rmtree(self.directory, ignore_errors=True)
        else:
            print(f"      log of the node: {self.log_path}", flush=True)
            tail = self.log_path.read_text(errors="replace").splitlines()[-20:]
            for line in tail:
                print(f"      | {line}", flush=True)
        if kind is None and not clean:
            raise RuntimeError(f"the node did not stop with exit code 0 (log: {self.log_path})")

    def address_only(self):
        """What another process needs to connect; the process itself stays with this one."""
        return Address(self.port)

    @property
    def log_path(self):
        return self.directory / "node.log"

    def start(self):
        """Starts the process and waits for its ready line."""
        data = self.directory / "data"
        command = [
            str(binary()),
            "--data-dir",
            str(data),
            "--set",
            f"native_transport_port={self.port}",
            "--set",
            f"admin_port={self.admin_port}",
            "--set",
            f"storage_port={self.storage_port}",
        ]
        for setting in self.settings:
            command += ["--set", setting]
        begun = time.monotonic()
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, cwd=self.directory
            )
        self.ready_line = self._await_line()
        self.ready_seconds = time.monotonic() - begun
        if not self.ready_line.startswith("ready:"):
            self.process.kill()
            self.process.wait()
            log = self.log_path.read_text(errors="replace")
            raise RuntimeError(f"the node did not get ready: {self.ready_line!r}\n{log}")

    def _await_line(self):
        lines = []
        reader = threading.Thread(
            target=lambda: lines.append(self.process.stdout.readline().decode(errors="replace")),
            daemon=True,
        )
        reader.start()
        reader.join(READY_SECONDS_MAX)
        return lines[0] if lines else f"no line within {READY_SECONDS_MAX} s"

    def kill(self):
        """Ends the process as a crash would."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def stop(self):
        """Asks the process to drain; true if it ended with exit code 0 by itself."""
        if not self.process or self.process.poll() is not None:
            return self.process is not None and self.process.returncode in (0, -signal.SIGKILL)
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS_MAX) == 0
        except subprocess.TimeoutExpired:
            self.kill()
            return False

    def restart(self, hard=False):
        """Stops the process (or kills it) and starts it again on the same data and ports."""
        if hard:
            self.kill()
        elif not self.stop():
            raise RuntimeError("the node did not stop with exit code 0")
        self.start()

    def admin(self, *arguments):
        """Runs `helenus admin`, gives what it printed."""
        command = [str(binary()), "admin", "--port", str(self.admin_port), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: exit code {done.returncode}: {done.stderr}{done.stdout}")
        return done.stdout


def main():
    name, command = sys.argv[1], sys.argv[2:]
    with Node(name) as node:
        environment = dict(os.environ, NODE_HOST=HOST, NODE_PORT=str(node.port))
        code = subprocess.run(command, env=environment).returncode
        if code != 0:
            raise SystemExit(code)


if __name__ == "__main__":
    main()
