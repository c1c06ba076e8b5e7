//! What is in a job directory, listed strictly: a look-up forgives what it cannot read, this says so.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind};
use crate::job::directory::{JobDirectory, Operation, ResourceFolder, folder, sort_by_steps};
use crate::job::integration::Integration;
use crate::job::message::Message;
use crate::job::names;

/// The parts of a job directory.
#[derive(Debug)]
pub struct Contents {
    /// The root, which is a folder.
    pub root: PathBuf,
    /// `message.json`, when there is one.
    pub message: Option<Message>,
    /// Every resource folder, in the order of the steps; those in no step last, inputs before outputs, by name.
    pub folders: Vec<ResourceFolder>,
    /// The job's own integrations and their folders: in the order of the yml where the message has it, then by name.
    pub integrations: Vec<(PathBuf, Integration)>,
    /// What was left out, one line each.
    pub warnings: Vec<String>,
}

impl Contents {
    /// Lists a job directory.
    ///
    /// # Errors
    ///
    /// No job directory, or something in it that cannot be read; the message names it.
    pub fn of(job: &JobDirectory) -> Result<Self, Error> {
        let root = job.require_root().map_err(|error| error.with_kind(Kind::Configuration))?;
        if !root.is_dir() {
            let message = format!("{}: no such folder: set JOB_PATH to a job directory", root.display());
            return Err(Error::new(Kind::Configuration, message));
        }
        let message = Message::read(&job.message()?)?;
        let mut contents = Self {
            root: root.to_owned(),
            message,
            folders: Vec::new(),
            integrations: Vec::new(),
            warnings: Vec::new(),
        };
        contents.list_folders()?;
        contents.list_integrations(&job.integrations()?)?;
        Ok(contents)
    }

    fn list_folders(&mut self) -> Result<(), Error> {
        for operation in [Operation::In, Operation::Out] {
            for name in entries(&self.root.join(operation.as_str()))? {
                let folder = folder(&self.root, operation, &name);
                match std::fs::metadata(&folder.meta) {
                    Ok(metadata) if metadata.is_dir() => self.folders.push(folder),
                    Ok(_) => {}
                    Err(error) => self.warnings.push(format!("{} is left out: {error}", folder.meta.display())),
                }
            }
        }
        let steps = self.message.as_ref().map(Message::step_order).unwrap_or_default();
        for (operation, name) in &steps {
            let folder = folder(&self.root, *operation, name);
            if !folder.meta.is_dir() {
                self.warnings.push(format!(
                    "message.json has the step {} {}, but there is no folder {}: it gives no variables",
                    operation.as_str(),
                    name.display(),
                    folder.meta.display()
                ));
            }
        }
        sort_by_steps(&mut self.folders, steps);
        Ok(())
    }

    fn list_integrations(&mut self, root: &Path) -> Result<(), Error> {
        for name in entries(root)? {
            let folder = root.join(name);
            if let Err(error) = std::fs::metadata(&folder) {
                self.warnings.push(format!("{} is left out: {error}", folder.display()));
            } else if let Some(integration) = read_integration(&folder)? {
                self.integrations.push((folder, integration));
            }
        }
        let listed = self.message.as_ref().map(Message::integrations).unwrap_or_default();
        let order: HashMap<&[u8], usize> = listed.iter().enumerate().map(|(at, name)| (name.as_bytes(), at)).collect();
        self.integrations.sort_by_key(|(folder, _)| order.get(names::of_folder(folder)).copied().unwrap_or(usize::MAX));
        Ok(())
    }
}

/// `integration.json` of a folder, when there is one.
pub fn read_integration(folder: &Path) -> Result<Option<Integration>, Error> {
    Integration::read(folder).map_err(|error| error.with_kind(Kind::Configuration))
}

/// The names in a folder, sorted; none when there is no such folder.
fn entries(folder: &Path) -> Result<Vec<OsString>, Error> {
    let read = || -> std::io::Result<Vec<OsString>> {
        std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.file_name())).collect()
    };
    match read() {
        Ok(mut names) => {
            names.sort();
            Ok(names)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::io("read", folder, &error).with_kind(Kind::Configuration)),
    }
}
