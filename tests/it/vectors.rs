//! Recorded runs of the original `shipctl`, each through the shipped binary under a real bash.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use crate::harness::{Ran, Sandbox};

const VECTORS: &str = include_str!("../vectors.json");

/// The sandbox that every case starts in.
pub fn fixture(vectors: &Value) -> Sandbox {
    let mut sandbox = Sandbox::new();
    let root = sandbox.root().into_os_string().into_string().unwrap();
    let fixture = &vectors["fixture"];
    for folder in fixture["empty_folders"].as_array().unwrap() {
        fs::create_dir_all(sandbox.path(folder.as_str().unwrap())).unwrap();
    }
    for (file, content) in fixture["files"].as_object().unwrap() {
        sandbox.write(file, content.as_str().unwrap().replace("@ROOT@", &root));
    }
    set_all(&mut sandbox, fixture["env"].as_object().unwrap(), &root);
    sandbox
}

/// The job directory of the recorded runs, for other tests.
pub fn job_fixture() -> Sandbox {
    fixture(&serde_json::from_str(VECTORS).unwrap())
}

fn set_all(sandbox: &mut Sandbox, env: &Map<String, Value>, root: &str) {
    for (name, value) in env {
        sandbox.set(name, value.as_str().unwrap().replace("@ROOT@", root));
    }
}

#[test]
fn every_recorded_run() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let wrong = run_case(&vectors, case);
            let id = case["id"].as_str().unwrap();
            println!("{id}: {}", if wrong.is_empty() { "ok" } else { "FAILED" });
            (!wrong.is_empty()).then(|| format!("{id}: {}", wrong.join("; ")))
        })
        .collect();
    println!("{} of {} recorded runs", cases.len() - failures.len(), cases.len());
    assert!(cases.len() >= 200, "only {} cases", cases.len());
    assert!(failures.is_empty(), "{} of {} differ:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

/// Runs one case; what is wrong with it, if anything.
fn run_case(vectors: &Value, case: &Value) -> Vec<String> {
    let mut sandbox = fixture(vectors);
    let root = sandbox.root().into_os_string().into_string().unwrap();
    if let Some(env) = case["env"].as_object() {
        set_all(&mut sandbox, env, &root);
    }
    let ran = sandbox.bash(case["script"].as_str().unwrap());
    let mut wrong = check_output(case, &ran, &root);
    for (file, want) in case["files"].as_object().into_iter().flatten() {
        wrong.extend(check_file(&sandbox.path(file), want.as_str().unwrap()));
    }
    wrong
}

fn check_output(case: &Value, ran: &Ran, root: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut expect = |ok: bool, message: String| {
        if !ok {
            wrong.push(message);
        }
    };
    let stdout = ran.out().replace(root, "@ROOT@");
    let wanted_status = i32::try_from(case["exit"].as_i64().unwrap_or_default()).unwrap();
    let status = format!("exit status {} for {wanted_status}, standard error {:?}", ran.status, ran.err());
    let silent = format!("standard output {stdout:?} and standard error {:?}", ran.err());
    match case["kind"].as_str().unwrap() {
        "exact" | "want" => {
            let want = case["stdout"].as_str().unwrap();
            expect(ran.status == wanted_status, status);
            expect(stdout == want, format!("printed {stdout:?} for {want:?}"));
        }
        "files" => expect(ran.status == wanted_status, status),
        "fail" => {
            expect(ran.status == wanted_status, status);
            expect(stdout.is_empty() && !ran.stderr.is_empty(), silent);
        }
        "fail_any" | "fail_rc_any" => {
            expect(ran.status != 0, status);
            expect(stdout.is_empty() && !ran.stderr.is_empty(), silent);
        }
        "want_rc_nonzero" => {
            let rc = stdout.trim_end().rsplit_once("rc=").map(|(_, rc)| rc.to_owned());
            expect(rc.is_some_and(|rc| rc != "0"), format!("printed {stdout:?}"));
        }
        kind => expect(false, format!("unknown kind {kind}")),
    }
    wrong
}

fn check_file(path: &Path, want: &str) -> Option<String> {
    let got = match fs::read(path) {
        Ok(got) => got,
        Err(error) => return Some(format!("{}: {error}", path.display())),
    };
    let same = if let Some(json) = want.strip_prefix("json:") {
        let want: Value = serde_json::from_str(json).unwrap();
        serde_json::from_slice::<Value>(&got).is_ok_and(|got| got == want)
    } else if let Some(digest) = want.strip_prefix("sha256:") {
        sha256(&got) == digest
    } else {
        got == want.as_bytes()
    };
    (!same).then(|| format!("{} holds {:?} for {want:?}", path.display(), String::from_utf8_lossy(&got)))
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    format!("{:x}", sha2::Sha256::digest(bytes))
}
