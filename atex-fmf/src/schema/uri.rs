//! Addresses of schemas: joined as RFC 3986 says, also where they have no scheme.

/// The parts of an address; `authority` is none without `//`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Parts<'u> {
    scheme: &'u str,
    authority: Option<&'u str>,
    path: &'u str,
    query: Option<&'u str>,
}

/// An address without its fragment, and the fragment.
pub(super) fn without_fragment(uri: &str) -> (&str, &str) {
    uri.split_once('#').unwrap_or((uri, ""))
}

/// What a reference means when it stands in a document of the given address.
pub(super) fn join(base: &str, reference: &str) -> String {
    if base.is_empty() || reference.is_empty() {
        return if base.is_empty() { reference } else { base }.to_owned();
    }
    let (target, fragment) = match reference.split_once('#') {
        Some((target, fragment)) => (target, Some(fragment)),
        None => (reference, None),
    };
    let from = split(without_fragment(base).0);
    let to = split(target);
    // Names (`urn:x`) have no hierarchy: nothing is relative to them.
    let opaque = !from.scheme.is_empty() && !is_hierarchical(from.scheme);
    if opaque || (!to.scheme.is_empty() && to.scheme != from.scheme) {
        return reference.to_owned();
    }
    let mut joined = Parts { scheme: from.scheme, ..to };
    let path;
    if to.authority.is_none() {
        joined.authority = from.authority;
        if to.path.is_empty() {
            joined.path = from.path;
            joined.query = to.query.or(from.query);
        } else {
            path = merged(from, to.path);
            joined.path = &path;
        }
    }
    assemble(joined, fragment)
}

fn is_hierarchical(scheme: &str) -> bool {
    ["http", "https", "file", "ftp", "sftp"].contains(&scheme)
}

fn split(uri: &str) -> Parts<'_> {
    let (rest, query) = match uri.split_once('?') {
        Some((rest, query)) => (rest, Some(query)),
        None => (uri, None),
    };
    let (scheme, rest) = match rest.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (scheme, rest),
        _ => ("", rest),
    };
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => {
            let end = rest.find('/').unwrap_or(rest.len());
            (Some(&rest[..end]), &rest[end..])
        }
        None => (None, rest),
    };
    Parts { scheme, authority, path, query }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

/// A path in the place of the last segment of another, without dots.
fn merged(base: Parts<'_>, path: &str) -> String {
    let whole = match (path.starts_with('/'), base.path.rsplit_once('/')) {
        (true, _) => path.to_owned(),
        (false, Some((folder, _))) => format!("{folder}/{path}"),
        (false, None) if base.authority.is_some() => format!("/{path}"),
        (false, None) => path.to_owned(),
    };
    let mut segments: Vec<&str> = Vec::new();
    let count = whole.split('/').count();
    for (index, segment) in whole.split('/').enumerate() {
        let last = index + 1 == count;
        match segment {
            "." if last => segments.push(""),
            "." => {}
            ".." => {
                if segments.len() > 1 || segments.first().is_some_and(|first| !first.is_empty()) {
                    segments.pop();
                }
                if last {
                    segments.push("");
                }
            }
            other => segments.push(other),
        }
    }
    segments.join("/")
}

fn assemble(parts: Parts<'_>, fragment: Option<&str>) -> String {
    let mut uri = String::new();
    if !parts.scheme.is_empty() {
        uri.extend([parts.scheme, ":"]);
    }
    if let Some(authority) = parts.authority {
        uri.extend(["//", authority]);
    }
    uri.push_str(parts.path);
    if let Some(query) = parts.query {
        uri.extend(["?", query]);
    }
    if let Some(fragment) = fragment.filter(|fragment| !fragment.is_empty()) {
        uri.extend(["#", fragment]);
    }
    uri
}

/// A text with `%2F` and the like decoded; what is no code stays.
pub(super) fn unquoted(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let code = bytes.get(index + 1..index + 3).and_then(|digits| {
            let digits = std::str::from_utf8(digits).ok()?;
            let plain = digits.chars().all(|c| c.is_ascii_hexdigit());
            plain.then(|| u8::from_str_radix(digits, 16).ok())?
        });
        match (bytes[index], code) {
            (b'%', Some(code)) => {
                out.push(code);
                index += 3;
            }
            (byte, _) => {
                out.push(byte);
                index += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{join, unquoted};

    #[test]
    fn references_are_joined() {
        let cases = [
            ("", "/schemas/common#/x", "/schemas/common#/x"),
            ("/schemas/test", "common#/x", "/schemas/common#/x"),
            ("/schemas/test", "/other", "/other"),
            ("/schemas/test", "", "/schemas/test"),
            ("http://x.example/a/b", "../c", "http://x.example/c"),
            ("http://x.example/a/b", "../../../c", "http://x.example/c"),
            ("http://x.example/a/b", ".", "http://x.example/a/"),
            ("http://x.example/a/b", "..", "http://x.example/"),
            ("http://x.example", "c", "http://x.example/c"),
            ("http://x.example/a?q#f", "#g", "http://x.example/a?q#g"),
            ("http://x.example/a", "//y.example/b", "http://y.example/b"),
            ("http://x.example/a", "https://y.example/b", "https://y.example/b"),
            ("http://x.example/a", "urn:b", "urn:b"),
            ("urn:a", "b", "b"),
            ("a/b", "c", "a/c"),
            ("a", "b", "b"),
        ];
        for (base, reference, joined) in cases {
            assert_eq!(join(base, reference), joined, "{base} {reference}");
        }
    }

    #[test]
    fn codes_are_decoded() {
        assert_eq!(unquoted("a%20b%2Fc%zz%4%C3%A9%+1"), "a b/c%zz%4é%+1");
    }
}
