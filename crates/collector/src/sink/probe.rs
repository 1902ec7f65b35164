//! The check of a sink at the start of a service.

use identkit_core::{Error, Kind};

use crate::sink::gathered::gather;
use crate::sink::location::differs;
use crate::sink::port::{ArtifactName, ArtifactSink};

/// Folder of the files that a check writes.
pub(crate) const FOLDER: &str = "check";

/// Stores a file under a random name, reads it and removes it.
pub(crate) async fn check<S: ArtifactSink + ?Sized>(sink: &S) -> Result<(), Error> {
    let name = random_hex::<16>()?;
    let content = format!("identkit checks that artifacts can be stored: {name}\n");
    let name = ArtifactName::new(FOLDER, format!("{name}.txt"), 0);
    let saved = sink.store(&name, identkit_core::Content::from_bytes(content.clone())).await?;
    let read = gather(sink.read(&saved.location).await?).await?;
    if read != content.as_bytes() {
        return Err(differs(&saved.location));
    }
    sink.remove(&saved.location).await?;
    match sink.read(&saved.location).await {
        Err(error) if error.kind() == Kind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(_) => {
            let detail = format!("cannot remove {}: it still exists after its removal", saved.location);
            Err(Error::new(Kind::Storage, detail))
        }
    }
}

/// Returns random bytes in hexadecimal digits.
pub(crate) fn random_hex<const N: usize>() -> Result<String, Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| Error::new(Kind::Storage, "the system's random generator failed"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
