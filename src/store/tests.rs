//! The store in a folder and in a bucket of pretence, and the deaths of a commit.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::*;
use crate::error::Kind;

mod kept;
mod lease;
mod state;

/// After how many steps a commit dies; negative: never.
#[derive(Debug)]
pub(super) struct AtStep(AtomicI64);

impl Default for AtStep {
    fn default() -> Self {
        Self(AtomicI64::new(-1))
    }
}

impl AtStep {
    pub(super) fn reached(&self, step: Step) -> Result<(), Error> {
        match self.0.load(Ordering::Relaxed) {
            0 => Err(Error::failed(format_args!("killed at {step:?}"))),
            left => {
                self.0.store((left - 1).max(-1), Ordering::Relaxed);
                Ok(())
            }
        }
    }
}

fn clock() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_546_398_245)
}

fn later() -> SystemTime {
    clock() + Duration::from_hours(1)
}

fn local(folder: &Path) -> Store {
    let nothing = Env::Fixed(std::collections::BTreeMap::new());
    Store::open(&Location::Folder(folder.join("store")), &nothing, clock).unwrap()
}

/// Another process at the same store.
fn another(store: &Store) -> Store {
    Store { objects: Arc::clone(&store.objects), clock: store.clock, at_step: AtStep::default() }
}

/// Runs a test on both kinds of store.
fn on_both(test: impl Fn(&Store)) {
    let dir = tempfile::tempdir().unwrap();
    test(&local(dir.path()));
    let objects = Arc::new(Objects::in_memory());
    test(&Store { objects, clock, at_step: AtStep::default() });
}

fn image() -> Owner {
    Owner::Resource("app-img".to_owned())
}

fn job() -> Owner {
    Owner::Job("build".to_owned())
}

fn bag(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn draft(name: &str) -> Draft {
    Draft {
        version_name: Some(name.to_owned()),
        property_bag: bag(&json!({"sourceName": "org/img", "n": 1.50})),
        ..Draft::default()
    }
}

fn run(build_number: &str, token: &str) -> RunId {
    RunId { job: "build".to_owned(), build_number: build_number.to_owned(), token: token.to_owned() }
}

fn plan(name: &str) -> RunPlan {
    RunPlan {
        status: "success".to_owned(),
        inputs: vec![Input { name: "repo".to_owned(), version_number: 3, version_name: None }],
        outputs: vec![(image(), draft(name)), (job(), draft(name)), (image(), draft(name))],
    }
}

fn numbers(store: &Store, owner: &Owner) -> Vec<u64> {
    store.versions(owner).unwrap().iter().map(|version| version.version_number).collect()
}

fn latest(store: &Store, owner: &Owner) -> Option<u64> {
    store.latest(owner).unwrap().map(|version| version.version_number)
}

#[test]
fn an_empty_store_has_nothing_and_makes_nothing() {
    on_both(|store| {
        assert_eq!(store.latest(&image()).unwrap(), None);
        assert_eq!(store.version(&image(), 1).unwrap(), None);
        assert_eq!(store.version_named(&image(), "x").unwrap(), None);
        assert_eq!(store.versions(&image()).unwrap(), []);
        assert_eq!(store.pinned(&image()).unwrap(), None);
        assert_eq!(store.run("build", "1").unwrap(), None);
        assert_eq!(store.latest_state("build").unwrap(), None);
        assert_eq!(store.states(&job()).unwrap(), []);
        store.unpin(&image()).unwrap();
    });
    let dir = tempfile::tempdir().unwrap();
    local(dir.path()).latest(&image()).unwrap();
    assert!(!dir.path().join("store").exists());
}

#[test]
fn versions_are_counted_and_found() {
    on_both(|store| {
        let first = store.create(&image(), &draft("1.0")).unwrap();
        assert_eq!((first.version_number, first.created_at.as_str()), (1, "2019-01-02T03:04:05.000Z"));
        // The same again is the same.
        assert_eq!(store.create(&image(), &draft("1.0")).unwrap(), first);
        let second = store.create(&image(), &Draft { section: Some("s1".to_owned()), ..draft("1.1") }).unwrap();
        // What says nothing of the section keeps it.
        let third = store.create(&image(), &draft("1.0")).unwrap();
        assert_eq!((third.version_number, third.section.as_deref()), (3, Some("s1")));
        assert!(first.version_id != second.version_id);
        assert_eq!(store.latest(&image()).unwrap(), Some(third.clone()));
        assert_eq!(store.version(&image(), 2).unwrap(), Some(second.clone()));
        assert_eq!(store.version_named(&image(), "1.0").unwrap(), Some(third.clone()));
        assert_eq!(store.versions(&image()).unwrap(), [first, second.clone(), third.clone()]);
        assert_eq!(store.recent(&image(), 2).unwrap(), [second, third]);
        // A job of the same name is another thing.
        assert_eq!(store.latest(&Owner::Job("app-img".to_owned())).unwrap(), None);
    });
}

#[test]
fn the_layout_is_that_of_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    let store = local(dir.path());
    store.commit_run(&run("7", "t"), &plan("1.0")).unwrap();
    store.create(&Owner::Resource("../up".to_owned()), &draft("x")).unwrap();
    store.save_state(&job(), &dir.path().join("store/runs")).unwrap();
    let mut found = BTreeSet::new();
    for entry in walkdir::WalkDir::new(dir.path().join("store")) {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().mode() & 0o777;
        assert_eq!(mode, if entry.file_type().is_dir() { 0o700 } else { 0o600 }, "{}", entry.path().display());
        if entry.file_type().is_file() {
            found.insert(entry.path().strip_prefix(dir.path()).unwrap().to_str().unwrap().to_owned());
        }
    }
    let state = found.iter().find(|path| path.contains("/state/")).unwrap().clone();
    assert!(state.starts_with("store/jobs/build/state/") && state.ends_with(".tar.zst"), "{state}");
    found.remove(&state);
    let want = [
        "store/jobs/build/latest",
        "store/jobs/build/versions/1.json",
        "store/resources/%2E%2E%2Fup/latest",
        "store/resources/%2E%2E%2Fup/versions/1.json",
        "store/resources/app-img/latest",
        "store/resources/app-img/versions/1.json",
        "store/resources/app-img/versions/2.json",
        "store/runs/build/7.json",
    ];
    // `..%2Fup` would be as safe: what matters is that the name is one part of the path.
    let found: BTreeSet<String> = found.into_iter().map(|path| path.replace("..%2F", "%2E%2E%2F")).collect();
    assert_eq!(found, want.map(ToOwned::to_owned).into());
    let text = fs::read(dir.path().join("store/resources/app-img/versions/2.json")).unwrap();
    let version: Value = serde_json::from_slice(&text).unwrap();
    for (key, want) in [
        ("versionNumber", json!(2)),
        ("versionName", json!("1.0")),
        ("createdAt", json!("2019-01-02T03:04:05.000Z")),
        ("run", json!({"job": "build", "buildNumber": "7", "token": "t"})),
    ] {
        assert_eq!(version[key], want, "{key}");
    }
    assert_eq!(version["propertyBag"].to_string(), r#"{"sourceName":"org/img","n":1.5}"#);
}

#[test]
fn a_run_is_written_once() {
    on_both(|store| {
        let first = store.commit_run(&run("7", "t"), &plan("1.0")).unwrap();
        assert!(!first.already);
        let made: Vec<_> =
            first.versions.iter().map(|(owner, version)| (owner.clone(), version.version_number)).collect();
        assert_eq!(made, [(image(), 1), (job(), 1), (image(), 2)]);
        // Also under another plan: what was done is done.
        let again = store.commit_run(&run("7", "t"), &plan("2.0")).unwrap();
        assert_eq!((again.already, &again.versions), (true, &first.versions));
        assert_eq!((numbers(store, &image()), numbers(store, &job())), (vec![1, 2], vec![1]));
        let record = store.run("build", "7").unwrap().unwrap();
        assert_eq!((record.status.as_str(), record.outputs.len(), record.inputs.len()), ("success", 3, 1));
    });
}

#[test]
fn a_rerun_of_one_build_number_has_a_record_of_its_own() {
    on_both(|store| {
        store.commit_run(&run("7", "a"), &plan("1.0")).unwrap();
        let second = store.commit_run(&run("7", "b"), &plan("1.1")).unwrap();
        assert!(!second.already);
        assert_eq!(numbers(store, &image()), [1, 2, 3, 4]);
        assert!(store.commit_run(&run("7", "a"), &plan("x")).unwrap().already);
        assert!(store.commit_run(&run("7", "b"), &plan("x")).unwrap().already);
        assert_eq!(store.run("build", "7").unwrap().unwrap().id.token, "b");
        // `7.2` is a build number too.
        assert!(!store.commit_run(&run("7.2", "c"), &plan("1.2")).unwrap().already);
        assert_eq!(store.run("build", "7").unwrap().unwrap().id.token, "b");
        assert_eq!(numbers(store, &job()), [1, 2, 3]);
    });
}

#[test]
fn a_commit_that_dies_leaves_all_or_nothing_and_can_be_repeated() {
    on_both(|store| {
        for steps in 0..8 {
            let owner_count = numbers(store, &image()).len();
            let id = run(&format!("b{steps}"), "t");
            let dying = another(store);
            dying.at_step.0.store(steps, Ordering::Relaxed);
            let died = dying.commit_run(&id, &plan("n")).is_err();
            assert_eq!(died, steps < 8, "{steps}");
            // 3 allocations and 1 step behind them: from then on everything is there.
            let is_there = steps > 3;
            let now = numbers(store, &image());
            assert_eq!(now.len(), owner_count + if is_there { 2 } else { 0 }, "{steps}");
            assert_eq!(latest(store, &image()), now.last().copied(), "{steps}");
            assert_eq!(store.run("build", &id.build_number).unwrap().is_some(), is_there, "{steps}");
            let again = store.commit_run(&id, &plan("n")).unwrap();
            assert_eq!(again.already, is_there, "{steps}");
            // Numbers that the dead one took are used: there are no holes.
            let now = numbers(store, &image());
            assert_eq!(now, (1..=u64::try_from(owner_count).unwrap() + 2).collect::<Vec<_>>(), "{steps}");
            assert_eq!(latest(store, &image()), now.last().copied());
            assert_eq!(latest(store, &job()), Some(u64::try_from(steps).unwrap() + 1));
            assert!(store.commit_run(&id, &plan("n")).unwrap().already);
        }
    });
}

#[test]
fn what_a_dead_run_took_is_never_seen() {
    on_both(|store| {
        store.at_step.0.store(3, Ordering::Relaxed);
        store.commit_run(&run("1", "dead"), &plan("lost")).unwrap_err();
        store.at_step.0.store(-1, Ordering::Relaxed);
        assert_eq!((latest(store, &image()), numbers(store, &image())), (None, vec![]));
        assert_eq!(store.version(&image(), 1).unwrap(), None);
        assert_eq!(store.version_named(&image(), "lost").unwrap(), None);
        assert_eq!(store.pin(&image(), 1).unwrap_err().kind(), Kind::Configuration);
        store.commit_run(&run("2", "alive"), &plan("kept")).unwrap();
        assert_eq!((latest(store, &image()), numbers(store, &image())), (Some(4), vec![3, 4]));
        // The dead one comes back, late: its versions are the newest, under new numbers.
        store.commit_run(&run("1", "dead"), &plan("lost")).unwrap();
        assert_eq!((latest(store, &image()), numbers(store, &image())), (Some(6), vec![3, 4, 5, 6]));
        assert_eq!(store.version_named(&image(), "lost").unwrap().unwrap().version_number, 6);
    });
}

#[test]
fn many_at_once_never_share_a_number_and_lose_none() {
    const RUNS: usize = 20;
    on_both(|store| {
        let made: Vec<Vec<u64>> = std::thread::scope(|scope| {
            let started: Vec<_> = (0..RUNS)
                .map(|index| {
                    let store = another(store);
                    scope.spawn(move || {
                        let id = run(&index.to_string(), &format!("t{index}"));
                        // Every run says the same: numbers are told apart by the run.
                        let done = store.commit_run(&id, &plan("same")).unwrap();
                        done.versions
                            .iter()
                            .filter(|(owner, _)| *owner == image())
                            .map(|it| it.1.version_number)
                            .collect()
                    })
                })
                .collect();
            started.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let all: BTreeSet<u64> = made.iter().flatten().copied().collect();
        assert_eq!(all, (1..=2 * RUNS as u64).collect());
        assert_eq!(numbers(store, &image()), all.into_iter().collect::<Vec<_>>());
        assert_eq!(latest(store, &image()), Some(2 * RUNS as u64));
        assert_eq!(numbers(store, &job()).len(), RUNS);
    });
}

#[test]
fn one_run_committed_by_many_is_written_once() {
    on_both(|store| {
        let made: Vec<_> = std::thread::scope(|scope| {
            let started: Vec<_> = (0..8)
                .map(|_| {
                    let store = another(store);
                    scope.spawn(move || store.commit_run(&run("7", "t"), &plan("n")).unwrap().versions)
                })
                .collect();
            started.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(made.iter().all(|versions| *versions == made[0]));
        assert_eq!((numbers(store, &image()).len(), numbers(store, &job()).len()), (2, 1));
    });
}

#[test]
fn the_hint_never_goes_back() {
    on_both(|store| {
        for name in ["a", "b", "c"] {
            store.create(&image(), &draft(name)).unwrap();
        }
        store.move_latest(&image(), 1).unwrap();
        let hint: Value = store.objects.read("resources/app-img/latest").unwrap().unwrap();
        assert_eq!(hint, json!({"versionNumber": 3}));
        // One that lags, and one that is not there, cost a look and nothing else.
        store.objects.replace("resources/app-img/latest", &json!({"versionNumber": 1})).unwrap();
        assert_eq!(latest(store, &image()), Some(3));
        store.objects.remove("resources/app-img/latest").unwrap();
        assert_eq!(latest(store, &image()), Some(3));
    });
}

#[test]
fn old_versions_may_be_removed_by_hand() {
    on_both(|store| {
        for name in ["a", "b", "c"] {
            store.create(&image(), &draft(name)).unwrap();
        }
        store.objects.remove("resources/app-img/versions/1.json").unwrap();
        assert_eq!((latest(store, &image()), numbers(store, &image())), (Some(3), vec![2, 3]));
        store.objects.remove("resources/app-img/versions/3.json").unwrap();
        assert_eq!(latest(store, &image()), Some(2));
    });
}

#[test]
fn pins() {
    on_both(|store| {
        store.create(&image(), &draft("a")).unwrap();
        store.create(&image(), &draft("b")).unwrap();
        store.pin(&image(), 1).unwrap();
        assert_eq!((store.pinned(&image()).unwrap(), latest(store, &image())), (Some(1), Some(2)));
        let error = store.pin(&image(), 9).unwrap_err();
        assert_eq!(error.kind(), Kind::Configuration);
        assert!(error.to_string().contains("the newest is 2"), "{error}");
        store.unpin(&image()).unwrap();
        assert_eq!(store.pinned(&image()).unwrap(), None);
    });
}

#[test]
fn build_numbers_are_given_once() {
    on_both(|store| {
        let mut given: Vec<u64> = std::thread::scope(|scope| {
            let take = || {
                let store = another(store);
                scope.spawn(move || (0..5).map(|_| store.next_build_number("build").unwrap()).collect::<Vec<_>>())
            };
            let started: Vec<_> = (0..4).map(|_| take()).collect();
            started.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        given.sort_unstable();
        assert_eq!(given, (1..=20).collect::<Vec<_>>());
        assert_eq!(store.next_build_number("other").unwrap(), 1);
    });
}

#[test]
fn broken_objects_are_named() {
    on_both(|store| {
        store.create(&image(), &draft("a")).unwrap();
        for object in ["resources/app-img/versions/1.json", "resources/app-img/latest"] {
            store.objects.replace(object, &json!(["no"])).unwrap();
            let error = store.latest(&image()).unwrap_err();
            assert_eq!(error.kind(), Kind::Configuration);
            assert!(error.to_string().contains(object), "{error}");
        }
    });
}

#[test]
fn folders_that_cannot_be_used() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("store"), "a file").unwrap();
    let error = local(dir.path()).latest(&image()).unwrap_err();
    assert!(error.to_string().contains("is a file"), "{error}");
    assert!(local(dir.path()).create(&image(), &draft("a")).is_err());
}
