//! What is remembered, and what it is like when it is read.

use serde_json::json;

use super::*;
use crate::ecs::steps::tests::deployed;

fn half_made(name: &str) -> Leftover {
    Leftover::Service {
        manifest: "app".to_owned(),
        name: name.to_owned(),
        cluster: Some("web".to_owned()),
        build_number: "5".to_owned(),
        task_definition: Some("arn:td/prod-app:5".to_owned()),
        scaling: None,
    }
}

#[test]
fn what_is_about_to_be_made_is_left_over_until_it_serves() {
    let mut memory = Memory::default();
    memory.serves(deployed("prod-app-4", Method::BlueGreen, json!({})));
    let revision = Leftover::TaskDefinition { manifest: "app".to_owned(), arn: "arn:td/prod-app:5".to_owned() };
    memory.leave(revision.clone());
    memory.leave(half_made("prod-app-5"));
    memory.leave(half_made("prod-app-5"));
    assert_eq!(memory.leftovers.len(), 2);
    assert!(
        memory.is_left("web", "prod-app-5") && memory.uses("arn:td/prod-app:5") && memory.uses("arn:td/prod-app:4")
    );
    let made = Scaled { policies: vec!["up".to_owned()], ..Scaled::default() };
    memory.scales("web", "prod-app-5", &made);
    memory.scales("web", "prod-app-5", &made);
    assert!(matches!(&memory.leftovers[1], Leftover::Service { scaling: Some(known), .. } if *known == made));
    let old = memory.services[0].clone();
    let new = Deployed {
        service: "prod-app-5".to_owned(),
        task_definition: "arn:td/prod-app:5".to_owned(),
        previous: old.with_previous(),
        ..old.clone()
    };
    memory.serves(new);
    assert_eq!(memory.leftovers, [Leftover::of(&old)]);
    // Its revision is in use as long as it is there.
    assert!(memory.uses("arn:td/prod-app:4"));
    memory.service_is_gone("api", "prod-app-4");
    assert!(memory.uses("arn:td/prod-app:4"), "of the same name, in another cluster");
    memory.service_is_gone("web", "prod-app-4");
    assert!(!memory.uses("arn:td/prod-app:4"));
    memory.revision_is_gone("arn:td/prod-app:3");
    let kept: Vec<&str> = memory.services[0].previous.iter().map(|one| one.build_number.as_str()).collect();
    assert_eq!((memory.leftovers.len(), kept), (0, vec!["4", "2"]));
}

#[test]
fn it_is_read_as_it_was_written_and_without_what_came_later() {
    let mut memory = Memory::default();
    memory.serves(deployed("prod-app-4", Method::Upgrade, json!({ "desiredCount": 2 })));
    memory.leave(half_made("prod-app-5"));
    let text = serde_json::to_string(&memory).unwrap();
    assert_eq!(serde_json::from_str::<Memory>(&text).unwrap(), memory);
    assert_eq!(serde_json::from_str::<Memory>("{}").unwrap(), Memory::default());
    let old = r#"{"leftovers":[{"kind":"service","manifest":"a","name":"b","buildNumber":"1"}]}"#;
    assert!(serde_json::from_str::<Memory>(old).unwrap().is_left("web", "b"));
}

#[test]
fn what_was_begun_is_known_until_it_has_come_to_its_end() {
    let scaled = Scaled { resource_id: "service/web/prod-app".to_owned(), ..Scaled::default() };
    let mut memory = Memory::default();
    memory.serves(deployed("prod-app", Method::Replace, json!({ "desiredCount": 2 })));
    memory.stops("api", "prod-app", Some(2));
    assert!(!memory.services[0].is_stopped(), "of the same name, in another cluster");
    memory.stops("web", "prod-app", Some(2));
    memory.changes("web", "prod-app", Some(0), vec!["placementStrategy".to_owned()]);
    let begun = memory.services[0].unfinished.clone().unwrap();
    assert_eq!((begun.stopped, begun.count), (true, Some(2)));
    assert_eq!(memory.services[0].sent_since(), ["placementStrategy"]);
    // A count by hand is as good as any; what else was sent is there still.
    memory.counts("web", "prod-app", 0);
    let begun = memory.services[0].unfinished.clone().unwrap();
    assert_eq!((begun.stopped, begun.count, begun.fields.len()), (false, Some(0), 1));
    memory.is_as_it_was("web", "prod-app");
    assert_eq!(memory.services[0].unfinished, None);
    memory.services[0].scaling = Some(scaled.clone());
    memory.unscales(&scaled, Some(2));
    memory.counts("web", "prod-app", 0);
    assert!(memory.services[0].is_stopped(), "nothing scales it any more");
    memory.scales_no_more(&scaled);
    assert_eq!(memory.services[0].scaling, None);
}

#[test]
fn a_list_is_no_memory() {
    assert!(serde_json::from_str::<Memory>("[]").is_err());
    let later = r#"{"services":[],"leftovers":[],"of tomorrow":{"a":1}}"#;
    assert_eq!(serde_json::to_string(&serde_json::from_str::<Memory>(later).unwrap()).unwrap(), later);
}
