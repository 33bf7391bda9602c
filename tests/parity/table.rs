//! The table of the README names each behaviour once, and tests that exist.

use std::{collections::BTreeSet, fs, path::Path};

/// Number, name of the behaviour, result, tests.
fn rows() -> impl Iterator<Item = (u32, [&'static str; 3])> {
    include_str!("README.md").lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ");
        let number = cells.next()?.parse().ok()?;
        let rest = [cells.next()?, cells.next()?, cells.next()?];
        assert_eq!(cells.next(), None, "behaviour {number} has a cell too many");
        Some((number, rest))
    })
}

/// The names between backticks that begin like those of tests.
fn named_tests(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// The functions below `tests/parity` whose names begin with `b` and a number.
fn declared_tests(folder: &Path) -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tests.append(&mut declared_tests(&path));
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for line in text.lines() {
            let line = line.trim_start_matches("async ");
            let name = line.strip_prefix("fn ").and_then(|rest| rest.split('(').next());
            tests.extend(name.filter(|name| number_of(name).is_some()).map(str::to_owned));
        }
    }
    tests
}

/// `b28_a_default` is of behaviour 28.
fn number_of(test: &str) -> Option<u32> {
    test.strip_prefix('b')?.split('_').next()?.parse().ok()
}

#[test]
fn every_behaviour_is_listed_once() {
    let numbers: Vec<u32> = rows().map(|(number, _)| number).collect();
    assert_eq!(numbers, (1..=85).collect::<Vec<u32>>());
}

#[test]
fn every_row_says_whether_it_is_the_same() {
    for (number, [behaviour, result, tests]) in rows() {
        assert!(!behaviour.is_empty());
        let first = result.split([' ', ',', ':', ';']).next().unwrap_or_default();
        let difference = first.strip_prefix('D').and_then(|of| of.parse().ok());
        assert!(
            first == "same"
                || result.starts_with("not yet: ")
                || result.starts_with("other: ")
                || difference.is_some_and(|number: u32| (1..=18).contains(&number)),
            "behaviour {number}: {result}"
        );
        let has_tests = named_tests(tests).next().is_some();
        assert!(has_tests || result.starts_with("not yet: "), "behaviour {number} has no test");
    }
}

#[test]
fn every_listed_test_exists_and_every_test_is_listed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("parity");
    let mut listed = BTreeSet::new();
    for (number, [.., tests]) in rows() {
        for test in named_tests(tests) {
            assert_eq!(number_of(test), Some(number), "{test} is listed for {number}");
            assert!(listed.insert(test.to_owned()), "{test} is listed twice");
        }
    }
    assert_eq!(listed, declared_tests(&folder));
}
