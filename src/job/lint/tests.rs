mod keys; // keys, and where they stand

use super::*;

fn linted(files: &[(&str, &str)]) -> (Pipeline, Vec<Finding>) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let pipeline = Pipeline::read_for_lint(&[], folder.path()).unwrap();
    let findings = check(&pipeline);
    (pipeline, findings)
}

/// `line:column rule` of each finding, warnings with `~` before the rule.
fn rules(yml: &str) -> Vec<String> {
    let short = |finding: &Finding| {
        let mark = if finding.severity == Severity::Warning { "~" } else { "" };
        format!("{}:{} {mark}{}", finding.at.line, finding.at.column, finding.rule)
    };
    linted(&[("shippable.yml", yml)]).1.iter().map(short).collect()
}

/// The only message.
fn message(yml: &str) -> String {
    let mut findings = linted(&[("shippable.yml", yml)]).1;
    assert_eq!(findings.len(), 1, "{findings:#?}");
    findings.remove(0).message
}

const RESOURCES: &str = "resources:
  - {name: img, type: image, versionTemplate: {sourceName: o/i}}
  - {name: new, type: image, pointer: {sourceName: o/i}}
  - {name: keep, type: state}
  - {name: mail, type: notification}
  - {name: set, type: params, version: {params: {A: b}}}
";

/// A job with these steps, after the resources.
fn job(steps: &str) -> String {
    format!("{RESOURCES}jobs:\n  - {{name: j, type: runSh, steps: [{steps}]}}\n")
}

#[test]
fn a_sound_pipeline_has_no_findings() {
    let sound = [
        "IN: img",
        "{IN: img, versionName: v1, switch: off}",
        "{IN: img, versionNumber: 3}",
        "IN: keep, OUT: keep",
        "IN: img, {OUT: new, replicate: img, overwrite: true, on_failure: true, replicateOnPullRequest: false}",
        "NOTIFY: mail",
        "{IN: img, applyTo: [{manifest: j, image: img, port: 80}]}",
        "IN: set, TASK: {name: t, script: [ls /usr/build/x, ls ./build/x, \"ls $D/build/x\"]}",
        "TASK: {script: ls, runtime: {options: {env: {A: b}}}}",
    ];
    for steps in sound {
        let steps: Vec<_> = if steps.starts_with('{')
            || !steps.contains(", OUT") && !steps.contains(", TASK") && !steps.contains(", {")
        {
            vec![steps.to_owned()]
        } else {
            steps.splitn(2, ", ").map(ToOwned::to_owned).collect()
        };
        let yml = job(&steps.join(", "));
        assert_eq!(rules(&yml), [""; 0], "{yml}");
    }
}

#[test]
fn steps_by_rule() {
    let mut wrong = Vec::new();
    for (steps, want) in [
        ("IN: imgg", "8:40 unknown-resource"),
        ("OUT: nothing", "8:41 unknown-resource"),
        ("IN: j", "8:40 job-of-itself"),
        ("IN: img, OUT: img", "8:50 ~in-and-out"),
        ("IN: img, IN: img", "8:49 ~repeated-step"),
        ("{IN: img, versionNumber: latest}", "8:61 version-number"),
        ("{IN: img, versionNumber: 0}", "8:61 version-number"),
        ("{IN: img, versionName: [a]}", "8:59 wrong-kind"),
        ("{IN: img, versionNmae: x}", "8:46 ~unknown-key"),
        ("{IN: img, replicate: img}", "8:46 ~unknown-key"),
        ("{IN: img, TASK: x}", "8:46 ~unknown-key"),
        ("{IN: img, scopes: [ecrr]}", "8:55 ~unknown-scope"),
        ("{IN: img, applyTo: [imgs]}", "8:56 unknown-apply-to"),
        ("{IN: img, applyTo: [{manifest: j, image: imgs, port: 80}]}", "8:77 unknown-apply-to"),
        ("{OUT: new, replicate: img}", "8:58 replicate-source"),
        ("NOTIFY: img", "8:44 not-a-notification"),
        ("NOTIFY: mial", "8:44 unknown-resource"),
        ("{INN: img}", "8:36 unknown-step"),
        ("TASK: {script: [a: b]}", "8:52 map-in-script"),
        ("TASK: {script: ls /build/IN}", "8:54 ~build-path"),
        ("TASK: {script: ls, runtime: {options: {env: [{a-b: c}]}}}", "8:82 ~invalid-variable"),
    ] {
        let found = rules(&job(steps));
        if found != [want] {
            wrong.push(format!("{steps}: {found:?}, not {want}"));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn entries_by_rule() {
    let mut wrong = Vec::new();
    for (yml, want) in [
        ("resources: [{name: a, type: imag}]\n", &["1:29 unknown-type"][..]),
        ("resources: [{name: a, type: runSh}]\n", &["1:29 unknown-type"]),
        ("jobs: [{name: a, type: image}]\n", &["1:24 unknown-type"]),
        ("resources: [{name: a, type: image}]\n", &["1:13 missing-field"]),
        ("resources: [{name: a, type: gitRepo, versionTemplate: {branch: x}}]\n", &["1:13 missing-field"]),
        ("resources: [{name: a, type: integration}]\n", &["1:13 missing-field"]),
        ("resources: [{name: a, type: cliConfig}]\n", &["1:13 missing-field"]),
        ("resources: [{name: a, type: params}]\n", &[]),
        (
            "resources: [{name: a, type: params}]\njobs: [{name: j, type: runSh, steps: [IN: a]}]\n",
            &["1:13 missing-field"],
        ),
        ("resources: [{name: a, type: params, version: {params: x}}]\n", &["1:55 wrong-kind"]),
        ("resources: [{name: a, type: params, version: {params: {a-b: x}}}]\n", &["1:56 ~invalid-variable"]),
        ("resources: [{name: a, type: params, version: {params: {1a: x}}}]\n", &["1:56 ~invalid-variable"]),
        ("resources: [{name: a, type: params, version: {params: {JOB_NAME: x}}}]\n", &["1:56 ~shadowed-param"]),
        (
            "resources: [{name: a, type: params, versionTemplate: {params: {secure: QUJD}}}]\n",
            &["1:72 secure-ciphertext"],
        ),
        ("resources: [{name: a, type: params, version: {params: {secure: 'A=b C=d'}}}]\n", &["1:64 ~clear-secret"]),
        ("resources: [{name: a, type: params, version: {params: {secure: {A: 'env:A'}}}}]\n", &[]),
        ("resources: [{name: a, type: version, seed: {versionName: 1.10}}]\n", &["1:58 ~changed-number"]),
        (
            "resources: [{name: 12, type: state}]\njobs: [{name: j, type: runSh, steps: [IN: 12]}]\n",
            &["2:43 ~empty-prefix"],
        ),
        (
            "resources: [{name: a b, type: state}]\njobs: [{name: ab, type: runSh, steps: [IN: a b]}]\n",
            &["2:44 ~colliding-names"],
        ),
        ("jobs: [{name: j, type: runSh, on_start: {script: x}}]\n", &["1:50 ~script-not-run"]),
        (
            "jobs: [{name: j, type: runSh, integrations: [aws_key]}, {name: k, type: runSh, integrations: [aws-key]}]\n",
            &["1:95 ~similar-integrations"],
        ),
        ("jobs: [{name: j, type: runSh, integrations: [prod-a1, prod-b1, prod-a2]}]\n", &[]),
        ("jobs: [\n", &["1:7 not-yaml"]),
        ("jobs: *x\n", &["1:7 unknown-anchor"]),
    ] {
        let found = rules(yml);
        if found != want {
            wrong.push(format!("{yml}: {found:?}, not {want:?}"));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn messages_name_the_cure() {
    for (yml, want) in [
        (job("IN: imgg"), "IN: imgg: no resource or job of this name: add it below resources:; did you mean img?"),
        (
            "resources: [{name: a, type: params, version: {params: {db-name: x}}}]\n".to_owned(),
            "\"db-name\" in params of a is no name of a variable and becomes dbname: rename it with letters, digits and _ \
             alone",
        ),
        (
            "resources: [{name: a, type: params, version: {params: {secure: c2VjcmV0}}}]\n".to_owned(),
            "secure: of a has a text that was encrypted for the platform and cannot be decrypted any more: write \
             `secure: {NAME: env:NAME}`, a line for each variable that was in it",
        ),
        (
            "resources: [{name: a, type: params, version: {params: {JOB_NAME: x}}}]\n".to_owned(),
            "JOB_NAME of a is lost as a variable of its own, for the job sets JOB_NAME later: rename it, or read it as \
             A_PARAMS_JOB_NAME",
        ),
        (
            job("TASK: {script: cat /build/IN/x}"),
            "/build/IN/x is where the platform had the job directory: write ${JOB_PATH}/IN/x",
        ),
        ("resources: [{name: a, type: runSh}]\n".to_owned(), "a: runSh is no type of a resource: move it below jobs:"),
        (
            job("{OUT: new, replicate: img}"),
            "replicate: img is no IN of j, so new would get no version: add `- IN: img` before it",
        ),
    ] {
        assert_eq!(message(&yml), want);
    }
}

#[test]
fn a_build_path_has_the_line_of_its_own() {
    let yml = "jobs:
  - name: j
    type: runSh
    steps:
      - TASK:
          script:
            - |
              cd $JOB_PATH

              cat x/build/y; cat /build/IN/a \"/build/IN/b\"
            - \"one \\
              /build/two\"
            - >-
              folded
              /build/three
";
    assert_eq!(rules(yml), ["10:34 ~build-path", "10:47 ~build-path", "12:15 ~build-path", "15:15 ~build-path"]);
}

#[test]
fn a_template_of_two_jobs_is_told_once() {
    let yml = "t: &t [ls /build/a]\njobs:\n  - {name: a, type: runSh, steps: [TASK: {script: *t}]}\n  - {name: b, type: runSh, steps: [TASK: {script: *t}]}\n";
    assert_eq!(rules(yml), ["1:11 ~build-path"]);
}

#[test]
fn secrets_are_never_shown() {
    let text = "aHVudGVyMg".repeat(12);
    for secure in [text.clone(), format!("{{K: {text}}}"), format!("[{text}]"), format!("'K={text} '")] {
        let yml = format!("resources: [{{name: a, type: params, version: {{params: {{secure: {secure}}}}}}}]\n");
        let found = message(&yml);
        assert!(!found.contains("aHVudGVyMg"), "{found}");
    }
}

#[test]
fn params_lose_against_what_comes_later() {
    let yml = |key: &str| {
        format!(
            "resources:\n  - {{name: p, type: params, version: {{params: {{{key}: x}}}}}}\n  - {{name: my-s, type: state}}\njobs: [{{name: j, type: runSh, steps: [IN: p, IN: my-s]}}]\n"
        )
    };
    for key in ["MYS_STATE", "J_PATH", "P_META", "BUILD_URL", "TASK_NAME"] {
        assert_eq!(rules(&yml(key)), ["2:48 ~shadowed-param"], "{key}");
    }
    for key in ["MYS", "OTHER_STATE", "MYS_FOO", "BUILD"] {
        assert_eq!(rules(&yml(key)), [""; 0], "{key}");
    }
}

#[test]
fn an_unread_file_hides_nothing_that_is_sure() {
    let (_, findings) = linted(&[
        ("shippable.resources.yml", "resources: [\n"),
        ("shippable.jobs.yml", "jobs: [{name: j, type: runS, steps: [IN: x]}]\n"),
    ]);
    assert_eq!(findings.iter().map(|finding| finding.rule).collect::<Vec<_>>(), ["not-yaml", "unknown-type"]);
}

#[test]
fn github_gets_its_escapes() {
    let at = Place { file: std::path::Path::new("a,b:c%.yml").into(), line: 3, column: 4 };
    let finding = Finding {
        at,
        severity: Severity::Warning,
        rule: "build-path",
        entry: None,
        message: "100%: a,b\nnext".to_owned(),
    };
    assert_eq!(
        github(std::slice::from_ref(&finding)),
        "::warning file=a%2Cb%3Ac%25.yml,line=3,col=4,title=build-path::100%25: a,b%0Anext\n"
    );
    assert_eq!(text(&[finding]), "a,b:c%.yml:3:4: warning[build-path]: 100%: a,b\\nnext\n");
}

/// What is wrong with integrations: `file:line rule: message`.
fn integrations(yml: &str, file: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("i.yml");
    std::fs::write(&path, file).unwrap();
    let (pipeline, _) = linted(&[("shippable.yml", yml)]);
    let env = crate::ctx::Env::Fixed(variables.iter().map(|(name, value)| (name.into(), value.into())).collect());
    let (given, problems) = crate::config::integrations::Integrations::inspect(&env, &path).unwrap();
    let shown = |f: &Finding| {
        assert_eq!(f.severity, Severity::Error);
        let name = f.at.file.file_name().unwrap().display();
        let message = f.message.replace(&format!("{}/", folder.path().display()), "");
        format!("{name}:{} {}: {message}", f.at.line, f.rule)
    };
    check_integrations(&pipeline, &given, &problems).iter().map(shown).collect()
}

#[test]
fn integrations_are_checked_against_their_types() {
    let yml = "resources:\n  - {name: cli, type: cliConfig, integration: aws}\njobs:\n  - {name: j, type: runSh, integrations: [kvs, aws, kvs, env_only, half]}\n";
    let file = "aws:\n  type: amazonKeys\n  accessKey: hunter2\n  secretKey:\n  acessKey: x\nkv: {type: keyValuePair, ANY: x}\nold: {type: amazonKey}\nbare: {}\nnone: {type: keyValuePair}\nby: {type: slackKey, webhookUrl: u}\n";
    let variables = [
        ("SHIPCTL_INT_ENV_ONLY_TYPE", "hipchatKey"),
        ("SHIPCTL_INT_ENV_ONLY_TOKEN", "hunter3"),
        ("SHIPCTL_INT_HALF_TYPE", "Docker"),
        ("SHIPCTL_INT_HALF_USERNAME", "u"),
        ("SHIPCTL_INT_HALF_PASSWRD", "hunter4"),
        ("SHIPCTL_INT_BY_TYPE", "pemKey"),
    ];
    assert_eq!(
        integrations(yml, file, &variables),
        [
            "shippable.yml:2 missing-field: cli: a cliConfig of aws (amazonKeys) needs region: add it below versionTemplate:",
            "shippable.yml:4 unknown-integration: integration kvs is not in i.yml: add it there, or set SHIPCTL_INT_KVS_TYPE; did you mean kv?",
            "shippable.yml:4 missing-integration-field: half: Docker needs password: add what is missing",
            "shippable.yml:4 unknown-integration-field: half: SHIPCTL_INT_HALF_PASSWRD: Docker has no field PASSWRD; did you mean password?",
            "i.yml:1 missing-integration-field: aws: amazonKeys needs secretKey: add what is missing",
            "i.yml:5 unknown-integration-field: aws: amazonKeys has no field acessKey; did you mean accessKey?",
            "i.yml:7 unknown-integration-type: old: there is no type amazonKey; did you mean amazonKeys, amazonIamRole, pemKey?",
            "i.yml:8 missing-type: bare: no type: add type: its type",
            "i.yml:9 missing-integration-field: none: keyValuePair needs envs: add what is missing",
            "i.yml:10 missing-integration-field: by: pemKey needs key: add what is missing",
            "i.yml:10 unknown-integration-field: by: pemKey has no field webhookUrl; it has key",
        ]
    );
}

#[test]
fn files_of_integrations_that_are_none() {
    let yml = "jobs: [{name: j, type: runSh, integrations: [a]}]\n";
    for (file, want) in [
        ("a: [\n", "i.yml:1 not-yaml: "),
        ("a: {type: pemKey, key: *hunter2}\n", "i.yml:1 unknown-anchor: an alias of no anchor: "),
        ("a: {type: pemKey, key: 'x', key: y}\n", "i.yml:1 duplicate-key: "),
        ("a: {type: pemKey, key: 1.10}\n", "i.yml:1 changed-number: a number that would change: put it in quotes"),
        ("- {type: pemKey, key: x}\n- {name: a, type: pemKey, key: 'exec:false'}\n", "i.yml:1 missing-name: "),
        ("a: {type: pemKey, key: [x]}\n", "i.yml:1 wrong-kind: a: key is a list instead of a text"),
        ("a: {type: kubernetesConfig, masterKubeConfigContent: x}\nb: x\n", "i.yml:2 wrong-kind: b is a text: "),
        ("- {name: a, type: irc}\n- {name: a, type: irc}\n", "i.yml:2 duplicate-key: a is there twice"),
    ] {
        let found = integrations(yml, file, &[]);
        assert!(found.len() == 1 && found[0].starts_with(want), "{file}: {found:?}");
    }
    let whole = "- {name: a, type: nodeCluster, nodes: [x]}\n- {name: b, type: irc}\n";
    assert_eq!(integrations(yml, whole, &[]), [""; 0]);
}

#[test]
fn slips_of_keys() {
    let mut wrong = Vec::new();
    let job = |keys: &str| format!("jobs: [{{name: j, type: runSh, {keys}}}]\n");
    for (yml, want) in [
        ("resorces: [{name: a, type: state}]\n".to_owned(), &["1:1 ~unknown-key"][..]),
        ("job: [{name: a, type: runSh}]\n".to_owned(), &["1:1 ~unknown-key"]),
        ("job: &j [{name: a, type: runSh}]\njobs: *j\n".to_owned(), &[]),
        ("job: {name: a, type: runSh}\nsteps: [{IN: a}]\nbuild: {ci: [x]}\n".to_owned(), &[]),
        ("resources: [{name: a, type: state, integraton: b}]\n".to_owned(), &["1:36 ~unknown-key"]),
        ("resources: [{name: a, type: state, versionTemplte: {b: c}}]\n".to_owned(), &["1:36 ~unknown-key"]),
        ("resources: [{name: a, type: state, description: b, tags: [c]}]\n".to_owned(), &[]),
        (job("trigerMode: parallel"), &["1:31 ~unknown-key"]),
        (job("on_sucess: {script: x}"), &["1:31 ~unknown-key"]),
        (job("integration: x"), &["1:31 ~unknown-key"]),
        ("jobs: [{name: j, type: jenkinsJob, integration: x}]\n".to_owned(), &[]),
        (job("owner: me, description: x, dependencyMode: strict, bump: minor, method: upgrade"), &[]),
        (job("on_failure: {scrpt: a}"), &["1:44 unknown-key"]),
        (job("on_failure: [{scrpt: a}]"), &["1:45 unknown-key"]),
        (job("on_failure: {script: a, NOTIFI: x}"), &["1:55 ~unknown-key"]),
        (job("steps: [TASK: {script: a, nme: b, runtme: {}}]"), &["1:57 ~unknown-key", "1:65 ~unknown-key"]),
        (job("steps: [TASK: {scripts: a}]"), &["1:45 missing-script", "1:46 ~unknown-key"]),
        (job("steps: [TASK: [{script: a, nme: b}]]"), &["1:58 ~unknown-key"]),
        (job("runtime: {timeoutMinute: 5, containr: false}"), &["1:41 ~unknown-key", "1:59 ~unknown-key"]),
        (job("runtime: {timeoutMinutes: abc}"), &["1:57 wrong-kind"]),
        (job("timeoutMinutes: [5]"), &["1:47 wrong-kind"]),
        (job("timeoutMinutes: 1.5, runtime: {nodePool: p, container: false}"), &[]),
        (
            job("steps: [TASK: {script: a, runtime: {options: {imageNme: x, env: {imageNam: y}}}}]"),
            &["1:77 ~unknown-key"],
        ),
    ] {
        let found = rules(&yml);
        if found != want {
            wrong.push(format!("{yml}: {found:?}, not {want:?}"));
        }
    }
    assert_eq!(wrong, [""; 0]);
    assert_eq!(
        message(&job("on_failure: {scrpt: a}")),
        "scrpt: is none of script and NOTIFY and does nothing; did you mean script?"
    );
    assert_eq!(
        message(&job("trigerMode: parallel")),
        "trigerMode: is no key of a job and does nothing; did you mean triggerMode?"
    );
}

#[test]
fn values_of_secure_are_references() {
    let yml = |secure: &str| {
        format!("resources: [{{name: a, type: params, version: {{params: {{secure: {{{secure}}}}}}}}}]\n")
    };
    for wrong in ["K: plainsecret", "K: 5", "K: ", "K: [env:K]"] {
        let found = message(&yml(wrong));
        assert!(found.starts_with("secure.K of a is no reference") && !found.contains("plainsecret"), "{found}");
    }
    for right in ["K: 'env:K'", "K: 'file:~/k'", "K: 'exec:pass k'", "K: 'literal:x'"] {
        assert_eq!(rules(&yml(right)), [""; 0], "{right}");
    }
}
