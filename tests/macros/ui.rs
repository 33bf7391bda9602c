//! What the compiler says about attributes: nothing about those that are right, and about each
//! mistake one message, on the user's own words, that tells the remedy.
//!
//! The messages are compared with those of Rust 1.95. `TRYBUILD=overwrite` writes them anew; read
//! them as a user would before you keep them.

#[test]
fn attributes_speak_to_their_users() {
    let cases = trybuild::TestCases::new();
    for attribute in ["limit", "shared_limit", "exempt"] {
        cases.pass(format!("ui/{attribute}/pass/*.rs"));
        cases.compile_fail(format!("ui/{attribute}/fail/*.rs"));
    }
}
