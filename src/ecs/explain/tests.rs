use super::*;

fn stopped(code: &str, reason: &str, container: Option<i32>) -> Task {
    Task {
        stop_code: Some(code.to_owned()),
        stopped_reason: Some(reason.to_owned()),
        containers: vec![Container { name: "web".to_owned(), exit_code: container, reason: None }],
        ..Task::default()
    }
}

fn service(events: &[&str]) -> Service {
    let event =
        |(number, message): (usize, &&str)| Event { id: number.to_string(), at: None, message: (*message).to_owned() };
    Service { events: events.iter().rev().enumerate().map(event).collect(), ..Service::default() }
}

#[test]
fn ends_are_counted_and_events_told_once() {
    let pull = stopped("TaskFailedToStart", "CannotPullContainerError: manifest unknown", None);
    let crash = stopped("EssentialContainerExited", "Essential container in task exited", Some(3));
    let found = Found {
        service: Some(service(&["one", "two", "two", "has reached a steady state.", "three"])),
        stopped: vec![crash, pull.clone(), pull],
        logs: [("web".to_owned(), vec!["cannot open /etc/app.conf".to_owned()])].into(),
        targets: vec!["i-1:80 unhealthy (Target.Timeout)".to_owned()],
        ..Found::default()
    };
    let got = explain("3 tasks have failed to start", &found);
    let want = [
        "reason: 3 tasks have failed to start",
        "event: one",
        "event: two",
        "event: three",
        "2 tasks stopped: TaskFailedToStart; CannotPullContainerError: manifest unknown",
        "1 task stopped: EssentialContainerExited; Essential container in task exited; container web exit status 3",
        "target: i-1:80 unhealthy (Target.Timeout)",
        "web said: cannot open /etc/app.conf",
    ];
    assert_eq!(got.lines, want);
    assert_eq!(got.next.len(), 2, "{:?}", got.next);
    assert!(got.next[0].starts_with("the image cannot be pulled"), "{:?}", got.next);
}

#[test]
fn known_causes_have_a_next_step() {
    for (said, want) in [
        ("CannotPullContainerError: pull access denied for app", "the image cannot be pulled"),
        (
            "(service web) was unable to place a task because no container instance met all of its requirements. The \
          closest matching (container-instance 1) is already using a port required by your task.",
            "a port is in use",
        ),
        (
            "(service web) was unable to place a task because no container instance met all of its requirements. The \
          closest matching (container-instance 1) has insufficient memory available.",
            "there is no room",
        ),
        (
            "(service web) was unable to place a task because no container instance met all of its requirements. Reason: \
          No Container Instances were found in your cluster.",
            "the cluster has no instances",
        ),
        ("(service web) (task 1) failed container health checks.", "the health check fails"),
        (
            "(service web) (instance i-1) (port 80) is unhealthy in (target-group arn) due to (reason Health checks failed)",
            "the health check fails",
        ),
        ("OutOfMemoryError: Container killed due to memory usage", "a container ran out of memory"),
        (
            "ResourceInitializationError: unable to pull secrets or registry auth: AccessDeniedException",
            "a secret cannot be read",
        ),
        (
            "ECS was unable to assume the role 'arn:aws:iam::1:role/x' that was provided for this task.",
            "a role cannot be taken",
        ),
        ("exec /bin/app: exec format error", "the image is built for another"),
        ("Essential container in task exited", "a container ends by itself"),
    ] {
        let got = explain(said, &Found::default());
        assert_eq!(got.next.len(), 1, "{said}: {:?}", got.next);
        assert!(got.next[0].starts_with(want), "{said}: {:?}", got.next);
    }
    assert_eq!(explain("something new", &Found::default()).next, Vec::<String>::new());
}

#[test]
fn statuses_that_say_something() {
    let found = Found {
        stopped: vec![stopped("EssentialContainerExited", "Essential container in task exited", Some(127))],
        ..Found::default()
    };
    assert_eq!(
        explain("x", &found).next,
        ["exit status 127: the command of a container is not found: look at cmd and entryPoint"]
    );
}
