"""discovery.py OUT DIR...: what the Python ATEX discovers in the metadata trees at and below each DIR, without a plan and by
each plan, as JSON lines: the tree, the plan, the context, and the tests with their folders (null: it refuses)."""

import json
import os
import sys
import warnings

warnings.simplefilter("ignore")

import fmf
from atex.executor.fmf.discover import discover

CONTEXTS = [
    {},
    {"distro": "rhel-9.6", "arch": "aarch64", "initiator": "packit", "trigger": "commit"},
]


def runs_in(data, source):
    # It runs a test in the folder of its metadata, whatever its `path` says; this is the one place where ours differs.
    path = data.get("path")
    if path is None:
        return source
    return "/".join(part for part in path.split("/") if part not in ("", ".")) or "."


def tests(tree, plan, context):
    try:
        found = discover(tree, plan, context=context, libraries=False)
        return [[name, runs_in(data, found.sources[name])] for name, data in found.data.items()]
    except BaseException:
        return None


def questions(root):
    try:
        tree = fmf.Tree(root)
    except Exception:
        return root, [None]
    return tree, [None] + [node.name for node in tree.climb(whole=True) if "discover" in node.data]


with open(sys.argv[1], "w", encoding="utf-8") as out:
    for folder in sys.argv[2:]:
        for root, folders, _ in os.walk(folder):
            is_tree = ".fmf" in folders
            folders[:] = sorted(set(folders) - {".git", ".fmf"})
            if not is_tree:
                continue
            tree, plans = questions(root)
            for context in CONTEXTS:
                for plan in plans:
                    answer = {"root": root, "plan": plan, "context": context}
                    answer["tests"] = tests(tree, plan, context)
                    print(json.dumps(answer), file=out)
