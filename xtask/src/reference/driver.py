# Asks the Python ATEX what the tests of a tree report, each on a connection of its own.
# Arguments: the root of the tree, the plan ("" for none), the executor (fmf or beakerlib), where to run (local,
# "ssh HOST CONFIG", "podman IMAGE"), a file for the answer, tests that are run in another way: "cancelled:NAME", "untold:NAME".
import json
import os
import shlex
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import SimpleNamespace

from atex.connection.local import LocalConnection
from atex.connection.podman import PodmanConnection
from atex.connection.ssh import ManagedSSHConnection
from atex.executor.beakerlib import BeakerlibExecutor
from atex.executor.fmf import FMFExecutor, discover

CONTEXT = {"distro": "fedora-42", "arch": "x86_64"}
EXECUTORS = {"fmf": FMFExecutor, "beakerlib": BeakerlibExecutor}


class Tar:
    """Uploads by tar: the systems have no rsync."""

    def rsync(self, *args, **_):
        target = shlex.quote(args[-1].partition(":")[2])
        with subprocess.Popen(("tar", "-C", args[-2], "--exclude=./.git", "-c", "."), stdout=subprocess.PIPE) as tar:
            script = f"rm -rf {target} && mkdir -p {target} && exec tar -C {target} --no-same-owner -x"
            self.cmd(("bash", "-c", script), stdin=tar.stdout, check=True)


class Ssh(Tar, ManagedSSHConnection):
    def __init__(self, destination, config):
        user, _, host = destination.rpartition("@")
        words = (line.split(maxsplit=1) for line in Path(config).read_text().splitlines())
        options = {word[0]: word[1] for word in words if len(word) == 2 and word[0] in ("IdentityFile", "Port")}
        super().__init__(options | {"Hostname": host, "User": user})


class Container(Tar, PodmanConnection):
    """By podman itself: what the other one asks for is not on every system."""

    def __init__(self, image):
        limits = ("--ulimit=nofile=1024:1024", "--ulimit=nproc=4096:4096")
        command = ("podman", "run", "-d", "--network=none", *limits, image, "sleep", "inf")
        started = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        super().__init__(started.stdout.strip())

    def cmd(self, command, *, func=subprocess.run, **args):
        return func(("podman", "exec", "-i", self.container, *command), **args)

    def disconnect(self):
        super().disconnect()
        subprocess.run(("podman", "rm", "-f", "-t", "0", self.container), stdout=subprocess.DEVNULL)


CONNECTIONS = {"local": LocalConnection, "ssh": Ssh, "podman": Container}


class Server:
    """Whether there is a library is asked over http; the repositories themselves are those in LIBRARIES, by git's settings."""

    def request(self, _method, url, **_):
        nick, _, name = url.removeprefix("https://github.com/beakerlib/").partition("/tree/HEAD")
        found = Path(os.environ["LIBRARIES"], nick, name.lstrip("/")).is_dir()
        return SimpleNamespace(status=200 if found else 404)


sys.modules[discover.__module__]._http = Server()


def is_package(need):
    return isinstance(need, str) and not need.startswith("library(")


def as_list(value):
    return value if isinstance(value, list) else [value] if value else []


def content(folder):
    if not folder.exists():
        return {}
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    # Every byte becomes the character of the same number.
    return {str(path.relative_to(folder)): path.read_bytes().decode("latin1") for path in files}


def run(tests, name, how, executor, place, *where):
    os.environ.pop("ATEX_DEBUG_NO_EXITCODE", None)
    if how == "untold":
        os.environ["ATEX_DEBUG_NO_EXITCODE"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        with CONNECTIONS[place](*where) as connection, EXECUTORS[executor](connection, tests) as runner:
            if how == "cancelled":
                # Once the test runs: nobody tells when.
                threading.Timer(5, runner.cancel).start()
            try:
                runner.run_test(name, Path(folder))
            except Exception as error:  # The test has a result all the same, which says so.
                print(f"    {name}: {type(error).__name__}", file=sys.stderr)
        results = Path(folder, "results")
        lines = results.read_text().splitlines() if results.exists() else []
        return {"results": lines, "files": content(Path(folder, "files"))}


def without_packages(tests):
    """They would change this machine."""
    for step in ("prepare", "finish"):
        tests.plan[step] = [phase for phase in as_list(tests.plan.get(step)) if phase.get("how") == "shell"]
    for data in tests.data.values():
        for key in ("require", "recommend"):
            data[key] = [need for need in as_list(data.get(key)) if not is_package(need)]


def main(root, plan, executor, where, answer, *apart):
    tests = discover(root, plan or None, context=CONTEXT)
    names = list(tests.data)
    packages, libraries = [], []
    for name, data in tests.data.items():
        needs = as_list(data.get("require")) + as_list(data.get("recommend"))
        packages += [name] if any(map(is_package, needs)) else []
        libraries += [name] if not all(map(is_package, needs)) else []
    if where == "local":
        without_packages(tests)
    ways = {name: how for how, _, name in (word.partition(":") for word in apart)}
    reports = {name: run(tests, name, ways.get(name), executor, *where.split()) for name in names}
    found = {"names": names, "packages": packages, "libraries": libraries, "tests": reports}
    Path(answer).write_text(json.dumps(found, indent=1))


main(*sys.argv[1:])
