//! Reads `src` and checks which module imports which, and who may use SQL, the clock and the network.

mod imports;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use imports::Crate;

/// The other modules that each module may import. `app` and `cli` may import all.
const IMPORTS: &[(&str, &[&str])] = &[
    ("admin", &["clock", "domain", "duration", "explain", "import", "proof", "store"]),
    ("atlassian", &["clock", "domain", "outbound"]),
    ("clock", &[]),
    ("console", &["admin", "clock", "domain", "proof", "store"]),
    ("domain", &[]),
    ("duration", &[]),
    ("explain", &["domain", "sources"]),
    ("import", &["clock", "domain", "proof", "store"]),
    ("intake", &["clock", "domain", "proof", "sources", "store"]),
    ("listener", &[]),
    ("listing", &["atlassian", "clock", "domain", "store"]),
    ("main", &[]),
    ("notices", &["clock", "domain", "outbound", "proof", "store"]),
    ("outbound", &["clock", "domain"]),
    ("proof", &["clock", "domain"]),
    ("router", &["clock", "domain", "proof", "sources", "store"]),
    ("sandbox", &["clock", "duration"]),
    ("settings", &["atlassian", "domain", "duration", "sources"]),
    ("shutdown", &[]),
    ("sources", &["domain", "duration", "outbound"]),
    ("store", &["clock", "domain", "proof"]),
    ("telemetry", &["clock"]),
    ("upkeep", &["clock", "domain", "proof", "store"]),
    ("worker", &["atlassian", "clock", "domain", "store"]),
];

const IMPORT_ALL: &[&str] = &["app", "cli", "lib"];

/// Modules of the table that do not exist yet.
const PLANNED: &[&str] = &[];

/// A file of `src`.
struct Source {
    path: PathBuf,
    module: String,
    text: String,
    /// The text without its line comments.
    code: String,
}

fn sources() -> Vec<Source> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut sources) = (vec![src.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
                let path = path.strip_prefix(&src).unwrap().to_owned();
                let module = top_module(&path);
                sources.push(Source { module, code: code.join("\n"), text, path });
            }
        }
    }
    assert!(sources.len() > 100, "only {} files found in `src`", sources.len());
    sources
}

fn top_module(path: &Path) -> String {
    let first = path.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// The modules that a text names, as `crate::module` or within `crate::{module, …}`.
fn named(text: &str) -> BTreeSet<&str> {
    let mut modules = BTreeSet::new();
    for after in text.split("crate::").skip(1) {
        match after.strip_prefix('{') {
            None => modules.extend(first_word(after)),
            Some(list) => {
                let mut depth = 0_u32;
                let mut beginning = true;
                for (at, character) in list.char_indices() {
                    match character {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => beginning = true,
                        _ if beginning && !character.is_whitespace() => {
                            modules.extend(first_word(list.get(at..).unwrap()));
                            beginning = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    modules
}

fn first_word(text: &str) -> Option<&str> {
    let end = text.find(|character: char| !character.is_alphanumeric() && character != '_').unwrap_or(text.len());
    text.get(..end).filter(|word| !word.is_empty())
}

#[test]
fn each_module_imports_only_what_the_table_allows() {
    for source in sources() {
        if IMPORT_ALL.contains(&source.module.as_str()) {
            continue;
        }
        let (_, allowed) = IMPORTS
            .iter()
            .find(|(module, _)| *module == source.module)
            .unwrap_or_else(|| panic!("the module `{}` is missing in the table of imports", source.module));
        // Tests take their ids and instants from the clock.
        let is_test = source.path.iter().any(|part| part == "tests" || part == "tests.rs");
        for module in named(&source.code) {
            assert!(
                module == source.module || (is_test && module == "clock") || allowed.contains(&module),
                "{} names `{module}`, but `{}` may import only {allowed:?}",
                source.path.display(),
                source.module
            );
        }
    }
}

#[test]
fn each_module_of_the_table_exists() {
    let modules: BTreeSet<String> = sources().into_iter().map(|source| source.module).collect();
    for (module, _) in IMPORTS.iter().filter(|(module, _)| !PLANNED.contains(module)) {
        assert!(modules.contains(*module), "there is no module `{module}`");
    }
}

/// Prints the circles, and asserts that there are none.
fn check_circles(of_parents: bool) {
    let sources = sources();
    let files = sources.iter().map(|source| (source.path.as_path(), source.text.as_str()));
    let circles = Crate::read(files).circles(of_parents);
    for circle in &circles {
        println!("circle of {} files:", circle.len());
        for (file, imports) in circle {
            println!("  {file} imports {}", imports.join(", "));
        }
    }
    assert!(circles.is_empty(), "files import each other in {} circles, see above", circles.len());
}

#[test]
fn sibling_files_do_not_import_each_other_in_a_circle() {
    check_circles(false);
}

/// An import of a parent module by its child counts here, too.
#[test]
fn parents_and_children_do_not_import_each_other() {
    check_circles(true);
}

/// Asserts that only the files for which `may` holds contain any of `words`.
fn only(may: impl Fn(&str) -> bool, words: &[&str], why: &str) {
    let mut is_used = false;
    for source in sources() {
        let path = source.path.to_str().unwrap();
        for word in words.iter().filter(|word| source.code.contains(**word)) {
            is_used |= may(path);
            assert!(may(path), "{path} contains `{word}`: {why}");
        }
    }
    assert!(is_used, "no file contains any of {words:?}: this test searches for the wrong words");
}

#[test]
fn only_the_store_contains_sql() {
    only(|path| path.starts_with("store/"), &["sqlx::"], "only `store` contains SQL");
}

#[test]
fn only_the_clock_reads_time_and_randomness() {
    let words = ["Timestamp::now(", "Zoned::now(", "SystemTime::now(", "now_v7(", "getrandom::", "Utc::now("];
    only(|path| path == "clock.rs", &words, "use the `Clock` that is passed in");
}

#[test]
fn only_clients_open_connections() {
    let may = |path: &str| {
        ["atlassian/", "cli/", "notices/", "outbound", "sources/lookup/"].iter().any(|part| path.starts_with(part))
    };
    // Tests are clients of their own servers.
    let tests = |path: &str| path.contains("/tests/");
    let words = ["reqwest::", "TcpStream::connect", "UnixStream::connect", "UdpSocket"];
    only(|path| may(path) || tests(path), &words, "this module is no client");
}

#[test]
fn modules_in_a_nested_list_are_found() {
    let text = "use crate::{app::{App, Wakeups}, clock,\n    store::Store};\nuse crate::domain::case; crate::upkeep()";
    assert_eq!(named(text).into_iter().collect::<Vec<_>>(), ["app", "clock", "domain", "store", "upkeep"]);
}
