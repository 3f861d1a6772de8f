"""Checks by name: each prints one line, a failure prints why, and the suite's exit code says whether all held."""

import sys
import time
import traceback


class Suite:
    """Runs checks one after the other; one that fails does not stop the next."""

    def __init__(self, name):
        self.name = name
        self.passed = 0
        self.failed = []

    def check(self, title, function, *arguments):
        """Runs `function`; it holds unless it raises."""
        begun = time.monotonic()
        try:
            function(*arguments)
        except Exception as error:
            self.failed.append(title)
            print(f"FAIL  {self.name}: {title}", flush=True)
            place = traceback.extract_tb(error.__traceback__)
            for frame in [f for f in place if "/tests/drivers/" in f.filename][-3:]:
                print(f"      {frame.filename.rsplit('/', 1)[1]}:{frame.lineno} {frame.line}", flush=True)
            text = str(error).strip() or repr(error)
            for line in f"{type(error).__name__}: {text}".splitlines()[:30]:
                print(f"      {line[:600]}", flush=True)
        else:
            self.passed += 1
            print(f"ok    {self.name}: {title} ({time.monotonic() - begun:.1f} s)", flush=True)

    def finish(self):
        """Prints the sum; ends the process with 1 if a check failed."""
        print(f"{self.name}: {self.passed} passed, {len(self.failed)} failed", flush=True)
        if self.failed:
            sys.exit(1)


def equal(got, expected, what=""):
    """Fails with both values unless they are equal."""
    if got != expected:
        head = f"{what}: " if what else ""
        raise AssertionError(f"{head}got {got!r}, expected {expected!r}")


def contains(text, part):
    """Fails unless `part` is somewhere in `text`."""
    if part not in text:
        raise AssertionError(f"got {text!r}, expected it to contain {part!r}")


def raises(kind, function, *arguments):
    """Gives the error of type `kind` that the call raises; fails if it raises another or none."""
    try:
        function(*arguments)
    except kind as error:
        return error
    except Exception as error:
        raise AssertionError(f"got {type(error).__name__}: {error}, expected {kind.__name__}") from error
    raise AssertionError(f"no error, expected {kind.__name__}")


def eventually(condition, seconds=10.0, what="the condition"):
    """Waits until `condition()` is true."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise AssertionError(f"{what} did not hold within {seconds} s")
        time.sleep(0.05)
