//! Names and locations of artifacts. What passes these checks cannot leave the root of a sink, and is valid in each file
//! system and object store.

use identkit_core::{Error, Kind};

use crate::sink::port::ArtifactName;

/// Maximum length of a part in bytes: that of file systems, less than the suffixes that are added to names.
const PART: usize = 200;

/// Maximum length of a location in bytes: that of keys in S3, less a prefix.
const LOCATION: usize = 700;

/// Returns the locations at which an artifact can be stored, the preferred one first: its plain name, and its name with
/// the fence.
pub(crate) fn candidates(name: &ArtifactName) -> Result<[String; 2], Error> {
    check_folder(&name.folder)?;
    check_file(&name.file)?;
    let ArtifactName { folder, file, fence } = name;
    Ok([format!("{folder}/{file}"), format!("{folder}/{}", insert(file, &fence.to_string()))])
}

/// Inserts a text before the extension of a file.
pub(crate) fn insert(file: &str, text: &str) -> String {
    match file.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}.{text}.{extension}"),
        None => format!("{file}.{text}"),
    }
}

/// Splits a location into its folder and its file.
pub(crate) fn split(location: &str) -> Result<(&str, &str), Error> {
    let (folder, file) = location.rsplit_once('/').ok_or_else(invalid)?;
    check_folder(folder)?;
    check_file(file)?;
    Ok((folder, file))
}

/// Checks a folder.
pub(crate) fn check_folder(folder: &str) -> Result<(), Error> {
    match folder.len() <= LOCATION && folder.split('/').all(is_part) {
        true => Ok(()),
        false => Err(invalid()),
    }
}

fn check_file(file: &str) -> Result<(), Error> {
    if is_part(file) { Ok(()) } else { Err(invalid()) }
}

/// Whether a text can be the name of a file or folder. A name with a dot in front is reserved for temporary files.
pub(crate) fn is_part(part: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=PART).contains(&part.len()) && !part.starts_with('.') && !part.ends_with('.') && part.bytes().all(allowed)
}

fn invalid() -> Error {
    let rule = "the location of an artifact is not valid: it must be a folder and a file with / between its parts, each \
                of 1 to 200 letters, digits, dots, _ and -, with no dot at its start or end";
    Error::new(Kind::InvalidInput, rule)
}

/// The error if both names of an artifact have other content.
pub(crate) fn conflict(location: &str) -> Error {
    let detail = format!(
        "cannot store {location}: it exists with other content, and so does its name with the fence of this claim; \
         compare both and remove one"
    );
    Error::new(Kind::Conflict, detail)
}

/// The error if an artifact does not exist.
pub(crate) fn not_found(location: &str) -> Error {
    Error::new(Kind::NotFound, format!("cannot read {location}: it does not exist"))
}

/// The error if what was read back differs.
pub(crate) fn differs(location: &str) -> Error {
    let detail = format!("cannot store {location}: the bytes read back differ from those written; check the storage");
    Error::new(Kind::Integrity, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_cannot_leave_the_root() {
        for valid in ["a/b", "identity-tm/2026/11/30/0f/report-0.pdf", "a/report-0.17.pdf", "A_1/b-2"] {
            assert!(split(valid).is_ok(), "{valid}");
        }
        let long = format!("a/{}", "b".repeat(201));
        let deep = "a/".repeat(400) + "b";
        let invalid = [
            "", "a", "/", "/a", "a/", "a//b", "/a/b", "../a/b", "a/../b", "a/./b", "a/..", "a/.b", ".a/b", "a/b.",
            "a./b", "a\\b/c", "a/b\\c", "a/b c", "a/b\0", "a/b:c", "a/ä", "C:/b", &long, &deep,
        ];
        for location in invalid {
            let error = split(location).unwrap_err();
            assert_eq!(error.kind(), Kind::InvalidInput, "{location}");
        }
        let error = candidates(&ArtifactName::new("..", "a", 1)).unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidInput);
        assert!(candidates(&ArtifactName::new("a", "../b", 1)).is_err());
    }

    #[test]
    fn the_fence_is_before_the_extension() {
        for (file, expected) in [("report-0.pdf", "report-0.7.pdf"), ("a", "a.7"), ("a.pdf.enc", "a.pdf.7.enc")] {
            let [plain, fenced] = candidates(&ArtifactName::new("f/g", file, 7)).unwrap();
            assert_eq!((plain, fenced), (format!("f/g/{file}"), format!("f/g/{expected}")));
        }
    }
}
