//! Whether a file is replaced.

/// What happens to a file that has the name already.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and saving fails: evidence is not overwritten by accident.
    #[default]
    Keep,
    /// The new file replaces it, once it is whole.
    Replace,
}
