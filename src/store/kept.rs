//! A value that is kept between runs and changed by one at a time: each change is made under the condition that the
//! value is still as this process left it.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Store;
use super::location::Owner;
use super::objects::{Objects, Seen};
use crate::error::Error;

/// A value in the store.
#[derive(Debug)]
pub struct Kept<T> {
    objects: Arc<Objects>,
    object: String,
    seen: Option<Seen<()>>,
    value: T,
}

impl Store {
    /// Reads a value of a job or resource; its default where it has not been written yet.
    pub fn kept<T: Default + DeserializeOwned>(&self, owner: &Owner, name: &str) -> Result<Kept<T>, Error> {
        let object = format!("{}/{name}", owner.folder());
        let objects = Arc::clone(&self.objects);
        let (seen, value) = match objects.see::<T>(&object)? {
            None => (None, T::default()),
            Some(seen) => {
                let (seen, value) = seen.apart();
                (Some(seen), value)
            }
        };
        Ok(Kept { objects, object, seen, value })
    }
}

impl<T: Serialize + DeserializeOwned + PartialEq> Kept<T> {
    /// The value.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// Writes another value. Fails when somebody else has written meanwhile; what they wrote stays.
    pub fn write(&mut self, value: T) -> Result<(), Error> {
        let is_written = match &self.seen {
            None => self.objects.create(&self.object, &value)?,
            Some(seen) => self.objects.swap(&self.object, seen, &value)?,
        };
        let now = if is_written { self.objects.see::<T>(&self.object)?.map(Seen::apart) } else { None };
        match now {
            Some((seen, there)) if there == value => {
                self.seen = Some(seen);
                self.value = value;
                Ok(())
            }
            _ => Err(Error::failed(format_args!(
                "{} in the store {} has been changed by somebody else meanwhile: run this again",
                self.object,
                self.objects.place()
            ))),
        }
    }
}
