"""Hands artifacts to an aggregator of the Python ATEX, and prints how many seconds it took, and how many of the processors' time.

usage: peer.py KIND LEVEL THREADS ARTIFACTS OUT
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from atex.aggregator.jsonl import (
    GzipJSONLinesAggregator,
    JSONLinesAggregator,
    LZMAJSONLinesAggregator,
)
from atex.aggregator.yamld import YAMLDocumentAggregator

kind, level, threads, artifacts, out = sys.argv[1:]
out = Path(out)
where = (out / "results", out / "files")
level = {} if level == "-" else {"compress_level": int(level)}
aggregators = {
    "jsonl": lambda: JSONLinesAggregator(*where),
    "gzip": lambda: GzipJSONLinesAggregator(*where, **level),
    "xz": lambda: LZMAJSONLinesAggregator(*where),
    "yaml": lambda: YAMLDocumentAggregator(*where),
}
tests = sorted(Path(artifacts).iterdir())


def ingest(test):
    aggregator.ingest("fedora-42@x86_64", f"/test/{test.name}", test)


with aggregators[kind]() as aggregator:
    began, processor = time.monotonic(), time.process_time()
    with ThreadPoolExecutor(int(threads)) as pool:
        list(pool.map(ingest, tests))
print(time.monotonic() - began, time.process_time() - processor)
