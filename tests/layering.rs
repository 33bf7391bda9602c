//! Imports go one way. The sources are read, and every crossing is named with file and line.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Words that must not appear in the code (comments and documentation apart) of a folder.
fn assert_unnamed(folder: &str, words: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests is in the workspace");
    let files = sources(&root.join(folder));
    assert!(!files.is_empty(), "no source below {folder}");
    let mut crossings = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a source is text");
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for word in words {
                if names(code, word) {
                    crossings.push(format!("{}:{}: {word}", file.display(), number + 1));
                }
            }
        }
    }
    assert!(crossings.is_empty(), "{crossings:#?}");
}

fn names(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(start, _)| {
        let part = |char: char| char.is_alphanumeric() || char == '_';
        !code[..start].ends_with(part) && !code[start + word.len()..].starts_with(part)
    })
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("an entry can be read").path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => sources(&path),
            false => vec![path],
        })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

#[test]
fn the_engine_knows_nothing_of_http() {
    assert_unnamed("limiter-core/src", &["actix", "actix_web", "http", "HttpRequest", "route"]);
}

#[test]
fn strategies_know_nothing_of_storages_keys_or_limits() {
    assert_unnamed("limiter-core/src/strategy", &["storage", "Storage", "Key", "Limit", "Charge"]);
}

#[test]
fn the_macros_know_nothing_of_storages_and_middleware() {
    assert_unnamed("limiter-macros/src", &["MemoryStorage", "Storage", "Middleware"]);
}

#[test]
fn the_middleware_knows_nothing_of_what_a_storage_is_made_of() {
    assert_unnamed("limiter-actix/src/middleware", &["MemoryStorage", "Strategy", "Quota"]);
    assert_unnamed("limiter-actix/src", &["FixedWindow::", "hashbrown"]);
}

#[test]
fn a_crossing_would_be_found() {
    assert!(names("use actix_web::get;", "actix_web"));
    assert!(!names("use my_actix_web::get;", "actix_web"));
}
