//! The root of a tree: where it is, its version, its configuration.

use std::path::{Component, Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::integer::Int;
use crate::value::Value;
use crate::yaml;

/// The path made absolute as text: dots and double slashes removed, symbolic links kept.
///
/// Relative paths are seen from `base`, and that from the current directory.
pub(crate) fn absolute(base: &Path, path: &Path) -> Result<PathBuf> {
    let whole = std::path::absolute(Path::new(".").join(base).join(path))
        .map_err(|error| Error::io(format!("invalid directory path: {}", path.display()), error))?;
    let mut clean = PathBuf::new();
    for component in whole.components() {
        match component {
            Component::ParentDir => {
                clean.pop();
            }
            Component::CurDir => {}
            other => clean.push(other),
        }
    }
    Ok(clean)
}

/// The nearest directory upwards that has a directory `.fmf` in it.
pub(crate) fn find(start: &Path) -> Result<PathBuf> {
    for directory in start.ancestors() {
        // A directory that cannot be listed ends the search: what is above it may be another tree.
        std::fs::read_dir(directory).map_err(|error| {
            Error::io(format!("invalid directory path: {}", directory.display()), error)
        })?;
        if directory.join(".fmf").is_dir() {
            return Ok(directory.to_owned());
        }
    }
    let message = format!(
        "unable to find the root of a metadata tree for '{}': neither it nor a directory above it has a '.fmf' directory",
        start.display()
    );
    Err(Error::new(ErrorKind::Root, message).with_hint(
        "the top directory of a tree has a directory '.fmf' with a file 'version' in it",
    ))
}

/// The format version: an integer in `.fmf/version`.
pub(crate) fn read_version(root: &Path) -> Result<Int> {
    let path = root.join(".fmf/version");
    let text = std::fs::read_to_string(&path).map_err(|error| {
        let message = format!("unable to detect the format version in '{}'", path.display());
        Error::new(ErrorKind::Format, message).with_source(error)
    })?;
    parse_int(&text).ok_or_else(|| {
        let message =
            format!("invalid version format in '{}': expected an integer", path.display());
        Error::new(ErrorKind::Format, message)
    })
}

/// An integer as people write it: blanks around it, a sign, leading zeros, single underscores, digits of any script.
pub(crate) fn parse_int(text: &str) -> Option<Int> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || ('\x1c'..='\x1f').contains(&c));
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.starts_with('_') || digits.ends_with('_') || digits.contains("__") {
        return None;
    }
    let plain: Option<String> = digits.chars().filter(|c| *c != '_').map(decimal_digit).collect();
    Int::from_digits(negative, &plain?, 10)
}

/// The decimal digit that a character of any script stands for, as an ASCII digit.
pub(crate) fn decimal_digit(c: char) -> Option<char> {
    if c.is_ascii_digit() {
        return Some(c);
    }
    // Unicode keeps the decimal digits of a script together, in ten characters from zero to nine.
    const ZEROS: [u32; 65] = [
        0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6,
        0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90,
        0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0,
        0xff10, 0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0,
        0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x11f50, 0x16a60,
        0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1fbf0,
    ];
    let code = u32::from(c);
    let zero = ZEROS[..ZEROS.partition_point(|zero| *zero <= code)].last()?;
    char::from_digit(code - zero, 10)
}

/// The content of `.fmf/config`; none without such a file.
pub(crate) fn read_config(root: &Path) -> Result<Option<Value>> {
    let path = root.join(".fmf/config");
    if !path.exists() {
        return Ok(None);
    }
    let text = crate::scan::read_text(&path)?;
    yaml::load(&text, 0).map(Some).map_err(|error| error.in_file(&path, &text))
}

/// The hidden names that the configuration wants to be read.
pub(crate) fn included_names(config: Option<&Value>) -> Result<Vec<String>> {
    let wrong = |kind, what: &str| Error::new(kind, format!("'.fmf/config': {what}"));
    let Some(config) = config else { return Ok(Vec::new()) };
    let config = config
        .as_map()
        .ok_or_else(|| wrong(ErrorKind::Type, "expected a map (remove the file if it is empty)"))?;
    let Some(explore) = config.get("explore") else { return Ok(Vec::new()) };
    let explore =
        explore.as_map().ok_or_else(|| wrong(ErrorKind::Type, "'explore' must be a map"))?;
    let Some(include) = explore.get("include") else { return Ok(Vec::new()) };
    let names = include.as_list().ok_or_else(|| {
        let found = include.to_text();
        wrong(ErrorKind::General, &format!("the 'include' section must be a list, found '{found}'"))
    })?;
    let names: Vec<String> = names.iter().map(|name| name.to_text().into_owned()).collect();
    if names.iter().any(|name| name == ".fmf") {
        let message = "the '.fmf' directory cannot be used for storing metadata";
        return Err(wrong(ErrorKind::General, message));
    }
    Ok(names)
}
