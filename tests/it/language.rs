//! Searches code, documents and texts for words that have a plainer one.
//!
//! Names count, too: `put_back` and `PutBack` are read as "put back".

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Words and phrases to avoid, with what to write instead. A word that ends in `*` stands for all words that begin so.
const AVOID: &[(&str, &str)] = &[
    ("deed", "change, call, the revoke, the deletion"),
    ("deeds", "changes, calls"),
    ("told", "reported, returned, received"),
    ("tell", "report, return, state"),
    ("tells", "reports, returns, states"),
    ("telling", "reporting, distinguishing"),
    ("said", "reported, returned, stated"),
    ("hear", "receive"),
    ("hears", "receives"),
    ("heard", "received"),
    ("ask", "call, query, request"),
    ("asks", "calls, queries, requests"),
    ("asked", "called, queried, requested"),
    ("asking", "calling, querying, requesting"),
    ("mend*", "fix"),
    ("anew", "again"),
    ("at once", "immediately; together"),
    ("under way", "in progress"),
    ("far side", "Atlassian, the vendor, the remote"),
    ("from when on", "effective from"),
    ("take up", "resume"),
    ("takes up", "resumes"),
    ("taken up", "resumed"),
    ("took up", "resumed"),
    ("put back", "requeue, restore"),
    ("puts back", "requeues, restores"),
    ("put off", "defer, postpone"),
    ("puts off", "defers, postpones"),
    ("set aside", "mark unreadable"),
    ("sets aside", "marks unreadable"),
    ("let go", "release"),
    ("lets go", "releases"),
    ("go on", "continue"),
    ("goes on", "continues"),
    ("leads to", "results in"),
    ("forget", "delete, shred, expire"),
    ("forgets", "deletes, shreds, expires"),
    ("forgotten", "deleted, shredded, expired"),
    ("forgetting", "deleting, shredding, retention"),
    ("whoever", "the caller, the operator, the client"),
    ("whomever", "the caller, the operator, the client"),
    ("somebody", "a person, an operator, an account"),
    ("someone", "a person, an operator, an account"),
    ("nobody", "no person, no account"),
    ("anybody", "any person, any account"),
    ("everybody", "all people, all accounts"),
    ("what came", "the delivery"),
    ("those who", "the people that"),
    ("scribe", "job committer"),
    ("crowd", "connection table"),
    ("bells", "wakeups"),
    ("portrait*", "summary"),
    ("dossier*", "case record"),
    ("behaviour*", "behavior"),
    ("recognis*", "recognize"),
    ("organis*", "organize"),
    ("normalis*", "normalize"),
    ("authoris*", "authorize"),
    ("serialis*", "serialize"),
    ("initialis*", "initialize"),
    ("licence*", "license"),
    ("colour*", "color"),
    ("honour*", "honor"),
    ("favour*", "favor"),
    ("centre", "center"),
    ("catalogue", "catalog"),
    ("artefact*", "artifact"),
    ("labelled", "labeled"),
    ("spelt", "spelled"),
];

/// Where a word stands all the same: part of a path, a part of the line, and the reason.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("tests/it/language.rs", "", "the list itself"),
    ("src/sources/tests/published.rs", "It's a Secret to Everybody", "the secret of a published vector"),
];

/// How many lines of an area may still hold such a word. Lower a number when lines were reworded; an area without a number
/// holds none.
const LEFT_OVER: &[(&str, usize)] = &[];

/// The part of the repository that a file belongs to: a module of `src`, or a folder.
fn area(path: &Path) -> String {
    let mut parts = path.iter().map(|part| part.to_str().unwrap());
    let first = parts.next().unwrap();
    match (first, parts.next()) {
        ("src", Some(module)) => format!("src/{}", module.trim_end_matches(".rs")),
        _ => first.to_owned(),
    }
}

fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let is_text = ["rs", "md", "toml", "sql", "html", "json", "snap"]
                .iter()
                .any(|extension| path.extension().is_some_and(|found| found == *extension));
            if path.is_dir() && name != "target" && name != ".git" {
                folders.push(path);
            } else if is_text
                || name == "Dockerfile"
                || path.parent().and_then(Path::file_name).is_some_and(|parent| parent == ".ci")
            {
                files.push(path);
            }
        }
    }
    files
}

/// The words of a line in lower case; names are taken apart.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for character in line.chars() {
        if !character.is_alphanumeric() || (was_lower && character.is_uppercase()) {
            words.push(String::new());
        }
        if character.is_alphanumeric() {
            words.last_mut().unwrap().extend(character.to_lowercase());
        }
        was_lower = character.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

fn contains(words: &[String], phrase: &str) -> bool {
    let phrase: Vec<&str> = phrase.split(' ').collect();
    words.windows(phrase.len()).any(|window| {
        window.iter().zip(&phrase).all(|(word, wanted)| match wanted.strip_suffix('*') {
            Some(beginning) => word.starts_with(beginning),
            None => word == wanted,
        })
    })
}

fn is_excepted(path: &str, line: &str) -> bool {
    EXCEPTIONS.iter().any(|(file, part, _)| path.contains(file) && line.contains(part))
}

#[test]
fn texts_and_names_use_the_plainer_word() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in files() {
        let path = file.strip_prefix(root).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        for (line, number) in text.lines().zip(1..) {
            let words = words(line);
            let avoided = AVOID.iter().find(|(phrase, _)| contains(&words, phrase));
            if let Some((phrase, instead)) = avoided.filter(|_| !is_excepted(path.to_str().unwrap(), line)) {
                let place = format!("{}:{number}: `{phrase}`, write: {instead}\n    {}", path.display(), line.trim());
                found.entry(area(path)).or_default().push(place);
            }
        }
    }
    for (area, places) in found {
        println!("{area}: {} lines\n{}", places.len(), places.join("\n"));
        let allowed = LEFT_OVER.iter().find(|(known, _)| *known == area).map_or(0, |(_, count)| *count);
        assert!(
            places.len() <= allowed,
            "{area}: {} lines with a word to avoid (known: {allowed}), see above",
            places.len()
        );
    }
}

#[test]
fn names_are_read_as_their_words() {
    let text = words("fn put_back() -> PutOff { /* It heard them at once. */ }");
    for phrase in ["put back", "put off", "heard", "at once"] {
        assert!(contains(&text, phrase), "{phrase}");
    }
    assert!(!contains(&text, "hear") && contains(&words("amending mended"), "mend*"));
}
