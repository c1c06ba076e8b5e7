//! Something large on its way into the store: in parts of bounded size.

use object_store::{MultipartUpload, ObjectStoreExt, PutMode, PutPayload};

use super::objects::Objects;
use crate::error::Error;

/// What is read or written at once of something large; parts of an upload may not be smaller than 5 MB.
pub(super) const PART: usize = 8 << 20;

/// An object that appears when it is whole.
pub(super) struct Upload<'a> {
    objects: &'a Objects,
    object: String,
    waiting: Vec<u8>,
    parts: Option<Box<dyn MultipartUpload>>,
    failure: Option<Error>,
}

impl<'a> Upload<'a> {
    pub(super) fn begin(objects: &'a Objects, object: &str) -> Self {
        Self { objects, object: object.to_owned(), waiting: Vec::new(), parts: None, failure: None }
    }

    fn send_part(&mut self) -> Result<(), Error> {
        let (objects, object) = (self.objects, &self.object);
        let wrong = |cause| objects.error("write", object, &cause);
        if self.parts.is_none() {
            let (backend, key) = (objects.backend_for(object)?, objects.key(object)?);
            self.parts = Some(objects.wait(async { backend.put_multipart(&key).await }).map_err(wrong)?);
        }
        let Some(parts) = &mut self.parts else { return Ok(()) };
        let part = PutPayload::from_bytes(std::mem::take(&mut self.waiting).into());
        objects.wait(parts.put_part(part)).map_err(wrong)
    }

    /// Shows what has been written.
    pub(super) fn complete(mut self) -> Result<(), Error> {
        if self.parts.is_none() {
            let bytes = std::mem::take(&mut self.waiting).into();
            let put = self.objects.put_bytes(&self.object, bytes, PutMode::Overwrite);
            put.map_err(|cause| self.objects.error("write", &self.object, &cause))?;
        } else {
            if !self.waiting.is_empty() {
                self.send_part()?;
            }
            if let Some(mut parts) = self.parts.take() {
                let done = self.objects.wait(async { parts.complete().await });
                done.map_err(|cause| self.objects.error("write", &self.object, &cause))?;
            }
        }
        self.objects.make_private(&self.object)
    }

    /// Why the last write failed, when it was the store.
    pub(super) fn failure(&mut self) -> Option<Error> {
        self.failure.take()
    }
}

impl std::io::Write for Upload<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let taken = bytes.len().min(PART - self.waiting.len());
        self.waiting.extend_from_slice(&bytes[..taken]);
        if self.waiting.len() == PART
            && let Err(error) = self.send_part()
        {
            let told = std::io::Error::other(error.to_string());
            self.failure = Some(error);
            return Err(told);
        }
        Ok(taken)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Drop for Upload<'_> {
    /// What was not completed is not kept, as far as the store can still be reached.
    fn drop(&mut self) {
        if let Some(mut parts) = self.parts.take() {
            let _ = self.objects.wait(async { parts.abort().await });
        }
    }
}
