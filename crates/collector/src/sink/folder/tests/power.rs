//! Power losses: what a disk can have if only what was synced is certain.

use std::collections::{BTreeMap, HashMap};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use fastrand::Rng;
use identkit_files::{Disk, Step, Target, When};

use super::{ONE, OTHER, folder, open, read, recover, store};
use crate::sink::port::ArtifactSink as _;

/// What a name leads to.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    Folder,
    File { inode: u64 },
}

/// Names and contents.
#[derive(Clone, Debug, Default)]
struct Tree {
    /// Names in each folder, by its path below the root.
    names: BTreeMap<PathBuf, BTreeMap<String, Node>>,
    contents: HashMap<u64, Vec<u8>>,
}

impl Tree {
    fn scan(root: &Path) -> Self {
        let mut tree = Self::default();
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            let mut names = BTreeMap::new();
            for entry in std::fs::read_dir(root.join(&folder)).unwrap() {
                let entry = entry.unwrap();
                let (name, inode) = (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().ino());
                if entry.file_type().unwrap().is_dir() {
                    folders.push(folder.join(&name));
                    names.insert(name, Node::Folder);
                } else {
                    tree.contents.insert(inode, std::fs::read(entry.path()).unwrap());
                    names.insert(name, Node::File { inode });
                }
            }
            tree.names.insert(folder, names);
        }
        tree
    }
}

/// How much of what was not synced is lost.
#[derive(Clone, Copy, Debug)]
enum Loss {
    Everything,
    Names,
    Contents,
    Nothing,
    /// Each name and content by chance.
    Random(u64),
}

impl Loss {
    fn each() -> impl Iterator<Item = Self> {
        [Self::Everything, Self::Names, Self::Contents, Self::Nothing].into_iter().chain((0..8).map(Self::Random))
    }
}

/// A disk: what its cache has, and what is certain after a power loss.
#[derive(Clone, Debug, Default)]
struct Model {
    live: Tree,
    synced: Tree,
}

impl Model {
    fn apply(&mut self, root: &Path, step: Step, target: Target<'_>) {
        self.live = Tree::scan(root);
        match (step, target) {
            (Step::Sync, Target::File(file)) => {
                let inode = file.metadata().unwrap().ino();
                self.synced.contents.insert(inode, self.live.contents[&inode].clone());
            }
            (Step::SyncParent, Target::Path(path)) => {
                let folder = path.parent().unwrap().strip_prefix(root).unwrap();
                self.synced.names.insert(folder.to_owned(), self.live.names[folder].clone());
            }
            (Step::Create, Target::Path(path)) => {
                // The number of a removed file can be used again.
                self.synced.contents.remove(&path.metadata().unwrap().ino());
            }
            _ => {}
        }
    }

    /// Writes what the disk has after a power loss.
    fn write(&self, root: &Path, loss: Loss) {
        let mut random = Rng::with_seed(if let Loss::Random(seed) = loss { seed } else { 0 });
        self.write_folder(root, Path::new(""), loss, &mut random);
    }

    fn write_folder(&self, root: &Path, folder: &Path, loss: Loss, random: &mut Rng) {
        std::fs::create_dir_all(root.join(folder)).unwrap();
        let none = BTreeMap::new();
        let live = self.live.names.get(folder).unwrap_or(&none);
        let synced = self.synced.names.get(folder).unwrap_or(&none);
        let mut names: Vec<&String> = live.keys().chain(synced.keys()).collect();
        names.sort();
        names.dedup();
        for name in names {
            let certain = match loss {
                Loss::Everything | Loss::Names => true,
                Loss::Contents | Loss::Nothing => false,
                Loss::Random(_) => random.bool(),
            };
            match if certain { synced.get(name) } else { live.get(name) } {
                Some(Node::Folder) => self.write_folder(root, &folder.join(name), loss, random),
                Some(Node::File { inode }) => {
                    let content = self.content(*inode, loss, random);
                    std::fs::write(root.join(folder).join(name), content).unwrap();
                }
                None => {}
            }
        }
    }

    fn content(&self, inode: u64, loss: Loss, random: &mut Rng) -> Vec<u8> {
        let synced = self.synced.contents.get(&inode);
        let lost = synced.cloned().unwrap_or_default();
        // A content that was synced is certain, if it did not change since.
        let Some(live) = self.live.contents.get(&inode).filter(|live| synced != Some(*live)) else { return lost };
        match loss {
            Loss::Everything | Loss::Contents => lost,
            Loss::Nothing | Loss::Names => live.clone(),
            Loss::Random(_) => live[..random.usize(..=live.len())].to_vec(),
        }
    }
}

/// A disk that follows a model, and copies it at each operation.
struct Recorder {
    root: PathBuf,
    model: Mutex<Model>,
    copies: Mutex<Vec<(String, Model)>>,
}

impl Recorder {
    fn new(root: &Path) -> Arc<Self> {
        let mut model = Model { live: Tree::scan(root), ..Model::default() };
        model.synced = model.live.clone();
        Arc::new(Self { root: root.canonicalize().unwrap(), model: Mutex::new(model), copies: Mutex::default() })
    }

    /// A disk that stops its process at an operation: it and all later ones fail.
    fn disk(self: &Arc<Self>, stop: usize) -> Disk {
        let (recorder, left) = (Arc::clone(self), Mutex::new(stop));
        Disk::with_hook(move |when, step, target| {
            let mut left = left.lock().unwrap();
            if *left == 0 {
                return Err(std::io::ErrorKind::Other.into());
            }
            if when == When::After {
                *left -= 1;
                let mut model = recorder.model.lock().unwrap();
                model.apply(&recorder.root, step, target);
                recorder.copies.lock().unwrap().push((format!("{step:?}"), model.clone()));
            }
            Ok(())
        })
    }
}

/// Checks each loss at this state of the disk. What was acknowledged must be there.
async fn lose_power(model: &Model, case: &str, acknowledged: &[(&str, &[u8])]) -> usize {
    let mut count = 0;
    for loss in Loss::each() {
        let (root, _dir) = folder();
        model.write(&root, loss);
        let sink = open(Disk::default(), &root);
        for (location, content) in acknowledged {
            assert!(
                sink.list("a/b").await.unwrap().contains(&(*location).to_owned()),
                "{case} {loss:?}: {location} is lost"
            );
            assert!(read(&sink, location).await == *content, "{case} {loss:?}: {location} has other content");
        }
        recover(&root, &format!("{case} {loss:?}")).await;
        count += 1;
    }
    count
}

#[tokio::test]
async fn a_power_loss_loses_nothing_that_was_stored() {
    let (root, _dir) = folder();
    std::fs::create_dir(&root).unwrap();
    let recorder = Recorder::new(&root);
    let sink = open(recorder.disk(usize::MAX), &root);
    let mut acknowledged: Vec<(&str, &[u8])> = Vec::new();
    let mut count = 0;
    for (fence, content, location) in
        [(1, ONE, "a/b/report-0.pdf"), (2, OTHER, "a/b/report-0.2.pdf"), (3, ONE, "a/b/report-0.pdf")]
    {
        assert_eq!(store(&sink, fence, content).await.unwrap().location, location);
        let copies = std::mem::take(&mut *recorder.copies.lock().unwrap());
        for (step, model) in copies {
            count += lose_power(&model, &format!("{fence} {step}"), &acknowledged).await;
        }
        acknowledged.push((location, content));
        let model = recorder.model.lock().unwrap().clone();
        count += lose_power(&model, &format!("{fence} stored"), &acknowledged).await;
    }
    sink.remove("a/b/report-0.2.pdf").await.unwrap();
    let model = recorder.model.lock().unwrap().clone();
    let (root, _dir) = folder();
    model.write(&root, Loss::Everything);
    assert_eq!(open(Disk::default(), &root).list("a/b").await.unwrap(), ["a/b/report-0.pdf"]);
    assert!(count > 200, "{count}");
}

/// The first worker is killed at some step, with its files as they are. The second one can rely on nothing of it.
#[tokio::test]
async fn a_power_loss_after_another_worker_stopped_loses_nothing() {
    for second in [ONE, OTHER] {
        for stop in 0..20 {
            let (root, _dir) = folder();
            std::fs::create_dir(&root).unwrap();
            let recorder = Recorder::new(&root);
            let killed = store(&open(recorder.disk(stop), &root), 1, ONE).await.is_err();
            let saved = store(&open(recorder.disk(usize::MAX), &root), 2, second).await.unwrap();
            let model = recorder.model.lock().unwrap().clone();
            lose_power(&model, &format!("after {stop} steps"), &[(&saved.location, second)]).await;
            if !killed {
                assert!(stop > 8);
                break;
            }
        }
    }
}
