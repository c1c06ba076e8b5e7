//! What README.md says, tried.

use std::collections::BTreeSet;

use crate::ecs_server::{Ecs, Scenario};
use crate::guards;
use crate::harness::Sandbox;

/// The code blocks of a language, with the number of their first line.
fn blocks(text: &str, language: &str) -> Vec<(usize, String)> {
    let fence = format!("```{language}");
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut inside = false;
    for (at, line) in text.lines().enumerate() {
        if inside && line == "```" {
            inside = false;
        } else if inside {
            let (_, block) = found.last_mut().unwrap();
            block.push_str(line);
            block.push('\n');
        } else if line == fence {
            inside = true;
            found.push((at + 2, String::new()));
        }
    }
    assert!(!inside, "a {language} block has no end");
    found
}

/// Each block is a script of a job: it runs under `bash -e` in the example job directory, in its environment.
#[test]
fn every_example_runs() {
    let readme = guards::read("README.md");
    let examples = blocks(&readme, "sh");
    assert!(examples.len() >= 10, "only {} examples", examples.len());
    let deploys = examples.iter().filter(|(_, block)| block.contains("ecs deploy"));
    assert_eq!(deploys.count(), 1, "an ECS is there for one of them");
    let ecs = Ecs::start(Scenario::new().cluster("shop"));
    for (line, block) in examples {
        let sandbox = if block.contains("ecs deploy") { ecs.sandbox() } else { Sandbox::new() };
        let script = format!("set -e\nshipctl job example demo\ncd demo\neval \"$(shipctl job env)\"\n{block}");
        let ran = sandbox.bash(&script);
        assert_eq!(ran.status, 0, "README.md:{line}:\n{block}{}{}", ran.out(), ran.err());
        expect_values(line, &block, &ran.out());
    }
    assert_eq!(ecs.service("rollout_web-web-1").unwrap().running, 1);
}

/// The calls that are there to be copied into other CIs run, in their order, in the example of a pipeline.
#[test]
fn every_call_for_another_ci_runs() {
    let readme = guards::read("README.md");
    let languages = ["yaml", "groovy", "make"];
    let found: Vec<_> = languages.iter().flat_map(|language| blocks(&readme, language)).collect();
    assert_eq!(found.len(), 4);
    for (line, block) in found {
        let calls = block.lines().filter_map(|line| {
            let line = line.trim().trim_start_matches("- ");
            let line = line.strip_prefix("sh '").and_then(|call| call.strip_suffix('\'')).unwrap_or(line);
            line.starts_with("shipctl ").then_some(line)
        });
        let calls: Vec<&str> = calls.collect();
        assert_eq!(calls.len(), 3, "README.md:{line}");
        let mut sandbox = Sandbox::new();
        sandbox.set("DEMO_ACCESS_KEY", "AKIAIOSFODNN7EXAMPLE").set("DEMO_SECRET_KEY", "wJalrXUtnFEMIK7MDENG");
        let script = format!("set -e\nshipctl job example --pipeline shop\ncd shop\n{}", calls.join("\n"));
        let ran = sandbox.bash(&script);
        assert_eq!(ran.status, 0, "README.md:{line}:\n{block}{}{}", ran.out(), ran.err());
    }
}

/// `command   # prints: value` in an example says what the command prints.
fn expect_values(line: usize, block: &str, stdout: &str) {
    for (at, text) in block.lines().enumerate() {
        if let Some((_, value)) = text.split_once("# prints: ") {
            let found = stdout.lines().any(|printed| printed == value);
            assert!(found, "README.md:{}: {value:?} is not in what it prints: {stdout:?}", line + at);
        }
    }
}

#[test]
fn the_table_of_commands_is_the_tree() {
    let readme = guards::read("README.md");
    let section = readme.split("\n## Commands\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let listed: Vec<String> = rows.map(str::to_owned).collect();
    let table: BTreeSet<String> = listed.iter().cloned().collect();
    assert_eq!(table.len(), listed.len(), "a command is listed twice");
    let tree: BTreeSet<String> =
        guards::commands().into_iter().filter(guards::Entry::is_leaf).map(|entry| entry.words.join(" ")).collect();
    let missing: Vec<_> = tree.difference(&table).collect();
    let unknown: Vec<_> = table.difference(&tree).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "missing in README.md: {missing:?}; unknown: {unknown:?}");
}

#[test]
fn every_target_and_file_it_names_is_there() {
    let readme = guards::read("README.md");
    let makefile = guards::read("Makefile");
    let targets: BTreeSet<&str> = readme
        .split("make ")
        .skip(1)
        .filter_map(|rest| rest.split(|c: char| !c.is_ascii_lowercase()).next())
        .filter(|word| !word.is_empty())
        .collect();
    let known = |target: &str| makefile.lines().any(|line| line.starts_with(&format!("{target}:")));
    for target in ["demo", "test"] {
        assert!(targets.contains(target), "README.md does not name make {target}");
    }
    // In prose `make` is a verb as well: only what stands in code counts.
    let code: Vec<&str> = targets.into_iter().filter(|target| readme.contains(&format!("`make {target}`"))).collect();
    assert!(code.iter().all(|target| known(target)), "not all of {code:?} are in the Makefile");
    for line in readme.lines().filter(|line| line.starts_with("$ make ")) {
        let target = line.split_whitespace().nth(2).unwrap();
        assert!(known(target), "README.md: {line}");
    }
    for link in readme.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        if !link.contains("://") && !link.starts_with('#') {
            assert!(guards::root().join(link).exists(), "README.md links to {link}, which is not there");
        }
    }
}
