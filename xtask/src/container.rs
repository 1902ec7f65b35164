//! `cargo xtask container`: checks that the program runs with nothing but the libraries that `ldd` names, as in the image
//! of `docs/docker/Dockerfile`. The image itself is not built, because that needs a container runtime.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::finding::Verdict;
use crate::workspace::Workspace;

const DOCKERFILE: &str = "docs/docker/Dockerfile";

/// The libraries of the image: glibc and libgcc.
const IN_IMAGE: &[&str] =
    &["ld-linux-", "libc.so.6", "libm.so.6", "libgcc_s.so.1", "libpthread.so.0", "libdl.so.2", "librt.so.1"];

/// Maximum number of attempts of the health check. Each takes some milliseconds.
const ATTEMPTS: u32 = 1_000;

pub(crate) fn run(ws: &Workspace) -> Verdict {
    let mut build = ws.cargo(&["build", "--release", "--quiet", "--package", "identkit-cli"]);
    build.env_remove("CARGO_PROFILE_DEV_DEBUG");
    if !ws.run(build)?.success() {
        return Ok(vec!["the release program does not build: see above".to_owned()]);
    }
    let program = ws.target().join("release/identkit");
    let dockerfile = Dockerfile::parse(&ws.read(DOCKERFILE)?)?;
    let mut findings = dockerfile.compare_toolchain(&ws.read("rust-toolchain.toml")?);
    let mut ldd = Command::new("ldd");
    ldd.arg(&program);
    let libraries = libraries(&ws.output("ldd", ldd)?)?;
    findings.extend(missing_in_image(&libraries));
    let root = Root::create(ws, &program, &libraries)?;
    findings.extend(root.check(ws, &dockerfile)?);
    ws.print(&format!(
        "note: the image of {DOCKERFILE} was not built; its program ran in an empty directory with {} libraries",
        libraries.len()
    ));
    Ok(findings)
}

/// The paths in the output of `ldd`, which has a line for each library. The kernel's own library has none.
fn libraries(ldd: &str) -> Result<Vec<PathBuf>, String> {
    let mut paths = Vec::new();
    for line in ldd.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("linux-vdso")) {
        let path = line.split_once(" => ").map_or(line, |(_, path)| path);
        match path.split(' ').next() {
            Some(path) if path.starts_with('/') => paths.push(path.into()),
            _ => return Err(format!("ldd does not find a library: {line}")),
        }
    }
    Ok(paths)
}

fn missing_in_image(libraries: &[PathBuf]) -> Vec<String> {
    let names = libraries.iter().filter_map(|path| path.file_name()?.to_str());
    let missing = names.filter(|name| !IN_IMAGE.iter().any(|known| name.starts_with(known)));
    missing.map(|name| format!("the program needs {name}, which the image of {DOCKERFILE} does not have")).collect()
}

/// What the image starts.
#[derive(Debug, PartialEq, Eq)]
struct Dockerfile {
    /// Version of the build image.
    rust: String,
    variables: Vec<(String, String)>,
    entrypoint: Vec<String>,
    command: Vec<String>,
    health_check: Vec<String>,
}

impl Dockerfile {
    fn parse(text: &str) -> Result<Self, String> {
        let line = |word: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(word));
            line.ok_or_else(|| format!("{DOCKERFILE} has no line {word}"))
        };
        let list = |text: &str| -> Result<Vec<String>, String> {
            let items = text.trim().strip_prefix('[').and_then(|text| text.strip_suffix(']'));
            let items = items.ok_or_else(|| format!("{DOCKERFILE}: {text} is not a JSON array"))?;
            Ok(items.split(',').map(|item| item.trim().trim_matches('"').to_owned()).collect())
        };
        let health_check = line("HEALTHCHECK ")?.split_once("CMD ").ok_or("HEALTHCHECK has no CMD")?.1;
        let variables = text.lines().filter_map(|line| line.strip_prefix("ENV ")?.split_once('='));
        Ok(Self {
            rust: line("FROM rust:")?.split('-').next().unwrap_or_default().to_owned(),
            variables: variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            entrypoint: list(line("ENTRYPOINT ")?)?,
            command: list(line("CMD ")?)?,
            health_check: list(health_check)?,
        })
    }

    fn compare_toolchain(&self, toolchain: &str) -> Vec<String> {
        let channel = format!("channel = \"{}\"", self.rust);
        match toolchain.lines().any(|line| line.trim() == channel) {
            true => Vec::new(),
            false => {
                vec![format!("{DOCKERFILE} builds with Rust {}, rust-toolchain.toml names another version", self.rust)]
            }
        }
    }

    /// The default command on free ports: those of the image can be in use on this machine.
    fn command_on_free_ports(&self) -> Vec<String> {
        self.command
            .iter()
            .map(|word| match word.rsplit_once(':') {
                Some((address, port)) if port.parse::<u16>().is_ok() => format!("{address}:0"),
                _ => word.clone(),
            })
            .collect()
    }
}

/// A directory with the program and its libraries, at the paths where they are in the image.
struct Root {
    directory: PathBuf,
    loader: Option<PathBuf>,
    /// Directories of the libraries.
    folders: Vec<PathBuf>,
    /// Whether programs can have it as their root directory.
    is_root: bool,
}

impl Root {
    fn create(ws: &Workspace, program: &Path, libraries: &[PathBuf]) -> Result<Self, String> {
        let directory = ws.target().join("container-check");
        let failed = |error: io::Error| format!("{}: {error}", directory.display());
        match fs::remove_dir_all(&directory) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let place = |path: &Path| directory.join(path.strip_prefix("/").unwrap_or(path));
        let copy = |from: &Path, to: &Path| {
            let to = place(to);
            fs::create_dir_all(to.parent().unwrap_or(&directory)).and_then(|()| fs::copy(from, to)).map(drop)
        };
        copy(program, Path::new("/usr/local/bin/identkit")).map_err(failed)?;
        for library in libraries {
            copy(library, library).map_err(failed)?;
        }
        for folder in ["/data", "/tmp"] {
            fs::create_dir_all(place(Path::new(folder))).map_err(failed)?;
        }
        let mut id = Command::new("id");
        id.arg("-u");
        let is_root = ws.output("id -u", id)?.trim() == "0";
        let is_loader =
            |path: &&PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ld-"));
        let loader = libraries.iter().find(is_loader).map(|path| place(path));
        let mut folders: Vec<PathBuf> = libraries.iter().filter_map(|path| Some(place(path.parent()?))).collect();
        folders.dedup();
        Ok(Self { directory, loader, folders, is_root })
    }

    /// A call of a program in the directory, by its path there, in an environment with these variables only.
    fn call(&self, program: &str, arguments: &[String], variables: &[(String, String)]) -> Command {
        let inside = self.directory.join(program.trim_start_matches('/'));
        let mut command = if self.is_root {
            let mut command = Command::new("chroot");
            command.arg(&self.directory).arg(program);
            command
        } else if let Some(loader) = &self.loader {
            let mut command = Command::new(loader);
            let folders: Vec<String> = self.folders.iter().map(|folder| folder.display().to_string()).collect();
            command.args(["--library-path", &folders.join(":")]).arg(inside);
            command
        } else {
            Command::new(inside)
        };
        // `chroot` itself is found by PATH.
        command.args(arguments).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.envs(variables.iter().map(|(name, value)| (name, self.path(value))));
        command.current_dir(&self.directory).stdin(Stdio::null());
        command
    }

    /// A path of the image as the called program sees it.
    fn path(&self, value: &str) -> String {
        match value.starts_with('/') && !self.is_root {
            true => format!("{}{value}", self.directory.display()),
            false => value.to_owned(),
        }
    }

    fn check(&self, ws: &Workspace, dockerfile: &Dockerfile) -> Verdict {
        let Some((program, fixed)) = dockerfile.entrypoint.split_first() else {
            return Ok(vec![format!("{DOCKERFILE} has an empty ENTRYPOINT")]);
        };
        let call = |arguments: &[String]| {
            let arguments: Vec<String> = fixed.iter().chain(arguments).map(|word| self.path(word)).collect();
            self.call(program, &arguments, &dockerfile.variables)
        };
        let mut findings = Vec::new();
        for line in ["--version", "demo --out /data/demo"] {
            let arguments: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let output = ws.capture(call(&arguments))?;
            if !output.status.success() {
                let error = String::from_utf8_lossy(&output.stderr);
                findings.push(format!("identkit {line} fails in an empty directory: {}", error.trim()));
            }
        }
        let mut server = call(&dockerfile.command_on_free_ports());
        let server = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut server = Server(server.map_err(|error| format!("the default command cannot be started: {error}"))?);
        if !server.becomes_healthy(ws, || self.health_check(dockerfile))? {
            findings.push(format!("the HEALTHCHECK of {DOCKERFILE} does not succeed for its CMD"));
        }
        Ok(findings)
    }

    fn health_check(&self, dockerfile: &Dockerfile) -> Command {
        let (program, arguments) = dockerfile.health_check.split_first().map_or(("", [].as_slice()), |(a, b)| (a, b));
        self.call(program, arguments, &dockerfile.variables)
    }
}

/// A started program. It is killed at the end.
struct Server(Child);

impl Server {
    fn becomes_healthy(&mut self, ws: &Workspace, health_check: impl Fn() -> Command) -> Result<bool, String> {
        for _ in 0..ATTEMPTS {
            if self.0.try_wait().map_err(|error| error.to_string())?.is_some() {
                return Ok(false);
            }
            if ws.capture(health_check())?.status.success() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::throwaway::Throwaway;

    const EXAMPLE: &str = "FROM rust:1.2.3-bookworm AS build\nENV A=/data/state\n\
        HEALTHCHECK --interval=10s CMD [\"/bin/sh\", \"-c\"]\nENTRYPOINT [\"/bin/sh\"]\n\
        CMD [\"sandbox\", \"--listen\", \"0.0.0.0:8443\", \"/data/ca.pem\"]\n";

    #[test]
    fn the_lines_of_ldd_are_paths() {
        let text =
            "\tlinux-vdso.so.1 (0x1)\n\tlibc.so.6 => /lib/libc.so.6 (0x2)\n\t/lib64/ld-linux-x86-64.so.2 (0x3)\n";
        let expected = ["/lib/libc.so.6", "/lib64/ld-linux-x86-64.so.2"].map(PathBuf::from);
        assert_eq!(libraries(text), Ok(expected.to_vec()));
        assert!(libraries("\tlibx.so => not found\n").is_err_and(|error| error.contains("libx.so")));
        assert_eq!(missing_in_image(&expected), [""; 0]);
        let findings = missing_in_image(&["/usr/lib/libssl.so.3".into()]);
        assert!(findings.len() == 1 && findings[0].contains("libssl.so.3"), "{findings:?}");
    }

    #[test]
    fn the_dockerfile_is_read() {
        let file = Dockerfile::parse(EXAMPLE).unwrap();
        assert_eq!(file.health_check, ["/bin/sh", "-c"]);
        assert_eq!(file.variables, [("A".to_owned(), "/data/state".to_owned())]);
        assert_eq!(file.command_on_free_ports(), ["sandbox", "--listen", "0.0.0.0:0", "/data/ca.pem"]);
        assert_eq!(file.compare_toolchain("[toolchain]\nchannel = \"1.2.3\"\n"), [""; 0]);
        assert_eq!(file.compare_toolchain("[toolchain]\nchannel = \"1.2.4\"\n").len(), 1);
        assert!(Dockerfile::parse("FROM rust:1\n").is_err());
    }

    /// A directory with the shell of this machine in place of the program, and the check of a Dockerfile there.
    fn check(command: &str, health_check: &str, without: Option<&str>) -> Verdict {
        let repo = Throwaway::new();
        let ws = repo.workspace();
        let mut ldd = Command::new("ldd");
        ldd.arg("/bin/sh");
        let libraries = libraries(&ws.output("ldd", ldd)?)?;
        let root = Root::create(&ws, Path::new("/bin/sh"), &libraries)?;
        if let Some(name) = without {
            let path = libraries.iter().find(|path| path.to_string_lossy().contains(name)).unwrap();
            fs::remove_file(root.directory.join(path.strip_prefix("/").unwrap())).unwrap();
        }
        let shell = |script: &str| vec!["-c".to_owned(), script.to_owned()];
        let program = "/usr/local/bin/identkit".to_owned();
        let dockerfile = Dockerfile {
            rust: String::new(),
            variables: Vec::new(),
            entrypoint: [vec![program.clone()], shell(command)].concat(),
            command: Vec::new(),
            health_check: [vec![program], shell(health_check)].concat(),
        };
        root.check(&ws, &dockerfile)
    }

    #[test]
    fn a_program_must_run_and_become_healthy() {
        // `$0` is the first argument: the calls that must succeed have one, the server has none.
        let server = "case $0 in -*|demo) exit 0;; esac; while :; do :; done";
        assert_eq!(check(server, "exit 0", None), Ok(Vec::new()));
        let ended = check("exit 0", "exit 1", None).unwrap();
        assert!(ended.len() == 1 && ended[0].contains("HEALTHCHECK"), "{ended:?}");
        let failed = check("case $0 in demo) exit 1;; esac; exit 0", "exit 0", None).unwrap();
        assert!(failed.iter().any(|finding| finding.starts_with("identkit demo")), "{failed:?}");
        let incomplete = check(server, "exit 0", Some("libc.so")).unwrap();
        assert!(incomplete.len() > 1, "{incomplete:?}");
    }
}
