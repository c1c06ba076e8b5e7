use super::*;

/// A pipeline of the files given, each a name and its text.
fn pipeline(files: &[(&str, &str)]) -> Pipeline {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    Pipeline::read_for_lint(&[], folder.path()).unwrap()
}

fn one(text: &str) -> Pipeline {
    pipeline(&[("shippable.yml", text)])
}

/// A pipeline with nothing wrong.
fn sound(text: &str) -> Pipeline {
    let read = one(text);
    assert_eq!(read.problems, []);
    read
}

fn texts(scripts: &[Script]) -> Vec<&str> {
    scripts.iter().map(|script| script.text.as_str()).collect()
}

fn names(named: &[Named]) -> Vec<&str> {
    named.iter().map(|named| named.name.as_str()).collect()
}

#[test]
fn both_spellings_of_a_resource_give_the_same_version() {
    let read = sound(
        "resources:
  - name: old
    type: image
    integration: dh
    pointer:
      sourceName: org/img
    seed:
      versionName: latest
  - name: new
    type: image
    integration: dh
    versionTemplate:
      sourceName: org/img
      versionName: latest
  - {name: number, type: replicas, version: {count: 2}}
  - {name: nothing, type: state}
",
    );
    let section = |name: &str| read.resource(name).unwrap().section();
    let (name, bag) = section("old");
    assert_eq!(
        (name.as_deref(), Json::Object(bag).to_string().as_str()),
        (Some("latest"), r#"{"sourceName":"org/img"}"#)
    );
    assert_eq!(section("old"), section("new"));
    assert_eq!(Json::Object(section("number").1).to_string(), r#"{"count":2}"#);
    assert_eq!(section("nothing"), (None, Map::new()));
    let integration = read.resource("old").unwrap().integration.clone().unwrap();
    assert_eq!((integration.name.as_str(), integration.at.line), ("dh", 4));
}

#[test]
fn steps_keep_their_order_and_options() {
    let read = sound(
        "resources: [{name: img, type: image}, {name: cli, type: cliConfig}, {name: mail, type: notification}]
jobs:
  - name: j
    type: runSh
    steps:
      - IN: cli
        scopes: [ecr, gke, ecr]
      - IN: img
        versionName: v1
        switch: off
      - TASK: managed
      - OUT: img
        replicate: img
        overwrite: true
        on_failure: false
      - NOTIFY: mail
",
    );
    let job = read.require_job("j").unwrap();
    let steps: Vec<String> = job.dependencies().map(|d| format!("{} {}", d.operation.as_str(), d.name)).collect();
    assert_eq!(steps, ["IN cli", "IN img", "OUT img"]);
    let options: Vec<_> = job.dependencies().collect();
    assert_eq!(options[0].scopes(), ["configure", "ecr", "gke"]);
    assert_eq!(options[1].option("versionName").and_then(Node::as_text), Some("v1"));
    assert!(options[2].is_set("overwrite") && !options[2].is_set("on_failure") && !options[2].is_set("force"));
    assert!(matches!(&job.steps[4], Step::Notify(named) if named.name == "mail"));
    assert_eq!(job.tasks().next().unwrap().scripts, []);
}

#[test]
fn scripts_in_every_spelling() {
    for (task, want) in [
        ("{script: make}", &["make"][..]),
        ("{name: x, script: [a, b]}", &["a", "b"]),
        ("[{script: a}, {script: [b, c]}]", &["a", "b", "c"]),
        ("[a, b]", &["a", "b"]),
        ("make", &["make"]),
        ("{script: [a, [b, [c]], d]}", &["a", "b", "c", "d"]),
        ("{script: [a, ~, 5, true]}", &["a", "5", "true"]),
        ("{script: \"a\\nb\"}", &["a\nb"]),
        ("{script: []}", &[]),
    ] {
        let read = sound(&format!("jobs: [{{name: j, type: runSh, steps: [TASK: {task}]}}]\n"));
        let job = read.job("j").unwrap();
        assert_eq!(job.tasks().count(), 1, "{task}");
        assert_eq!(texts(&job.tasks().next().unwrap().scripts), want, "{task}");
    }
}

#[test]
fn lists_of_templates_are_written_out() {
    let read = pipeline(&[
        (
            "shippable.templates.yml",
            "templates: &login\n  - docker login\n  - [echo in, [echo deep]]\nsteps: &in\n  - IN: a\n",
        ),
        ("shippable.resources.yml", "resources:\n  - &a {name: a, type: state}\n"),
        (
            "shippable.jobs.yml",
            "jobs:\n  - name: j\n    type: runSh\n    steps:\n      - *in\n      - TASK:\n          script:\n            - *login\n            - make\n",
        ),
    ]);
    assert_eq!(read.problems, []);
    let job = read.job("j").unwrap();
    let task = job.tasks().next().unwrap();
    assert_eq!(texts(&task.scripts), ["docker login", "echo in", "echo deep", "make"]);
    assert_eq!(task.scripts[1].at.to_string(), "shippable.templates.yml:3:6");
    assert_eq!(job.dependencies().next().unwrap().at.to_string(), "shippable.templates.yml:5:9");
}

#[test]
fn merged_templates_give_their_keys() {
    let read = sound(
        "base: &b\n  type: runSh\n  steps:\n    - TASK: {script: x}\njobs:\n  - <<: *b\n    name: one\n  - <<: *b\n    name: two\n",
    );
    assert_eq!(read.jobs.iter().map(|job| job.name.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(texts(&read.jobs[1].tasks().next().unwrap().scripts), ["x"]);
}

#[test]
fn hooks_in_every_spelling() {
    for (hook, scripts, notify) in [
        ("{script: a}", &["a"][..], &[][..]),
        ("{script: [a, [b]]}", &["a", "b"], &[]),
        ("[{script: a}, {script: b}]", &["a", "b"], &[]),
        ("[a, b]", &["a", "b"], &[]),
        ("a", &["a"], &[]),
        ("{NOTIFY: n}", &[], &["n"]),
        ("{script: a, NOTIFY: [n, m]}", &["a"], &["n", "m"]),
        ("[{NOTIFY: n}, {script: a}, {NOTIFY: m}]", &["a"], &["n", "m"]),
        ("[NOTIFY: n]", &[], &["n"]),
        ("~", &[], &[]),
    ] {
        for key in ["on_start", "on_success", "on_failure", "on_cancel", "always"] {
            let read = sound(&format!("jobs: [{{name: j, type: runSh, {key}: {hook}}}]\n"));
            let hooks = &read.job("j").unwrap().hooks;
            let found = match key {
                "on_start" => &hooks.on_start,
                "on_success" => &hooks.on_success,
                "on_failure" => &hooks.on_failure,
                "on_cancel" => &hooks.on_cancel,
                _ => &hooks.always,
            };
            assert_eq!(
                (texts(&found.scripts), names(&found.notify)),
                (scripts.to_vec(), notify.to_vec()),
                "{key}: {hook}"
            );
        }
    }
}

#[test]
fn integrations_as_names_and_maps() {
    for (list, want) in [
        ("[a, b]", &["a", "b"][..]),
        ("a", &["a"]),
        ("[{name: a}, {name: b, scopes: [ecr]}]", &["a", "b"]),
        ("{name: a}", &["a"]),
        ("[[a], b]", &["a", "b"]),
        ("~", &[]),
    ] {
        let read = sound(&format!("jobs: [{{name: j, type: runSh, integrations: {list}}}]\n"));
        assert_eq!(names(&read.job("j").unwrap().integrations), want, "{list}");
    }
}

#[test]
fn a_ci_section_beside_the_jobs_is_not_read() {
    let read = sound(
        "language: python\npython:\n  - 3.10\nenv:\n  - A=1\nbuild:\n  ci:\n    - {any: thing}\n  timeout: 1.50
integrations:\n  hub: [{integrationName: dh}]\njobs: []\nresources:\n  - {name: v, type: version, seed: {versionName: 1.10}}\n",
    );
    assert_eq!(read.remarks.len(), 1, "{:?}", read.remarks);
    let remark = &read.remarks[0];
    assert_eq!((remark.at.line, remark.rule, remark.entry.as_deref()), (14, "changed-number", Some("v")));
}

#[test]
fn settings_of_a_job() {
    let read = sound(
        "jobs:\n  - {name: a, type: runSh, triggerMode: parallel, runtime: {timeoutMinutes: 30}}\n  - {name: b, type: runSh, timeoutMinutes: 1.5}\n  - {name: c, type: runSh}\n",
    );
    let facts = |name: &str| (read.job(name).unwrap().is_parallel(), read.job(name).unwrap().timeout_minutes());
    assert_eq!(facts("a"), (true, Some(30.0)));
    assert_eq!(facts("b"), (false, Some(1.5)));
    assert_eq!(facts("c"), (false, None));
}

/// Each: the yml, and the only problem in it.
#[test]
fn mistakes_name_the_thing_the_cause_and_the_cure() {
    let mut wrong = Vec::new();
    for (yml, want) in [
        ("jobs:\n  - type: runSh\n    steps: []\n", "2:5 missing-name job has no name: add `name:`"),
        ("jobs:\n  - name: j\n", "2:5 missing-type job j has no type: add `type:`, such as `type: runSh`"),
        ("resources:\n  - name: r\n", "2:5 missing-type resource r has no type: add `type:`, such as `type: image`"),
        ("jobs:\n  - name:\n    type: runSh\n", "2:9 missing-name job has no name: add `name:`"),
        ("jobs:\n  - name: [a]\n    type: runSh\n", "2:11 missing-name job has no name but a list: write `name: NAME`"),
        (
            "jobs:\n  build:\n    type: runSh\n",
            "2:3 wrong-kind jobs: is a map, not a list: write each as `- name: build` with a type:",
        ),
        ("jobs: text\n", "1:7 wrong-kind jobs: is a text, not a list: write each as `- name: NAME` with a type:"),
        (
            "resources: 5\n",
            "1:12 wrong-kind resources: is a number, not a list: write each as `- name: NAME` with a type:",
        ),
        ("- a\n", "1:1 wrong-kind a map with jobs: and resources: was expected, not a list"),
        ("jobs: [text]\n", "1:8 wrong-kind a job was expected (name:, type:), not a text"),
        (
            "resources: [{name: a/b, type: state}]\n",
            "1:13 invalid-name \"a/b\" cannot be a name: it would be a folder's",
        ),
        ("resources: [{name: a, type: state, pointer: x}]\n", "1:45 wrong-kind pointer: of a is a text, not a map"),
        (
            "resources: [{name: a, type: state, integration: [x]}]\n",
            "1:49 wrong-kind integration: of a is a list, not a name",
        ),
        ("jobs: [{name: j, type: runSh, steps: {IN: x}}]\n", "1:38 wrong-kind steps: of j is a map, not a list"),
        ("jobs: [{name: j, type: runSh, steps: [IN]}]\n", "1:39 unknown-step a step is a text: write `- IN: name`"),
        (
            "jobs: [{name: j, type: runSh, steps: [INN: x]}]\n",
            "1:39 unknown-step \"INN\" is no step: IN, OUT, TASK and NOTIFY are; did you mean IN?",
        ),
        (
            "jobs: [{name: j, type: runSh, steps: [{}]}]\n",
            "1:39 unknown-step \"\" is no step: IN, OUT, TASK and NOTIFY are",
        ),
        ("jobs: [{name: j, type: runSh, steps: [IN: [x]]}]\n", "1:43 wrong-kind IN: is a list, not a name"),
        ("jobs: [{name: j, type: runSh, steps: [{IN: }]}]\n", "1:42 wrong-kind IN: is nothing, not a name"),
        (
            "jobs: [{name: j, type: runSh, steps: [TASK: {name: x}]}]\n",
            "1:45 missing-script TASK has no script: add `script:`",
        ),
        (
            "jobs:\n  - name: j\n    type: runSh\n    steps:\n      - TASK:\n          script:\n            - echo \"a: b\"\n            - echo a\n",
            "7:15 map-in-script a map where a line of a script was meant: YAML takes what is before `: ` for a key (echo \"a): put the line in quotes, - 'echo \"a: b\"'",
        ),
        (
            "jobs: [{name: j, type: runSh, always: {script: [{echo a: b, c: d}]}}]\n",
            "1:49 map-in-script a map where a line of a script was meant: YAML takes what is before `: ` for a key (echo a, c): put the line in quotes, each line of the script as one text",
        ),
        (
            "jobs: [{name: j, type: runSh, integrations: [{x: y}]}]\n",
            "1:46 wrong-kind integrations: has a map where a name was expected: write `- NAME`",
        ),
        (
            "resources: [{name: a, type: state}]\njobs: [{name: a, type: runSh}]\n",
            "2:8 duplicate-name a is there twice, first at shippable.yml:1:13: rename one of them",
        ),
        ("jobs: [\n", "1:7 not-yaml not YAML: "),
        ("a: *b\n", "1:4 unknown-anchor no anchor &b before this place"),
        ("a: 1\na: 2\n", "2:1 duplicate-key the key a is there twice, first in line 1"),
    ] {
        let problems = one(yml).problems;
        let shown: Vec<_> =
            problems.iter().map(|p| format!("{}:{} {} {}", p.at.line, p.at.column, p.rule, p.text)).collect();
        let is_start = want.ends_with(": ") && shown.len() == 1 && shown[0].starts_with(want);
        if !is_start && shown != [want] {
            wrong.push(format!("{yml}: {shown:?}, not {want}"));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn what_a_job_needs_has_to_be_sound() {
    let read = one("resources: [{name: a, type: state, seed: x}, {name: b, type: state}]
jobs:
  - {name: j, type: runSh, steps: [IN: a]}
  - {name: k, type: runSh, steps: [IN: b]}
  - {name: l, type: runSh, steps: [IN: bb]}
");
    assert!(read.require_job("k").is_ok());
    for (job, want) in [
        ("j", "shippable.yml:1:42: seed: of a is a text, not a map"),
        ("l", "shippable.yml:5:40: Missing dependency for: IN bb: no resource or job of this name; did you mean b?"),
        ("kk", "no job kk in shippable.yml; did you mean k?; see `shipctl job list`"),
    ] {
        let error = read.require_job(job).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.exit_status()), (want, 8));
    }
}

#[test]
fn templates_that_the_platform_fetched_are_asked_for() {
    let read = one("externalReferences:\n  - https://example.com/t.yml\njobs:\n  - *job\n");
    assert!(read.is_incomplete);
    assert_eq!(
        read.problems[0].to_string(),
        "shippable.yml:4:5: no anchor &job before this place; externalReferences in shippable.yml:1 is not fetched: \
         download what it names beside shippable.yml as shippable.templates.yml (append it when that is there)"
    );
}

#[test]
fn a_broken_file_is_one_problem_and_the_others_are_read() {
    let files = [
        ("shippable.templates.yml", "a: &x [\n"),
        ("shippable.yml", "b: *x\n"),
        ("shippable.resources.yml", "resources: [{name: r}]\n"),
    ];
    let read = pipeline(&files);
    let rules: Vec<_> = read.problems.iter().map(|problem| problem.rule).collect();
    assert_eq!(rules, ["not-yaml", "missing-type"]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("shippable.yml"), b"a: 1\nb: \xff\n").unwrap();
    let error = Pipeline::read(&[], folder.path()).unwrap_err();
    assert_eq!(error.to_string(), "shippable.yml:2:1: not UTF-8: save the file as UTF-8");
}
