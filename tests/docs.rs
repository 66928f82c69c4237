//! The examples in the documents are run, and print what the documents say.
//!
//! After a change of what is printed: `TRYCMD=overwrite cargo test --test docs` writes the documents again.

#[test]
fn the_examples_in_the_documents_print_what_they_say() {
    let cases = trycmd::TestCases::new();
    cases.register_bin("docker-firewall", std::path::Path::new(env!("CARGO_BIN_EXE_docker-firewall")));
    cases.env("NO_COLOR", "1").env("COLUMNS", "100");
    cases.case("README.md").case("docs/cli.md").case("docs/lock.md");
}
