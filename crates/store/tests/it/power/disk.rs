//! A model of a disk that loses power: what was synced is there, and anything else can be lost, complete or torn, in any
//! order.

use std::collections::{BTreeMap, HashMap};

use fastrand::Rng;

use super::trace::{Call, Event};

/// Size in bytes of what a disk writes completely or not at all.
const SECTOR: usize = 512;

/// What happens to the changes that were not synced.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Loss {
    /// All are lost.
    All,
    /// None is lost, as if only the process was killed.
    Nothing,
    /// One is lost, and later ones are not.
    One,
    /// Each is lost or complete.
    Some,
    /// Each is lost, complete, or torn into sectors.
    Torn,
    /// The last ones are lost, and the one before them is torn.
    Last,
}

impl Loss {
    pub(crate) const EACH: [Self; 6] = [Self::All, Self::Nothing, Self::One, Self::Some, Self::Torn, Self::Last];
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Lost,
    Complete,
    Torn,
}

/// The files of a folder by their names.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// A change of a file or of the folder.
#[derive(Debug)]
struct Change<T> {
    id: usize,
    /// Whether its call has returned. Otherwise a sync that runs at the same time does not contain it.
    returned: bool,
    what: T,
}

#[derive(Debug)]
enum Content {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

/// A name with the number of its file, or without one if it is removed.
type Entry = (String, Option<usize>);

#[derive(Debug, Default)]
struct File {
    synced: Vec<u8>,
    changes: Vec<Change<Content>>,
}

/// The disk at one point of a trace.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    files: Vec<File>,
    /// The names as processes see them.
    names: HashMap<String, usize>,
    synced_names: HashMap<String, usize>,
    entries: Vec<Change<Entry>>,
    /// The call of each thread that has not returned.
    calls: HashMap<u32, Running>,
    next: usize,
}

/// A call that has not returned.
#[derive(Debug)]
enum Running {
    /// The id of the change.
    Change(usize),
    /// The file to sync, or `None` for the folder, and the changes that had returned before.
    Sync(Option<usize>, Vec<usize>),
    Other,
}

impl Disk {
    /// Follows the trace by one event. Returns whether it changes what a power loss can leave.
    pub(crate) fn apply(&mut self, event: &Event) -> bool {
        if let Some(call) = &event.begins {
            let running = self.begin(call);
            let changes = matches!(running, Running::Change(_));
            self.calls.insert(event.thread, running);
            return changes;
        }
        match self.calls.remove(&event.thread).unwrap() {
            Running::Change(id) => self.returned(id),
            Running::Sync(file, ids) => {
                self.sync(file, &ids);
                return true;
            }
            Running::Other => {}
        }
        false
    }

    /// Whether something is not synced.
    pub(crate) fn is_dirty(&self) -> bool {
        !self.entries.is_empty() || self.files.iter().any(|file| !file.changes.is_empty())
    }

    fn begin(&mut self, call: &Call) -> Running {
        match call {
            Call::Create { name } if self.names.contains_key(name) => Running::Other,
            Call::Create { name } => {
                self.files.push(File::default());
                let file = self.files.len() - 1;
                self.names.insert(name.clone(), file);
                self.change_entry((name.clone(), Some(file)))
            }
            Call::Remove { name } => {
                self.names.remove(name);
                self.change_entry((name.clone(), None))
            }
            Call::Write { name, offset, data } => self.change(name, Content::Write(*offset, data.clone())),
            Call::Truncate { name, length } => self.change(name, Content::Truncate(*length)),
            Call::Sync { name } if name.is_empty() => Running::Sync(None, ids_returned(&self.entries)),
            Call::Sync { name } => {
                let file = self.names[name];
                Running::Sync(Some(file), ids_returned(&self.files[file].changes))
            }
            Call::Mark { .. } => Running::Other,
        }
    }

    fn id(&mut self) -> usize {
        self.next += 1;
        self.next
    }

    fn change(&mut self, name: &str, what: Content) -> Running {
        let id = self.id();
        self.files[self.names[name]].changes.push(Change { id, returned: false, what });
        Running::Change(id)
    }

    fn change_entry(&mut self, what: Entry) -> Running {
        let id = self.id();
        self.entries.push(Change { id, returned: false, what });
        Running::Change(id)
    }

    fn returned(&mut self, id: usize) {
        let entries = self.entries.iter_mut().map(|change| (change.id, &mut change.returned));
        let changes = self.files.iter_mut().flat_map(|file| &mut file.changes);
        let changes = changes.map(|change| (change.id, &mut change.returned));
        if let Some((_, returned)) = entries.chain(changes).find(|(found, _)| *found == id) {
            *returned = true;
        }
    }

    fn sync(&mut self, file: Option<usize>, ids: &[usize]) {
        match file {
            Some(file) => {
                let File { synced, changes } = &mut self.files[file];
                for change in changes.extract_if(.., |change| ids.contains(&change.id)) {
                    change.what.apply(synced, Fate::Complete, &mut Rng::with_seed(0));
                }
            }
            None => {
                for change in self.entries.extract_if(.., |change| ids.contains(&change.id)) {
                    rename(&mut self.synced_names, &change.what);
                }
            }
        }
    }

    /// The files that are found after a power loss at this point.
    pub(crate) fn files_after(&self, loss: Loss, rng: &mut Rng) -> Files {
        let mut ids: Vec<usize> = self.entries.iter().map(|change| change.id).collect();
        ids.extend(self.files.iter().flat_map(|file| &file.changes).map(|change| change.id));
        ids.sort_unstable();
        let chosen = if ids.is_empty() { 0 } else { rng.usize(..ids.len()) };
        let fates: HashMap<usize, Fate> =
            ids.into_iter().enumerate().map(|(index, id)| (id, fate(loss, index, chosen, rng))).collect();
        let mut names = self.synced_names.clone();
        for change in self.entries.iter().filter(|change| fates[&change.id] == Fate::Complete) {
            rename(&mut names, &change.what);
        }
        let content = |file: usize, rng: &mut Rng| {
            let File { synced, changes } = &self.files[file];
            let mut content = synced.clone();
            for change in changes {
                change.what.apply(&mut content, fates[&change.id], rng);
            }
            content
        };
        let mut names: Vec<_> = names.into_iter().collect();
        names.sort();
        names.into_iter().map(|(name, file)| (name, content(file, rng))).collect()
    }
}

fn ids_returned<T>(changes: &[Change<T>]) -> Vec<usize> {
    changes.iter().filter(|change| change.returned).map(|change| change.id).collect()
}

fn rename(names: &mut HashMap<String, usize>, (name, file): &Entry) {
    match file {
        Some(file) => names.insert(name.clone(), *file),
        None => names.remove(name),
    };
}

/// What happens to the change at `index`; `chosen` is one of the indices.
fn fate(loss: Loss, index: usize, chosen: usize, rng: &mut Rng) -> Fate {
    match loss {
        Loss::All => Fate::Lost,
        Loss::Nothing => Fate::Complete,
        Loss::One if index == chosen => Fate::Lost,
        Loss::One => Fate::Complete,
        Loss::Some => [Fate::Lost, Fate::Complete][rng.usize(..2)],
        Loss::Torn => [Fate::Lost, Fate::Complete, Fate::Torn][rng.usize(..3)],
        Loss::Last if index < chosen => Fate::Complete,
        Loss::Last if index == chosen => Fate::Torn,
        Loss::Last => Fate::Lost,
    }
}

impl Content {
    fn apply(&self, content: &mut Vec<u8>, fate: Fate, rng: &mut Rng) {
        match (self, fate) {
            (_, Fate::Lost) => {}
            (Self::Truncate(length), _) => content.resize(*length, 0),
            (Self::Write(offset, data), Fate::Complete) => write(content, *offset, data),
            (Self::Write(offset, data), Fate::Torn) => {
                // The length of a file is stored apart from its content.
                let end = offset + data.len();
                if rng.bool() && end > content.len() {
                    content.resize(end, 0);
                }
                let first_lost = rng.bool().then(|| rng.usize(offset / SECTOR..=end / SECTOR));
                let mut from = *offset;
                while from < end {
                    let to = end.min((from / SECTOR + 1) * SECTOR);
                    if first_lost.map_or_else(|| rng.bool(), |first| from / SECTOR < first) {
                        write(content, from, &data[from - offset..to - offset]);
                    }
                    from = to;
                }
            }
        }
    }
}

fn write(content: &mut Vec<u8>, offset: usize, data: &[u8]) {
    let end = offset + data.len();
    if end > content.len() {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(data);
}
