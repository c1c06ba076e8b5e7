//! What `--json` prints, beside the page that documents it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::ecs_jobs::{Bench, Yml};
use crate::ecs_server::{Behaviour, Scenario};
use crate::guards;
use crate::harness::Ran;

/// What the page says of each name.
fn page() -> BTreeMap<String, String> {
    let page = guards::read("man/shipctl-ecs.1").replace("\\-", "-").replace("\\(aq", "'");
    let (_, section) = page.split_once(".SH JSON\n").unwrap();
    let (section, _) = section.split_once(".SH ").unwrap();
    let entries = section.split(".TP\n").skip(1).map(|entry| entry.split_once('\n').unwrap());
    entries.map(|(name, text)| (name.replace("\\fB", "").replace("\\fR", ""), text.to_owned())).collect()
}

fn objects(ran: &Ran) -> Vec<Map<String, Value>> {
    ran.out().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Every member of an object stands in the entry, as a word.
#[track_caller]
fn documented(page: &BTreeMap<String, String>, entry: &str, object: &Map<String, Value>, others: &[&str]) {
    let text = page.get(entry).unwrap_or_else(|| panic!("the page says nothing of {entry}"));
    let words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    for name in object.keys().filter(|name| !others.contains(&name.as_str())) {
        assert!(words.contains(&name.as_str()), "the page does not say what {name} of {entry} is: {text}");
    }
}

#[test]
fn every_event_is_in_the_page() {
    let page = page();
    let mut bench = Bench::of(Scenario::new(), Yml { job: ", method: upgrade", ..Yml::default() });
    let mut printed = objects(&bench.deploys(1, "--json"));
    bench.ecs.change(|scenario| scenario.behaviour("*:bad*", Behaviour::Crashes { exit: 3, after: 2 }));
    let ran = bench.run("deploy d --build-number 2 --image web=bad --rollback --json");
    assert_eq!(ran.status, 21, "{}", ran.err());
    printed.extend(objects(&ran));
    let options = json!({"awslogs-group": "/l", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p"});
    let app = json!({
        "name": "app", "image": "app:1", "memory": 4, "logConfiguration": {"logDriver": "awslogs", "options": options},
    });
    let task = json!({"family": "job", "containerDefinitions": [app]});
    let done = Behaviour::Crashes { exit: 0, after: 3 };
    let scenario = Scenario::new().registered(task).behaviour("job", done).logs("/l:p/app/*", &["a line"]);
    let ran = Bench::new(scenario).run("run prod job --json");
    assert_eq!(ran.status, 0, "{}", ran.err());
    printed.extend(objects(&ran));
    let mut events: Vec<&str> = Vec::new();
    for object in &printed {
        assert!(object.contains_key("at") && object.contains_key("manifest"), "{object:?}");
        let event = object["event"].as_str().unwrap();
        documented(&page, event, object, &["at", "event", "manifest"]);
        if !events.contains(&event) {
            events.push(event);
        }
    }
    events.sort_unstable();
    assert_eq!(events, ["counts", "explanation", "log", "note", "outcome", "serviceEvent", "step", "task"]);
}

#[test]
fn plan_and_status_are_in_the_page() {
    let page = page();
    let mut bench = Bench::of(Scenario::new(), Yml::default());
    bench.deploys(1, "");
    bench.deploys(2, "--image web=v2");
    let plan = objects(&bench.run("plan d --json --image web=v3")).remove(0);
    let names: Vec<&str> = page.keys().flat_map(|entry| entry.split(", ")).collect();
    assert!(plan.keys().all(|name| names.contains(&name.as_str())), "{:?}", plan.keys());
    let manifest = plan["manifests"][0].as_object().unwrap();
    documented(&page, "manifests", manifest, &[]);
    documented(&page, "calls", manifest["calls"][0].as_object().unwrap(), &[]);
    let status = objects(&bench.run("status d --json")).remove(0);
    assert_eq!(status.keys().collect::<Vec<_>>(), ["deployed", "service", "isWhole"]);
    for (entry, list) in [("deployed", "previous"), ("service", "deployments")] {
        let object = status[entry].as_object().unwrap();
        documented(&page, entry, object, &[]);
        documented(&page, entry, object[list][0].as_object().unwrap(), &[]);
    }
    assert!(page.contains_key("isWhole"));
}
