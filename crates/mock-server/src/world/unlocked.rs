//! Work of a call that takes too long for the lock of its world, e.g. signing a PDF.

use std::any::Any;
use std::fmt;

/// The result of work.
pub(crate) type Done = Box<dyn Any + Send + Sync>;

/// Work that needs no lock.
pub(crate) type Work = Box<dyn FnOnce() -> Done + Send + Sync>;

/// The work of the current call.
#[derive(Default)]
pub(super) struct Unlocked {
    /// The results so far. `None` if the caller cannot release the lock.
    done: Option<Vec<Done>>,
    /// Number of results that the handler has read.
    read: usize,
    next: Option<Work>,
}

/// A copy of a world handles no call.
impl Clone for Unlocked {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl fmt::Debug for Unlocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unlocked")
    }
}

impl Unlocked {
    /// Starts a call with the results of its work so far.
    pub(super) fn new(done: Vec<Done>) -> Self {
        Self { done: Some(done), ..Self::default() }
    }

    /// Returns the result of the next work. `None` if it must be done first.
    pub(super) fn result<T: Any + Clone + Send + Sync>(
        &mut self,
        work: impl FnOnce() -> T + Send + Sync + 'static,
    ) -> Option<T> {
        let Self { done: Some(done), read, next } = self else { return Some(work()) };
        if let Some(result) = done.get(*read).and_then(|result| result.downcast_ref::<T>()) {
            *read += 1;
            return Some(result.clone());
        }
        *next = Some(Box::new(move || Box::new(work())));
        None
    }

    /// Ends the call. Returns the work that must be done before the call is handled again, and the results so far.
    pub(super) fn end(self) -> (Option<Work>, Vec<Done>) {
        (self.next, self.done.unwrap_or_default())
    }
}

#[cfg(test)]
#[cfg(feature = "identity-tm")]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::sync::{Arc, Mutex};

    use bytes::Bytes;
    use http::{Request, Response, StatusCode};
    use identkit_core::Content;
    use identkit_wire::encode_base64;
    use serde_json::{Value, json};

    use crate::sync::lock;
    use crate::vendors::identity_tm::IdentityTm;
    use crate::{CallOutcome, MockVendor, Rejection, Route, Sandbox, Target, Timer, Transition, VendorFacts, World};

    /// A vendor whose call `/slow` works until the test sends its status.
    #[derive(Debug)]
    struct Slow {
        begun: Sender<()>,
        status: Arc<Mutex<Receiver<StatusCode>>>,
    }

    impl MockVendor for Slow {
        fn facts(&self) -> &'static VendorFacts {
            static FACTS: VendorFacts =
                VendorFacts::new("slow", "/slow, /fast", |path| path == "/slow" || path == "/fast");
            &FACTS
        }
        fn routes(&self) -> &[Route] {
            &[]
        }
        fn seed(&self, _: &mut World) {}
        fn handle(&self, world: &mut World, request: &Request<Bytes>, _: Option<&Target<'_>>) -> CallOutcome {
            let mut response = Response::new(Content::empty());
            if request.uri().path() == "/slow" {
                let (begun, status) = (Mutex::new(self.begun.clone()), Arc::clone(&self.status));
                let status = world.without_lock(move || {
                    lock(&begun).send(()).unwrap();
                    lock(&status).recv().unwrap()
                });
                *response.status_mut() = status.unwrap_or(StatusCode::IM_A_TEAPOT);
            }
            CallOutcome::Ready(response)
        }
        fn on_timer(&self, _: &mut World, _: &Timer) {}
        fn on_first_attempt(&self, _: &mut World, _: &str) {}
        fn transition(&self, _: &mut World, _: &str, _: &Transition) -> Option<Result<(), Rejection>> {
            None
        }
        fn inspect(&self, _: &mut World, _: &str) -> Option<Value> {
            None
        }
    }

    // One thread: the work must not occupy it either.
    #[tokio::test]
    async fn work_without_the_lock_delays_no_other_call() {
        let get = |path: &str| Request::get(path).body(Bytes::new()).unwrap();
        let ((begun, has_begun), (end, status)) = (channel(), channel());
        let slow = Slow { begun, status: Arc::new(Mutex::new(status)) };
        let sandbox = Sandbox::builder().vendor(Box::new(slow)).start();
        let call = tokio::spawn({
            let (sandbox, request) = (sandbox.clone(), get("/slow"));
            async move { sandbox.handle(request).await.status() }
        });
        tokio::task::spawn_blocking(move || has_begun.recv()).await.unwrap().unwrap();
        assert_eq!(sandbox.handle(get("/fast")).await.status(), StatusCode::OK);
        assert!(!call.is_finished());
        end.send(StatusCode::ACCEPTED).unwrap();
        assert_eq!(call.await.unwrap(), StatusCode::ACCEPTED);
        let statuses: Vec<_> = sandbox.journal().calls().map(|(_, call)| call.status).collect();
        assert_eq!(statuses, [Some(200), Some(202)], "each call has one entry");
    }

    #[tokio::test]
    async fn pdfs_are_signed_and_checked_without_the_lock() {
        let sandbox = Sandbox::start();
        let request = |method: &str, path: &str, body: String| {
            let code = format!("Basic {}", encode_base64(b"sandbox-customer:sandbox-code"));
            let request = Request::builder().method(method).uri(format!("/api/2.10{path}"));
            request.header("authorization", code).body(Bytes::from(body)).unwrap()
        };
        let has_work = |request: &Request<Bytes>| {
            let vendor = IdentityTm::new();
            sandbox.with_world(|world| {
                world.begin_call(Vec::new());
                let target = vendor.route(world, request);
                vendor.handle(world, request, target.as_ref());
                world.end_call().0.is_some()
            })
        };
        let mut order = json!({
            "Product": 15,
            "Add": 0,
            "Email": "e.mustermann@example.com",
            "Address": { "Firstname": "Erika", "Surname": "Mustermann", "Country": "DE" },
        });
        assert!(!has_work(&request("PUT", "/putOrder", order.to_string())));
        order["eSignPDF"] = json!({
            "Data": encode_base64(&identkit_synthetic::sample_contract()),
            "Filename": "contract.pdf",
        });
        let put = request("PUT", "/putOrder", order.to_string());
        assert!(has_work(&put));
        let answer = sandbox.handle(put).await;
        let answer: Value = serde_json::from_slice(answer.body().as_bytes().unwrap()).unwrap();
        let id = answer["OrderID"].as_str().unwrap();
        sandbox.play(id, "signed").unwrap();
        let get = request("GET", &format!("/getESignPDF/{id}"), String::new());
        assert!(has_work(&get));
        assert_eq!(sandbox.handle(get).await.status(), StatusCode::OK);
        // The files of a master order are checked, too.
        order["eSignPDF"].take();
        order["MultiSignOptions"] = json!({ "FirstOrderID": id });
        assert!(has_work(&request("PUT", "/putOrder", order.to_string())));
    }
}
