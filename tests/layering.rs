//! Imports go one way: at every level of every crate the entries of a folder can be put in an
//! order in which each imports only those before it. At the top that order is written down here.
//!
//! The sources are read as text. Comments and unit tests do not count.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The rooms of each crate, the lowest first: a room imports only rooms before it. `lib` is above
/// all and imported by none.
const ORDERS: [(&str, &[&str]); 3] = [
    (
        "limiter-core/src",
        &[
            "quota", "notation", "clock", "decision", "error", "key", "strategy", "limit",
            "charge", "storage",
        ],
    ),
    (
        "limiter-macros/src",
        &["errors", "root", "route", "args", "model", "item", "expand", "fallback", "attribute"],
    ),
    (
        "limiter-actix/src",
        &[
            "error", "identify", "storage", "limit", "answer", "declare", "limiter", "config",
            "resolve", "charge", "context", "enforce", "report", "cli", "private",
        ],
    ),
];

/// What a room of `limiter-actix` may import, besides the engine and libraries.
const ALLOWED: [(&str, &[&str]); 15] = [
    ("error", &[]),
    ("identify", &[]),
    ("storage", &["error"]),
    ("limit", &["storage"]),
    ("answer", &["error", "limit"]),
    ("declare", &["error", "identify", "limit"]),
    ("limiter", &["error", "identify", "storage", "limit", "answer", "declare"]),
    ("config", &["error", "identify", "storage", "limit", "answer", "declare", "limiter"]),
    ("resolve", &["limit", "answer", "declare", "limiter"]),
    ("charge", &["identify", "storage", "limit", "answer", "declare", "limiter", "resolve"]),
    ("context", &["identify", "limit", "declare", "limiter", "resolve", "charge"]),
    (
        "enforce",
        &["identify", "limit", "answer", "declare", "limiter", "resolve", "charge", "context"],
    ),
    ("report", &["identify", "limit", "answer", "declare", "limiter", "resolve", "charge"]),
    ("cli", &["identify", "answer", "limiter", "report"]),
    ("private", &["identify", "limit", "declare", "enforce"]),
];

/// A module as the parts of its path; the crate root is empty.
type Module = Vec<String>;

struct Import {
    from: Module,
    to: Module,
    /// What is taken from `to`, where that is no module.
    name: Option<String>,
    /// File and line.
    at: String,
}

#[test]
fn every_room_imports_only_rooms_below_it() {
    for (folder, order) in ORDERS {
        let up: Vec<String> = crossings(&imports(folder), order).collect();
        assert!(up.is_empty(), "{folder}: imports that run up: {up:#?}");
    }
}

/// The imports between rooms that the order does not allow; a room without a place in it is one.
fn crossings(imports: &[Import], order: &[&str]) -> impl Iterator<Item = String> {
    let place = |room: &str| order.iter().position(|known| *known == room);
    let between = imports.iter().filter(|import| !import.from.is_empty() && !import.to.is_empty());
    between.filter_map(move |import| {
        let (from, to) = (&import.from[0], &import.to[0]);
        let runs_down = matches!((place(from), place(to)), (Some(from), Some(to)) if to <= from);
        (!runs_down).then(|| format!("{from} -> {to}: {}", import.at))
    })
}

#[test]
fn a_room_of_the_middleware_crate_imports_what_its_face_says() {
    let folder = "limiter-actix/src";
    for import in imports(folder) {
        let (Some(from), Some(to)) = (import.from.first(), import.to.first()) else { continue };
        let allowed = ALLOWED.iter().find(|(room, _)| room == from).map(|(_, allowed)| allowed);
        let is_allowed = allowed.is_some_and(|allowed| allowed.contains(&to.as_str()));
        assert!(from == to || is_allowed, "{from} -> {to}: {}", import.at);
    }
}

#[test]
fn no_folder_holds_a_circle() {
    for (folder, _) in ORDERS {
        let imports = imports(folder);
        for parent in folders(&imports) {
            let circle = circle(&graph(&imports, &parent));
            assert_eq!(circle, None, "a circle in {folder}/{}", parent.join("/"));
        }
    }
}

/// Through the crate root, or the `mod.rs` of a folder that one stands in, everything reaches
/// everything, and nobody sees the direction.
#[test]
fn nobody_imports_through_the_face_of_a_folder_around_it() {
    for (folder, _) in ORDERS {
        let through: Vec<String> = imports(folder)
            .iter()
            .filter(|import| import.name.is_some() && import.from != import.to)
            .filter(|import| import.from.starts_with(&import.to))
            .map(|import| format!("{}: {:?}", import.at, import.name))
            .collect();
        assert!(through.is_empty(), "{folder}: name the module instead: {through:#?}");
    }
}

#[test]
fn faces_hold_documentation_modules_and_exports_alone() {
    let items = ["fn ", "const fn ", "async fn ", "struct ", "enum ", "trait ", "impl ", "impl<"];
    for (folder, _) in ORDERS {
        for file in sources(&root().join(folder)).iter().filter(|file| file.ends_with("mod.rs")) {
            let code = code(&fs::read_to_string(file).expect("a source is text"));
            let item = code.lines().find(|line| {
                let line = line.trim_start_matches("pub(crate) ").trim_start_matches("pub ");
                items.iter().any(|item| line.starts_with(item))
            });
            assert_eq!(item, None, "{}: logic belongs into a file of its own", file.display());
        }
    }
}

#[test]
fn a_circle_and_a_crossing_would_be_found() {
    let import = |from: &str, to: &str| {
        let module = |path: &str| path.split("::").map(str::to_owned).collect();
        Import { from: module(from), to: module(to), name: None, at: String::new() }
    };
    let imports =
        [import("a::x", "b::y"), import("b::z", "c"), import("c", "a::x"), import("b::y", "b::z")];
    let found = circle(&graph(&imports, &[])).map(|circle| circle.join(" -> "));
    assert_eq!(found.as_deref(), Some("a -> b -> c -> a"));
    assert_eq!(circle(&graph(&imports[..2], &[])), None);
    assert_eq!(circle(&graph(&imports, &["b".to_owned()])), None);

    let up: Vec<String> = crossings(&imports[..2], &["b", "a", "c"]).collect();
    assert_eq!(up, ["b -> c: "]);
    let strange: Vec<String> = crossings(&imports[2..3], &["a"]).collect();
    assert_eq!(strange, ["c -> a: "]);

    let paths =
        |code: &str| paths(code).into_iter().map(|path| path.join("::")).collect::<Vec<_>>();
    let code = "use crate::{a::{self, B}, c::D as E}; fn f() { super::g(); my_crate::h(); } ";
    assert_eq!(paths(code), ["crate::a::self", "crate::a::B", "crate::c::D", "super::g"]);
}

/// Words that must not appear in the code (comments and documentation apart) of a folder.
fn assert_unnamed(folder: &str, words: &[&str]) {
    let path = root().join(folder);
    let files = if path.is_file() { vec![path] } else { sources(&path) };
    assert!(!files.is_empty(), "no source below {folder}");
    let mut crossings = Vec::new();
    for file in files {
        let text = code(&fs::read_to_string(&file).expect("a source is text"));
        for (number, code) in text.lines().enumerate() {
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
    assert_unnamed("limiter-actix/src/enforce/middleware", &["MemoryStorage", "Strategy", "Quota"]);
    assert_unnamed("limiter-actix/src", &["FixedWindow::", "hashbrown"]);
}

#[test]
fn rooms_of_the_middleware_crate_do_not_know_what_is_above_them() {
    let source = |room: &str| format!("limiter-actix/src/{room}");
    assert_unnamed(&source("identify"), &["Limiter", "Settings", "Context"]);
    assert_unnamed(&source("answer"), &["Batch", "Rule", "Limiter", "Context"]);
    for room in ["declare", "resolve", "charge"] {
        assert_unnamed(&source(room), &["Context"]);
    }
    for room in ["resolve", "charge"] {
        assert_unnamed(&source(room), &["HttpResponse"]);
    }
    // The types of callbacks, which return one.
    let callbacks = ["options.rs", "record.rs", "meta.rs"];
    for file in sources(&root().join(source("declare"))) {
        let path = file.strip_prefix(root()).expect("it is below").to_string_lossy();
        if !callbacks.iter().any(|name| file.ends_with(name)) {
            assert_unnamed(&path, &["HttpResponse"]);
        }
    }
    assert_unnamed(&source("report"), &["clap", "writeln"]);
    for (room, _) in ALLOWED.iter().filter(|(room, _)| !["enforce", "context"].contains(room)) {
        let file = source(&format!("{room}.rs"));
        let path = if root().join(&file).is_file() { file } else { source(room) };
        // It starts an app to look at its routes.
        if *room != "report" {
            assert_unnamed(&path, &["ServiceRequest"]);
        }
    }
}

#[test]
fn a_word_would_be_found() {
    assert!(names("use actix_web::get;", "actix_web"));
    assert!(!names("use my_actix_web::get;", "actix_web"));
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests is in the workspace").to_owned()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry can be read").path())
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .filter(|path| !path.ends_with("tests.rs"))
        .collect();
    files.sort();
    files
}

/// The code without comments, up to the unit tests.
fn code(text: &str) -> String {
    let tests = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    text[..tests]
        .lines()
        .flat_map(|line| [line.split("//").next().unwrap_or_default(), "\n"])
        .collect()
}

fn imports(folder: &str) -> Vec<Import> {
    let source = root().join(folder);
    let files = sources(&source);
    assert!(!files.is_empty(), "no source below {folder}");
    let module = |file: &Path| -> Module {
        let path = file.strip_prefix(&source).expect("it is below").with_extension("");
        let mut parts: Module =
            path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        parts.pop_if(|last| last == "mod" || last == "lib");
        parts
    };
    let modules: BTreeSet<Module> = files.iter().map(|file| module(file)).collect();
    let mut imports = Vec::new();
    for file in &files {
        let from = module(file);
        let code = code(&fs::read_to_string(file).expect("a source is text"));
        for path in paths(&code) {
            let mut parts = path.iter().peekable();
            let mut to = match parts.next().map(String::as_str) {
                Some("crate") => Module::new(),
                Some("self") => from.clone(),
                _ => from[..from.len().saturating_sub(1)].to_vec(),
            };
            while parts.next_if(|part| *part == "super").is_some() {
                to.pop();
            }
            let mut name = None;
            for part in parts {
                to.push(part.clone());
                if !modules.contains(&to) {
                    name = to.pop();
                    break;
                }
            }
            let at = format!("{}: {}", file.display(), path.join("::"));
            imports.push(Import {
                from: from.clone(),
                to,
                name: name.filter(|name| name != "self"),
                at,
            });
        }
    }
    imports
}

/// Every path that begins with `crate`, `self` or `super`; a tree of them as its leaves.
fn paths(code: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    for word in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(word) {
            let before = code[..at].chars().next_back();
            if !before.is_some_and(|char| char.is_alphanumeric() || "_:$".contains(char)) {
                leaves(&code[at..], &[], &mut paths);
            }
        }
    }
    paths
}

/// Reads one tree of paths; what follows it.
fn leaves<'a>(mut rest: &'a str, prefix: &[String], paths: &mut Vec<Vec<String>>) -> &'a str {
    let mut path = prefix.to_vec();
    loop {
        rest = rest.trim_start();
        if let Some(mut inside) = rest.strip_prefix('{') {
            loop {
                inside =
                    inside.trim_start_matches(|char: char| char.is_whitespace() || char == ',');
                if let Some(rest) = inside.strip_prefix('}') {
                    return rest;
                }
                inside = leaves(inside, &path, paths);
                // ` as name`.
                inside = &inside[inside.find([',', '}']).unwrap_or(inside.len())..];
                if inside.is_empty() {
                    return inside;
                }
            }
        }
        let end =
            rest.find(|char: char| !char.is_alphanumeric() && char != '_').unwrap_or(rest.len());
        if end == 0 {
            break;
        }
        path.push(rest[..end].to_owned());
        rest = &rest[end..];
        match rest.strip_prefix("::") {
            Some(more) => rest = more,
            None => break,
        }
    }
    paths.push(path);
    rest
}

/// All folders that hold a module which imports something.
fn folders(imports: &[Import]) -> BTreeSet<Module> {
    let ends = imports.iter().flat_map(|import| [&import.from, &import.to]);
    ends.flat_map(|module| (0..module.len()).map(|depth| module[..depth].to_vec())).collect()
}

/// Which entry of a folder imports which.
fn graph(imports: &[Import], folder: &[String]) -> BTreeMap<String, BTreeSet<String>> {
    let mut graph = BTreeMap::<_, BTreeSet<_>>::new();
    let entry = |module: &Module| module.strip_prefix(folder)?.first().cloned();
    for import in imports {
        if let (Some(from), Some(to)) = (entry(&import.from), entry(&import.to))
            && from != to
        {
            graph.entry(from).or_default().insert(to);
        }
    }
    graph
}

fn circle(graph: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    fn follow(
        entry: &str,
        graph: &BTreeMap<String, BTreeSet<String>>,
        way: &mut Vec<String>,
        done: &mut BTreeSet<String>,
    ) -> Option<Vec<String>> {
        if let Some(start) = way.iter().position(|known| known == entry) {
            return Some(way[start..].iter().cloned().chain([entry.to_owned()]).collect());
        }
        if !done.insert(entry.to_owned()) {
            return None;
        }
        way.push(entry.to_owned());
        let found =
            graph.get(entry).into_iter().flatten().find_map(|next| follow(next, graph, way, done));
        way.pop();
        found
    }
    let mut done = BTreeSet::new();
    graph.keys().find_map(|entry| follow(entry, graph, &mut Vec::new(), &mut done))
}
