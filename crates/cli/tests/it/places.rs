//! Where results are saved: existing files are replaced only with `--force`, and only regular files.

use std::path::Path;

use crate::support::{NO_SERVER, ORDER, Reply, Run, Server, VIDEO, Vendor, assert_private, file, names, run};
use identkit_wire::encode_base64;
use serde_json::json;

const PDF: &[u8] = b"%PDF-1.4\n%%EOF\n";

/// A server with a valid response to every read of a result.
fn good() -> Server {
    Server::start(|seen| match seen.path.split('/').nth(1) {
        Some("getVideoFileBinary") => Reply::bytes("video/mp4", VIDEO),
        Some("getIdentData") => Reply::bytes("text/plain", b"c2lnbmVkIGlkZW50aWZpY2F0aW9u"),
        _ => Reply::bytes("application/pdf", PDF),
    })
}

/// Each command that writes one file, without the file name.
const SAVING: [&str; 3] = [
    "tm ident-data-pdf 99921269855041 -o",
    "tm ident-data 99921269855041 --signed -o",
    "tm video get 99921269855041 --callback-received -o",
];

#[test]
fn an_existing_file_is_replaced_only_with_force() {
    for line in SAVING {
        let server = Server::untouched();
        let folder = tempfile::tempdir().unwrap();
        let path = file(&folder, "out.mp4", "evidence");
        let expected = format!("error: {path} already exists: to replace it, add --force; nothing was sent\n");
        let result = server.run(&format!("{line} {path}"));
        assert_eq!((result.code, result.stderr), (Some(2), expected), "{line}");
        assert_eq!(server.connections(), 0, "{line}");
        assert_eq!(std::fs::read(&path).unwrap(), b"evidence");
        good().run(&format!("{line} {path} --force")).ends_with(0, &[]);
        assert_ne!(std::fs::read(&path).unwrap(), b"evidence", "{line}");
        assert_eq!(names(folder.path()), ["out.mp4"]);
    }
    NO_SERVER.run("tm ident-data 99921269855041 --force").ends_with(2, &["--help"]);
}

#[cfg(unix)]
#[test]
fn only_regular_files_are_replaced_with_force() {
    use std::os::unix::fs::symlink;
    let server = good();
    for line in SAVING {
        let folder = tempfile::tempdir().unwrap();
        let [link, dangling, socket] = ["link", "dangling", "socket"].map(|name| folder.path().join(name));
        let file = file(&folder, "file", "evidence");
        symlink(&file, &link).unwrap();
        symlink("nowhere", &dangling).unwrap();
        let _bound = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for (place, expected) in [
            (Path::new("-"), "never written to standard output"),
            (Path::new("/dev/null"), "not a regular file"),
            (&socket, "not a regular file"),
            (&link, "symbolic link"),
            (&dangling, "symbolic link"),
            (folder.path(), "is a directory"),
            (&folder.path().join("nowhere/video.mp4"), "cannot be written"),
        ] {
            let result = run(server.command(line).arg(place).arg("--force").current_dir(folder.path()));
            result.fails_with(2, &["--out", place.to_str().unwrap(), expected, "nothing was sent"]);
        }
        assert_eq!(names(folder.path()), ["dangling", "file", "link", "socket"]);
        assert!(link.is_symlink() && dangling.is_symlink() && std::fs::read(&file).unwrap() == b"evidence");
    }
    let folder = tempfile::tempdir().unwrap();
    for line in ["tm esign-pdf 99921269855041 -o -", "tm voice 99921269855041 -o -"] {
        let result = run(server.command(line).current_dir(folder.path()));
        result.fails_with(2, &["never written to standard output"]);
    }
    assert_eq!((server.connections(), names(folder.path()).len()), (0, 0));
}

mod signed_documents {
    use super::*;

    fn esign(server: &Server, order: &str, out: &Path, more: &str) -> Run {
        server.run(&format!("tm esign-pdf {order} -o {}{more}", out.display()))
    }

    #[test]
    fn two_orders_can_share_a_private_directory() {
        let server = good();
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("all/signed");
        for order in [ORDER, "99920006C38842"] {
            esign(&server, order, &out, "").ends_with(0, &[]);
        }
        assert_eq!(names(&out), ["99920006C38842-1.pdf", "99921269855041-1.pdf"]);
        for made in [&out, &folder.path().join("all")] {
            assert_private(made);
        }
        let calls = server.calls().len();
        esign(&server, ORDER, &out, "").fails_with(2, &["-1.pdf already exists: to replace it, add --force"]);
        assert_eq!(server.calls().len(), calls, "nothing was sent");
        esign(&server, ORDER, &out, " --force").ends_with(0, &[]);
    }

    #[test]
    fn at_96_with_an_existing_second_file_none_is_saved() {
        // Two documents in one response.
        let document = json!({ "Base64Data": encode_base64(PDF) });
        let server = Server::json("200 OK", json!({ "PDFs": [document, document] }).to_string());
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = [1, 2].map(|number| folder.path().join(format!("{ORDER}-{number}.pdf")));
        std::fs::write(&second, "evidence").unwrap();
        let result = esign(&server, ORDER, folder.path(), " --output json");
        result.fails_with(1, &["-2.pdf already exists: to replace it, add --force"]);
        assert!(!first.exists() && std::fs::read(&second).unwrap() == b"evidence");
        esign(&server, ORDER, folder.path(), " --force").ends_with(0, &[]);
        assert_eq!(std::fs::read(&second).unwrap(), PDF);
        // With one document, the second file is an old one.
        let server = Server::json("200 OK", json!({ "PDFs": [document] }).to_string());
        let result = esign(&server, ORDER, folder.path(), " --force");
        result.ends_with(0, &[&format!("note: {} is left from an earlier run", second.display())]);
    }

    #[test]
    fn at_96_one_damaged_document_saves_none_unless_accepted() {
        let document = |bytes: &[u8]| json!({ "Base64Data": encode_base64(bytes) });
        let damaged = b"%PDF-1.4 without its end";
        let server = Server::json("200 OK", json!({ "PDFs": [document(PDF), document(damaged)] }).to_string());
        let folder = tempfile::tempdir().unwrap();
        let second = format!("{ORDER}-2.pdf");
        let result = esign(&server, ORDER, folder.path(), "");
        result.fails_with(1, &["file 2 of 2 is damaged", &format!("{second}.damaged"), "--accept-damaged"]);
        assert_eq!(names(folder.path()), [format!("{second}.damaged")]);
        let again = esign(&server, ORDER, folder.path(), "");
        again.fails_with(1, &[&format!("the damaged file is {}/{second}.damaged-2;", folder.path().display())]);
        std::fs::remove_file(folder.path().join(format!("{second}.damaged-2"))).unwrap();
        // Another damage than the one that was kept, or a damage of another file, is not accepted.
        let accept = format!(" --accept-damaged {second}");
        let other = |files: [&[u8]; 2]| {
            let server = Server::json("200 OK", json!({ "PDFs": files.map(document) }).to_string());
            let result = esign(&server, ORDER, folder.path(), &accept);
            assert!(!result.ends_with(1, &["is damaged"]).stderr.contains("is saved"), "{result:#?}");
            for name in names(folder.path()).iter().filter(|name| **name != format!("{second}.damaged")) {
                std::fs::remove_file(folder.path().join(name)).unwrap();
            }
            result
        };
        other([PDF, b"%PDF-1.4 another"])
            .ends_with(1, &["file 2 of 2", "no earlier run kept a damaged file with these"]);
        other([b"%PDF-1.4 another", damaged]).ends_with(1, &["file 1 of 2"]);
        let result = esign(&server, ORDER, folder.path(), &accept);
        result.ends_with(0, &["is saved although it is damaged"]);
        assert_eq!(std::fs::read(folder.path().join(&second)).unwrap(), damaged);
        assert_eq!(names(folder.path()).len(), 3);
    }

    #[test]
    fn at_22_an_odd_order_id_gives_a_safe_file_name() {
        let folder = tempfile::tempdir().unwrap();
        let esign = |server: &Server, id: &str| {
            run(server.command("tm esign-pdf --any-id").args([id, "-o"]).arg(folder.path().join("signed")))
        };
        for (id, name) in [("a/b c", "a_b c-1.pdf"), ("../x", "_x-1.pdf")] {
            esign(&good(), id).ends_with(0, &[]);
            assert_eq!(names(&folder.path().join("signed")), [name]);
            std::fs::remove_dir_all(folder.path().join("signed")).unwrap();
        }
        let unsigned = Server::json("400 Bad Request", "{}");
        esign(&unsigned, "it's").fails_with(5, &[r"identkit tm finality --any-id -- 'it'\''s'"]);
        assert_eq!(names(folder.path()), [""; 0]);
    }

    #[test]
    fn only_a_new_empty_directory_is_removed() {
        let server = Server::json("400 Bad Request", "{}");
        let folder = tempfile::tempdir().unwrap();
        esign(&server, ORDER, &folder.path().join("new/signed"), "").fails_with(5, &["nothing to sign"]);
        assert_eq!(names(folder.path()), [""; 0]);
        esign(&server, ORDER, folder.path(), "").fails_with(5, &[]);
        assert!(folder.path().exists());
    }
}
