//! The folders of a sink: created, checked and synced.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use identkit_core::{Error, Kind};
use identkit_files::{Disk, FileIdentity, OpenError, create_dirs, open_regular};

use crate::sink::folder::fault::{foreign, replaced, storage};
use crate::sink::location::{not_found, split};

/// Maximum number of folders that are remembered as synced.
const SYNCED: usize = 256;

/// The root of a sink. All of its functions block.
#[derive(Debug)]
pub(crate) struct Root {
    pub(crate) disk: Disk,
    path: PathBuf,
    identity: FileIdentity,
    /// Folders whose names are on disk. A folder that another process has just created may not be.
    synced: Mutex<HashMap<PathBuf, FileIdentity>>,
}

impl Root {
    /// Opens a folder, and creates it if it is missing.
    pub(crate) fn open(disk: Disk, path: &Path) -> Result<Self, Error> {
        let opened = create_dirs(path).and_then(|_| path.canonicalize()).and_then(|path| {
            // A file in the place of the folder.
            std::fs::read_dir(&path)?;
            Ok((FileIdentity::of(&path)?, path))
        });
        // The system says "exists" of a file in the place of the folder.
        let occupied = |error: io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists => io::ErrorKind::NotADirectory.into(),
            _ => error,
        };
        let (identity, path) =
            opened.map_err(occupied).map_err(|error| storage("open", "the folder of the sink", &error))?;
        Ok(Self { disk, path, identity, synced: Mutex::default() })
    }

    /// Path of a location.
    pub(crate) fn path(&self, location: &str) -> PathBuf {
        self.path.join(location)
    }

    /// Checks that no part of a folder is a symbolic link. Returns its path, or `None` if it does not exist.
    pub(crate) fn find_folder(&self, operation: &str, folder: &str) -> Result<Option<PathBuf>, Error> {
        self.check_root(operation, folder)?;
        for (path, part) in self.parts(folder) {
            if !self.is_folder(operation, &path, part)? {
                return Ok(None);
            }
        }
        Ok(Some(self.path(folder)))
    }

    /// Creates what is missing of a folder, and syncs its names.
    pub(crate) fn create_folder(&self, operation: &str, folder: &str) -> Result<(), Error> {
        self.check_root(operation, folder)?;
        for (path, part) in self.parts(folder) {
            let failed = |error: io::Error| storage(operation, part, &error);
            if !self.is_folder(operation, &path, part)? {
                match self.disk.create_dir(&path) {
                    // By another process.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                        self.is_folder(operation, &path, part)?;
                    }
                    created => created.map_err(failed)?,
                }
            }
            let identity = FileIdentity::of(&path).map_err(failed)?;
            let is_synced = self.synced().get(&path) == Some(&identity);
            if !is_synced {
                self.disk.sync_parent(&path).map_err(failed)?;
                let mut synced = self.synced();
                if synced.len() >= SYNCED {
                    synced.clear();
                }
                synced.insert(path, identity);
            }
        }
        Ok(())
    }

    /// Opens an artifact for reading. `None` if it does not exist.
    pub(crate) fn open_file(&self, operation: &str, location: &str) -> Result<Option<File>, Error> {
        let (folder, _) = split(location)?;
        if self.find_folder(operation, folder)?.is_none() {
            return Ok(None);
        }
        match open_regular(&self.path(location)) {
            Ok(file) => Ok(Some(file)),
            Err(OpenError::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(OpenError::Io(error)) => Err(storage(operation, location, &error)),
            Err(_) => Err(foreign(operation, location, "file")),
        }
    }

    /// Opens an artifact for reading. Returns it with its length.
    pub(crate) fn read_file(&self, location: &str) -> Result<(File, u64), Error> {
        let file = self.open_file("read", location)?.ok_or_else(|| not_found(location))?;
        let length = file.metadata().map_err(|error| storage("read", location, &error))?.len();
        Ok((file, length))
    }

    /// Returns the locations of the files in a folder, in order.
    pub(crate) fn list(&self, folder: &str) -> Result<Vec<String>, Error> {
        let Some(path) = self.find_folder("list", folder)? else { return Ok(Vec::new()) };
        let failed = |error: io::Error| storage("list", folder, &error);
        let mut locations = Vec::new();
        for entry in std::fs::read_dir(path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            // Temporary files, and files that are not from a sink.
            let Some(location) = entry.file_name().to_str().map(|name| format!("{folder}/{name}")) else { continue };
            if split(&location).is_err() {
                continue;
            }
            match entry.file_type().map_err(failed)? {
                kind if kind.is_file() => locations.push(location),
                kind if kind.is_dir() => {}
                _ => return Err(foreign("list", &location, "file")),
            }
        }
        locations.sort();
        Ok(locations)
    }

    /// Removes an artifact, and syncs its folder.
    pub(crate) fn remove(&self, location: &str) -> Result<(), Error> {
        let (folder, _) = split(location)?;
        if self.find_folder("remove", folder)?.is_none() {
            return Ok(());
        }
        let path = self.path(location);
        let failed = |error: io::Error| storage("remove", location, &error);
        let removed = match path.symlink_metadata() {
            Ok(found) if found.is_file() => self.disk.remove_file(&path),
            Ok(_) => return Err(foreign("remove", location, "file")),
            Err(error) => Err(error),
        };
        match removed {
            // Also then the folder is synced: another attempt can have stopped before it synced.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.map_err(failed)?,
        }
        self.disk.sync_parent(&path).map_err(failed)
    }

    /// The folders on the way to a folder, outermost first: paths, and locations.
    fn parts<'a>(&self, folder: &'a str) -> impl Iterator<Item = (PathBuf, &'a str)> {
        let ends = folder.match_indices('/').map(|(end, _)| end).chain([folder.len()]);
        ends.filter_map(|end| folder.get(..end)).map(|part| (self.path(part), part))
    }

    /// Whether a folder exists. Something else in its place is an error.
    fn is_folder(&self, operation: &str, path: &Path, part: &str) -> Result<bool, Error> {
        match path.symlink_metadata() {
            Ok(found) if found.is_dir() => Ok(true),
            Ok(_) => Err(foreign(operation, part, "folder")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(storage(operation, part, &error)),
        }
    }

    /// Without this, the artifacts would be below the mount point of a volume that is not mounted.
    fn check_root(&self, operation: &str, location: &str) -> Result<(), Error> {
        match FileIdentity::of(&self.path) {
            Ok(identity) if identity == self.identity => Ok(()),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(storage(operation, location, &error)),
            _ => Err(replaced(operation, location)),
        }
    }

    fn synced(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, FileIdentity>> {
        self.synced.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The error of a location at which there should be a folder or file that another process has removed.
pub(crate) fn vanished(operation: &str, location: &str) -> Error {
    let error = storage(operation, location, &io::ErrorKind::NotFound.into());
    debug_assert_eq!(error.kind(), Kind::Storage);
    error
}
