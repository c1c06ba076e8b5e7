//! Params, replicas, load balancers and images.

use serde_json::json;

use super::{Bench, ask, container, environment, fails, indented, job, with};
use crate::ecs::wanted::masked;
use crate::job::build::sources::Owner;
use crate::support::secret::SecretText;

#[test]
fn params_are_the_environment() {
    let wanted = with("params", "params: {A: a, N: 1, T: true, L: [x, 1], E: }", ", {IN: o}");
    let want = json!([
        {"name": "A", "value": "a"},
        {"name": "N", "value": "1"},
        {"name": "T", "value": "true"},
        {"name": "L", "value": "[\"x\",1]"},
        {"name": "E", "value": ""}
    ]);
    assert_eq!(container(&wanted, 0)["environment"], want);
}

#[test]
fn secure_params_are_filled_in_and_masked() {
    let mut bench = Bench::default();
    bench.memory.references.insert("env:TOKEN".into(), "hunter2".into());
    bench.memory.references.insert("env:PIN".into(), "7".into());
    for key in ["version", "versionTemplate"] {
        let params = "params: {A: with hunter2 in it, N: 7, secure: {TOKEN: env:TOKEN, PIN: env:PIN}}";
        let resource = format!("  - name: o\n    type: params\n    {key}:\n      {params}\n");
        let wanted = bench.wanted(&job(&resource, "", ", {IN: o}"));
        let want = json!({"A": "with hunter2 in it", "N": "7", "TOKEN": "hunter2", "PIN": "7"});
        assert_eq!(environment(&wanted, 0), want);
        let service = &wanted.services[0];
        let secrets: Vec<&str> = service.secrets.iter().map(SecretText::expose).collect();
        assert_eq!(secrets, ["hunter2", "7"]);
        let shown = masked(service);
        assert_eq!(
            shown["taskDefinition"]["containerDefinitions"][0]["environment"],
            json!([
                {"name": "A", "value": "with *** in it"},
                {"name": "N", "value": "***"},
                {"name": "TOKEN", "value": "***"},
                {"name": "PIN", "value": "***"}
            ])
        );
        assert_eq!((&shown["service"], &shown["scaling"]), (&json!({"desiredCount": 1}), &json!(null)));
        assert!(!format!("{wanted:?}").contains("hunter2"), "{wanted:?}");
    }
}

/// Nobody has said `secure` of these, and their names say it.
#[test]
fn what_is_secret_by_its_name_is_masked() {
    let resources = "  - name: p
    type: params
    version: {params: {DB_PASSWORD: open-1, api-key: open-2, MAX: \"3\", URL: \"postgres://me:open-4@db:5432/x?y\"}}
  - name: o
    type: dockerOptions
    version:
      labels: {build: b-1, registry.token: open-5}
      logConfig: {type: splunk, options: {splunk-token: open-6, splunk-url: \"https://logs.example.com:8088\"}}
      firelensConfiguration: {type: fluentbit, options: {http_passwd: open-7}}
      secrets: [{name: KEY, valueFrom: \"arn:aws:secretsmanager:eu-west-1:1:secret:key\"}]
      repositoryCredentials: {credentialsParameter: \"arn:aws:secretsmanager:eu-west-1:1:secret:hub\"}
      environment: {SECRET_ARN: \"arn:aws:secretsmanager:eu-west-1:1:secret:a\", USE_TOKEN: true}
      taskDefinition:
        containerDefinitions: [{name: side, image: x, environment: [{name: AWS_SECRET_ACCESS_KEY, value: open-8}]}]
";
    let wanted = ask(&job(resources, "", ", {IN: p}, {IN: o}"));
    let shown = masked(&wanted.services[0])["taskDefinition"]["containerDefinitions"].clone();
    assert!(!shown.to_string().contains("open-"), "{shown}");
    assert_eq!(
        shown[0]["environment"],
        json!([
            {"name": "DB_PASSWORD", "value": "***"},
            {"name": "api-key", "value": "***"},
            {"name": "MAX", "value": "3"},
            {"name": "URL", "value": "postgres://me:***@db:5432/x?y"},
            {"name": "SECRET_ARN", "value": "arn:aws:secretsmanager:eu-west-1:1:secret:a"},
            {"name": "USE_TOKEN", "value": "true"}
        ])
    );
    assert_eq!(shown[0]["dockerLabels"], json!({"build": "b-1", "registry.token": "***"}));
    let log = json!({"splunk-token": "***", "splunk-url": "https://logs.example.com:8088"});
    assert_eq!(shown[0]["logConfiguration"]["options"], log);
    assert_eq!(shown[0]["secrets"][0]["valueFrom"], "arn:aws:secretsmanager:eu-west-1:1:secret:key");
    let credentials = &shown[0]["repositoryCredentials"]["credentialsParameter"];
    assert_eq!(credentials, "arn:aws:secretsmanager:eu-west-1:1:secret:hub");
    assert_eq!(shown[1]["environment"], json!([{"name": "AWS_SECRET_ACCESS_KEY", "value": "***"}]));
    // What is sent is what was said.
    assert_eq!(environment(&wanted, 0)["DB_PASSWORD"], "open-1");
}

/// What is sent and compared again stays as it is, whatever letters a secret has.
#[test]
fn only_environments_are_masked() {
    let mut bench = Bench::default();
    bench.memory.references.insert("env:TOKEN".into(), "prod".into());
    bench.memory.references.insert("env:PIN".into(), "1234".into());
    let resources = "  - {name: p, type: params, version: {params: {secure: {TOKEN: env:TOKEN, PIN: env:PIN}}}}
  - {name: o, type: dockerOptions, version: {service: {role: \"arn:aws:iam::123456789012:role/prod\"}}}
  - {name: r, type: replicas, version: {count: 1, metricAlarms: [{AlarmName: prod, Namespace: prod/web}]}}
";
    let wanted = bench.wanted(&job(resources, "", ", {IN: p}, {IN: o}, {IN: r}"));
    let shown = masked(&wanted.services[0]);
    assert_eq!(shown["service"]["role"], "arn:aws:iam::123456789012:role/prod");
    assert_eq!(shown["scaling"]["alarms"], json!([{"AlarmName": "prod", "Namespace": "prod/web"}]));
    let environment = &shown["taskDefinition"]["containerDefinitions"][0]["environment"];
    assert_eq!(environment, &json!([{"name": "TOKEN", "value": "***"}, {"name": "PIN", "value": "***"}]));
}

#[test]
fn secure_texts_are_pairs_and_later_ones_win() {
    let resources = "  - {name: p, type: params, version: {params: {A: a, B: b, secure: 'S=\"x y\" T=t'}}}
  - {name: q, type: params, version: {params: {B: 2, S: open}}}
";
    let wanted = ask(&job(resources, "", ", {IN: p}, {IN: q}"));
    assert_eq!(environment(&wanted, 0).to_string(), r#"{"A":"a","B":"2","S":"open","T":"t"}"#);
    let secrets: Vec<&str> = wanted.services[0].secrets.iter().map(SecretText::expose).collect();
    assert_eq!(secrets, ["t"]);
    let text = "q2ZsZm9vYmFyMTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6==";
    let wanted = with("params", &format!("params: {{A: a, secure: {text}}}"), ", {IN: o}");
    assert_eq!(environment(&wanted, 0), json!({"A": "a"}));
    assert!(wanted.warnings[0].contains("Shippable encrypted"), "{:?}", wanted.warnings);
}

#[test]
fn params_that_are_wrong() {
    for (section, want) in [
        ("params: [a]", "8: shippable.yml:7:15: params of o is [\"a\"]: a map, `NAME: value` was expected"),
        (
            "params: {secure: [a, b]}",
            "8: shippable.yml:7:24: params.secure of o is neither a map nor a text: write `secure: {NAME: env:NAME}`",
        ),
        ("params: {secure: 5}", "8: shippable.yml:7:24: params.secure of o is neither"),
        ("params: {A=b: c}", "8: shippable.yml:7:21: \"A=b\" in params of o is no name of a variable"),
        ("params: {\"\": c}", "8: shippable.yml:7:20: \"\" in params of o is no name of a variable"),
        ("other: 1", "8: shippable.yml:4:5: o has no params: add `params: {NAME: value}`"),
        ("params: {secure: {T: env:NONE}}", "8: shippable.yml:7:28: secure.T of o: "),
    ] {
        let resource = format!("  - name: o\n    type: params\n    version:\n      {section}\n");
        let message = fails(&job(&resource, "", ", {IN: o}"));
        assert!(message.starts_with(want), "{message}");
    }
}

/// What means nothing here is named, so that nobody waits for it to count.
#[test]
fn nothing_is_left_out_in_silence() {
    let balancer = "  - {name: b, type: loadBalancer, pointer: {sourceName: lb, rolle: r, clusterName: x}}\n";
    let at = "{manifest: m, image: web, port: 80, protocol: tcp}";
    let yml = job(
        &format!("{PORTS}{balancer}  - {{name: p, type: params, version: {{params: {{A: 1.0}}, prams: {{B: 2}}}}}}\n"),
        ", {IN: ports, applyTo: []}",
        &format!(", {{IN: ports, aplyTo: [web]}}, {{IN: p}}, {{IN: b, applyTo: [{at}]}}"),
    );
    let yml = yml
        .replace("region: eu-west-1", "region: eu-west-1, namespace: n")
        .replace("seed: {versionName: v1}", "seed: {versionName: 1.10}");
    let yml = yml.replace("type: deploy,", "type: deploy, metod: upgrade,");
    let said = ask(&yml).warnings.join("\n");
    insta::assert_snapshot!(said, @r"
    shippable.yml:9:91: aplyTo of IN: ports is left out; did you mean applyTo?
    shippable.yml:3:82: web: 1.10 is read as the number 1.1: put it in quotes to keep it as it is
    shippable.yml:8:71: applyTo of ports is empty: ports is left out
    shippable.yml:6:51: p: 1.0 is read as the number 1: put it in quotes to keep it as it is
    shippable.yml:6:64: prams of p has no meaning for a params of ECS, and is left out; did you mean params?
    shippable.yml:9:172: protocol in applyTo of b is left out: {manifest: MANIFEST, image: IMAGE, port: 80} was expected
    shippable.yml:5:68: rolle of b has no meaning for a loadBalancer of ECS, and is left out; did you mean role?
    shippable.yml:5:84: clusterName of b has no meaning for a loadBalancer of ECS, and is left out
    shippable.yml:2:106: namespace of c has no meaning for a cluster of ECS, and is left out
    shippable.yml:9:36: metod of d is left out; did you mean method?
    ");
}

const PORTS: &str = "  - {name: ports, type: dockerOptions, version: {portMappings: [\"0:80\"]}}\n";
const GROUP: &str = "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/t/394643319fd6a729";

#[test]
fn load_balancers_of_both_kinds() {
    for (section, want, role) in [
        ("{sourceName: lb}", json!({"loadBalancerName": "lb"}), None),
        ("{sourceName: lb, method: classic, role: r}", json!({"loadBalancerName": "lb"}), Some("r")),
        (&format!("{{sourceName: \"{GROUP}\", method: application}}"), json!({"targetGroupArn": GROUP}), None),
        (&format!("{{sourceName: \"{GROUP}\", role: r}}"), json!({"targetGroupArn": GROUP}), Some("r")),
        (&format!("{{sourceName: \"{GROUP}\", method: classic}}"), json!({"targetGroupArn": GROUP}), None),
    ] {
        for key in ["pointer", "versionTemplate"] {
            let balancer = format!("  - {{name: b, type: loadBalancer, {key}: {section}}}\n");
            let step = ", {IN: ports}, {IN: b, applyTo: [{manifest: m, image: web, port: 80}]}";
            let wanted = ask(&job(&(PORTS.to_owned() + &balancer), "", step));
            let service = &wanted.services[0];
            let mut entry = want.clone();
            entry
                .as_object_mut()
                .unwrap()
                .extend(json!({"containerName": "web", "containerPort": 80}).as_object().unwrap().clone());
            assert_eq!(service.service["loadBalancers"], json!([entry]), "{section}");
            assert_eq!(service.service.get("role").and_then(|role| role.as_str()), role, "{section}");
            assert_eq!(service.wants_role, role.is_none(), "{section}");
        }
    }
}

#[test]
fn roles_that_are_not_looked_for() {
    let balancer = |section: &str| format!("{PORTS}  - {{name: b, type: loadBalancer, pointer: {section}}}\n");
    let step = ", {IN: ports}, {IN: b, applyTo: {manifest: m, image: web, port: \"80\"}}";
    // Tasks with addresses of their own take the role that ECS makes.
    let awsvpc = "  - {name: o, type: dockerOptions, version: {network: awsvpc}}\n";
    for (section, warnings) in [("{sourceName: lb}", 0), ("{sourceName: lb, role: r}", 1)] {
        let wanted = ask(&job(&(balancer(section) + awsvpc), "", &format!("{step}, {{IN: o}}")));
        let service = &wanted.services[0];
        assert_eq!((service.wants_role, service.service.get("role")), (false, None));
        assert_eq!(wanted.warnings.len(), warnings);
        // Port 0 is no port there.
        assert_eq!(container(&wanted, 0)["portMappings"], json!([{"containerPort": 80, "protocol": "tcp"}]));
    }
    let linked =
        "{sourceName: lb, role: \"arn:aws:iam::1:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS\"}";
    let wanted = ask(&job(&balancer(linked), "", step));
    assert_eq!((wanted.services[0].wants_role, wanted.services[0].service.get("role")), (false, None));
    assert!(wanted.warnings.is_empty());
    let passed = "  - {name: o, type: dockerOptions, version: {service: {role: mine}}}\n";
    let wanted = ask(&job(&(balancer("{sourceName: lb, role: r}") + passed), "", &format!("{step}, {{IN: o}}")));
    assert_eq!((wanted.services[0].wants_role, &wanted.services[0].service["role"]), (false, &json!("mine")));
}

#[test]
fn a_manifests_load_balancer_is_overridden_at_its_port() {
    let resources = format!(
        "{PORTS}  - {{name: a, type: loadBalancer, pointer: {{sourceName: lb-a, role: r}}}}
  - {{name: b, type: loadBalancer, pointer: {{sourceName: lb-b, role: s}}}}
"
    );
    let own = ", {IN: ports}, {IN: a, applyTo: [{image: web, port: 80}]}";
    let wanted = ask(&job(&resources, own, ""));
    assert_eq!(wanted.services[0].service["loadBalancers"][0]["loadBalancerName"], "lb-a");
    let wanted = ask(&job(&resources, own, ", {IN: b, applyTo: [{manifest: m, image: web, port: 80}]}"));
    let service = &wanted.services[0].service;
    assert_eq!(
        service["loadBalancers"],
        json!([{"loadBalancerName": "lb-b", "containerName": "web", "containerPort": 80}])
    );
    assert_eq!(service["role"], "s");
}

#[test]
fn load_balancers_that_are_wrong() {
    let at = "{manifest: m, image: web, port: 80}";
    for (section, apply_to, want) in [
        (
            "{sourceName: lb}",
            "",
            "8:73: the loadBalancer b needs `applyTo: [{manifest: MANIFEST, image: IMAGE, port: 80}]`",
        ),
        ("{method: classic}", at, "5:5: b has no sourceName: add `sourceName: NAME-OR-ARN`"),
        (
            "{sourceName: lb, method: ClusterIP}",
            at,
            "5:69: method of b is \"ClusterIP\": classic or application was expected",
        ),
        ("{sourceName: lb, method: application}", at, "5:57: sourceName of b is \"lb\": the ARN of the target group"),
        ("{sourceName: lb}", "{image: web, port: 80}", "8:86: applyTo of b has no manifest"),
        ("{sourceName: lb}", "{manifest: m, port: 80}", "8:86: applyTo of b has no image"),
        ("{sourceName: lb}", "{manifest: m, image: web}", "8:86: applyTo of b has no port"),
        (
            "{sourceName: lb}",
            "{manifest: m, image: web, port: http}",
            "8:118: port in applyTo of b: a container port was expected",
        ),
        (
            "{sourceName: lb}",
            "m",
            "8:86: applyTo of b has a text: {manifest: MANIFEST, image: IMAGE, port: 80} was expected",
        ),
        ("{sourceName: lb}", "{manifest: mm, image: web, port: 80}", "8:86: applyTo of b: no manifest mm in this job"),
        (
            "{sourceName: lb}",
            "{manifest: m, image: wob, port: 80}",
            "8:86: applyTo of b: no image wob in the manifest m; did you mean web?",
        ),
        (
            "{sourceName: lb}",
            "{manifest: m, image: web, port: 81}",
            "8:86: applyTo of b: web maps 80, not port 81: add `portMappings: [\"81\"]` to its dockerOptions",
        ),
    ] {
        let resources = format!("{PORTS}  - {{name: b, type: loadBalancer, pointer: {section}}}\n");
        let option = if apply_to.is_empty() { String::new() } else { format!(", applyTo: [{apply_to}]") };
        let message = fails(&job(&resources, "", &format!(", {{IN: ports}}, {{IN: b{option}}}")));
        assert!(message.starts_with(&format!("8: shippable.yml:{want}")), "{section} {apply_to}\n{message}");
    }
}

#[test]
fn images_in_both_spellings() {
    for (sections, want) in [
        ("pointer: {sourceName: org/i}, seed: {versionName: v1}", "org/i:v1"),
        ("versionTemplate: {sourceName: org/i, versionName: v1}", "org/i:v1"),
        ("pointer: {sourceName: org/i}, version: {versionName: 2}", "org/i:2"),
        ("pointer: {sourceName: \"reg:5000/i\"}", "reg:5000/i:latest"),
        ("versionTemplate: {sourceName: quay.io/o/i, versionName: \"sha256:abc\"}", "quay.io/o/i@sha256:abc"),
    ] {
        let yml = job(&format!("  - {{name: i, type: image, {sections}}}\n"), ", {IN: i}", "");
        let wanted = ask(&yml);
        assert_eq!(container(&wanted, 1)["name"], "i");
        assert_eq!(container(&wanted, 1)["image"], want, "{sections}");
    }
    for (sections, want) in [
        ("seed: {versionName: v1}", "8: shippable.yml:4:5: i has no sourceName: add `sourceName: REGISTRY/REPOSITORY`"),
        (
            "pointer: {sourceName: \"\"}",
            "8: shippable.yml:4:50: sourceName of i is \"\": REGISTRY/REPOSITORY was expected",
        ),
        (
            "pointer: {sourceName: a}, seed: {versionName: a b}",
            "8: shippable.yml:4:50: i: the versionName \"a b\" is no tag",
        ),
    ] {
        let message = fails(&job(&format!("  - {{name: i, type: image, {sections}}}\n"), ", {IN: i}", ""));
        assert!(message.starts_with(want), "{message}");
    }
}

#[test]
fn versions_are_pinned_or_the_newest() {
    let yml = |step: &str| job("", "", "").replace("steps: [{IN: web}]", &format!("steps: [{{IN: web{step}}}]"));
    let image =
        |bench: &Bench, step: &str| container(&bench.wanted(&yml(step)), 0)["image"].as_str().unwrap().to_owned();
    let mut bench = Bench::default();
    let owner = Owner::Resource("web".into());
    assert_eq!(image(&bench, ""), "org/web:v1");
    for name in ["v2", "v3", "v4"] {
        bench.memory.add(owner.clone(), Some(name), json!({"sourceName": "org/web"}), None);
    }
    assert_eq!(image(&bench, ""), "org/web:v4");
    assert_eq!(image(&bench, ", versionName: v2"), "org/web:v2");
    assert_eq!(image(&bench, ", versionNumber: 2"), "org/web:v3");
    let error = bench.fails(&yml(", versionName: v9"));
    assert!(error.starts_with("8: shippable.yml:5:44: the step wants version called \"v9\" of web"), "{error}");
    bench.memory.pins.insert(owner, 1);
    assert_eq!(image(&bench, ""), "org/web:v2");
    bench.options.images = vec![("web".into(), "v0".into()), ("web".into(), "v7".into())];
    assert_eq!(image(&bench, ", versionName: v9"), "org/web:v7");
    bench.options.images.push(("wob".into(), "v7".into()));
    assert_eq!(bench.fails(&yml("")), "2: --image wob: d deploys no image of this name; did you mean web?");
}

#[test]
fn a_version_in_the_store_is_named_in_errors() {
    let bench = Bench::default();
    bench.memory.add(Owner::Resource("o".into()), None, json!({"memory": "lots"}), None);
    let resource = format!("  - name: o\n    type: dockerOptions\n    version:\n{}\n", indented("memory: 1"));
    let message = bench.fails(&job(&resource, "", ", {IN: o}"));
    assert_eq!(
        message,
        "8: shippable.yml:10:60 (version 1 of o): memory of o is \"lots\": a whole number of MiB was expected"
    );
}
