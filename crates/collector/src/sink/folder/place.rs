//! Writes a file and gives it its name. All of it blocks.

use std::fs::File;
use std::io::{self, Read as _, Write as _};

use identkit_core::Error;
use identkit_files::{Draft, Existing, Leftover};

use crate::sink::folder::block::BLOCK;
use crate::sink::folder::fault::storage;
use crate::sink::folder::root::{Root, vanished};
use crate::sink::location::{conflict, differs, split};
use crate::sink::port::SavedArtifact;
use crate::sink::tally::{Sum, Tally};

const STORE: &str = "store";

/// Number of times that a name is tried if other processes create and remove a file there.
const TRIES: usize = 8;

/// A file without its final name. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Placement {
    draft: Draft,
    tally: Tally,
    /// Locations that it can get, the preferred one first.
    locations: [String; 2],
}

impl Placement {
    /// Creates the temporary file and its folder, and removes the temporary files of processes that were killed.
    pub(crate) fn begin(root: &Root, locations: [String; 2]) -> Result<Self, Error> {
        let [plain, _] = &locations;
        let (folder, _) = split(plain)?;
        root.create_folder(STORE, folder)?;
        let (target, failed) = (root.path(plain), |error: io::Error| storage(STORE, plain, &error));
        for leftover in Leftover::find_beside(&target).map_err(failed)? {
            match root.disk.remove_file(leftover.path()) {
                // It has got its final name since.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed.map_err(failed)?,
            }
        }
        let draft = Draft::on(root.disk.clone(), target).map_err(failed)?;
        Ok(Self { draft, tally: Tally::default(), locations })
    }

    /// Writes a block.
    pub(crate) fn write(&mut self, block: &[u8]) -> Result<(), Error> {
        let [plain, _] = &self.locations;
        self.tally.add(block);
        self.draft.write_all(block).map_err(|error| storage(STORE, plain, &error))
    }

    /// Removes the temporary file.
    pub(crate) fn discard(self) -> Result<(), Error> {
        let [plain, _] = &self.locations;
        self.draft.discard().map_err(|error| storage(STORE, plain, &error))
    }

    /// Syncs the file, reads it back, and gives it the first name that no other content has.
    pub(crate) fn finish(self, root: &Root) -> Result<SavedArtifact, Error> {
        let Self { mut draft, tally, locations } = self;
        let [plain, _] = &locations;
        let failed = |error: io::Error| storage(STORE, plain, &error);
        let sum = tally.sum();
        draft.sync().map_err(failed)?;
        let read = File::open(draft.path()).and_then(read_all).map_err(failed)?;
        if read != sum {
            // Dropping the draft removes the file.
            return Err(differs(plain));
        }
        for location in &locations {
            draft = match Self::place(root, draft, sum, location)? {
                Placed::Saved => return Ok(read.at(location)),
                Placed::Occupied(draft) => draft,
            };
        }
        Err(conflict(plain))
    }

    fn place(root: &Root, mut draft: Draft, sum: Sum, location: &str) -> Result<Placed, Error> {
        let target = root.path(location);
        let failed = |error: io::Error| storage(STORE, location, &error);
        let (folder, _) = split(location)?;
        draft.set_target(&target);
        for _ in 0..TRIES {
            if let Some(file) = root.open_file(STORE, location)? {
                let file = &file;
                if read_all(file).map_err(failed)? != sum {
                    return Ok(Placed::Occupied(draft));
                }
                // The attempt that wrote it can have stopped before it synced.
                root.disk.sync_existing(file).and_then(|()| root.disk.sync_parent(&target)).map_err(failed)?;
                return Ok(Placed::Saved);
            }
            if root.find_folder(STORE, folder)?.is_none() {
                return Err(vanished(STORE, folder));
            }
            draft = match draft.commit(Existing::Keep) {
                Ok(()) => return Ok(Placed::Saved),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    error.into_draft().ok_or_else(|| vanished(STORE, location))?
                }
                Err(error) => return Err(failed(error.into())),
            };
        }
        Err(vanished(STORE, location))
    }
}

enum Placed {
    /// The content has the name.
    Saved,
    /// Other content has the name.
    Occupied(Draft),
}

fn read_all(mut file: impl io::Read) -> io::Result<Sum> {
    let (mut tally, mut block) = (Tally::default(), Vec::with_capacity(BLOCK));
    loop {
        block.clear();
        if file.by_ref().take(BLOCK as u64).read_to_end(&mut block)? == 0 {
            return Ok(tally.sum());
        }
        tally.add(&block);
    }
}
