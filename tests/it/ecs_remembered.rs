//! What is kept of a deployment and serves the next one, and secrets in what is said at last.

use crate::ecs_jobs::{Bench, Yml, last};
use crate::ecs_server::{Fault, Scenario, When};

#[test]
fn no_secret_in_the_last_line() {
    let resources = "  - {name: s, type: params, version: {params: {secure: 'TOKEN=s3cr3t/word'}}}\n";
    let refused = Fault::Error("ClientException", "invalid value 's3cr3t/word' of shown-word");
    for more in ["", "--json"] {
        let scenario = Scenario::new().fault("RegisterTaskDefinition", When::Always, refused.clone());
        let mut bench = Bench::of(scenario, Yml { resources, deploy: ", {IN: s}", ..Yml::default() });
        let ran = bench.run(&format!("deploy d --build-number 1 {more}"));
        assert_eq!(ran.status, 20, "{}", ran.err());
        assert!(last(&ran).contains("invalid value '***' of shown-word"), "{}", ran.err());
        assert!(!(ran.out() + &ran.err()).contains("s3cr3t"), "{}{}", ran.out(), ran.err());
    }
}

/// A secret that has the letters of a role, an account or a cluster.
#[test]
fn what_is_sent_again_has_no_masks() {
    let resources = "  - {name: s, type: params, version: {params: {secure: 'A=prod B=1234'}}}
  - {name: o, type: dockerOptions, version: {service: {role: \"arn:aws:iam::123456789012:role/prod\", \
         propagateTags: SERVICE}}}
";
    let yml = Yml { resources, deploy: ", {IN: s}, {IN: o}", job: ", method: upgrade", ..Yml::default() };
    let mut bench = Bench::of(Scenario::new().role("prod", "ecs.amazonaws.com"), yml);
    bench.deploys(1, "");
    bench.deploys(2, "--image web=v2");
    assert_eq!(bench.ecs.calls_of("UpdateService").len(), 1);
    bench.job(Yml { job: "", ..yml });
    bench.deploys(3, "--image web=v3");
    bench.deploys(4, "--image web=v4");
    let ran = bench.run("rollback d --build-number 5");
    assert_eq!(ran.status, 0, "{}", ran.err());
    let created = &bench.ecs.calls_of("CreateService")[0].request;
    assert_eq!(created["role"], "arn:aws:iam::123456789012:role/prod");
}

/// The region that was used, whoever named it.
#[test]
fn the_region_stays() {
    let mut bench = Bench::of(Scenario::new(), Yml::default());
    let unsaid = Yml::default().text().replace(", region: us-east-1", "");
    bench.sandbox.write("work/shippable.yml", unsaid);
    bench.deploys(1, "");
    let ran = bench.run("deploy d --build-number 2 --image web=v2 --region eu-west-1");
    assert_eq!((ran.status, bench.ecs.transcript().as_str()), (8, ""), "{}", ran.err());
    let told = "manifest m is deployed to the cluster prod in us-east-1 as d-m-1, and the region is eu-west-1 now: give \
                --region us-east-1, `shipctl ecs delete d` first, or name another job";
    assert_eq!(last(&ran), format!("shipctl: {told}"));
    let ran = bench.run("plan d --build-number 2 --image web=v2 --region eu-west-1");
    assert_eq!(ran.status, 8, "{}", ran.err());
    // Somebody else's region is none of its own.
    bench.sandbox.set("AWS_REGION", "eu-west-1");
    let ran = bench.run("deploy d --build-number 2 --image web=v2");
    assert_eq!((ran.status, bench.ecs.transcript().as_str()), (8, ""), "{}", ran.err());
    let ran = bench.run("status d --json");
    assert_eq!(ran.status, 0, "{}", ran.err());
    assert!(ran.out().contains("\"region\":\"us-east-1\""), "{}", ran.out());
    let ran = bench.run("delete d");
    assert_eq!(ran.status, 0, "{}", ran.err());
    assert!(bench.ecs.world().contains("d-m-1 INACTIVE"), "{}", bench.ecs.world());
}
