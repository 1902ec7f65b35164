//! A world that is saved and restored in the middle of a case.

use identkit_core::{Capability, CaseRef};
use identkit_mock_server::Sandbox;

use super::Suite;

impl Suite<'_> {
    pub(super) async fn worlds(&mut self, fresh: &Sandbox) {
        let sandbox = fresh.fork();
        let Some((_, case)) = self.opened(&sandbox).await else { return };
        let saved = sandbox.save();
        self.check("a world can be saved in the middle of a case", saved.is_ok(), || format!("{saved:?}"));
        let Ok(saved) = saved else { return };
        let restored = sandbox.restore(&saved);
        self.check("a saved world can be restored", restored.is_ok(), || {
            restored.as_ref().err().map(ToString::to_string).unwrap_or_default()
        });
        let Ok(restored) = restored else { return };
        let (name, id) = (self.harness.name, case.id.expose());
        let same = restored.cases(name) == sandbox.cases(name) && restored.inspect(id) == sandbox.inspect(id);
        self.check("a restored world has the same cases", same, || "cases are missing or differ".into());
        let again = restored.save().is_ok_and(|again| again == saved);
        self.check("a restored world is saved as before", again, || "it differs".into());
        self.continued(&restored, &case).await;
    }

    /// Continues the case in the restored world.
    async fn continued(&mut self, sandbox: &Sandbox, case: &CaseRef) {
        let moved = sandbox.transition(case.id.expose(), &self.main().transition);
        let options = self.options.clone();
        let provider = self.harness.provider(sandbox);
        let Some(status) = self.limited(sandbox, provider.status(case, &options)).await else { return };
        let expected = self.main().outcome;
        let judged = status.as_ref().is_ok_and(|status| status.outcome == expected || !self.can(Capability::Judge));
        self.check("a case continues in a restored world", moved.is_ok() && judged, || format!("{status:?}"));
    }
}
