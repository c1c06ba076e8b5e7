//! Leases: one holder at a time.

use super::*;
use crate::support::stop::Stop;

#[test]
fn a_lease_has_one_holder() {
    on_both(|store| {
        let ttl = Duration::from_mins(10);
        let mut first = store.lease("build", "machine-a build 7", ttl).unwrap();
        let error = store.lease("build", "machine-b", ttl).unwrap_err().to_string();
        assert!(error.contains("machine-a build 7") && error.contains("2019-01-02T03:14:05.000Z"), "{error}");
        store.lease("other", "machine-b", ttl).unwrap();
        first.renew().unwrap();
        first.release().unwrap();
        let second = store.lease("build", "machine-b", ttl).unwrap();
        drop(second);
        let mut third = store.lease("build", "machine-c", ttl).unwrap();
        // An hour later it is over, and somebody else's; the old holder cannot take it back or end it.
        let tomorrow = Store { clock: later, ..another(store) };
        let fourth = tomorrow.lease("build", "machine-d", ttl).unwrap();
        assert!(third.renew().is_err());
        drop(third);
        assert!(tomorrow.lease("build", "machine-e", ttl).unwrap_err().to_string().contains("machine-d"));
        drop(fourth);
    });
}

static NOW: AtomicI64 = AtomicI64::new(0);

/// A clock that a test sets, in seconds after the other one's time.
fn set_clock() -> SystemTime {
    clock() + Duration::from_secs(NOW.load(Ordering::SeqCst).try_into().unwrap())
}

fn ends(store: &Store) -> u64 {
    let text = store.objects.read::<Value>("jobs/build/lease").unwrap().unwrap();
    text["ends"].as_u64().unwrap()
}

/// Waits for what another thread is about to do.
fn wait_until(is_so: impl Fn() -> bool) {
    for _ in 0..2000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("it does not come to be");
}

#[test]
fn a_kept_lease_is_renewed_until_it_is_lost() {
    let often = Duration::from_millis(5);
    on_both(|store| {
        NOW.store(0, Ordering::SeqCst);
        let store = &Store { clock: set_clock, ..another(store) };
        let ttl = Duration::from_mins(2);
        let stop = Stop::default();
        let keeper = store.lease("build", "first", ttl).unwrap().keep(often, stop.clone()).unwrap();
        let began = ends(store);
        // Longer than the lease, in steps that are shorter.
        for minute in 1..=5 {
            NOW.store(60 * minute, Ordering::SeqCst);
            wait_until(|| ends(store) == began + 60_000 * u64::try_from(minute).unwrap());
            assert!(store.lease("build", "second", ttl).is_err());
        }
        assert_eq!(stop.reason(), None);
        keeper.release().unwrap();

        // Somebody else has it, as after a machine has slept.
        let keeper = store.lease("build", "first", ttl).unwrap().keep(often, stop.clone()).unwrap();
        let until = || ends(store) + 60_000;
        let other = json!({"holder": "other", "token": "other", "ends": until(), "endsAt": "later"});
        // A renewal that is under way may come between.
        wait_until(|| {
            store.objects.replace("jobs/build/lease", &other).unwrap();
            stop.reason().is_some()
        });
        assert!(stop.reason().unwrap().contains("gone to somebody else"), "{stop:?}");
        drop(keeper);
        assert!(store.lease("build", "third", ttl).unwrap_err().to_string().contains("other"));
    });
}

#[test]
fn of_many_who_want_a_lease_one_gets_it() {
    on_both(|store| {
        let got: usize = std::thread::scope(|scope| {
            let started: Vec<_> = (0..10)
                .map(|index| {
                    let store = another(store);
                    scope.spawn(move || store.lease("build", &index.to_string(), Duration::from_mins(1)).ok())
                })
                .collect();
            let leases: Vec<_> = started.into_iter().filter_map(|thread| thread.join().unwrap()).collect();
            leases.len()
        });
        assert_eq!(got, 1);
    });
}
