//! Where results go: new names only, unless it is said otherwise, and never in the place of what is no file.

use std::path::Path;

use crate::support::{NOBODY, ORDER, Ran, Server, Then, Vendor, assert_for_its_owner_only, file, names, run};
use identkit_wire::encode_base64;
use serde_json::json;

const PDF: &[u8] = b"%PDF-1.4\n%%EOF\n";

/// Answers every read of a result with something good.
fn good() -> Server {
    Server::start(|seen| match seen.path.split('/').nth(1) {
        Some("getVideoFileBinary") => Then::bytes("video/mp4", b"\0\0\0\x18ftypmp42 not quite a video"),
        Some("getIdentData") => Then::bytes("text/plain", b"signed"),
        _ => Then::bytes("application/pdf", PDF),
    })
}

/// Each command that writes one file, without the name.
const SAVING: [&str; 3] = [
    "tm ident-data-pdf 99921269855041 -o",
    "tm ident-data 99921269855041 --signed -o",
    "tm video get 99921269855041 --callback-received -o",
];

#[test]
fn a_result_that_is_there_is_replaced_by_force_only() {
    for line in SAVING {
        let server = Server::untouched();
        let folder = tempfile::tempdir().unwrap();
        let path = file(&folder, "out.mp4", "evidence");
        let told = format!("error: {path} is there already; --force replaces it; nothing was sent\n");
        let ran = server.run(&format!("{line} {path}"));
        assert_eq!((ran.code, ran.stderr), (Some(2), told), "{line}");
        assert_eq!(server.connections(), 0, "{line}");
        assert_eq!(std::fs::read(&path).unwrap(), b"evidence");
        good().run(&format!("{line} {path} --force")).ends_with(0, &[]);
        assert_ne!(std::fs::read(&path).unwrap(), b"evidence", "{line}");
        assert_eq!(names(folder.path()), ["out.mp4"]);
    }
    NOBODY.run("tm ident-data 99921269855041 --force").ends_with(2, &["--help"]);
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_never_replaced_not_even_by_force() {
    use std::os::unix::fs::symlink;
    let server = good();
    for line in SAVING {
        let folder = tempfile::tempdir().unwrap();
        let [link, dangling, socket] = ["link", "dangling", "socket"].map(|name| folder.path().join(name));
        let file = file(&folder, "file", "evidence");
        symlink(&file, &link).unwrap();
        symlink("nowhere", &dangling).unwrap();
        let _bound = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for (place, told) in [
            (Path::new("-"), "never written to standard output"),
            (Path::new("/dev/null"), "no regular file"),
            (&socket, "no regular file"),
            (&link, "symbolic link"),
            (&dangling, "symbolic link"),
            (folder.path(), "is a folder"),
            (&folder.path().join("nowhere/video.mp4"), "cannot be written"),
        ] {
            let ran = run(server.command(line).arg(place).arg("--force").current_dir(folder.path()));
            ran.fails_with(2, &["--out", place.to_str().unwrap(), told, "nothing was sent"]);
        }
        assert_eq!(names(folder.path()), ["dangling", "file", "link", "socket"]);
        assert!(link.is_symlink() && dangling.is_symlink() && std::fs::read(&file).unwrap() == b"evidence");
    }
    let folder = tempfile::tempdir().unwrap();
    for line in ["tm esign-pdf 99921269855041 -o -", "tm voice 99921269855041 -o -"] {
        let ran = run(server.command(line).current_dir(folder.path()));
        ran.fails_with(2, &["never written to standard output"]);
    }
    assert_eq!((server.connections(), names(folder.path()).len()), (0, 0));
}

mod signed_documents {
    use super::*;

    fn esign(server: &Server, order: &str, out: &Path, more: &str) -> Ran {
        server.run(&format!("tm esign-pdf {order} -o {}{more}", out.display()))
    }

    #[test]
    fn two_orders_share_a_folder_which_is_their_owners_only() {
        let server = good();
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("all/signed");
        for order in [ORDER, "99920006C38842"] {
            esign(&server, order, &out, "").ends_with(0, &[]);
        }
        assert_eq!(names(&out), ["99920006C38842-1.pdf", "99921269855041-1.pdf"]);
        for made in [&out, &folder.path().join("all")] {
            assert_for_its_owner_only(made);
        }
        let calls = server.calls().len();
        esign(&server, ORDER, &out, "").fails_with(2, &["-1.pdf is there already; --force replaces it"]);
        assert_eq!(server.calls().len(), calls, "nothing was sent");
        esign(&server, ORDER, &out, " --force").ends_with(0, &[]);
    }

    #[test]
    fn a_later_one_that_is_there_stays_and_what_was_written_is_told() {
        // Two documents in one answer.
        let document = json!({ "Base64Data": encode_base64(PDF) });
        let server = Server::json("200 OK", json!({ "PDFs": [document, document] }).to_string());
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = [1, 2].map(|number| folder.path().join(format!("{ORDER}-{number}.pdf")));
        std::fs::write(&second, "evidence").unwrap();
        let ran = esign(&server, ORDER, folder.path(), " --output json");
        ran.ends_with(1, &["-2.pdf is there already and stays; --force replaces it"]);
        assert_eq!(ran.json()["files"][0]["path"], first.display().to_string());
        assert_eq!((std::fs::read(&first).unwrap(), std::fs::read(&second).unwrap()), (PDF.into(), b"evidence".into()));
        esign(&server, ORDER, folder.path(), " --force").ends_with(0, &[]);
        assert_eq!(std::fs::read(&second).unwrap(), PDF);
    }

    #[test]
    fn a_folder_that_was_there_stays_and_a_new_one_without_files_goes() {
        let server = Server::json("400 Bad Request", "{}");
        let folder = tempfile::tempdir().unwrap();
        esign(&server, ORDER, &folder.path().join("new/signed"), "").fails_with(5, &["nothing to sign"]);
        assert_eq!(names(folder.path()), [""; 0]);
        esign(&server, ORDER, folder.path(), "").fails_with(5, &[]);
        assert!(folder.path().exists());
    }
}
