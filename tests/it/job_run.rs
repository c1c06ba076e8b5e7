//! `job init`, `exec`, `run` and `finish` together, from a yml to the versions in the store.

use std::fs;

use serde_json::Value;

use crate::harness::{Ran, Sandbox};

const YML: &str = r#"
resources:
  - name: settings
    type: params
    versionTemplate:
      params:
        MODE: fast
        secure: {TOKEN: "env:THE_TOKEN"}
  - name: web_img
    type: image
    pointer: {sourceName: "org/${MODE}"}
    seed: {versionName: v1}
  - name: cache
    type: state
jobs:
  - name: make
    type: runSh
    steps:
      - IN: settings
      - TASK:
          script:
            - sh ../../../script.sh
      - OUT: web_img
      - OUT: cache
    on_failure:
      script: echo "hook saw $MODE"
    always: echo always
  - name: use
    type: runSh
    steps:
      - IN: web_img
      - IN: cache
      - IN: make
      - TASK:
          script: cat IN/cache/state/file "$MAKE_STATE/kept"; echo "$WEB_IMG_SOURCENAME:$WEB_IMG_VERSIONNAME $MAKE_VERSIONNAME"
"#;

/// A project whose job `make` runs this script.
fn project(script: &str) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.write("work/shippable.yml", YML);
    sandbox.write("work/script.sh", script);
    sandbox.set("THE_TOKEN", "s3cr3t-token");
    sandbox
}

fn run(sandbox: &Sandbox, job: &str) -> Ran {
    sandbox.shipctl(["job", "run", job])
}

fn version(sandbox: &Sandbox, words: &[&str]) -> Value {
    let all: Vec<&str> = ["version", "show"].iter().chain(words).copied().collect();
    let ran = sandbox.shipctl(all);
    assert_eq!(ran.status, 0, "{}", ran.err());
    serde_json::from_slice(&ran.stdout).unwrap()
}

#[test]
fn the_next_job_reads_what_the_first_one_left() {
    let sandbox = project(
        "echo token $TOKEN; echo hello > OUT/cache/state/file; echo kept > $JOB_STATE/kept\n\
         shipctl post_resource_state web_img versionName v2; shipctl put_resource_state make versionName m1",
    );
    let ran = run(&sandbox, "make");
    assert_eq!(ran.status, 0, "{}{}", ran.out(), ran.err());
    assert!(ran.out().contains("token ***") && ran.out().contains("always"), "{}", ran.out());
    assert!(!sandbox.path("work/.shipctl/build/make").exists());
    let image = version(&sandbox, &["web_img"]);
    assert_eq!((&image["versionNumber"], &image["versionName"]), (&2.into(), &"v2".into()));
    assert_eq!(image["propertyBag"]["sourceName"], "org/fast");
    let ran = run(&sandbox, "use");
    assert_eq!(ran.status, 0, "{}{}", ran.out(), ran.err());
    assert!(ran.out().contains("hello\nkept\norg/fast:v2 m1\n"), "{}", ran.out());
    let found = sandbox.bash("grep -r s3cr3t .shipctl");
    assert_eq!((found.status, found.out()), (1, String::new()), "a secret is in the store");
    // Nobody commits it by accident.
    assert_eq!(sandbox.read("work/.shipctl/.gitignore"), b"*\n");
}

#[test]
fn a_failed_run_keeps_the_state_of_the_last_good_one() {
    let sandbox = project("echo good > $JOB_STATE/kept; echo a > OUT/cache/state/file");
    assert_eq!(run(&sandbox, "make").status, 0);
    sandbox.write("work/script.sh", "echo bad > $JOB_STATE/kept; echo b > OUT/cache/state/file; exit 7");
    let ran = run(&sandbox, "make");
    assert_eq!(ran.status, 7, "{}", ran.err());
    assert!(
        ran.out().contains("hook saw fast\nalways\n") && ran.err().contains("failed with status 7"),
        "{}",
        ran.out()
    );
    assert!(!sandbox.path("work/.shipctl/build/make").exists());
    let ran = run(&sandbox, "use");
    assert!(ran.out().contains("a\ngood\n"), "{}{}", ran.out(), ran.err());
}

#[test]
fn a_signal_cancels_and_nothing_is_kept() {
    let sandbox = project("echo x > OUT/cache/state/file; kill -TERM $(cat ../../pid); sleep 60");
    let script = "shipctl job run make & echo $! > .shipctl/pid; wait $!";
    fs::create_dir(sandbox.path("work/.shipctl")).unwrap();
    let ran = sandbox.bash(script);
    assert_eq!(ran.status, 143, "{}{}", ran.out(), ran.err());
    assert!(ran.err().contains("cancelled by signal 15"), "{}", ran.err());
    assert!(!sandbox.path("work/.shipctl/build/make").exists());
    let listed = sandbox.shipctl(["version", "list", "make", "--job"]);
    assert!(listed.out().is_empty() && listed.err().contains("no versions"), "{}", listed.out());
    // The turn has been given back.
    sandbox.write("work/script.sh", "true");
    assert_eq!(run(&sandbox, "make").status, 0);
}

#[test]
fn three_calls_and_a_second_finish_that_changes_nothing() {
    let sandbox = project("");
    sandbox.shipctl(["job", "init", "make", "--dir", "d"]).prints(format!("{}\n", sandbox.path("work/d").display()));
    let script = "echo $TOKEN; echo 1 > OUT/cache/state/file; shipctl post_resource_state web_img versionName v9";
    let ran = sandbox.shipctl(["--job-dir", "d", "job", "exec", "--", "sh", "-c", script]);
    assert_eq!((ran.status, ran.out().as_str()), (0, "***\n"), "{}", ran.err());
    let ran = sandbox.shipctl(["job", "finish", "--dir", "d", "--dry-run"]);
    assert!(ran.out().contains("web_img") && ran.out().contains("v9"), "{}", ran.out());
    assert_eq!(version(&sandbox, &["web_img"])["versionNumber"], 1);
    assert_eq!(sandbox.shipctl(["job", "finish", "--dir", "d"]).status, 0);
    assert_eq!(version(&sandbox, &["web_img"])["versionNumber"], 2);
    let again = sandbox.shipctl(["job", "finish", "--dir", "d"]);
    assert_eq!(again.status, 0, "{}", again.err());
    assert!(again.err().contains("was finished before"), "{}", again.err());
    assert_eq!(version(&sandbox, &["web_img"])["versionNumber"], 2);
    assert_eq!(version(&sandbox, &["make", "--job"])["versionNumber"], 1);
    sandbox.shipctl(["job", "clean", "--dir", "d"]).prints("");
}

#[test]
fn what_is_wrong_is_said_before_anything_is_made() {
    let mut sandbox = project("true");
    sandbox.env.retain(|name, _| name != "THE_TOKEN");
    let ran = run(&sandbox, "make");
    assert!(ran.status != 0 && ran.err().contains("THE_TOKEN"), "{} {}", ran.status, ran.err());
    assert!(!sandbox.path("work/.shipctl/build").exists());
    run(&sandbox, "mak").fails(8, "did you mean make");
    sandbox.shipctl(["job", "run", "make", "--task", "2"]).fails(2, "--task 2");
    sandbox.shipctl(["job", "init", "use"]).fails(8, "make");
    sandbox.write("work/shippable.yml", "jobs: [\n");
    run(&sandbox, "make").fails(8, "shippable.yml:");
}

#[test]
fn versions_are_pinned_and_set() {
    let sandbox =
        project("shipctl post_resource_state web_img versionName v2; echo > OUT/cache/state/file; echo > state/kept");
    assert_eq!(run(&sandbox, "make").status, 0);
    sandbox.shipctl(["version", "pin", "web_img", "1"]);
    // Version 1 is the yml's own, whose placeholder has no value in this job.
    assert!(run(&sandbox, "use").out().contains("org/:v1"));
    let ran = sandbox.shipctl(["job", "run", "use", "--set", "web_img.versionName=hot"]);
    assert!(ran.out().contains("org/fast:hot"), "{}{}", ran.out(), ran.err());
}

/// The versions of the tree, one a line: depth, name, number, name of the version.
fn tree(versions: &Value, depth: usize, lines: &mut Vec<String>) {
    for one in versions.as_array().into_iter().flatten() {
        let end = if one["inputs"].is_null() { " …" } else { "" };
        let (name, number) = (one["name"].as_str().unwrap(), &one["versionNumber"]);
        lines.push(format!("{depth} {name} {number} {}{end}", one["versionName"].as_str().unwrap_or("-")));
        tree(&one["inputs"], depth + 1, lines);
    }
}

#[test]
fn what_versions_were_made_from() {
    let sandbox = project(
        "echo x > OUT/cache/state/file; echo x > $JOB_STATE/kept; shipctl post_resource_state web_img versionName v2; \
         shipctl put_resource_state make versionName https://bob:hunter2@h/m1",
    );
    let trace = |words: &[&str]| {
        let ran = sandbox.shipctl([&["job", "show"], words].concat());
        assert_eq!((ran.status, ran.err()), (0, String::new()));
        assert!(!ran.out().contains("hunter2") && !ran.out().contains("s3cr3t"), "{}", ran.out());
        ran.out()
    };
    assert!(trace(&["use", "--trace"]).contains("no version yet"));
    assert_eq!(run(&sandbox, "make").status, 0);
    assert_eq!(run(&sandbox, "use").status, 0);
    let whole: Value = serde_json::from_str(&trace(&["use", "--trace", "--json"])).unwrap();
    let mut lines = Vec::new();
    tree(&whole["versions"], 0, &mut lines);
    let cache = version(&sandbox, &["cache"])["versionName"].as_str().unwrap().to_owned();
    assert_eq!(
        lines,
        [
            "0 use 1 -",
            "1 web_img 2 v2",
            "2 settings 1 -",
            &format!("1 cache 2 {cache}"),
            "2 settings 1 -",
            "1 make 1 https://***@h/m1",
            "2 settings 1 -",
        ]
    );
    let web = &whole["versions"][0]["inputs"][0];
    assert_eq!(
        (&web["isJob"], &web["run"]["job"], &web["run"]["buildNumber"]),
        (&false.into(), &"make".into(), &"1".into())
    );
    assert_eq!(whole["versions"][0]["inputs"][2]["isJob"], true);
    let text = trace(&["make", "--trace", "--store", ".shipctl"]);
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["MADE", "FROM", "TYPE", "NO.", "VERSION", "CREATED", "BUILD"]);
    assert_eq!(rows[1][..3], ["make", "job", "1"]);
    assert_eq!(rows[2][..4], ["·", "settings", "resource", "1"]);
    assert_eq!(
        (rows[3][..4].to_vec(), rows[3][5..].to_vec()),
        (vec!["web_img", "resource", "2", "v2"], vec!["make", "1"])
    );
    sandbox.shipctl(["job", "show", "--trace"]).fails(2, "JOB");
    sandbox.shipctl(["job", "show", "make", "--store", ".shipctl"]).fails(2, "--store is for --trace");
}

#[test]
fn a_state_with_a_secret_is_not_kept() {
    let sandbox = project("echo good > $JOB_STATE/kept; echo a > OUT/cache/state/file");
    assert_eq!(run(&sandbox, "make").status, 0);
    for (script, file) in [
        ("mkdir $JOB_STATE/sub; printf 'x %s' $TOKEN > $JOB_STATE/sub/log", "state/sub/log"),
        ("printf %s $TOKEN | base64 > OUT/cache/state/file", "OUT/cache/state/file"),
        ("shipctl copy_file_to_state settings.txt", "state/settings.txt"),
    ] {
        sandbox.write(
            "work/script.sh",
            format!("echo \"$TOKEN\" > settings.txt\n{script}\nshipctl post_resource_state web_img versionName v2"),
        );
        let ran = run(&sandbox, "make");
        assert_eq!(ran.status, 1, "{}", ran.err());
        assert!(ran.err().contains(&format!("{file}: holds a secret of the job (TOKEN of settings)")), "{}", ran.err());
        assert!(!ran.err().contains("s3cr3t"), "{}", ran.err());
    }
    let found = sandbox.bash("grep -r s3cr3t .shipctl");
    assert_eq!((found.status, found.out()), (1, String::new()), "a secret is in the store");
    assert_eq!(version(&sandbox, &["web_img"])["versionNumber"], 1);
    assert_eq!(version(&sandbox, &["make", "--job"])["versionNumber"], 1);
    let ran = run(&sandbox, "use");
    assert!(ran.out().contains("a\ngood\n"), "{}{}", ran.out(), ran.err());
}

/// Whoever is killed cannot give the turn back: it is over soon all the same.
#[test]
fn a_killed_run_holds_its_turn_for_two_minutes() {
    let sandbox = project("kill -KILL $(cut -d' ' -f4 /proc/$PPID/stat)");
    let ran = run(&sandbox, "make");
    assert_ne!(ran.status, 0);
    let lease: Value = serde_json::from_slice(&sandbox.read("work/.shipctl/jobs/make/lease")).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let left = u128::from(lease["ends"].as_u64().unwrap()).saturating_sub(now);
    assert!((60_000..=120_000).contains(&left), "{lease} {now}");
    sandbox.write("work/script.sh", "true");
    let ran = run(&sandbox, "make");
    assert_eq!(ran.status, 1, "{}", ran.err());
    assert!(ran.err().contains("is being run by process"), "{}", ran.err());
}

const SECURE: &str = r#"
resources:
  - name: settings
    type: params
    versionTemplate: {params: {MODE: fast, secure: {TOKEN: "env:THE_TOKEN"}}}
  - name: copy
    type: params
    versionTemplate: {params: {MODE: slow}}
  - name: web_img
    type: image
    versionTemplate: {sourceName: "org/$TOKEN", versionName: v1}
jobs:
  - name: make
    type: runSh
    steps:
      - IN: settings
      - TASK: {script: ["sh ../../../script.sh"]}
      - OUT: copy
        replicate: settings
      - OUT: web_img
"#;

#[test]
fn secrets_that_were_filled_in_stay_where_they_are_from() {
    let sandbox =
        project("grep -q s3cr3t OUT/web_img/version.json && shipctl post_resource_state web_img versionName v2");
    sandbox.write("work/shippable.yml", SECURE);
    let ran = sandbox.shipctl(["job", "run", "make", "--allow-secrets"]);
    assert_eq!(ran.status, 0, "{}{}", ran.out(), ran.err());
    let image = version(&sandbox, &["web_img"]);
    assert_eq!((&image["versionName"], &image["propertyBag"]["sourceName"]), (&"v2".into(), &"org/$TOKEN".into()));
    let found = sandbox.bash("grep -r s3cr3t .shipctl; cat .shipctl/resources/copy/versions/2.json");
    assert!(found.out().contains("env:THE_TOKEN") && !found.out().contains("s3cr3t"), "{}", found.out());

    // Another secret under the same name, in an input that is replicated.
    sandbox.write("work/script.sh", "sed -i s/s3cr3t-token/0ther-token/ IN/settings/version.json");
    let ran = sandbox.shipctl(["job", "run", "make"]);
    assert_eq!(ran.status, 1, "{}{}", ran.out(), ran.err());
    assert!(ran.err().contains("IN/settings/version.json: the job changed"), "{}", ran.err());
    assert!(!ran.err().contains("token"), "{}", ran.err());
}

const UNSCRIPTED: &str = "
resources:
  - {name: img, type: image, versionTemplate: {sourceName: o/r, versionName: v1}}
jobs:
  - {name: man, type: manifest, steps: [IN: img, TASK: managed]}
  - {name: ci, type: runCI, steps: [IN: img]}
  - {name: plain, type: runSh, steps: [IN: img, OUT: img]}
  - {name: rel, type: release, steps: [IN: man, {TASK: managed, bump: major}]}
  - {name: dep, type: deploy, steps: [IN: man, {TASK: managed, deployMethod: upgrade}]}
  - {name: sync, type: rSync, steps: [IN: img]}
  - {name: jenkins, type: jenkinsJob, steps: [IN: img]}
  - name: test
    type: runSh
    steps:
      - IN: dep
      - IN: rel
      - IN: ci
      - IN: jenkins
      - TASK: {script: 'echo $DEP_TYPE $DEP_VERSIONNUMBER $REL_VERSIONNUMBER; ls $DEP_STATE $CI_STATE'}
";

/// What another job takes in has to be had somehow, and what is not for `job run` is told with the command that is.
#[test]
fn jobs_without_a_script() {
    let sandbox = Sandbox::new();
    sandbox.write("work/shippable.yml", UNSCRIPTED);
    run(&sandbox, "test").fails(8, "run it first with `shipctl job run rel`");
    for (job, why) in [
        ("man", "nothing of man (manifest) is run: `shipctl ecs deploy`"),
        ("ci", "the build: section of the yml is for a CI"),
        ("plain", "has no TASK with a script"),
        ("rel", "nothing of rel (release) is run"),
    ] {
        let ran = run(&sandbox, job);
        assert_eq!((ran.status, ran.out()), (0, String::new()), "{job}: {}", ran.err());
        assert!(ran.err().contains(why) && ran.err().contains("has version 1"), "{}", ran.err());
        assert!(!sandbox.path(format!("work/.shipctl/build/{job}")).exists());
    }
    for (job, cure) in [
        (
            "dep",
            "shippable.yml:9:5: dep is a deploy job without a script, which `job run` does not run: deploy it with \
                 `shipctl ecs deploy dep`",
        ),
        ("sync", "do it in a TASK of a runSh job"),
        ("jenkins", "another CI runs it"),
    ] {
        run(&sandbox, job).fails(8, cure);
    }
    sandbox.shipctl(["job", "run", "man", "--task", "1"]).fails(2, "has 0 TASKs");
    let ran = run(&sandbox, "test");
    assert!(ran.err().contains("a deploy job has no runs here: IN dep is a version without state"), "{}", ran.err());
    let again = run(&sandbox, "test");
    for ran in [ran, again] {
        assert_eq!(ran.status, 0, "{}", ran.err());
        assert!(ran.out().contains("deploy 1 1\n"), "{}", ran.out());
    }
}

/// Others may be mending theirs.
#[test]
fn an_integration_of_another_job_is_only_told() {
    let sandbox = project("true");
    sandbox.write("work/ints.yml", "mine: {type: pemKey, key: k}\nodd: {type: pemkeys, key: k}\ntext: x\n");
    let ran = sandbox.shipctl(["job", "init", "make", "--integrations", "ints.yml"]);
    assert_eq!(ran.status, 0, "{}", ran.err());
    assert!(ran.err().contains("ints.yml:2:1: odd: there is no type pemkeys"), "{}", ran.err());
    assert!(
        ran.err().contains("ints.yml:3:1: text is a text") && ran.err().contains("this job goes on without it"),
        "{}",
        ran.err()
    );
    sandbox.shipctl(["job", "lint", "--integrations", "ints.yml"]).status.eq(&8).then_some(()).unwrap();
    sandbox.write("work/shippable.yml", YML.replace("type: state", "type: cliConfig\n    integration: odd"));
    let ran = sandbox.shipctl(["job", "init", "make", "--integrations", "ints.yml"]);
    ran.fails(8, "ints.yml:2:1: odd: there is no type pemkeys");
}
