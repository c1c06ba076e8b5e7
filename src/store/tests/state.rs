//! States: what goes in comes out, and nothing gets out of its folder.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

#[test]
fn states_come_back_as_they_were() {
    on_both(|store| {
        let dir = tempfile::tempdir().unwrap();
        let from = dir.path().join("from");
        fs::create_dir_all(from.join("a/b/empty")).unwrap();
        fs::write(from.join("a-b"), "x").unwrap();
        fs::write(from.join("a/run.sh"), "#!/bin/sh\n").unwrap();
        fs::set_permissions(from.join("a/run.sh"), fs::Permissions::from_mode(0o750)).unwrap();
        fs::write(from.join("a/b").join("n".repeat(200)), vec![0xff; 1000]).unwrap();
        symlink("/etc/passwd", from.join("a/link")).unwrap();
        fs::set_permissions(from.join("a/b"), fs::Permissions::from_mode(0o500)).unwrap();
        let sha = store.save_state(&job(), &from).unwrap();
        assert_eq!(sha.len(), 64);
        assert_eq!(store.save_state(&job(), &from).unwrap(), sha);
        assert_eq!(store.states(&job()).unwrap().iter().map(|saved| saved.sha.clone()).collect::<Vec<_>>(), [&*sha]);
        for (name, is_there) in [("new/to", false), ("there", true)] {
            let to = dir.path().join(name);
            if is_there {
                fs::create_dir(&to).unwrap();
            }
            store.fetch_state(&job(), &sha, &to).unwrap();
            assert_eq!(fs::read(to.join("a/b").join("n".repeat(200))).unwrap(), vec![0xff; 1000]);
            assert_eq!(fs::metadata(to.join("a/run.sh")).unwrap().mode() & 0o777, 0o750);
            assert_eq!(fs::metadata(to.join("a/b")).unwrap().mode() & 0o777, 0o500);
            assert_eq!(fs::read_link(to.join("a/link")).unwrap(), Path::new("/etc/passwd"));
            assert!(to.join("a/b/empty").is_dir());
            // What comes back has the same name, and nothing of the staging is left.
            assert_eq!(store.save_state(&job(), &to).unwrap(), sha);
            fs::set_permissions(to.join("a/b"), fs::Permissions::from_mode(0o700)).unwrap();
            assert!(store.save_state(&job(), &to).unwrap() != sha);
            let error = store.fetch_state(&job(), &sha, &to).unwrap_err().to_string();
            assert!(error.contains("is not empty"), "{error}");
        }
        fs::set_permissions(from.join("a/b"), fs::Permissions::from_mode(0o700)).unwrap();
    });
}

#[test]
fn an_empty_folder_is_a_state_and_a_missing_one_is_none() {
    on_both(|store| {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("empty")).unwrap();
        let sha = store.save_state(&job(), &dir.path().join("empty")).unwrap();
        store.fetch_state(&job(), &sha, &dir.path().join("to")).unwrap();
        assert_eq!(fs::read_dir(dir.path().join("to")).unwrap().count(), 0);
        let error = store.save_state(&job(), &dir.path().join("none")).unwrap_err();
        assert!(error.to_string().contains("/none"), "{error}");
        for sha in ["0".repeat(64), "..".to_owned(), "a/b".to_owned(), String::new()] {
            let error = store.fetch_state(&job(), &sha, &dir.path().join("to2")).unwrap_err();
            assert_eq!(error.kind(), Kind::Configuration, "{error}");
            assert!(error.to_string().contains("job build has no state"), "{error}");
        }
        assert!(!dir.path().join("to2").exists());
    });
}

#[test]
fn a_large_state_goes_in_parts() {
    on_both(|store| {
        let dir = tempfile::tempdir().unwrap();
        let from = dir.path().join("from");
        fs::create_dir(&from).unwrap();
        // Noise, which cannot be made smaller: more than two parts.
        let mut state = 1_u64;
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        });
        let noise: Vec<u8> = noise.take(18 << 20).collect();
        fs::write(from.join("noise"), &noise).unwrap();
        let sha = store.save_state(&job(), &from).unwrap();
        store.fetch_state(&job(), &sha, &dir.path().join("to")).unwrap();
        assert!(fs::read(dir.path().join("to/noise")).unwrap() == noise);
        assert!(store.states(&job()).unwrap()[0].size > 18 << 20);
    });
}

/// An archive of our own making under a name that it does not have.
fn plant(store: &Store, sha: &str, fill: impl FnOnce(&mut tar::Builder<Vec<u8>>)) {
    use std::io::Write;
    let mut archive = tar::Builder::new(Vec::new());
    fill(&mut archive);
    let bytes = zstd::encode_all(archive.into_inner().unwrap().as_slice(), 1).unwrap();
    let mut upload = store.objects.upload(&format!("jobs/build/state/{sha}.tar.zst"));
    upload.write_all(&bytes).unwrap();
    upload.complete().unwrap();
}

fn header(kind: tar::EntryType, name: &[u8], size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(size);
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_cksum();
    header
}

#[test]
fn archives_that_lead_out_or_lie_are_refused() {
    on_both(|store| {
        let dir = tempfile::tempdir().unwrap();
        let sha = "a".repeat(64);
        let refused = |told: &str| {
            let error = store.fetch_state(&job(), &sha, &dir.path().join("to")).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "{told}");
        };
        for name in [b"../evil".as_slice(), b"/evil", b"a/../../evil", b"no-parent/evil"] {
            plant(store, &sha, |archive| {
                archive.append(&header(tar::EntryType::Regular, name, 1), b"x".as_slice()).unwrap();
            });
            refused("leads out of the folder");
        }
        plant(store, &sha, |archive| {
            let mut link = header(tar::EntryType::Symlink, b"up", 0);
            link.set_link_name("..").unwrap();
            link.set_cksum();
            archive.append(&link, std::io::empty()).unwrap();
            archive.append(&header(tar::EntryType::Regular, b"up/evil", 1), b"x".as_slice()).unwrap();
        });
        refused("leads out of the folder");
        plant(store, &sha, |archive| {
            let mut link = header(tar::EntryType::Link, b"hard", 0);
            link.set_link_name("/etc/passwd").unwrap();
            link.set_cksum();
            archive.append(&link, std::io::empty()).unwrap();
        });
        refused("neither file, folder nor link");
        plant(store, &sha, |archive| {
            archive.append(&header(tar::EntryType::Regular, b"fine", 1), b"x".as_slice()).unwrap();
        });
        refused("is broken");
        store.objects.replace(&format!("jobs/build/state/{sha}.tar.zst"), &"no archive").unwrap();
        refused("cannot unpack");
    });
}

#[test]
fn the_newest_state_is_that_of_the_newest_version() {
    on_both(|store| {
        for sha in ["s1", "s2"] {
            let draft = Draft { property_bag: bag(&json!({"sha": sha})), ..Draft::default() };
            store.commit_run(&run(sha, "t"), &RunPlan { outputs: vec![(job(), draft)], ..RunPlan::default() }).unwrap();
            assert_eq!(store.latest_state("build").unwrap().as_deref(), Some(sha));
        }
        let kept = Owner::Resource("kept".to_owned());
        let draft = Draft { property_bag: bag(&json!({"shaData": "s3"})), ..Draft::default() };
        store.create(&kept, &draft).unwrap();
        assert_eq!(store.latest_state_of(&kept).unwrap().as_deref(), Some("s3"));
    });
}
