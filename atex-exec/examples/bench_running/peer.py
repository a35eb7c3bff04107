"""The Python ATEX at the same work: one measurement, printed as a number.

usage: peer.py latency|results|file local|PORT:KEY TREE SCRATCH COUNT
"""

import json
import shutil
import statistics
import sys
import time
from pathlib import Path

from atex.connection.local import LocalConnection
from atex.connection.ssh import ManagedSSHConnection
from atex.executor.fmf import FMFExecutor, discover

what, where, tree, scratch, count = sys.argv[1:]
if where == "local":
    connection = LocalConnection()
else:
    port, key = where.split(":", 1)
    connection = ManagedSSHConnection(
        {"Hostname": "127.0.0.1", "Port": port, "IdentityFile": key, "User": "root"}
    )

artifacts = Path(scratch) / "peer"


def run(executor, test):
    shutil.rmtree(artifacts, ignore_errors=True)
    artifacts.mkdir()
    began = time.perf_counter()
    executor.run_test(test, artifacts)
    return time.perf_counter() - began


with connection, FMFExecutor(connection, discover(tree)) as executor:
    trivial = statistics.median(run(executor, "/trivial") for _ in range(int(count)))
    if what == "latency":
        answer = {"seconds": trivial}
    else:
        seconds = run(executor, "/" + what)
        lines = sum(1 for _ in open(artifacts / "results"))
        size = sum(file.stat().st_size for file in artifacts.rglob("*") if file.is_file())
        answer = {"seconds": seconds - trivial, "lines": lines, "size": size}
shutil.rmtree(artifacts, ignore_errors=True)
print(json.dumps(answer))
