use super::*;
use crate::aws::ecs::Event;

const OURS: &str = "arn:aws:ecs:us-east-1:123456789012:task-definition/web:2";
const OLD: &str = "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1";
const OTHER: &str = "arn:aws:ecs:us-east-1:123456789012:task-definition/web:3";

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds)
}

fn expected() -> Expected {
    Expected {
        deployment: "ecs-svc/2".to_owned(),
        task_definition: OURS.to_owned(),
        previous: Some(OLD.to_owned()),
        is_daemon: false,
        may_be_empty: true,
        stability: Duration::ZERO,
    }
}

fn deployment(id: u32, status: &str, revision: &str, counts: (i32, i32, i32), state: Option<&str>) -> Deployment {
    Deployment {
        id: format!("ecs-svc/{id}"),
        status: status.to_owned(),
        task_definition: revision.to_owned(),
        desired: counts.0,
        running: counts.1,
        pending: counts.2,
        rollout_state: state.map(ToOwned::to_owned),
        created_at: Some(at(0)),
        ..Deployment::default()
    }
}

fn service(deployments: Vec<Deployment>) -> Service {
    Service { name: "web".to_owned(), status: "ACTIVE".to_owned(), deployments, ..Service::default() }
}

fn with_events(mut service: Service, events: &[(u64, &str)]) -> Service {
    let event = |(seconds, message): &(u64, &str)| Event {
        id: format!("{seconds} {message}"),
        at: Some(at(*seconds)),
        message: (*message).to_owned(),
    };
    service.events = events.iter().rev().map(event).collect();
    service
}

fn ours(counts: (i32, i32, i32), state: Option<&str>) -> Service {
    service(vec![deployment(2, "PRIMARY", OURS, counts, state)])
}

/// The verdicts over looks ten seconds apart.
fn verdicts(expected: Expected, looks: &[Option<Service>]) -> Vec<Verdict> {
    let mut watch = Watch::new(expected, at(0), HashSet::new());
    (1..).zip(looks).map(|(number, look)| watch.see(at(10 * number), look.as_ref())).collect()
}

#[test]
fn done_when_all_run_and_ecs_says_so() {
    let looks = [
        ours((2, 0, 2), Some("IN_PROGRESS")),
        ours((2, 2, 0), Some("IN_PROGRESS")),
        ours((2, 1, 1), Some("COMPLETED")),
        ours((2, 2, 0), Some("COMPLETED")),
    ];
    let want = [Verdict::Going, Verdict::Going, Verdict::Going, Verdict::Done];
    assert_eq!(verdicts(expected(), &looks.map(Some)), want);
}

#[test]
fn counts_stand_alone_behind_a_classic_load_balancer() {
    let both = |running| {
        let old = deployment(1, "ACTIVE", OLD, (2, 1, 0), None);
        Some(service(vec![deployment(2, "PRIMARY", OURS, (2, running, 2 - running), None), old]))
    };
    let alone = |running| Some(ours((2, running, 2 - running), None));
    let (going, done) = (Verdict::Going, Verdict::Done);
    // ECS calls it steady: of what was started before, that says nothing.
    let told = |events: &[(u64, &str)]| alone(2).map(|look| with_events(look, events));
    let steady = "(service web) has reached a steady state.";
    let started = "(service web) has started 2 tasks: (task 1) (task 2).";
    let looks = [both(1), both(2), told(&[(1, steady), (2, started)]), told(&[(2, started), (38, steady)])];
    assert_eq!(verdicts(expected(), &looks), [going.clone(), going.clone(), going.clone(), done.clone()]);
    // Where it says nothing at all, two more looks have to do.
    let looks = [alone(1), alone(2), alone(2), alone(2)];
    assert_eq!(verdicts(expected(), &looks), [going.clone(), going.clone(), going, done]);
}

/// A deployment that is older than the watch: what came before is none of its own.
#[test]
fn what_is_known_counts_for_nothing() {
    let lost = "(service web) has started 3 tasks: (task 1) (task 2) (task 3).";
    let look = with_events(ours((1, 1, 0), Some("IN_PROGRESS")), &[(1, lost)]);
    let known = look.events.iter().map(|event| event.id.clone()).collect();
    let mut watch = Watch::new(expected(), at(0), known);
    assert_eq!(watch.see(at(10), Some(&look)), Verdict::Going);
    let more = "(service web) has started 4 tasks: (task 4) (task 5) (task 6) (task 7).";
    let look = with_events(look, &[(1, lost), (12, more)]);
    assert!(matches!(watch.see(at(20), Some(&look)), Verdict::Failed(_)));
}

#[test]
fn the_essence_of_an_event() {
    for (said, want) in [
        ("(service web) has reached a steady state.", "has reached a steady state"),
        (
            "(service web) was unable to place a task because no container instance met all of its requirements. For \
             more information, see the Troubleshooting section.",
            "no container instance met all of its requirements",
        ),
        ("something new", "something new"),
    ] {
        assert_eq!(essence(said), want);
    }
}

#[test]
fn steady_for_as_long_as_asked_without_a_dip() {
    let expected = Expected { stability: Duration::from_secs(20), ..expected() };
    let full = || Some(ours((1, 1, 0), Some("COMPLETED")));
    let dip = || Some(ours((1, 0, 1), Some("COMPLETED")));
    let (going, done) = (Verdict::Going, Verdict::Done);
    let seen = verdicts(expected.clone(), &[full(), full(), dip(), full(), full(), full()]);
    assert_eq!(seen[..5], vec![going.clone(); 5]);
    assert_eq!(seen[5], done);
    assert_eq!(verdicts(expected, &[full(), full(), full()]), [going.clone(), going, done]);
}

#[test]
fn a_daemon_without_a_place_yet_is_not_done() {
    let daemon = Expected { is_daemon: true, ..expected() };
    let looks = [Some(ours((0, 0, 0), Some("COMPLETED"))), Some(ours((3, 3, 0), Some("COMPLETED")))];
    assert_eq!(verdicts(daemon, &looks), [Verdict::Going, Verdict::Done]);
    // A service that was scaled to 0 has nothing to start; where tasks were asked for, it is not done.
    let none = [Some(ours((0, 0, 0), Some("COMPLETED")))];
    assert_eq!(verdicts(expected(), &none), [Verdict::Done]);
    let asked = Expected { may_be_empty: false, ..expected() };
    assert!(matches!(verdicts(asked, &none)[..], [Verdict::Superseded(_)]));
}

#[test]
fn the_breaker_stops_it_without_going_back() {
    let mut failed = ours((2, 0, 0), Some("FAILED"));
    let reason = "ECS deployment circuit breaker: tasks failed to start.";
    failed.deployments[0].rollout_reason = Some(reason.to_owned());
    assert_eq!(verdicts(expected(), &[Some(failed)]), [Verdict::Failed(reason.trim_end_matches('.').to_owned())]);
}

#[test]
fn the_breaker_goes_back() {
    let reason = "ECS deployment circuit breaker: tasks failed to start.";
    let mut own = deployment(2, "ACTIVE", OURS, (2, 0, 0), Some("FAILED"));
    own.rollout_reason = Some(reason.to_owned());
    let back = deployment(3, "PRIMARY", OLD, (2, 1, 1), Some("IN_PROGRESS"));
    let mut watch = Watch::new(expected(), at(0), HashSet::new());
    assert_eq!(
        watch.see(at(10), Some(&service(vec![back.clone(), own]))),
        Verdict::RolledBack(reason.trim_end_matches('.').to_owned())
    );
    let next = watch.going_back().unwrap();
    assert_eq!((next.deployment.as_str(), next.task_definition.as_str()), ("ecs-svc/3", OLD));
    // Ours may be gone from the list by the time of the next look.
    let gone = with_events(service(vec![back]), &[(5, "(service web) rolling back to deployment ecs-svc/1.")]);
    assert!(matches!(verdicts(expected(), &[Some(gone)])[..], [Verdict::RolledBack(_)]));
    // It may have gone back between two looks, and tell of that alone.
    let mut back = deployment(3, "PRIMARY", OLD, (2, 2, 0), Some("COMPLETED"));
    back.rollout_reason = Some("ECS deployment ecs-svc/3 completed.".to_owned());
    let mut gone = service(vec![back]);
    gone.rolls_back = true;
    let told = "the circuit breaker of ECS has put web:1 back".to_owned();
    assert_eq!(verdicts(expected(), &[Some(gone.clone())]), [Verdict::RolledBack(told)]);
    gone.rolls_back = false;
    assert!(matches!(verdicts(expected(), &[Some(gone)])[..], [Verdict::Superseded(_)]));
}

/// A roll-out that was completed before its service was scaled: ECS may be late to ask for more of it.
#[test]
fn the_count_of_the_service_is_waited_for() {
    let look = |desired, counts| {
        let mut look = ours(counts, Some("COMPLETED"));
        look.desired = desired;
        Some(look)
    };
    let looks = [look(2, (0, 0, 0)), look(2, (1, 1, 0)), look(2, (2, 1, 1)), look(2, (2, 2, 0))];
    let want = [Verdict::Going, Verdict::Going, Verdict::Going, Verdict::Done];
    assert_eq!(verdicts(expected(), &looks), want);
}

#[test]
fn somebody_else_has_deployed() {
    let own = deployment(2, "ACTIVE", OURS, (2, 1, 0), Some("IN_PROGRESS"));
    let other = deployment(3, "PRIMARY", OTHER, (2, 0, 2), Some("IN_PROGRESS"));
    let Verdict::Superseded(told) = &verdicts(expected(), &[Some(service(vec![other, own]))])[0] else { panic!() };
    assert!(told.contains("web:3") && told.contains("ecs-svc/3"), "{told}");
    let deleted = Service { status: "DRAINING".to_owned(), ..ours((2, 2, 0), None) };
    assert!(matches!(verdicts(expected(), &[Some(deleted)])[0], Verdict::Superseded(_)));
}

#[test]
fn the_same_revision_under_another_deployment_is_ours() {
    let own = deployment(2, "ACTIVE", OURS, (1, 1, 0), Some("IN_PROGRESS"));
    let forced = |running, state| deployment(3, "PRIMARY", OURS, (1, running, 1 - running), Some(state));
    let looks = [service(vec![forced(0, "IN_PROGRESS"), own]), service(vec![forced(1, "COMPLETED")])];
    assert_eq!(verdicts(expected(), &looks.map(Some)), [Verdict::Going, Verdict::Done]);
    // It stops the tasks that ours has started: that is no crash.
    let (first, again) =
        ("(service web) has started 4 tasks: (task 1) (task 2) (task 3) (task 4).", "(task 5) (task 6)");
    let again = format!("(service web) has started 2 tasks: {again}.");
    let ours = deployment(2, "PRIMARY", OURS, (4, 4, 0), Some("IN_PROGRESS"));
    let forced = |running, pending, state| deployment(3, "PRIMARY", OURS, (4, running, pending), Some(state));
    let looks = [
        with_events(service(vec![ours]), &[(2, first)]),
        with_events(service(vec![forced(0, 2, "IN_PROGRESS")]), &[(2, first), (15, again.as_str())]),
        with_events(service(vec![forced(2, 2, "IN_PROGRESS")]), &[(2, first), (15, again.as_str())]),
        with_events(service(vec![forced(4, 0, "COMPLETED")]), &[(2, first), (15, again.as_str())]),
    ];
    let want = [Verdict::Going, Verdict::Going, Verdict::Going, Verdict::Done];
    assert_eq!(verdicts(expected(), &looks.map(Some)), want);
}

#[test]
fn tasks_that_start_and_stop_again() {
    let started = |id: u64| (id * 10, format!("(service web) has started 1 tasks: (task {id:08x})."));
    let events: Vec<(u64, String)> = (1..=4).map(started).collect();
    let look = |count: usize| {
        let seen: Vec<(u64, &str)> = events[..count].iter().map(|(at, said)| (*at, said.as_str())).collect();
        Some(with_events(ours((1, 1, 0), Some("IN_PROGRESS")), &seen))
    };
    let seen = verdicts(expected(), &[look(1), look(2), look(3), look(4)]);
    assert_eq!(seen[..3], vec![Verdict::Going; 3]);
    assert_eq!(seen[3], Verdict::Failed("tasks start and stop again: 3 so far".to_owned()));
}

#[test]
fn tasks_that_are_seen_to_stop_count_without_events() {
    let (up, down) = (|| Some(ours((1, 1, 0), None)), || Some(ours((1, 0, 1), None)));
    let expected = Expected { stability: Duration::from_mins(5), ..expected() };
    let seen = verdicts(expected, &[up(), down(), up(), down(), up(), down()]);
    assert_eq!(seen[..5], vec![Verdict::Going; 5]);
    assert!(matches!(&seen[5], Verdict::Failed(told) if told.contains("3 so far")));
}

#[test]
fn the_breaker_is_given_time_to_decide() {
    let mut look = ours((1, 0, 1), Some("IN_PROGRESS"));
    look.deployments[0].failed_tasks = 3;
    assert!(matches!(verdicts(expected(), &[Some(look.clone())])[0], Verdict::Failed(_)));
    look.has_breaker = true;
    assert_eq!(verdicts(expected(), &[Some(look.clone())]), [Verdict::Going]);
    look.deployments[0].failed_tasks = 10;
    assert!(matches!(verdicts(expected(), &[Some(look)])[0], Verdict::Failed(_)));
}

/// A task that runs for a while and ends is none that its breaker counts.
#[test]
fn what_no_breaker_counts_is_counted_here() {
    let started = |id: u64| (id * 10, format!("(service web) has started 1 tasks: (task {id:08x})."));
    let events: Vec<(u64, String)> = (1..=6).map(started).collect();
    let look = |count: usize, failed: i32| {
        let seen: Vec<(u64, &str)> = events[..count].iter().map(|(at, said)| (*at, said.as_str())).collect();
        let mut look = with_events(ours((1, 1, 0), Some("IN_PROGRESS")), &seen);
        (look.has_breaker, look.deployments[0].failed_tasks) = (true, failed);
        Some(look)
    };
    let seen = verdicts(expected(), &[look(2, 0), look(3, 0), look(4, 0), look(4, 0)]);
    assert_eq!(seen[..3], vec![Verdict::Going; 3]);
    assert_eq!(seen[3], Verdict::Failed("tasks start and stop again: 3 so far".to_owned()));
    // Those that it counts are its own, also when its count is late, or has begun anew.
    let seen = verdicts(expected(), &[look(3, 2), look(4, 0), look(4, 1), look(5, 2), look(6, 0)]);
    assert_eq!(seen, vec![Verdict::Going; 5]);
}

#[test]
fn old_events_are_no_evidence() {
    let no_place =
        "(service web) was unable to place a task because no container instance met all of its requirements.";
    let old = [(1, no_place), (2, no_place), (3, no_place)];
    let mut look = with_events(ours((1, 0, 1), Some("IN_PROGRESS")), &old);
    look.events.iter_mut().for_each(|event| event.at = event.at.map(|at| at - Duration::from_mins(10)));
    assert_eq!(verdicts(expected(), &[Some(look)]), [Verdict::Going]);
    let seen = with_events(ours((1, 0, 1), Some("IN_PROGRESS")), &old);
    let Verdict::Failed(told) = &verdicts(expected(), &[Some(seen)])[0] else { panic!() };
    assert!(told.contains("no container instance"), "{told}");
}

#[test]
fn tasks_that_were_stopped_on_purpose_are_not_lost() {
    let started = [(1, "(service web) has started 4 tasks: (task a) (task b) (task c) (task d).")];
    let full = with_events(ours((4, 4, 0), Some("IN_PROGRESS")), &started);
    let fewer = with_events(ours((1, 1, 0), Some("COMPLETED")), &started);
    assert_eq!(verdicts(expected(), &[Some(full), Some(fewer)]), [Verdict::Going, Verdict::Done]);
}

#[test]
fn a_service_that_is_not_shown_is_late_at_first() {
    let mut watch = Watch::new(expected(), at(0), HashSet::new());
    assert_eq!(watch.see(at(1), None), Verdict::Going);
    assert_eq!(watch.see(at(59), None), Verdict::Going);
    assert!(matches!(watch.see(at(61), None), Verdict::Failed(_)));
    // Shown in between, the time begins anew.
    let mut watch = Watch::new(expected(), at(0), HashSet::new());
    watch.see(at(1), None);
    watch.see(at(50), Some(&ours((1, 0, 1), Some("IN_PROGRESS"))));
    assert_eq!(watch.see(at(70), None), Verdict::Going);
}

#[test]
fn events_from_before_say_nothing_of_it() {
    let started = "(service web) has started 3 tasks: (task 1) (task 2) (task 3).";
    // Three seconds before, which the clocks may be apart.
    let look = with_events(ours((2, 0, 0), Some("IN_PROGRESS")), &[(7, started)]);
    let known: HashSet<String> = look.events.iter().map(|event| event.id.clone()).collect();
    let mut look = look.clone();
    look.deployments[0].created_at = Some(at(10));
    assert_eq!(Watch::new(expected(), at(10), known).see(at(11), Some(&look)), Verdict::Going);
    let failed = Watch::new(expected(), at(10), HashSet::new()).see(at(11), Some(&look));
    assert!(matches!(failed, Verdict::Failed(_)), "{failed:?}");
}

#[test]
fn a_service_of_that_name_from_before_is_none_of_ours() {
    let stale = |status: &str| Some(Service { status: status.to_owned(), ..service(Vec::new()) });
    let looks = [stale("INACTIVE"), stale("DRAINING"), Some(ours((1, 1, 0), Some("COMPLETED"))), stale("INACTIVE")];
    let seen = verdicts(expected(), &looks);
    assert_eq!(seen[..3], [Verdict::Going, Verdict::Going, Verdict::Done]);
    assert!(matches!(seen[3], Verdict::Superseded(_)));
    let seen = verdicts(expected(), &vec![stale("INACTIVE"); 7]);
    assert_eq!(seen[..6], vec![Verdict::Going; 6]);
    assert!(matches!(seen[6], Verdict::Failed(_)));
}

#[test]
fn the_breaker_may_take_a_moment_to_go_back() {
    let mut failed = ours((2, 0, 0), Some("FAILED"));
    failed.has_breaker = true;
    failed.rolls_back = true;
    let own = deployment(2, "ACTIVE", OURS, (2, 0, 0), Some("FAILED"));
    let back = service(vec![deployment(1, "PRIMARY", OLD, (2, 1, 1), Some("IN_PROGRESS")), own]);
    let seen = verdicts(expected(), &[Some(failed.clone()), Some(back)]);
    assert_eq!(seen[0], Verdict::Going);
    assert!(matches!(seen[1], Verdict::RolledBack(_)));
    let looks = vec![Some(failed); 3];
    let seen = verdicts(expected(), &looks);
    assert_eq!(seen[..2], vec![Verdict::Going; 2]);
    assert!(matches!(seen[2], Verdict::Failed(_)));
    // There is nothing that it could go back to.
    let first = Expected { previous: None, ..expected() };
    assert!(matches!(verdicts(first, &looks)[0], Verdict::Failed(_)));
}

/// Behind a classic load balancer, too.
#[test]
fn nothing_that_is_to_run_is_done() {
    let looks = vec![Some(ours((0, 0, 0), None)); 7];
    assert_eq!(verdicts(expected(), &looks)[6], Verdict::Done);
    let daemon = Expected { is_daemon: true, ..expected() };
    assert_eq!(verdicts(daemon, &looks)[6], Verdict::Going);
}
