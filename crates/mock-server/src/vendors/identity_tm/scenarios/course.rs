//! The course of an identification on the landing page: the steps of a story, cut where the person or the agent acts.

use identkit_identity_tm::messages::IdentifyMethod;
use identkit_identity_tm::{OrderCallback, StatusKind};

use super::scripts::{Stage, change_to};
use crate::vendors::identity_tm::methods;
use crate::vendors::identity_tm::orders::{Step, Word};

const TAN: Step = Step::Status(StatusKind::SMS_SENT, Some(Word::Tan));
const LEFT_VIDEO: Step = Step::Status(StatusKind(79), None);
const ABORTED: Step = Step::Status(StatusKind(21), None);

/// The steps of an identification, which together are those of the method's story.
pub(in crate::vendors::identity_tm) struct Course {
    /// After the consent, until the person waits for an agent or uses the method.
    pub(in crate::vendors::identity_tm) begin: Vec<Step>,
    /// When the agent takes the call.
    pub(in crate::vendors::identity_tm) enter: Vec<Step>,
    /// Before the TAN is sent.
    pub(in crate::vendors::identity_tm) before_tan: Vec<Step>,
    /// Whether the person must enter a TAN.
    pub(in crate::vendors::identity_tm) has_tan: bool,
    /// From the end of the person's part to the decision.
    pub(in crate::vendors::identity_tm) end: Vec<Step>,
}

/// Returns the last status before the person waits or uses the method, if it has one.
fn last_of_begin(method: IdentifyMethod) -> Option<u32> {
    match method {
        IdentifyMethod::Courier => Some(19),
        IdentifyMethod::Shop => Some(68),
        IdentifyMethod::Eid => Some(50),
        IdentifyMethod::Giro => Some(33),
        IdentifyMethod::AutoId => Some(98),
        IdentifyMethod::SmartId => None,
        _ => Some(77),
    }
}

impl Stage<'_> {
    /// Returns the course of a method.
    pub(in crate::vendors::identity_tm) fn course(&self, method: IdentifyMethod) -> Course {
        let mut steps = self.conduct(method);
        let last = last_of_begin(method).map(|code| Step::Status(StatusKind(code), None));
        let begin = steps.iter().position(|step| Some(step) == last.as_ref()).map_or(0, |at| at + 1);
        let mut rest = steps.split_off(begin);
        // An order that has begun with another method changes to this one. Some stories have this status anyway.
        let change = change_to(method).filter(|change| {
            let is_changed = methods::has_begun(&self.order.status) && self.order.method() != method;
            is_changed && !steps.contains(change)
        });
        let begin = [self.prelude(), change.into_iter().collect(), steps].concat();
        let enter = rest.first().filter(|step| **step == Step::Status(StatusKind::VIDEO_CALL, None)).cloned();
        rest.drain(..enter.iter().len());
        let enter = enter.into_iter().collect();
        match rest.iter().position(|step| *step == TAN) {
            Some(at) => {
                let end = rest.split_off(at).into_iter().skip(1).collect();
                Course { begin, enter, before_tan: rest, has_tan: true, end }
            }
            None => Course { begin, enter, before_tan: Vec::new(), has_tan: false, end: rest },
        }
    }

    /// Returns the steps of a decision that ends the order.
    pub(in crate::vendors::identity_tm) fn reject(&self, kind: StatusKind) -> Vec<Step> {
        vec![Step::Status(kind, None), Step::Call(OrderCallback::OnFinal)]
    }

    /// Returns the steps of a person who leaves: a video system, if `by_video`.
    pub(in crate::vendors::identity_tm) fn leave(&self, by_video: bool) -> Vec<Step> {
        if self.is_identified() || self.order.reused().is_some() {
            let requested = self.order.has(StatusKind::SIGNATURE_REQUEST);
            let request = (!requested).then_some(Step::Status(StatusKind::SIGNATURE_REQUEST, None));
            return request.into_iter().chain([ABORTED]).collect();
        }
        let video = [LEFT_VIDEO, Step::Call(OrderCallback::AfterVideo)].into_iter().filter(|_| by_video);
        self.prelude().into_iter().chain(video).chain([ABORTED]).collect()
    }

    /// Whether an eID that cannot be read is replaced by a video call.
    pub(in crate::vendors::identity_tm) fn offers_video_after_eid(&self) -> bool {
        let settings = self.order.request.eid_settings.as_ref();
        let is_refused = settings.is_some_and(|settings| settings.no_video_fallback == Some(true));
        !is_refused && methods::is_allowed(&self.order.request, IdentifyMethod::Video)
    }
}
