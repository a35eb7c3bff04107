"""The Python ATEX with tests that do nothing: how many it gets through in a second, printed as a number.

usage: peer.py TESTS REMOTES PAUSE
"""

import sys
import time

from atex.aggregator import Aggregator
from atex.connection.local import LocalConnection
from atex.executor import Executor
from atex.orchestrator.adhoc import AdHocOrchestrator
from atex.provisioner.anyconn import AnyConnectionProvisioner

tests, remotes, pause = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])


class Idle(Executor):
    def __init__(self, connection):
        pass

    def start(self):
        pass

    def stop(self):
        pass

    def cancel(self):
        pass

    def run_test(self, name, artifacts):
        return 0


class Nowhere(Aggregator):
    def start(self):
        pass

    def stop(self):
        pass

    def ingest(self, *args):
        pass


names = {f"/{number}": ("true",) for number in range(tests)}
began = time.perf_counter()
source = AnyConnectionProvisioner(LocalConnection, max_remotes=remotes)
sink = Nowhere()
with source, sink, AdHocOrchestrator("platform", names, (source,), Idle, sink) as orchestrator:
    while orchestrator.serve_once():
        time.sleep(pause)
print(tests / (time.perf_counter() - began))
