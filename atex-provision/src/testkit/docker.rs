//! [`docker_image`]: an image of an engine of docker that somebody runs.

use super::need::needed;

/// For a test that needs docker: the image that the environment variable `ATEX_TEST_DOCKER` names, with bash, coreutils and tar, or says on
/// standard error that `test` is skipped. Nothing here starts an engine.
///
/// # Panics
/// When there is none, if the environment variable `ATEX_TEST_REQUIRE` has the word `docker`.
pub fn docker_image(test: &str) -> Option<String> {
    let image = std::env::var("ATEX_TEST_DOCKER");
    needed("docker", test, image.map_err(|_| "ATEX_TEST_DOCKER names no image".to_owned()))
}
