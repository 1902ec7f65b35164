//! The samples of the vendor's document, read with the provider's own messages.

use super::Suite;

impl Suite<'_> {
    pub(super) fn samples(&mut self) {
        for sample in &self.harness.samples {
            let read = self.succeeds("each sample of the document can be read", (sample.read)(&sample.bytes));
            let Some(message) = read else { continue };
            let text = format!("{message:?} {message:#?}");
            let shown = sample.personal.iter().find(|personal| text.contains(**personal));
            self.check("Debug of a message contains no personal data", shown.is_none(), || {
                format!("that of the sample {} contains {:?}", sample.name, shown.copied().unwrap_or_default())
            });
        }
    }
}
