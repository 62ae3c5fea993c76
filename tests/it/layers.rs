//! Which way the arrows point: reads `src`, and holds the table.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What each room may name of the others. `app` and `cli` see everything.
const ARROWS: &[(&str, &[&str])] = &[
    ("admin", &["clock", "domain", "proof", "store"]),
    ("atlassian", &["clock", "domain"]),
    ("clock", &[]),
    ("domain", &[]),
    ("intake", &["clock", "domain", "proof", "sources", "store"]),
    ("listener", &[]),
    ("main", &[]),
    ("proof", &["clock", "domain"]),
    ("router", &["clock", "domain", "proof", "sources", "store"]),
    ("sandbox", &["clock"]),
    ("settings", &["atlassian", "domain", "sources"]),
    ("shutdown", &[]),
    ("sources", &["domain"]),
    ("store", &["clock", "domain", "proof"]),
    ("telemetry", &[]),
    ("upkeep", &["clock", "domain", "store"]),
    ("worker", &["atlassian", "clock", "domain", "store"]),
];

const SEE_EVERYTHING: &[&str] = &["app", "cli", "lib"];

/// A file of `src`, without its comments.
struct Source {
    path: PathBuf,
    room: String,
    text: String,
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
                let room = path.components().next().unwrap().as_os_str().to_str().unwrap();
                let room = room.trim_end_matches(".rs").to_owned();
                sources.push(Source { room, text: code.join("\n"), path });
            }
        }
    }
    assert!(sources.len() > 100, "this is not all of `src`");
    sources
}

/// The rooms that a text names, as `crate::room` or within `crate::{room, …}`.
fn named(text: &str) -> BTreeSet<&str> {
    let mut rooms = BTreeSet::new();
    for after in text.split("crate::").skip(1) {
        match after.strip_prefix('{') {
            None => rooms.extend(first_word(after)),
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
                            rooms.extend(first_word(list.get(at..).unwrap()));
                            beginning = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    rooms
}

fn first_word(text: &str) -> Option<&str> {
    let end = text.find(|character: char| !character.is_alphanumeric() && character != '_').unwrap_or(text.len());
    text.get(..end).filter(|word| !word.is_empty())
}

#[test]
fn every_room_names_only_those_that_its_arrows_point_at() {
    for source in sources() {
        if SEE_EVERYTHING.contains(&source.room.as_str()) {
            continue;
        }
        let (_, arrows) = ARROWS
            .iter()
            .find(|(room, _)| *room == source.room)
            .unwrap_or_else(|| panic!("the room `{}` has no arrows: give it some in the table", source.room));
        // Tests take their ids and instants from the clock.
        let is_test = source.path.iter().any(|part| part == "tests" || part == "tests.rs");
        for room in named(&source.text) {
            assert!(
                room == source.room || (is_test && room == "clock") || arrows.contains(&room),
                "{} names `{room}`, but `{}` knows only {arrows:?}",
                source.path.display(),
                source.room
            );
        }
    }
}

#[test]
fn every_room_of_the_table_is_there() {
    let rooms: BTreeSet<String> = sources().into_iter().map(|source| source.room).collect();
    for (room, _) in ARROWS {
        assert!(rooms.contains(*room), "there is no room `{room}`");
    }
}

/// Asserts that only the places of which `may` holds say any of `words`.
fn only(may: impl Fn(&str) -> bool, words: &[&str], why: &str) {
    let mut said = false;
    for source in sources() {
        let path = source.path.to_str().unwrap();
        for word in words.iter().filter(|word| source.text.contains(**word)) {
            said |= may(path);
            assert!(may(path), "{path} says `{word}`: {why}");
        }
    }
    assert!(said, "nobody says any of {words:?}: this test looks for the wrong words");
}

#[test]
fn only_the_store_contains_sql() {
    only(|path| path.starts_with("store/"), &["sqlx::"], "SQL is the store's");
}

#[test]
fn only_the_clock_reads_the_time_and_rolls_the_dice() {
    let words = ["Timestamp::now(", "Zoned::now(", "SystemTime::now(", "now_v7(", "getrandom::", "Utc::now("];
    only(|path| path == "clock.rs", &words, "take it from the clock");
}

#[test]
fn only_those_who_have_business_outside_open_connections() {
    let may =
        |path: &str| path.starts_with("atlassian/") || path.starts_with("cli/") || path.starts_with("sources/lookup/");
    // Tests are clients of their own servers.
    let tests = |path: &str| path.contains("/tests/");
    let words = ["reqwest::", "TcpStream::connect", "UnixStream::connect", "UdpSocket"];
    only(|path| may(path) || tests(path), &words, "it is not one of those who call others");
}

#[test]
fn the_words_of_a_list_are_read_whatever_its_depth() {
    let text = "use crate::{app::{App, Bells}, clock,\n    store::Store};\nuse crate::domain::case; crate::upkeep()";
    assert_eq!(named(text).into_iter().collect::<Vec<_>>(), ["app", "clock", "domain", "store", "upkeep"]);
}
