//! Reads the imports of each file of `src`, and finds the files that import each other in a circle.
//!
//! A file imports the file that defines the item that it names: a re-export by a parent module is followed. A `mod` line is
//! no import, and a `pub use` is one only if the file also uses the name. Tests are left out.

#![expect(clippy::string_slice, reason = "every index was found in the same text, at the begin of a character")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The path of a module from the root of the crate.
type ModulePath = Vec<String>;

/// One name that a `use` declaration brings into scope; the name `*` stands for all of them.
struct Use {
    path: Vec<String>,
    name: String,
    is_public: bool,
}

/// The names that one file uses.
struct Module {
    file: String,
    uses: Vec<Use>,
    /// Paths outside `use` declarations, each from the root of the crate or from a name in scope.
    paths: Vec<Vec<String>>,
    words: BTreeSet<String>,
}

/// The target of a path.
enum Target {
    Module(ModulePath),
    ItemOf(ModulePath),
    External,
}

/// The modules of the crate, by path.
pub(super) struct Crate {
    modules: BTreeMap<ModulePath, Module>,
}

impl Crate {
    /// Reads the text of files that are named by their path below `src`.
    pub(super) fn read<'a>(files: impl IntoIterator<Item = (&'a Path, &'a str)>) -> Self {
        let modules = files
            .into_iter()
            .filter(|(path, _)| !is_test(path) && *path != Path::new("main.rs"))
            .map(|(path, text)| {
                let module = module_path(path);
                let module_content = read_module(path, &module, &tokens(text));
                (module, module_content)
            })
            .collect();
        Self { modules }
    }

    /// The files that each file imports; with or without what a child module imports from its parents.
    fn imports(&self, of_parents: bool) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut imports = BTreeMap::new();
        for (path, module) in &self.modules {
            let uses = module.uses.iter().filter(|used| !used.is_public || module.words.contains(&used.name));
            let named = uses.map(|used| &used.path).chain(&module.paths);
            let files: BTreeSet<&str> = named
                .filter_map(|named| match self.resolve(path, named, 0) {
                    Target::ItemOf(target) => self.modules.get(&target),
                    Target::Module(_) | Target::External => None,
                })
                .map(|module| module.file.as_str())
                .filter(|file| *file != module.file && (of_parents || !is_parent(file, &module.file)))
                .collect();
            imports.insert(module.file.as_str(), files);
        }
        imports
    }

    /// Follows a path that stands in a module to the module that defines the item.
    fn resolve(&self, from: &ModulePath, path: &[String], depth: usize) -> Target {
        let Some((first, rest)) = path.split_first() else { return Target::Module(from.clone()) };
        if depth > 16 {
            return Target::External;
        }
        if first == "crate" {
            return self.resolve_below(&Vec::new(), rest, depth);
        }
        let module = &self.modules[from];
        let in_scope = module.uses.iter().any(|used| used.name == *first);
        if in_scope || self.modules.contains_key(&child(from, first)) {
            return self.resolve_below(from, path, depth);
        }
        Target::External
    }

    /// Follows a path whose first name is one of a module.
    fn resolve_below(&self, module: &ModulePath, path: &[String], depth: usize) -> Target {
        let Some((first, rest)) = path.split_first() else { return Target::Module(module.clone()) };
        let child = child(module, first);
        if self.modules.contains_key(&child) {
            return self.resolve_below(&child, rest, depth);
        }
        let Some(content) = self.modules.get(module) else { return Target::External };
        if let Some(used) = content.uses.iter().find(|used| used.name == *first) {
            let full: Vec<String> = used.path.iter().chain(rest).cloned().collect();
            return self.resolve(module, &full, depth + 1);
        }
        if !content.words.contains(first)
            && let Some(target) = self.resolve_by_glob(content, module, path, depth)
        {
            return target;
        }
        Target::ItemOf(module.clone())
    }

    /// Looks for an item in the modules of which all names are imported.
    fn resolve_by_glob(&self, content: &Module, module: &ModulePath, path: &[String], depth: usize) -> Option<Target> {
        content.uses.iter().filter(|used| used.name == "*").find_map(|used| {
            let Target::Module(target) = self.resolve(module, &used.path, depth + 1) else { return None };
            let has_it = self.modules[&target].words.contains(&path[0]);
            (has_it && target != *module).then(|| self.resolve_below(&target, path, depth + 1))
        })
    }

    /// The groups of files each of which imports the others, directly or not, with the imports among them.
    pub(super) fn circles(&self, of_parents: bool) -> Vec<Vec<(String, Vec<String>)>> {
        let imports = self.imports(of_parents);
        let reached: BTreeMap<&str, BTreeSet<&str>> =
            imports.keys().map(|file| (*file, reachable(&imports, file))).collect();
        let mut circles = BTreeSet::new();
        for (file, targets) in &reached {
            if targets.contains(file) {
                let circle: Vec<&str> = targets.iter().copied().filter(|other| reached[other].contains(file)).collect();
                circles.insert(circle);
            }
        }
        let within = |circle: &[&str], file: &str| -> Vec<String> {
            imports[file].iter().filter(|target| circle.contains(target)).map(|target| (*target).to_owned()).collect()
        };
        circles
            .into_iter()
            .map(|circle| circle.iter().map(|file| ((*file).to_owned(), within(&circle, file))).collect())
            .collect()
    }
}

fn reachable<'a>(imports: &BTreeMap<&'a str, BTreeSet<&'a str>>, file: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&str> = imports[file].iter().copied().collect();
    while let Some(next) = open.pop() {
        if reached.insert(next) {
            open.extend(&imports[next]);
        }
    }
    reached
}

/// Whether `file` is the module around `child`.
fn is_parent(file: &str, child: &str) -> bool {
    let folder = file.strip_suffix("/mod.rs").or_else(|| file.strip_suffix(".rs")).unwrap();
    child.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

fn child(module: &ModulePath, name: &str) -> ModulePath {
    module.iter().map(String::as_str).chain([name]).map(str::to_owned).collect()
}

/// Whether a file holds tests only.
fn is_test(path: &Path) -> bool {
    path.iter().any(|part| part == "tests" || part == "tests.rs" || part == "properties.rs")
}

fn module_path(file: &Path) -> ModulePath {
    let path = file.with_extension("");
    let parts = path.iter().map(|part| part.to_str().unwrap().to_owned());
    parts.filter(|part| part != "mod" && part != "lib").collect()
}

fn read_module(file: &Path, module: &ModulePath, tokens: &[String]) -> Module {
    let (mut uses, mut paths, mut words) = (Vec::new(), Vec::new(), BTreeSet::new());
    // The inline modules around a token, each with the depth of its braces.
    let (mut inline, mut braces): (Vec<(String, usize)>, usize) = (Vec::new(), 0);
    let mut at = 0;
    while at < tokens.len() {
        let token = |offset: usize| tokens.get(at + offset).map_or("", String::as_str);
        let before = |back: usize| at.checked_sub(back).map_or("", |at| tokens[at].as_str());
        let scope = || module.iter().chain(inline.iter().map(|(name, _)| name));
        match token(0) {
            "{" => braces += 1,
            "}" => {
                braces -= 1;
                inline.pop_if(|(_, depth)| *depth == braces);
            }
            "mod" if token(2) == "{" => inline.push((token(1).to_owned(), braces)),
            "use" if token(1) != "<" => {
                let is_public = before(1) == "pub" || before(1) == ")";
                let mut found = Vec::new();
                at = read_use_tree(tokens, at + 1, &mut Vec::new(), &mut found);
                for (path, name) in found {
                    let path = absolute(scope().cloned().collect(), path);
                    uses.push(Use { path, name, is_public });
                }
            }
            word if is_word(word) => {
                words.insert(word.to_owned());
                let mut path = vec![word.to_owned()];
                while token(path.len() * 2 - 1) == "::" && is_word(token(path.len() * 2)) {
                    path.push(token(path.len() * 2).to_owned());
                }
                if path.len() > 1 {
                    words.extend(path.iter().cloned());
                    at += path.len() * 2 - 2;
                    paths.push(absolute(scope().cloned().collect(), path));
                }
            }
            _ => {}
        }
        at += 1;
    }
    Module { file: file.to_str().unwrap().to_owned(), uses, paths, words }
}

/// Replaces `self` and `super` at the beginning of a path by the path of the module that they stand for.
fn absolute(mut module: ModulePath, path: Vec<String>) -> Vec<String> {
    let mut path = path.into_iter().peekable();
    if !path.peek().is_some_and(|first| first == "self" || first == "super") {
        return path.collect();
    }
    while let Some(relative) = path.next_if(|part| part == "self" || part == "super") {
        if relative == "super" {
            module.pop();
        }
    }
    ["crate".to_owned()].into_iter().chain(module).chain(path).collect()
}

/// Reads the tree of a `use` declaration, and returns where it ends.
fn read_use_tree(
    tokens: &[String],
    mut at: usize,
    prefix: &mut Vec<String>,
    found: &mut Vec<(Vec<String>, String)>,
) -> usize {
    let depth = prefix.len();
    loop {
        match tokens[at].as_str() {
            "::" => at += 1,
            "{" => {
                while tokens[at] != "}" {
                    at += 1;
                    if tokens[at] != "}" {
                        at = read_use_tree(tokens, at, prefix, found);
                    }
                }
                prefix.truncate(depth);
                return at + 1;
            }
            "*" => {
                found.push((prefix.clone(), "*".to_owned()));
                prefix.truncate(depth);
                return at + 1;
            }
            "self" if depth > 0 || !prefix.is_empty() => at += 1,
            word if is_word(word) && word != "as" => {
                prefix.push(word.to_owned());
                at += 1;
            }
            end => {
                let is_renamed = end == "as";
                let name = if is_renamed { tokens[at + 1].clone() } else { prefix.last().cloned().unwrap_or_default() };
                found.push((prefix.clone(), name));
                prefix.truncate(depth);
                return if is_renamed { at + 2 } else { at };
            }
        }
    }
}

fn is_word(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// The words and signs of a file without comments, literals and inline tests.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let literal = skip_comment_or_literal(rest);
        if literal > 0 {
            rest = &rest[literal..];
        } else if first.is_alphanumeric() || first == '_' {
            let end = rest.find(|next: char| !next.is_alphanumeric() && next != '_').unwrap_or(rest.len());
            tokens.push(rest[..end].to_owned());
            rest = &rest[end..];
        } else {
            let length = if rest.starts_with("::") { 2 } else { first.len_utf8() };
            if !first.is_whitespace() {
                tokens.push(rest[..length].to_owned());
            }
            rest = &rest[length..];
        }
    }
    without_tests(tokens)
}

/// The length of the comment, text, character or lifetime at the beginning of `text`; 0 if there is none.
fn skip_comment_or_literal(text: &str) -> usize {
    let until = |from: usize, end: &str| text[from..].find(end).map_or(text.len(), |at| from + at + end.len());
    if text.starts_with("//") {
        return until(2, "\n");
    }
    if text.starts_with("/*") {
        return until(2, "*/");
    }
    let raw = text.trim_start_matches('b');
    if let Some(hashes) = raw.strip_prefix('r') {
        let count = hashes.len() - hashes.trim_start_matches('#').len();
        if hashes[count..].starts_with('"') {
            return until(text.len() - hashes.len() + count + 1, &format!("\"{}", "#".repeat(count)));
        }
    }
    if text.starts_with('"') || text.starts_with("b\"") {
        let mut escaped = false;
        let start = text.find('"').unwrap() + 1;
        let end = text[start..].find(|next| {
            let ends = next == '"' && !escaped;
            escaped = next == '\\' && !escaped;
            ends
        });
        return end.map_or(text.len(), |end| start + end + 1);
    }
    if let Some(after) = text.strip_prefix('\'') {
        let mut characters = after.chars();
        return match (characters.next(), characters.next()) {
            (Some('\\'), _) => 1 + after[2..].find('\'').map_or(after.len(), |end| end + 3),
            (Some(character), Some('\'')) => 2 + character.len_utf8(),
            _ => 1 + after.find(|next: char| !next.is_alphanumeric() && next != '_').unwrap_or(after.len()),
        };
    }
    0
}

/// Removes the items that stand below `#[cfg(test)]`.
fn without_tests(tokens: Vec<String>) -> Vec<String> {
    const TEST: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        kept.push(token);
        if kept.len() >= TEST.len() && kept[kept.len() - TEST.len()..].iter().eq(&TEST) {
            kept.truncate(kept.len() - TEST.len());
            let mut depth = 0_usize;
            for token in tokens.by_ref() {
                match token.as_str() {
                    "{" => depth += 1,
                    "}" => depth -= 1,
                    _ => {}
                }
                if depth == 0 && (token == "}" || token == ";") {
                    break;
                }
            }
        }
    }
    kept
}

#[test]
fn a_circle_is_found_through_the_re_export_of_a_parent() {
    let files = [
        ("lib.rs", "mod shop;"),
        ("shop/mod.rs", "mod cart; mod price; pub use price::{Price, total as sum}; pub struct Shop;"),
        ("shop/cart.rs", "use super::{sum, Shop}; const URL: &str = \"http://a\"; fn f<'a>(c: &'a char) { '\"'; }"),
        ("shop/price.rs", "// use super::nothing;\npub struct Price; pub fn total(cart: &super::cart::Cart) {}"),
        (
            "shop/label.rs",
            "use super::price; fn label() { price::total() }\n#[cfg(test)]\nmod t { use super::super::cart::C; }",
        ),
    ];
    let circles = Crate::read(files.iter().map(|(path, text)| (Path::new(*path), *text))).circles(true);
    let names: Vec<Vec<&str>> =
        circles.iter().map(|circle| circle.iter().map(|(file, _)| file.as_str()).collect()).collect();
    assert_eq!(names, [["shop/cart.rs", "shop/price.rs"]]);
}
