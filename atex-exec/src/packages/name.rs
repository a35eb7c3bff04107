//! [`PackageName`]: a name of a package that no package manager takes for anything else.

/// The longest name: no manager has longer ones.
const MAX: usize = 1024;

/// What names a package, or what provides one: `bash`, `gcc >= 12`, `/usr/bin/awk`, `@group`, `perl(Test::More)`.
///
/// It comes from metadata and becomes one argument of a package manager that runs as root: so none that is an option (`-y`), that removes
/// instead of installing (`foo-`, `!foo`, `~foo`), or that has control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PackageName(String);

impl PackageName {
    /// This name, unless it would be taken for something else.
    pub fn new(name: &str) -> Option<Self> {
        let name = name.trim();
        let removes = name.starts_with(['-', '!', '~', '^']) || name.ends_with('-');
        let is_sound = !name.is_empty() && name.len() <= MAX && !name.contains(char::is_control);
        (is_sound && !removes).then(|| Self(name.to_owned()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it names a file.
    pub fn is_file(&self) -> bool {
        self.0.starts_with('/')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_option_and_removes_nothing() {
        for name in
            ["bash", "g++", "gcc >= 12", "/usr/bin/awk", "@group", "perl(Test::More)", "it's"]
        {
            assert_eq!(PackageName::new(name).unwrap().as_str(), name);
        }
        for name in ["", " ", "-y", "--allowerasing", "bash-", "!bash", "~bash", "a\nb", "a\0"] {
            assert_eq!(PackageName::new(name), None, "{name:?}");
        }
    }
}
