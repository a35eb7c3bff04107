"""Asks the reference implementation what it makes of metadata trees.

    oracle.py cases FILE     fills in "expected" of every case in FILE
    oracle.py trees FILE     fills in "expected" of every run in FILE, which names a tree each

Values are written as JSON, except for what JSON has not: {"$float": "nan"}, {"$date": "2020-01-31"},
{"$datetime": …}, {"$bytes": base64}, {"$set": […]}, {"$tuple": […]}, and {"$map": [[key, value], …]} for maps whose keys
are not all strings. If an answer depends on values that share one object in Python, the answer without that is stored, too.
"""

import base64
import contextlib
import copy
import datetime
import json
import os
import shutil
import sys
import tempfile
import warnings

os.environ["COLOR"] = "0"
os.environ.pop("DEBUG", None)
warnings.simplefilter("ignore")

import fmf  # noqa: E402
import fmf.base  # noqa: E402
import fmf.context  # noqa: E402
import fmf.utils  # noqa: E402


def plain(value):
    """A value as JSON has it."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        finite = value == value and abs(value) != float("inf")
        return float(value) if finite else {"$float": repr(float(value))}
    if isinstance(value, datetime.datetime):
        return {"$datetime": value.isoformat()}
    if isinstance(value, datetime.date):
        return {"$date": value.isoformat()}
    if isinstance(value, (bytes, bytearray)):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, (set, frozenset)):
        return {"$set": sorted((plain(item) for item in value), key=text)}
    if isinstance(value, tuple):
        return {"$tuple": [plain(item) for item in value]}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        if all(isinstance(key, str) for key in value):
            return {str(key): plain(item) for key, item in value.items()}
        return {"$map": [[plain(key), plain(item)] for key, item in value.items()]}
    return {"$other": repr(value)}


def text(value):
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def error(exception, base):
    """An error, and whether it is one that the reference means to raise."""
    meant = (fmf.utils.GeneralError, fmf.context.CannotDecide, fmf.context.InvalidRule)
    return {
        "error": type(exception).__name__,
        "fmf_error": isinstance(exception, meant),
        "message": str(exception).replace(base, "<ROOT>"),
    }


def record(node, root):
    """One node."""
    def relative(path):
        return os.path.relpath(path, root) if path.startswith(root + "/") else path

    found = {
        "name": node.name,
        "keys": [plain(key) for key in node.data],
        "data": plain(node.data),
        "sources": [relative(path) for path in node.sources],
    }
    if node._directives:
        found["directives"] = plain(node._directives)
    if node.select:
        found["selected"] = True
    return found


def adjust(tree, spec):
    """Adjusts the tree; gives a mark for each rule that was looked at, by node."""
    decisions = []

    def decided(node, rule, applied):
        if not decisions or decisions[-1][0] != node.name:
            decisions.append([node.name, ""])
        decisions[-1][1] += {True: "+", False: "-", None: "?"}[applied]

    options = {key: spec[key] for key in ("undecided", "case_sensitive") if key in spec}
    context = fmf.context.Context(**spec["context"])
    tree.adjust(context, decision_callback=decided, **options)
    return decisions


def prune(tree, spec):
    try:
        return [node.name for node in tree.prune(**spec)]
    except Exception as exception:
        return error(exception, tree.root)


def answer(root, spec):
    """Everything about a tree: after adjusting, its nodes, and what prunes select."""
    try:
        tree = fmf.Tree(root)
        found = {}
        for step in spec.get("adjust") or []:
            found.setdefault("decisions", []).append(adjust(tree, step))
        found["nodes"] = [record(node, tree.root) for node in tree.climb(whole=True)]
        if spec.get("prunes"):
            found["prunes"] = [prune(tree, one) for one in spec["prunes"]]
        return found
    except Exception as exception:
        return error(exception, root)


@contextlib.contextmanager
def unshared():
    """No two places of the data are one object inside."""
    load, special = fmf.base.YAML.load, fmf.base.Tree._merge_special

    def clone(value):
        if isinstance(value, dict):
            return type(value)((key, clone(item)) for key, item in value.items())
        return [clone(item) for item in value] if isinstance(value, list) else value

    fmf.base.YAML.load = lambda self, stream: clone(load(self, stream))
    fmf.base.Tree._merge_special = lambda self, data, source: special(self, data, clone(source))
    try:
        yield
    finally:
        fmf.base.YAML.load, fmf.base.Tree._merge_special = load, special


def write(case, base):
    """Lays the files of a case."""
    for path, content in case["files"].items():
        full = os.path.join(base, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8", newline="") as file:
            file.write(content)
    for path, target in case.get("symlinks", {}).items():
        full = os.path.join(base, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        os.symlink(target, full)


def ask_case(case):
    base = os.path.realpath(tempfile.mkdtemp(prefix="fmf-case-"))
    here = os.getcwd()
    try:
        write(case, base)
        os.chdir(base)
        case["expected"] = answer(base, case)
        with unshared():
            other = answer(base, case)
        if text(other) != text(case["expected"]):
            case["expected_without_aliasing"] = other
    finally:
        os.chdir(here)
        shutil.rmtree(base, ignore_errors=True)


def ask_tree(path, content):
    root = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(path))), "tree", content["root"])
    first = None
    for run in content["runs"]:
        found = json.loads(text(answer(os.path.normpath(root), run["spec"])))
        if first and "nodes" in first and "nodes" in found:
            # A later run lists the nodes that it changes, and none where it prunes.
            nodes, before = found.pop("nodes"), {node["name"]: node for node in first["nodes"]}
            if len(before) != len(first["nodes"]):
                found["nodes"] = nodes
            elif "prunes" not in found:
                found["changed"] = [node for node in nodes if node != before.get(node["name"])]
        run["expected"] = found
        first = first or found


def main():
    kind, *paths = sys.argv[1:]
    for path in paths:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        if kind == "cases":
            for case in content:
                ask_case(case)
        else:
            ask_tree(path, content)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text(content))


if __name__ == "__main__":
    main()
