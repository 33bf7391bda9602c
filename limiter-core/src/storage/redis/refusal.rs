//! What a server refuses, and how to fix it.

use std::collections::BTreeSet;

use deadpool_redis::redis::RedisError;

use super::script;
use crate::error::StorageError;

/// How to fix an error, if a server refused the login or a command.
///
/// It is read from the text, because errors while connecting, and errors inside a script, keep
/// nothing else.
pub(super) fn remedy(error: &str) -> Option<String> {
    let says = |words: &[&str]| words.iter().any(|words| error.contains(words));
    // Without a login only short commands are accepted.
    if says(&["NOAUTH", "unauthenticated"]) {
        let example = "`redis://user:password@host`";
        return Some(format!("the server wants a password: give it in the URI, as in {example}"));
    }
    if says(&["AuthenticationFailed", "WRONGPASS"]) {
        return Some("the server does not accept user and password: check both".to_owned());
    }
    if says(&["permissions to access"]) {
        return Some("the user lacks a right to the keys: grant it `~<key_prefix>*`".to_owned());
    }
    let rights = match error.split_once("permissions to run the '") {
        Some((_, rest)) => rest.split('\'').take(1).map(right).collect(),
        None if says(&["user executing the script can't", "ACL failure in script"]) => {
            rights_of_script(error).unwrap_or_default()
        }
        None => return None,
    };
    let lacking = match &*rights.into_iter().collect::<Vec<_>>() {
        [] => "a right".to_owned(),
        [right] => format!("the right `{right}`"),
        several => format!("one of the rights `{}`", several.join(" ")),
    };
    Some(format!(
        "the user lacks {lacking}: grant it with `ACL SETUSER`; the documentation of the storage \
         lists all that are needed"
    ))
}

/// Redis 7.0 names a line and no command: `… script: 9bc29280…, on @user_script:22.` It is the line
/// of the call, or one that passes an error on: then any call of the script may have failed.
fn rights_of_script(error: &str) -> Option<BTreeSet<String>> {
    let (_, place) = error.rsplit_once("script: ")?;
    let (digest, line) = place.split_once(", on @user_script:")?;
    let code = script::code(digest)?;
    let line: usize = line.trim_end_matches('.').parse().ok()?;
    let rights = |text: &str| -> BTreeSet<String> {
        let calls = text.split("call('").skip(1);
        calls.filter_map(|call| call.split('\'').next()).map(right).collect()
    };
    let of_line = code.lines().nth(line.checked_sub(1)?).map(rights);
    of_line.filter(|rights| !rights.is_empty()).or_else(|| Some(rights(code)))
}

fn right(command: &str) -> String {
    format!("+{}", command.to_lowercase())
}

/// An error of the server or of the connection to it.
pub(super) fn failure(what: &str, error: RedisError) -> StorageError {
    StorageError::new(format!("{what}: {error}")).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The server that the other tests start is of one version only.
    #[test]
    fn a_missing_right_is_named_whatever_the_version_of_the_server() {
        for error in [
            "NoPerm: this user has no permissions to run the 'time' command",
            "ResponseError: Error running script (call to f_9bc2): @user_script:22: @user_script: 22: \
             -NOPERM this user has no permissions to run the 'time' command or its subcommand",
            "NoPerm: ACL failure in script: User app has no permissions to run the 'time' command \
             script: 9bc2, on @user_script:22.",
        ] {
            let remedy = remedy(error).expect("a remedy");
            assert!(remedy.contains("`+time`"), "{remedy}");
        }
    }

    #[test]
    fn an_unknown_error_has_no_remedy_or_names_no_right() {
        assert_eq!(remedy("the connection broke"), None);
        for error in [
            "The user executing the script can't run this command or subcommand",
            "The user executing the script can't run this command or subcommand script: 0, on \
             @user_script:99999999999999999999999.",
        ] {
            assert!(
                remedy(error).is_some_and(|remedy| remedy.contains("lacks a right:")),
                "{error}"
            );
        }
    }
}
