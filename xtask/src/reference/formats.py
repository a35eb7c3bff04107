"""Hands the same artifacts to the aggregators of the Python ATEX and to atex, and compares what they write.

usage: formats.py ATEX FOLDER
"""

import gzip
import json
import lzma
import random
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from atex.aggregator.jsonl import (
    GzipJSONLinesAggregator,
    JSONLinesAggregator,
    LZMAJSONLinesAggregator,
)
from atex.aggregator.yamld import YAMLDocumentAggregator

TEXTS = [
    "plain", "two words", "ž: \"q\" 😀", "- x", "? x", "a: b", "a #b", "#c", "null", "~", "yes", "No", "ON", "true", "5", "-1", "1.5",
    "1e5", "1e+5", "0x1f", "0o17", "1_000", "12:30:45", "2026-01-02", "2026-01-02 03:04:05", ".inf", ".nan", "=", "<<", "!t", "&a",
    "*a", "%x", "@x", "`x", "{x}", "[x]", "x,y", "'q'", "\"q\"", "\\n", "tab\tx", "line\nline", "\n", " lead", "trail ", "\r\n",
    "\x01\x1f\x7f\x80\x85\x9f", "\u2028\u2029\ufeff", "\ufffe\uffff", "\x00", "x" * 3000, "word " * 300, "é" * 200, "y", "N", "...", "---", "-",
]
STATUSES = ["pass", "fail", "error", "infra", "skip", "warn", "info", "other words", ""]


def artifacts(folder, rnd):
    """One test: some subtests, and results of its own."""
    files = folder / "files"
    files.mkdir(parents=True)
    (files / "output.txt").write_text("printed\n")
    (files / "sub" / "dir").mkdir(parents=True)
    (files / "sub" / "dir" / "log.txt").write_text("of a subtest\n")
    results = [{"name": "sub", "status": "pass", "files": ["dir/log.txt"]}]
    for _ in range(rnd.randrange(12)):
        result = {"name": rnd.choice(TEXTS)}
        if rnd.random() < 0.9:
            result["status"] = rnd.choice(STATUSES)
        if rnd.random() < 0.6:
            result["note"] = rnd.choice(TEXTS)
        if rnd.random() < 0.5 and result["name"] in TEXTS[:20]:
            result["files"] = rnd.sample(TEXTS[:20], rnd.randrange(3))
            for name in result["files"]:
                path = files / result["name"] / name
                path.parent.mkdir(exist_ok=True)
                path.write_text(f"{name}\n")
        if rnd.random() < 0.2:
            result["other"] = {"a": [1, None]}
        results.append(result)
    results.append({"status": rnd.choice(STATUSES), "files": ["output.txt"], "note": rnd.choice(TEXTS)})
    if rnd.random() < 0.2:
        results.append({"status": "fail"})
    with open(folder / "results", "w") as out:
        for result in results:
            out.write(json.dumps(result) + "\n")


def tree(folder):
    found = {}
    for path in sorted(folder.rglob("*")) if folder.exists() else ():
        if path.is_file():
            found[str(path.relative_to(folder))] = path.read_bytes()
    return found


def ingest(make, tests):
    with make as aggregator:
        for platform, test, folder in tests:
            copy = folder.with_name(folder.name + ".copy")
            shutil.copytree(folder, copy)
            (copy / "files").mkdir(exist_ok=True)
            aggregator.ingest(platform, test, copy)
            shutil.rmtree(copy)


def unpacked(opener, files):
    """Files that may be packed, as they were before; which ones are packed is told by their names."""
    return {name: opener(data) if name.endswith((".gz", ".xz")) else data for name, data in files.items()}


def main(atex, folder):
    rnd = random.Random(7)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tests = []
    for number in range(60):
        path = folder / "source" / str(number)
        artifacts(path, rnd)
        platform = rnd.choice(["9.8@x86_64", "fedora-42@aarch64", "true"])
        tests.append((platform, f"/test/{number}/{rnd.choice(['a b', 'ž', '5'])}", path))
    ingest(JSONLinesAggregator(folder / "first.jsonl", folder / "first.files"), tests)

    # Theirs becomes a run of ours, whose artifacts both get then.
    run = folder / "run"
    command = [atex, "import", folder / "first.jsonl", "--files", folder / "first.files", "--out", run]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    differences = []
    if (run / "results.jsonl").read_bytes() != (folder / "first.jsonl").read_bytes():
        differences.append("import: another results.jsonl than the one that was imported")
    if tree(run / "files") != tree(folder / "first.files"):
        differences.append("import: other files")
    tests = []
    for line in open(run / "results.jsonl"):
        platform, _, test, *_ = json.loads(line)
        path = run / "artifacts" / platform / test.lstrip("/") / "attempt-1"
        if (platform, test, path) not in tests:
            tests.append((platform, test, path))

    def text(path, opener=open):
        with opener(path, "rt", newline="") as file:
            return file.read()

    def documents(path):
        # None stands for what is missing.
        return list(yaml.safe_load_all(text(path)))

    def as_it_is(data):
        return data

    kinds = {
        "jsonl": (JSONLinesAggregator, {}, text),
        "jsonl.gz": (GzipJSONLinesAggregator, {"compress_files": False}, lambda path: text(path, gzip.open)),
        "jsonl.xz": (LZMAJSONLinesAggregator, {"compress_files": False}, lambda path: text(path, lzma.open)),
        "yaml": (YAMLDocumentAggregator, {}, documents),
    }
    # Files that are packed too, with their names in the results.
    excluded = {"compress_files_exclude": ["output.txt"]}
    for suffix, aggregator, opener in (("gz", GzipJSONLinesAggregator, gzip), ("xz", LZMAJSONLinesAggregator, lzma)):
        read = kinds[f"jsonl.{suffix}"][2]
        kinds[f"jsonl.{suffix},pack={suffix},exclude=output.txt"] = (aggregator, excluded, read, opener.decompress)
    for kind, (aggregator, options, read, *opener) in kinds.items():
        opener, = opener or [as_it_is]
        theirs, ours = folder / f"theirs.{kind}", folder / f"ours.{kind}"
        ingest(aggregator(theirs, folder / f"theirs.{kind}.files", **options), tests)
        command = [atex, "export", run, "--format", kind, "--out", ours, "--files", f"{ours}.files"]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        a, b = read(theirs), read(ours)
        if a != b:
            pairs = zip(a.splitlines(), b.splitlines()) if isinstance(a, str) else zip(a, b)
            first = next(((x, y) for x, y in pairs if x != y), (len(a), len(b)))
            differences.append(f"{kind}: theirs {first[0]!r}, ours {first[1]!r}")
        trees = [unpacked(opener, tree(Path(f"{path}.files"))) for path in (theirs, ours)]
        if trees[0] != trees[1]:
            differences.append(f"{kind}: other files")
        if opener is not as_it_is:
            continue
        # What they wrote, read by us.
        again = folder / f"again.{kind}"
        command = [atex, "import", theirs, "--files", folder / f"theirs.{kind}.files", "--out", again]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        if kind != "yaml" and (again / "results.jsonl").read_bytes() != (run / "results.jsonl").read_bytes():
            differences.append(f"{kind}: what they wrote is read as something else")
        command = [atex, "export", again, "--format", kind, "--out", f"{again}.out"]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        if read(Path(f"{again}.out")) != b:
            differences.append(f"{kind}: what they wrote comes back as something else")
    for difference in differences:
        print(difference)
    print(f"{len(tests)} tests in {len(kinds)} formats, {len(differences)} difference(s)")
    return bool(differences)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
