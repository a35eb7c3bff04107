# Asks the Python ATEX what the tests of a tree report, each on a system of its own.
# Arguments: the root of the tree, the plan ("" for none), a file for the answer, names of tests to leave out.
import json
import sys
import tempfile
from pathlib import Path

from atex.connection.local import LocalConnection
from atex.executor.fmf import FMFExecutor, discover

CONTEXT = {"distro": "fedora-42", "arch": "x86_64"}


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


def run(tests, name):
    with tempfile.TemporaryDirectory() as folder:
        with LocalConnection() as connection, FMFExecutor(connection, tests) as executor:
            try:
                executor.run_test(name, Path(folder))
            except Exception as error:  # The test has a result all the same, which says so.
                print(f"    {name}: {type(error).__name__}", file=sys.stderr)
        results = Path(folder, "results")
        lines = results.read_text().splitlines() if results.exists() else []
        return {"results": lines, "files": content(Path(folder, "files"))}


def main(root, plan, answer, *left_out):
    tests = discover(root, plan or None, context=CONTEXT)
    names = list(tests.data)
    # Packages would change this machine. They are not compared.
    for step in ("prepare", "finish"):
        tests.plan[step] = [phase for phase in as_list(tests.plan.get(step)) if phase.get("how") == "shell"]
    packages, libraries = [], []
    for name, data in tests.data.items():
        needs = as_list(data.get("require")) + as_list(data.get("recommend"))
        packages += [name] if any(map(is_package, needs)) else []
        libraries += [name] if not all(map(is_package, needs)) else []
        for key in ("require", "recommend"):
            data[key] = [need for need in as_list(data.get(key)) if not is_package(need)]
    reports = {name: run(tests, name) for name in names if name not in left_out}
    found = {"names": names, "packages": packages, "libraries": libraries, "tests": reports}
    Path(answer).write_text(json.dumps(found, indent=1))


main(*sys.argv[1:])
