//! From what was selected to a suite of tests.

use anyhow::{Context as _, Result};
use atex_core::TestSuite;
use atex_fmf::{Cache, Context, Discover, LibraryHost, Tree};

use crate::args::SelectionOptions;

/// The context of `-c KEY=VALUE`. A value may list several, with commas; a key that is given again adds to its values.
pub(crate) fn context(typed: &[(String, String)]) -> Context {
    let mut dimensions: Vec<(&str, Vec<&str>)> = Vec::new();
    for (key, value) in typed {
        let values = value.split(',').map(str::trim);
        match dimensions.iter_mut().find(|(own, _)| own == key) {
            Some((_, all)) => all.extend(values),
            None => dimensions.push((key, values.collect())),
        }
    }
    dimensions.into_iter().fold(Context::new(), |context, (key, values)| context.with(key, values))
}

/// Finds the tests, adjusted to the context and to these facts, which go before the context.
pub(crate) fn suite(options: &SelectionOptions, facts: &[(String, String)]) -> Result<TestSuite> {
    let known = |(key, _): &&(String, String)| facts.iter().any(|(fact, _)| fact == key);
    let typed: Vec<(String, String)> =
        options.context.iter().filter(|pair| !known(pair)).chain(facts).cloned().collect();
    let tree = Tree::open(&options.root).context("cannot read the metadata tree")?;
    let mut discover = Discover::new()
        .context(context(&typed))
        .libraries(!options.no_libraries)
        .library_host(LibraryHost::new(&options.library_host));
    // Without a home there is no cache, which matters only if something must be fetched.
    if let Some(cache) = Cache::from_lookup(|name| std::env::var_os(name)) {
        discover = discover.cache(cache);
    }
    discover = options.plan.iter().fold(discover, Discover::plan);
    discover = options.tests.iter().fold(discover, Discover::name);
    discover = options.exclude.iter().fold(discover, Discover::exclude);
    discover = options.filters.iter().fold(discover, Discover::filter);
    discover = options.conditions.iter().fold(discover, Discover::condition);
    discover.run(&tree).context("cannot discover tests")
}
