//! The words, scalars, rules and filters that random trees are made of.

/// Files that a tree may have. Some of them share a node, some are hidden, one is in a tree of its own.
pub(super) const PATHS: [&str; 14] = [
    "main.fmf",
    "a.fmf",
    "a/main.fmf",
    "a/x.fmf",
    "a/b/main.fmf",
    "a/b.fmf",
    "a-b.fmf",
    "b/main.fmf",
    "b/c/d.fmf",
    "c.fmf",
    "c/main.fmf",
    ".h.fmf",
    ".d/main.fmf",
    "n/main.fmf",
];

pub(super) const WORDS: [&str; 9] = ["a", "b", "c", "ab", "smoke", "Fast", "1", "x y", "ä"];
pub(super) const REGEXES: [&str; 11] =
    ["a", "^a", "b$", ".", "[ab]+", "(a|b)c?", "x*", "\\d", "\\w+", "(?i)A", "nope"];
pub(super) const SUBSTITUTIONS: [&str; 7] =
    ["/a/b/", "/^/x/", "|a|b|", "/(.)b/\\1-/", "/x*/-/", "/$/!/", "/a//"];
pub(super) const DIMENSIONS: [&str; 4] = ["distro", "arch", "trigger", "how-to"];
pub(super) const DISTROS: [&str; 9] = [
    "rhel-9",
    "rhel-9.6",
    "rhel",
    "rhel-8.10",
    "centos-stream-9",
    "fedora-41",
    "fedora-rawhide",
    "Fedora-41",
    "fedora",
];
pub(super) const OPERATORS: [&str; 13] =
    ["==", "!=", "<", "<=", ">", ">=", "~=", "~!=", "~<", "~<=", "~>=", "~", "!~"];
pub(super) const SCALARS: [&str; 32] = [
    "1",
    "0",
    "-3",
    "010",
    "1_000",
    "0x1F",
    "0o17",
    "0b11",
    "1.5",
    "1.",
    ".5",
    "1e3",
    "-.5e+3",
    ".inf",
    "yes",
    "on",
    "~",
    "null",
    "true",
    "False",
    "2020-01-31",
    "2020-01-31T10:00:00Z",
    "1:30",
    "'it''s'",
    "\"q\\n\"",
    "3.10",
    "+1",
    "1.0",
    "''",
    "a b",
    "0.1.2",
    "-",
];
pub(super) const FILTERS: [&str; 14] = [
    "tag: a",
    "tag: -a",
    "tag: a, b & t: .*b",
    "n: 1 | enabled: True",
    "tag:[ab]+",
    "t: .*",
    "enabled:true",
    "nope: x",
    "/a",
    "tag: a | /b",
    "env: .*A.*",
    "n: -1, -0",
    "tag: a & tag: -b",
    "d: 2020.*",
];
pub(super) const CONDITIONS: [&str; 14] = [
    "enabled",
    "'a' in tag",
    "n > 1",
    "t == 'ab'",
    "'enabled' not in locals() or enabled",
    "env.get('A') == 'x'",
    "len(tag) > 1",
    "t.startswith('a')",
    "not enabled",
    "n in [1, 2, 3]",
    "env['A']",
    "nope",
    "tag[0] == 'a'",
    "any(x == 'a' for x in tag)",
];
