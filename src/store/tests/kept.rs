//! Values that are changed by one at a time.

use super::*;

#[test]
fn of_two_who_change_a_value_one_does() {
    on_both(|store| {
        let owner = Owner::Job("prod".to_owned());
        let mut one: Kept<Vec<u32>> = store.kept(&owner, "deployed.json").unwrap();
        assert!(one.value().is_empty());
        let mut two: Kept<Vec<u32>> = store.kept(&owner, "deployed.json").unwrap();
        one.write(vec![1]).unwrap();
        one.write(vec![1, 2]).unwrap();
        let told = two.write(vec![9]).unwrap_err().to_string();
        assert!(told.contains("jobs/prod/deployed.json") && told.contains("somebody else"), "{told}");
        let mut three: Kept<Vec<u32>> = store.kept(&owner, "deployed.json").unwrap();
        assert_eq!(three.value(), &[1, 2]);
        three.write(vec![3]).unwrap();
        one.write(vec![4]).unwrap_err();
        let four: Kept<Vec<u32>> = store.kept(&owner, "deployed.json").unwrap();
        assert_eq!(four.value(), &[3]);
    });
}

#[test]
fn a_job_may_deploy_while_it_runs() {
    on_both(|store| {
        let ttl = Duration::from_mins(2);
        let _turn = store.lease("prod", "machine-a", ttl).unwrap();
        let Turn::Ours(held) = store.deployment_lease("prod", "machine-a build 7", ttl).unwrap() else { panic!() };
        let Turn::Others(other) = store.deployment_lease("prod", "machine-b", ttl).unwrap() else { panic!() };
        let told = other.to_string();
        assert!(told.contains("job prod") && told.contains("machine-a build 7"), "{told}");
        assert!(other.is_alive());
        held.release().unwrap();
        assert!(matches!(store.deployment_lease("prod", "machine-b", ttl).unwrap(), Turn::Ours(_)));
    });
}
