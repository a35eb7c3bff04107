//! [`Secrets`]: values that nobody may see in what a run leaves.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use indexmap::IndexMap;
use serde_json::Value;

/// How much of a file is looked at in one go.
const WINDOW: usize = 256 << 10;

/// Variables whose values nobody may see: in texts and files, `*` takes the place of each of their bytes.
#[derive(Clone, Default)]
pub(crate) struct Secrets {
    variables: IndexMap<String, String>,
    /// The longest first: one may contain another.
    values: Vec<String>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.variables.keys()).finish()
    }
}

impl Secrets {
    /// Adds a variable. An empty value hides nothing.
    pub(crate) fn add(&mut self, name: String, value: String) {
        if !value.is_empty() && !self.values.contains(&value) {
            self.values.push(value.clone());
            self.values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        }
        self.variables.insert(name, value);
    }

    /// The variables, for the test itself.
    pub(crate) fn variables(&self) -> &IndexMap<String, String> {
        &self.variables
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Hides them in a text.
    pub(crate) fn hide(&self, text: &mut String) {
        for secret in &self.values {
            if text.contains(secret.as_str()) {
                *text = text.replace(secret.as_str(), &"*".repeat(secret.len()));
            }
        }
    }

    /// Hides them in a text that somebody may have cut, with `…` as a sign of that, in the middle of one.
    pub(crate) fn hide_cut(&self, text: &mut String) {
        self.hide(text);
        let Some(kept) = text.strip_suffix('…') else { return };
        for secret in &self.values {
            let ends = secret.char_indices().map(|(at, _)| &secret[..at]).rev();
            if let Some(start) =
                ends.filter(|start| !start.is_empty()).find(|start| kept.ends_with(*start))
            {
                let whole = kept.len() - start.len();
                *text = format!("{}{}…", &kept[..whole], "*".repeat(start.len()));
                return;
            }
        }
    }

    /// Hides them in all texts of a value, keys of objects included.
    pub(crate) fn hide_in(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.hide(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.hide_in(item)),
            Value::Object(map) => {
                map.values_mut().for_each(|value| self.hide_in(value));
                if map
                    .keys()
                    .any(|key| self.values.iter().any(|secret| key.contains(secret.as_str())))
                {
                    let old = std::mem::take(map);
                    map.extend(old.into_iter().map(|(mut key, value)| {
                        self.hide(&mut key);
                        (key, value)
                    }));
                }
            }
            // Digits may be secret, too.
            Value::Number(number) => {
                let mut text = number.to_string();
                self.hide(&mut text);
                if text.contains('*') {
                    *value = Value::String(text);
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// Hides them in all files of a folder, in place: lengths stay as they are.
    pub(crate) fn hide_in_folder(&self, folder: &Path) -> io::Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                self.hide_in_folder(&entry.path())?;
            } else if kind.is_file() {
                self.hide_in_file(&entry.path())?;
            }
        }
        Ok(())
    }

    fn hide_in_file(&self, path: &Path) -> io::Result<()> {
        let file = File::options().read(true).write(true).open(path)?;
        let overlap = self.values.first().map_or(0, |longest| longest.len() - 1);
        let mut window = vec![0; WINDOW.max(4 * overlap)];
        let mut at = 0;
        loop {
            let count = read_up_to(&file, &mut window, at)?;
            let seen = &mut window[..count];
            let mut changed = false;
            for secret in &self.values {
                changed |= hide_bytes(seen, secret.as_bytes());
            }
            if changed {
                file.write_all_at(seen, at)?;
            }
            if count < window.len() {
                return Ok(());
            }
            at += (count - overlap) as u64;
        }
    }
}

/// Reads until the buffer is full or the file ends.
fn read_up_to(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], at + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Hides these values in the next bytes of a stream, with a `*` in place of each byte; and how many of the bytes are certain: those after
/// them could be the beginning of a value that has not come to its end.
///
/// Of values that overlap in the stream, the first counts, as in all that a run leaves.
pub fn hide_in_stream(bytes: &mut [u8], values: &[impl AsRef<[u8]>]) -> usize {
    let mut values: Vec<&[u8]> = values.iter().map(AsRef::as_ref).collect();
    // The longest first: one may contain another.
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    let mut certain = bytes.len();
    for value in values {
        hide_bytes(bytes, value);
        let begins =
            |at: &usize| value.len() > bytes.len() - at && value.starts_with(&bytes[*at..]);
        let first = bytes.len().saturating_sub(value.len().saturating_sub(1));
        certain = certain.min((first..bytes.len()).find(begins).unwrap_or(bytes.len()));
    }
    certain
}

fn hide_bytes(bytes: &mut [u8], secret: &[u8]) -> bool {
    let mut changed = false;
    let mut from = 0;
    while let Some(at) = find(&bytes[from..], secret) {
        bytes[from + at..from + at + secret.len()].fill(b'*');
        from += at + secret.len();
        changed = true;
    }
    changed
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| *byte == first) {
        if bytes[from + at..].starts_with(wanted) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn secrets() -> Secrets {
        let mut secrets = Secrets::default();
        for (name, value) in [("A", "hunter2"), ("B", ""), ("C", "hunter2-long"), ("D", "4711")] {
            secrets.add(name.into(), value.into());
        }
        secrets
    }

    #[test]
    fn texts_keep_their_length() {
        let mut value = json!({"a": ["xhunter2x", 14711], "hunter2-long": {"b": "hunter2-longer"}});
        secrets().hide_in(&mut value);
        assert_eq!(
            value,
            json!({"a": ["x*******x", "1****"], "************": {"b": "************er"}})
        );
        assert_eq!(format!("{:?}", secrets()), r#"["A", "B", "C", "D"]"#);
    }

    #[test]
    fn a_stream_is_certain_up_to_what_may_become_a_secret() {
        let hidden = |text: &str| {
            let mut bytes = text.as_bytes().to_vec();
            let certain = hide_in_stream(&mut bytes, &["hunter2", "", "hunter2-long", "a\nb"]);
            (String::from_utf8(bytes).unwrap(), certain)
        };
        assert_eq!(hidden("x hunter2-longer"), ("x ************er".to_owned(), 16));
        assert_eq!(hidden("x hunter2 hun"), ("x ******* hun".to_owned(), 10));
        assert_eq!(hidden("x a\n"), ("x a\n".to_owned(), 2));
        assert_eq!(hidden("ha\nb"), ("h***".to_owned(), 4));
        assert_eq!(hidden(""), (String::new(), 0));
    }

    #[test]
    fn a_secret_that_was_cut_is_hidden_as_well() {
        let hidden = |text: &str| {
            let mut text = text.to_owned();
            secrets().hide_cut(&mut text);
            text
        };
        assert_eq!(hidden("x hunter2 y hunte…"), "x ******* y *****…");
        assert_eq!(hidden("y hunte"), "y hunte");
        assert_eq!(hidden("nothing…"), "nothing…");
    }

    #[test]
    fn files_are_cleaned_across_the_borders_of_what_is_read_at_once() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        let path = folder.path().join("sub/file");
        let (mut text, mut hidden) = (Vec::new(), Vec::new());
        for i in 0..60_000_u32 {
            let filler = vec![b'h'; i as usize % 13];
            text.extend_from_slice(&[&filler[..], b"hunter2"].concat());
            hidden.extend_from_slice(&[&filler[..], b"*******"].concat());
        }
        assert!(text.len() > 2 * WINDOW);
        fs::write(&path, &text).unwrap();
        secrets().hide_in_folder(folder.path()).unwrap();
        assert!(fs::read(&path).unwrap() == hidden);
    }
}
