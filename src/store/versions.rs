//! Versions, one by one.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::objects::Objects;
use super::{Draft, Owner, RunId, RunRecord, Store, Version};
use crate::error::{Error, Kind};

/// How often the hint is tried to be moved.
const MOVES: usize = 50;

/// A version that another object speaks of: `latest` and `pin`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pointer {
    version_number: u64,
}

/// The newest version that is to be seen, if there is one.
pub(super) struct Newest {
    pub version: Option<Version>,
}

impl Newest {
    /// The number that the next version tries first.
    pub(super) fn next(&self) -> u64 {
        self.version.as_ref().map_or(1, |version| version.version_number + 1)
    }
}

/// Which versions are to be seen: those outside a run, and those that their run lists. Records are read once.
pub(super) struct Sight<'a> {
    store: &'a Store,
    records: HashMap<RunId, Option<RunRecord>>,
}

impl Sight<'_> {
    fn is_visible(&mut self, owner: &Owner, version: &Version) -> Result<bool, Error> {
        let Some(run) = &version.run else { return Ok(true) };
        if !self.records.contains_key(run) {
            let record = self.store.record_of(run)?;
            self.records.insert(run.clone(), record);
        }
        let record = self.records.get(run).and_then(Option::as_ref);
        Ok(record.is_some_and(|record| record.lists(owner, version.version_number)))
    }
}

pub(super) fn object_of(owner: &Owner, number: u64) -> String {
    format!("{}/versions/{number}.json", owner.folder())
}

fn latest_of(owner: &Owner) -> String {
    format!("{}/latest", owner.folder())
}

fn pin_of(owner: &Owner) -> String {
    format!("{}/pin", owner.folder())
}

impl Store {
    fn sight(&self) -> Sight<'_> {
        Sight { store: self, records: HashMap::new() }
    }

    pub(super) fn objects(&self) -> &Objects {
        &self.objects
    }

    /// The newest version.
    pub fn latest(&self, owner: &Owner) -> Result<Option<Version>, Error> {
        Ok(self.newest(owner)?.version)
    }

    /// Starts at the hint and looks beyond it, as far as there are numbers.
    pub(super) fn newest(&self, owner: &Owner) -> Result<Newest, Error> {
        let mut sight = self.sight();
        let hint = self.objects.read::<Pointer>(&latest_of(owner))?.map_or(1, |latest| latest.version_number.max(1));
        let mut version = None;
        for number in hint.. {
            match self.objects.read::<Version>(&object_of(owner, number))? {
                Some(found) if sight.is_visible(owner, &found)? => version = Some(found),
                Some(_) => {}
                None => break,
            }
        }
        if version.is_none() && hint > 1 {
            // What the hint speaks of has been removed by hand.
            version = self.recent(owner, 1)?.pop();
        }
        Ok(Newest { version })
    }

    /// One version by its number.
    pub fn version(&self, owner: &Owner, number: u64) -> Result<Option<Version>, Error> {
        let found = self.objects.read::<Version>(&object_of(owner, number))?;
        match found {
            Some(version) if self.sight().is_visible(owner, &version)? => Ok(Some(version)),
            _ => Ok(None),
        }
    }

    /// The newest version of that name.
    pub fn version_named(&self, owner: &Owner, name: &str) -> Result<Option<Version>, Error> {
        self.newest_that(owner, |version| version.version_name.as_deref() == Some(name))
    }

    /// The newest version for which this holds.
    pub(super) fn newest_that(&self, owner: &Owner, is: impl Fn(&Version) -> bool) -> Result<Option<Version>, Error> {
        let mut found = None;
        self.newest_first(owner, |version| {
            let that = is(&version);
            if that {
                found = Some(version);
            }
            !that
        })?;
        Ok(found)
    }

    /// Every version, ascending.
    pub fn versions(&self, owner: &Owner) -> Result<Vec<Version>, Error> {
        self.recent(owner, usize::MAX)
    }

    /// The newest versions, at most so many, ascending.
    pub fn recent(&self, owner: &Owner, most: usize) -> Result<Vec<Version>, Error> {
        let mut versions = Vec::new();
        self.newest_first(owner, |version| {
            if versions.len() < most {
                versions.push(version);
            }
            versions.len() < most
        })?;
        versions.reverse();
        Ok(versions)
    }

    /// Hands over version after version, as long as more are wanted.
    fn newest_first(&self, owner: &Owner, mut wants_more: impl FnMut(Version) -> bool) -> Result<(), Error> {
        let mut sight = self.sight();
        for number in self.objects.numbers(&format!("{}/versions", owner.folder()))?.into_iter().rev() {
            let Some(version) = self.objects.read::<Version>(&object_of(owner, number))? else { continue };
            if sight.is_visible(owner, &version)? && !wants_more(version) {
                break;
            }
        }
        Ok(())
    }

    /// Makes a version outside a run, as the first use of a resource does. Where the newest version says the same
    /// already, or somebody makes it at this very time, it is that one.
    pub fn create(&self, owner: &Owner, draft: &Draft) -> Result<Version, Error> {
        let newest = self.newest(owner)?;
        let draft = with_section(draft, newest.version.as_ref());
        let next = newest.next();
        if let Some(same) = newest.version.filter(|version| draft.is_that_of(version)) {
            return Ok(same);
        }
        let version = self.allocate(owner, &draft, None, next, &[])?;
        self.move_latest(owner, version.version_number)?;
        Ok(version)
    }

    /// Takes a number: the first from `next` on that is free, or that an earlier try of the same took.
    pub(super) fn allocate(
        &self,
        owner: &Owner,
        draft: &Draft,
        run: Option<&RunId>,
        next: u64,
        taken: &[u64],
    ) -> Result<Version, Error> {
        let now = self.now();
        for number in next.. {
            let version = draft.version(owner, number, run, &now);
            let is_ours =
                |there: &Version| there.run.as_ref() == run && draft.is_that_of(there) && !taken.contains(&number);
            match self.objects.create_or_read(&object_of(owner, number), &version)? {
                None => return Ok(version),
                Some(there) if is_ours(&there) => return Ok(there),
                Some(_) => {}
            }
        }
        Err(Error::failed(format_args!("{owner}: every version number is taken")))
    }

    /// Moves the hint at the newest version on, never back.
    pub(super) fn move_latest(&self, owner: &Owner, number: u64) -> Result<(), Error> {
        let object = latest_of(owner);
        let pointer = Pointer { version_number: number };
        // Others that come between have moved it on; and it is a hint, which may lag.
        for _ in 0..MOVES {
            let done = match self.objects.see::<Pointer>(&object)? {
                Some(seen) if seen.value.version_number >= number => true,
                Some(seen) => self.objects.swap(&object, &seen, &pointer)?,
                None => self.objects.create(&object, &pointer)?,
            };
            if done {
                break;
            }
        }
        Ok(())
    }

    /// Makes a version the one that jobs are given, until it is unpinned.
    pub fn pin(&self, owner: &Owner, number: u64) -> Result<(), Error> {
        if self.version(owner, number)?.is_none() {
            let newest = self.latest(owner)?;
            let newest = newest
                .map_or_else(|| "it has none".to_owned(), |newest| format!("the newest is {}", newest.version_number));
            let told = format_args!("{owner} has no version {number}: {newest}; `shipctl version list` shows them");
            return Err(Error::new(Kind::Configuration, told));
        }
        self.objects.replace(&pin_of(owner), &Pointer { version_number: number })
    }

    /// Jobs are given the newest version again.
    pub fn unpin(&self, owner: &Owner) -> Result<(), Error> {
        self.objects.remove(&pin_of(owner))
    }

    /// The number of the version that jobs are given instead of the newest.
    pub fn pinned(&self, owner: &Owner) -> Result<Option<u64>, Error> {
        Ok(self.objects.read::<Pointer>(&pin_of(owner))?.map(|pin| pin.version_number))
    }
}

/// A draft that says nothing of the yml's section takes over what is in force.
pub(super) fn with_section(draft: &Draft, newest: Option<&Version>) -> Draft {
    let mut draft = draft.clone();
    draft.section = draft.section.or_else(|| newest.and_then(|newest| newest.section.clone()));
    draft
}
