//! `shipctl man`, and the pages in `man/`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::guards;
use crate::harness::Sandbox;

fn pages(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())).collect()
}

#[test]
fn the_committed_pages_are_current() {
    let sandbox = Sandbox::new();
    sandbox.shipctl(["man", "--out", "pages"]).prints("");
    let (want, got) = (pages(&sandbox.path("work/pages")), pages(&guards::root().join("man")));
    let names = |pages: &BTreeMap<String, String>| pages.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&got), names(&want), "the files in man/: run `make man`");
    for (name, page) in want {
        assert!(got[&name] == page, "man/{name} is stale: run `make man`");
    }
}

#[test]
fn every_command_is_in_a_page() {
    let sandbox = Sandbox::new();
    let drop_ins = guards::read("man/shipctl-drop-in.1").replace('\\', "");
    for entry in guards::commands() {
        let name = entry.words.join("-");
        let page = sandbox.shipctl(["man", &name]);
        assert_eq!((page.status, page.err()), (0, String::new()), "{name}");
        assert!(page.out().contains(&format!(".TH shipctl-{name} 1 ")), "{name}: {}", page.out());
        if entry.drop_in {
            assert!(drop_ins.contains(&name), "{name} is not in shipctl-drop-in.1");
            for alias in entry.command.get_all_aliases() {
                assert!(drop_ins.contains(alias), "{alias} is not in shipctl-drop-in.1");
            }
        } else {
            page.prints(guards::read(format!("man/shipctl-{name}.1")));
        }
    }
}

#[test]
fn one_page_goes_to_standard_output() {
    let sandbox = Sandbox::new();
    sandbox.shipctl(["man"]).prints(guards::read("man/shipctl.1"));
    sandbox.shipctl(["man", "drop-in"]).prints(guards::read("man/shipctl-drop-in.1"));
    sandbox.shipctl(["man", "shipctl-job-env"]).prints(guards::read("man/shipctl-job-env.1"));
    sandbox.shipctl(["man", "job env"]).prints(guards::read("man/shipctl-job-env.1"));
    let by_alias = sandbox.shipctl(["man", "replace_envs"]);
    assert_eq!(by_alias, sandbox.shipctl(["man", "replace"]));
}

#[test]
fn a_page_that_is_not_there_is_named_with_the_nearest() {
    let sandbox = Sandbox::new();
    sandbox.shipctl(["man", "job-enw"]).fails(2, "man job-enw: no such page; did you mean job-env");
    sandbox.write("work/file", "");
    sandbox.shipctl(["man", "--out", "file/pages"]).fails(1, "file/pages: ");
}
