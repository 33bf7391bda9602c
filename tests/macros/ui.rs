//! What the compiler reports about attributes: nothing about correct ones, and one message about each
//! mistake, at the user's own tokens, with the remedy.
//!
//! The messages are compared with those of Rust 1.95. `TRYBUILD=overwrite` writes them anew; read
//! them as a user would before you keep them.

#[test]
fn each_mistake_is_reported_once_and_on_the_users_own_tokens() {
    let cases = trybuild::TestCases::new();
    for attribute in ["limit", "shared_limit", "exempt"] {
        cases.pass(format!("ui/{attribute}/pass/*.rs"));
        cases.compile_fail(format!("ui/{attribute}/fail/*.rs"));
    }
}
