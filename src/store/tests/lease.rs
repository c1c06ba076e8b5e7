//! Leases: one holder at a time.

use super::*;

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
