//! What must hold for every command and every file, derived from the command tree and from the work tree itself, so
//! that a forgotten piece fails.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Command;

use crate::harness::Sandbox;

/// The work tree.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the work tree as text.
pub fn read(file: impl AsRef<Path>) -> String {
    let path = root().join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A command of the tree: the words that call it, and clap's view of it.
pub struct Entry {
    /// Such as `["job", "env"]`.
    pub words: Vec<String>,
    /// clap's view.
    pub command: Command,
    /// Whether it is one of the original's.
    pub drop_in: bool,
}

impl Entry {
    /// Whether it does something itself, rather than hold others.
    pub fn is_leaf(&self) -> bool {
        !self.command.has_subcommands()
    }
}

/// Every command of the tree but its top.
pub fn commands() -> Vec<Entry> {
    fn walk(command: &Command, words: &[String], found: &mut Vec<Entry>) {
        for sub in command.get_subcommands() {
            let words: Vec<_> = words.iter().cloned().chain([sub.get_name().to_owned()]).collect();
            let drop_in = shipctl::commands::drop_in::by_name(sub.get_name().as_ref()).is_some();
            found.push(Entry { words: words.clone(), command: sub.clone(), drop_in });
            walk(sub, &words, found);
        }
    }
    let mut found = Vec::new();
    walk(&shipctl::cli::command(), &[], &mut found);
    assert!(found.len() > 40, "only {} commands", found.len());
    found
}

/// Every file of the work tree, but what is built or fetched.
fn files() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let ignored = ["target", ".tools", ".git", "proptest-regressions"];
            if ignored.iter().any(|name| entry.file_name() == *name) {
                continue;
            }
            if entry.file_type().unwrap().is_dir() {
                walk(&entry.path(), found);
            } else {
                found.push(entry.path());
            }
        }
    }
    let mut found = Vec::new();
    walk(root(), &mut found);
    assert!(found.len() > 50, "only {} files", found.len());
    found
}

/// The Rust files of `src`, as path below it and text up to the tests in it.
fn sources() -> Vec<(String, String)> {
    let below = root().join("src");
    let rust = files().into_iter().filter(|file| file.extension().is_some_and(|ext| ext == "rs"));
    rust.filter_map(|file| {
        let name = file.strip_prefix(&below).ok()?.to_str().unwrap().to_owned();
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap().to_owned();
        Some((name, code))
    })
    .collect()
}

#[test]
fn every_command_says_what_it_does() {
    for entry in commands() {
        let name = entry.words.join(" ");
        let about = entry.command.get_about().unwrap_or_else(|| panic!("{name} has no about line")).to_string();
        assert!(about.starts_with(char::is_uppercase), "{name}: {about:?} begins with no capital");
        assert!(!about.ends_with('.') && !about.contains('\n'), "{name}: {about:?} is no single line without a dot");
        for argument in entry.command.get_arguments().filter(|argument| !argument.is_hide_set()) {
            let id = argument.get_id();
            assert!(argument.get_help().is_some() || id == "help", "{name}: {id} has no help");
        }
    }
}

/// The top and each of our own commands: the name of the snapshot and the arguments.
fn help_calls() -> Vec<(String, Vec<String>)> {
    let own = commands().into_iter().filter(|entry| !entry.drop_in);
    let calls = own.map(|entry| {
        let name = format!("help__{}", entry.words.join("_"));
        (name, entry.words.into_iter().chain(["--help".to_owned()]).collect())
    });
    std::iter::once(("help__shipctl".to_owned(), vec!["--help".to_owned()])).chain(calls).collect()
}

#[test]
fn help_is_as_committed() {
    let sandbox = Sandbox::new();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(root().join("snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for (name, arguments) in help_calls() {
            let ran = sandbox.shipctl(&arguments);
            assert_eq!((ran.status, ran.err()), (0, String::new()), "{arguments:?}");
            insta::assert_snapshot!(name, ran.out(), &format!("shipctl {}", arguments.join(" ")));
        }
    });
}

/// A snapshot that no test asks for; those of other topics are named in the source of their test.
#[test]
fn no_snapshot_is_an_orphan() {
    let tests: String = files()
        .into_iter()
        .filter(|file| file.starts_with(root().join("tests/it")))
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let help: BTreeSet<_> = help_calls().into_iter().map(|(name, _)| name).collect();
    for entry in fs::read_dir(root().join("snapshots")).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let name = file.strip_suffix(".snap").unwrap_or_else(|| panic!("snapshots/{file}: not a settled snapshot"));
        let wanted = help.contains(name) || (!name.starts_with("help__") && tests.contains(&format!("\"{name}\"")));
        assert!(wanted, "snapshots/{file}: no test asks for it; remove it");
    }
}

#[test]
fn help_fits_a_terminal_and_hides_the_environment() {
    let mut sandbox = Sandbox::new();
    let variables = man_variables();
    for name in &variables {
        // Those that a word would be an error for stay away.
        if name != "TMPDIR" {
            sandbox.set(name.clone(), "value-of-the-caller");
        }
    }
    let drop_ins = commands().into_iter().filter(|entry| entry.drop_in);
    let drop_ins = drop_ins.map(|entry| vec!["help".to_owned(), entry.words.join(" ")]);
    for arguments in help_calls().into_iter().map(|(_, arguments)| arguments).chain(drop_ins) {
        let ran = sandbox.shipctl(&arguments);
        assert_eq!(ran.status, 0, "{arguments:?}: {}", ran.err());
        assert!(!ran.out().contains("value-of-the-caller"), "{arguments:?} shows the environment");
        for line in ran.out().lines() {
            let length = line.chars().count();
            assert!(length <= 120, "{arguments:?}: {length} characters in {line:?}");
        }
    }
}

/// The variables that the man page names.
fn man_variables() -> BTreeSet<String> {
    let page = read("man/shipctl.1");
    let section = page.split(".SH ENVIRONMENT").nth(1).unwrap().split(".SH ").next().unwrap();
    let is_name = |word: &&str| {
        word.len() > 3 && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    };
    let names =
        section.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').map(|word| word.trim_start_matches("fB"));
    names.filter(is_name).map(str::to_owned).collect()
}

/// The text between quotes that follows each occurrence of `before`.
fn literals_after<'a>(text: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(before).skip(1).filter_map(|rest| rest.split('"').next())
}

#[test]
fn the_man_page_names_every_variable_that_is_read() {
    let documented = man_variables();
    let mut read = BTreeSet::new();
    for (_, code) in sources() {
        for before in ["env.get(\"", "env.get_filled(\"", ".place(\""] {
            read.extend(literals_after(&code, before).map(str::to_owned));
        }
        // The fields of an integration have a variable each, which the page names by their pattern.
        let ours = literals_after(&code, "\"SHIPCTL_").map(|rest| format!("SHIPCTL_{rest}"));
        read.extend(ours.filter(|name| !name.starts_with("SHIPCTL_INT_")));
    }
    assert!(read.contains("SHIPCTL_STRICT") && read.contains("JOB_STATE"), "the scan finds nothing: {read:?}");
    let missing: Vec<_> = read.iter().filter(|name| !documented.contains(*name)).collect();
    assert!(missing.is_empty(), "not in ENVIRONMENT of src/commands/man/text.rs (then run `make man`): {missing:?}");
}

#[test]
fn the_man_page_lists_every_exit_status() {
    let source = read("src/error.rs");
    let table = source.split("fn exit_status").nth(1).unwrap().split("fn ").next().unwrap();
    let numbers = table.split("=> ").skip(1).filter_map(|rest| rest.split(',').next()?.trim().parse::<u8>().ok());
    let page = read("man/shipctl.1");
    let section = page.split(".SH \"EXIT STATUS\"").nth(1).unwrap().split(".SH ").next().unwrap();
    let mut count = 0;
    for status in numbers {
        count += 1;
        assert!(
            section.contains(&format!("\\fB{status}\\fR\n")),
            "status {status} of src/error.rs is not in shipctl.1"
        );
    }
    assert!(count >= 6, "only {count} statuses found in src/error.rs");
}

#[test]
fn only_the_boundary_touches_the_process() {
    let forbidden = ["std::env", "process::exit", "println!", "print!(", "io::stdout", "io::stderr", "dbg!("];
    for (file, code) in sources() {
        if file == "ctx.rs" || file == "main.rs" {
            continue;
        }
        for (number, line) in code.lines().enumerate() {
            // Taking a search path apart or together, or asking what the binary was built for, asks the process nothing.
            let line = line.split("//").next().unwrap().replace("std::env::split_paths", "");
            let line = line.replace("std::env::join_paths", "").replace("std::env::consts", "");
            for word in forbidden {
                assert!(!line.contains(word), "src/{file}:{}: {word} belongs in src/ctx.rs", number + 1);
            }
        }
    }
}

#[test]
fn no_test_is_ignored() {
    let attribute = ["#[ig", "nore"].concat();
    for file in files().into_iter().filter(|file| file.extension().is_some_and(|ext| ext == "rs")) {
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.contains(&attribute), "{}: a test is ignored: make it run or remove it", file.display());
    }
}

#[test]
fn the_changelog_knows_the_version() {
    let heading = format!("## [{}]", env!("CARGO_PKG_VERSION"));
    let changelog = read("CHANGELOG.md");
    assert!(changelog.lines().any(|line| line.starts_with(&heading)), "CHANGELOG.md has no {heading}");
}

/// The repository speaks of the product: no path of a machine, no host of a package registry.
#[test]
fn no_file_names_a_machine_or_a_registry() {
    let hosts = [
        ["deb.debian", ".org"],
        ["pypi", ".org"],
        ["pythonhosted", ".org"],
        ["registry.npmjs", ".org"],
        ["static.crates", ".io"],
        ["index.crates", ".io"],
        ["proxy.golang", ".org"],
    ];
    let hosts: Vec<String> = hosts.iter().map(|parts| parts.concat()).collect();
    let folders: Vec<String> = ["root", "work", "Users"].iter().map(|name| format!("/{name}/")).collect();
    for file in files() {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        let name = file.strip_prefix(root()).unwrap().display();
        for host in &hosts {
            assert!(!text.contains(host), "{name} names {host}");
        }
        for folder in &folders {
            let starts_a_path = |at: usize| {
                let before = text[..at].chars().next_back();
                before.is_none_or(|before| before.is_whitespace() || "\"'`(=:[".contains(before))
            };
            let found = text.match_indices(folder.as_str()).any(|(at, _)| starts_a_path(at));
            assert!(!found, "{name} names the folder {folder} of a machine");
        }
    }
}
