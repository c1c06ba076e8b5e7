//! What is left of secrets when a job is over.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::Sandbox;

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all
}

fn holding(root: &Path, secrets: &[&str]) -> Vec<String> {
    let holds = |path: &PathBuf| {
        let text = fs::read(path).unwrap_or_default();
        secrets.iter().any(|secret| memchr::memmem::find(&text, secret.as_bytes()).is_some())
    };
    let found = files(root).into_iter().filter(holds);
    let mut found: Vec<String> = found.map(|path| path.strip_prefix(root).unwrap().display().to_string()).collect();
    found.sort();
    found
}

#[test]
fn finish_removes_every_secret_and_may_be_repeated() {
    let mut sandbox = Sandbox::new();
    sandbox.set("DEMO_ACCESS_KEY", "AKIAIOSFODNN7EXAMPLE").set("DEMO_SECRET_KEY", "wJalrXUtnFEMIK7MDENG");
    let script = "set -e; shipctl job example --pipeline shop; cd shop; echo 'pass-w0rd-of-db' > db_password
        for job in build_web deploy_web; do
            shipctl job init $job --integrations integrations.yml --dir $job
            [ $job = build_web ] || shipctl job exec --dir $job -- sh -c 'shipctl post_resource_state deploy_web versionName x'
        done
        shipctl job finish --dir build_web && cp -r deploy_web before";
    // Jobs of a pipeline build on each other; this one is made before the other is over.
    let ran = sandbox.bash(&script.replace("for job in build_web deploy_web; do", "for job in build_web; do").replace(
        "cp -r deploy_web before",
        "shipctl job init deploy_web --integrations integrations.yml --dir deploy_web && cp -r deploy_web before",
    ));
    assert_eq!(ran.status, 0, "{}{}", ran.out(), ran.err());
    let secrets = ["wJalrXUtnFEMIK7MDENG", "pass-w0rd-of-db"];
    let (before, after) = (sandbox.path("work/shop/before"), sandbox.path("work/shop/deploy_web"));
    assert!(holding(&before, &secrets).len() >= 5, "{:?}", holding(&before, &secrets));
    assert!(sandbox.bash("cd shop && shipctl job finish --dry-run --dir deploy_web").status == 0);
    assert_eq!(holding(&after, &secrets), holding(&before, &secrets), "a dry run changes nothing");
    let ran = sandbox.bash("cd shop && shipctl job finish --dir deploy_web");
    assert_eq!(ran.status, 0, "{}", ran.err());
    assert_eq!(holding(&after, &secrets), Vec::<String>::new());
    let again = sandbox.bash("cd shop && shipctl job finish --dir deploy_web");
    assert_eq!(again.status, 0, "{}", again.err());
    assert!(again.err().contains("finished before: nothing is changed"), "{}", again.err());
    assert_eq!(sandbox.bash("cd shop && shipctl job clean --dir deploy_web").status, 0);
}
