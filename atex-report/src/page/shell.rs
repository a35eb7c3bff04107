//! The parts of a page that are the same for every run: its script, its styles, and the policy that lets nothing else run.

use std::io::Write;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// The modules of the script, those first that others are made of. What one exports, all that follow can see.
const MODULES: [&str; 18] = [
    include_str!("../../page/js/text.js"),
    include_str!("../../page/js/data.js"),
    include_str!("../../page/js/sql.js"),
    include_str!("../../page/js/query.js"),
    include_str!("../../page/js/filter.js"),
    include_str!("../../page/js/state.js"),
    include_str!("../../page/js/copy.js"),
    include_str!("../../page/js/head.js"),
    include_str!("../../page/js/list.js"),
    include_str!("../../page/js/facets.js"),
    include_str!("../../page/js/viewer.js"),
    include_str!("../../page/js/details.js"),
    include_str!("../../page/js/matrix.js"),
    include_str!("../../page/js/causes.js"),
    include_str!("../../page/js/timeline.js"),
    include_str!("../../page/js/changes.js"),
    include_str!("../../page/js/live.js"),
    include_str!("../../page/js/main.js"),
];

/// The styles of the page.
pub(super) const STYLE: &str = include_str!("../../page/page.css");

/// The whole script.
pub(super) static SCRIPT: LazyLock<String> = LazyLock::new(|| bundle(&MODULES));

/// What the browser runs first: it unpacks the script and has it run, which the policy allows for exactly that text. So a page carries
/// a quarter of the script's size.
pub(super) const STARTER: &str = include_str!("../../page/start.js");

/// The script, packed by gzip, as base64.
pub(super) static PACKED: LazyLock<String> = LazyLock::new(|| {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    let packed = gzip.write_all(SCRIPT.as_bytes()).and_then(|()| gzip.finish());
    // Writing into memory cannot fail.
    STANDARD.encode(packed.unwrap_or_default())
});

/// The policy of the page: its own scripts and styles, known by their digests, and nothing else from anywhere, but for files beside it in
/// a frame, which the script makes one that may run nothing.
pub(super) fn policy() -> String {
    let digest = |text: &str| STANDARD.encode(Sha256::digest(text));
    let (starter, script, style) = (digest(STARTER), digest(&SCRIPT), digest(STYLE));
    format!(
        "default-src 'none'; script-src 'sha256-{starter}' 'sha256-{script}'; style-src 'sha256-{style}'; \
         frame-src 'self' file:; base-uri 'none'; form-action 'none'"
    )
}

/// Makes one script of modules: what they import from each other is there already, and comments that have a line of their own are
/// left out.
fn bundle(modules: &[&str]) -> String {
    let mut script = String::from("(() => {\n'use strict';\n");
    for line in modules.iter().flat_map(|module| module.lines()) {
        let code = line.trim_start();
        if code.is_empty() || code.starts_with("//") || code.starts_with("import ") {
            continue;
        }
        script.push_str(code.strip_prefix("export ").unwrap_or(code));
        script.push('\n');
    }
    script.push_str("})();\n");
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_become_one_script() {
        let modules = [
            "// Two.\nexport function two() {\n  // It is.\n  return 2;\n}\n",
            "import { two } from './two.js';\n\nexport const four = two() + two();\n",
        ];
        assert_eq!(
            bundle(&modules),
            "(() => {\n'use strict';\nfunction two() {\nreturn 2;\n}\nconst four = two() + two();\n})();\n"
        );
    }

    #[test]
    fn the_shell_is_small_and_ends_nowhere_early() {
        let size = PACKED.len() + STARTER.len() + STYLE.len();
        assert!(size <= 60 << 10, "{size}");
        assert!(!SCRIPT.contains("</") && !STYLE.contains("</"));
        assert!(!SCRIPT.contains("innerHTML") && !SCRIPT.contains("insertAdjacentHTML"));
        assert!(!SCRIPT.contains("<!--"));
    }

    #[test]
    fn no_two_modules_give_the_same_name() {
        let names = MODULES.iter().flat_map(|module| module.lines()).filter_map(|line| {
            let line = line.strip_prefix("export ").unwrap_or(line);
            let line = line.strip_prefix("async ").unwrap_or(line);
            let rest = ["function ", "const ", "let ", "class "]
                .iter()
                .find_map(|word| line.strip_prefix(word))?;
            rest.split(|character: char| !character.is_alphanumeric() && character != '_').next()
        });
        let mut names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
        names.sort_unstable();
        let twice: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
        assert!(twice.is_empty(), "{twice:?}");
    }
}
