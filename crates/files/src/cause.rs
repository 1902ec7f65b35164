//! The cause of a failed operation as a text.

use std::error::Error;
use std::io;

/// Returns the cause of an error as a text for people, without the path that errors of files can contain. The system's text
/// is used for errors for which the standard library has no kind, e.g. that of a broken disk.
///
/// ```
/// let error = std::io::Error::from(std::io::ErrorKind::StorageFull);
/// assert_eq!(identkit_files::cause(&error), "no storage space");
/// ```
#[must_use]
pub fn cause(error: &io::Error) -> String {
    let kind = error.kind().to_string();
    // The standard library has no stable name of this kind.
    match system_code(error).filter(|_| kind.starts_with("uncategorized") || error.kind() == io::ErrorKind::Other) {
        Some(code) => io::Error::from_raw_os_error(code).to_string(),
        None => kind,
    }
}

/// The system's code of an error, which another error can contain.
fn system_code(error: &io::Error) -> Option<i32> {
    let mut next = error.get_ref().map(|inner| inner as &(dyn Error + 'static));
    let mut code = error.raw_os_error();
    while let (None, Some(inner)) = (code, next) {
        code = inner.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error);
        next = inner.source();
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_without_a_kind_has_the_systems_text() {
        const BROKEN_DISK: i32 = 5;
        let broken = || io::Error::from_raw_os_error(BROKEN_DISK);
        let text = broken().to_string();
        assert_eq!(cause(&broken()), text);
        assert_eq!(cause(&io::Error::other(broken())), text, "within another error");
        assert_eq!(cause(&io::Error::new(broken().kind(), broken())), text);
        assert_eq!(cause(&io::Error::from(io::ErrorKind::NotFound)), "entity not found");
        assert_eq!(cause(&io::Error::other("a secret path")), "other error");
    }
}
