//! The system calls of a process that change the files of a folder, as strace recorded them.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

use identkit_testkit::spawn;

/// The calls that can change a file. The ones that [`call`] does not know fail the test if they concern the folder.
const CALLS: &str = "trace=openat,?open,?creat,?openat2,pwrite64,write,?writev,?pwritev,?pwritev2,ftruncate,?truncate,\
    ?fallocate,fsync,fdatasync,?sync_file_range,?msync,?unlink,unlinkat,?rename,?renameat,?renameat2,?link,?linkat,\
    ?symlink,?symlinkat,?copy_file_range,?sendfile,?splice,mmap";

/// A call on a file of the folder, by its name. The folder itself has an empty name.
#[derive(Clone)]
pub(crate) enum Call {
    /// Creates the file unless it exists.
    Create {
        name: String,
    },
    Write {
        name: String,
        offset: usize,
        data: Vec<u8>,
    },
    Truncate {
        name: String,
        length: usize,
    },
    Sync {
        name: String,
    },
    Remove {
        name: String,
    },
    /// Writes a line to the list of acknowledgements, which is outside the folder.
    Mark {
        line: String,
    },
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { name } => write!(f, "creates {name}"),
            Self::Write { name, offset, data } => write!(f, "writes {} bytes at {offset} of {name}", data.len()),
            Self::Truncate { name, length } => write!(f, "truncates {name} to {length} bytes"),
            Self::Sync { name } => write!(f, "syncs {name:?}"),
            Self::Remove { name } => write!(f, "removes {name}"),
            Self::Mark { line } => write!(f, "writes the mark {line}"),
        }
    }
}

/// The begin or the end of a call of a thread. A thread has one call at a time.
pub(crate) struct Event {
    pub(crate) thread: u32,
    /// The call that begins; `None` at its end.
    pub(crate) begins: Option<Call>,
}

/// Runs a command under strace, and returns the events. Returns `None` if strace is missing.
pub(crate) fn record(command: &Command, root: &Path) -> Option<Vec<Event>> {
    let trace = root.join("trace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-y", "-xx", "-s", "1000000", "--seccomp-bpf", "-e", "signal=none", "-e", CALLS, "-o"]);
    strace.arg(&trace).arg(command.get_program()).args(command.get_args());
    strace.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let child = spawn(strace.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "strace or the traced process failed:\n{}", String::from_utf8_lossy(&text));
    Some(parse(&std::fs::read_to_string(trace).unwrap(), root))
}

fn parse(text: &str, root: &Path) -> Vec<Event> {
    let mut events: Vec<Option<Event>> = Vec::new();
    // For each thread, the event of the call that has not ended.
    let mut open: HashMap<u32, Option<usize>> = HashMap::new();
    for line in text.lines() {
        let (thread, rest) = line.split_once(' ').unwrap();
        let (thread, rest) = (thread.parse().unwrap(), rest.trim_start());
        if rest.starts_with("+++") || rest.starts_with("---") {
            continue;
        }
        if let Some((begin, _)) = rest.split_once(" <unfinished ...>") {
            let call = call(begin.trim_end_matches(','), root);
            open.insert(thread, call.is_some().then_some(events.len()));
            events.extend(call.map(|call| Some(Event { thread, begins: Some(call) })));
            continue;
        }
        let Some((begin, result)) = rest.rsplit_once(") ") else {
            panic!("unknown line of the trace: {}", short(line))
        };
        let result = result.trim_start().trim_start_matches('=').trim_start();
        let ended = if rest.starts_with("<... ") {
            open.remove(&thread).unwrap()
        } else {
            let call = call(begin, root);
            let index = call.is_some().then_some(events.len());
            events.extend(call.map(|call| Some(Event { thread, begins: Some(call) })));
            index
        };
        let Some(index) = ended else { continue };
        if result.starts_with('-') {
            // For example, the file to create exists, or the file to remove does not.
            let failed = events[index].take().unwrap();
            assert!(
                matches!(failed.begins, Some(Call::Create { .. } | Call::Remove { .. })),
                "failed: {}",
                short(line)
            );
            continue;
        }
        if let Some(Call::Write { name, data, .. }) = events[index].as_ref().and_then(|event| event.begins.as_ref()) {
            assert_eq!(result, data.len().to_string(), "an incomplete write of {name}: {result}");
        }
        events.push(Some(Event { thread, begins: None }));
    }
    events.into_iter().flatten().collect()
}

/// Reads a call with its arguments. Returns `None` if it concerns neither the folder nor the acknowledgements.
fn call(text: &str, root: &Path) -> Option<Call> {
    let (name, arguments) = text.split_once('(').unwrap();
    let arguments: Vec<&str> = arguments.split(", ").collect();
    let files = format!("{}/files", root.display());
    let texts: Vec<Vec<u8>> = arguments.iter().map(|argument| decode(argument)).collect();
    let paths: Vec<String> = texts.iter().map(|text| String::from_utf8_lossy(text).into_owned()).collect();
    if name == "write" && paths[0] == format!("{}/acknowledged", root.display()) {
        return Some(Call::Mark { line: paths[1].trim_end().to_owned() });
    }
    // A removed file is written by nothing that still counts.
    let concerned = paths.iter().zip(&arguments).find_map(|(path, argument)| {
        let rest = path.strip_prefix(&files)?;
        (!argument.ends_with("(deleted)")).then_some(rest.trim_start_matches('/'))
    })?;
    // The shared memory of the WAL is built again by the first process that opens the database.
    if concerned.ends_with("-shm") {
        return None;
    }
    let file = concerned.to_owned();
    let number = |index: usize| arguments[index].parse().unwrap();
    match name {
        "openat" if !arguments[2].contains("O_CREAT") && !arguments[2].contains("O_TRUNC") => None,
        "openat" if !arguments[2].contains("O_TRUNC") => Some(Call::Create { name: file }),
        "pwrite64" => Some(Call::Write { name: file, offset: number(3), data: texts[1].clone() }),
        "ftruncate" => Some(Call::Truncate { name: file, length: number(1) }),
        "fsync" | "fdatasync" => Some(Call::Sync { name: file }),
        "unlink" => Some(Call::Remove { name: file }),
        "mmap" if !arguments[3].contains("MAP_SHARED") => None,
        _ => panic!("the model of the disk does not know this call: {}", short(text)),
    }
}

fn short(line: &str) -> &str {
    &line[..line.len().min(300)]
}

/// Decodes the escaped bytes of an argument, which is a text or the path of a file descriptor.
fn decode(argument: &str) -> Vec<u8> {
    let escaped = argument.split("\\x").skip(1);
    escaped.filter_map(|byte| u8::from_str_radix(byte.get(..2)?, 16).ok()).collect()
}
