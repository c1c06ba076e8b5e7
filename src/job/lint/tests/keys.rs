use super::*;

#[test]
fn keys_of_what_a_version_is_made_of() {
    let resource = |kind: &str, section: &str| format!("resources: [{{name: a, type: {kind}, {section}}}]\n");
    for (kind, section, want) in [
        ("image", "versionTemplate: {sourceNme: o/i, sourceName: o/i}", Some("did you mean sourceName?")),
        ("image", "pointer: {sourceName: o/i}, seed: {versonName: v1}", Some("seed of type image and does nothing")),
        ("image", "pointer: {sourceName: o/i}, seed: {versionName: v1}, version: {release: 3}", None),
        ("gitRepo", "versionTemplate: {sourceName: o/r, tag: {only: [a]}}", Some("did you mean tags?")),
        ("gitRepo", "versionTemplate: {sourceName: o/r, branches: {onyl: [a]}}", Some("did you mean only?")),
        ("gitRepo", "versionTemplate: {sourceName: o/r, buildOnPullrequest: true}", Some("buildOnPullRequest?")),
        ("replicas", "version: {counts: 2}", Some("did you mean count?")),
        ("dockerOptions", "version: {port_mappings: ['80:80'], logConfig: {options: {a: b}}}", Some("portMappings?")),
        ("dockerOptions", "version: {logConfig: {opts: {a: b}, types: awslogs}}", Some("did you mean type?")),
        ("trigger", "version: {countr: 2}", None),
        ("params", "version: {params: {parms: 2}}", None),
    ] {
        let yml = resource(kind, section);
        match want {
            Some(want) => assert!(message(&yml).contains(want), "{yml}: {}", message(&yml)),
            None => assert_eq!(rules(&yml), [""; 0], "{yml}"),
        }
    }
}

#[test]
fn what_stands_beside_a_task() {
    let yml = "jobs:\n  - name: j\n    type: runSh\n    steps:\n      - TASK:\n        name: t\n        script:\n          - ls\n";
    assert_eq!(rules(yml), ["6:9 beside-task"]);
    assert!(message(yml).starts_with("name, script: beside TASK:, which has nothing in it"), "{}", message(yml));
    assert!(linted(&[("shippable.yml", yml)]).0.require_job("j").is_err());
    let yml = job("{TASK: {script: ls}, name: t}");
    assert!(message(&yml).contains("name: beside TASK: does nothing"), "{}", message(&yml));
    assert_eq!(rules(&job("{TASK: managed, deployMethod: upgrade}")), [""; 0]);
}

#[test]
fn the_first_words_for_steps() {
    assert!(message(&job("GET: img")).ends_with("NOTIFY are; write IN: instead"));
    assert!(message(&job("PUT: img")).ends_with("NOTIFY are; write OUT: instead"));
}

#[test]
fn secure_in_the_env_of_a_task() {
    let env = |env: &str| job(&format!("TASK: {{script: ls, runtime: {{options: {{env: {env}}}}}}}"));
    assert_eq!(rules(&env("{secure: {A: 'env:A'}}")), [""; 0]);
    assert_eq!(rules(&env("[{B: c}, {secure: {A: 'env:A'}}]")), [""; 0]);
    assert!(message(&env("{secure: {A: plain}}")).contains("secure.A of j is no reference"));
    assert!(message(&env("[{secure: {'A-1': 'env:A'}}]")).contains("becomes A1"));
    assert!(message(&env("{secure: 'A=b'}")).contains("clear text"));
}
