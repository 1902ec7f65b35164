//! A receiver of webhooks in this process.

use super::*;
use std::collections::VecDeque;

/// An arrived webhook.
#[derive(Clone)]
pub(crate) struct Arrived {
    pub(crate) at: Instant,
    pub(crate) method: Method,
    pub(crate) uri: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Arrived {
    /// Returns the last segment of the path, the name of the event.
    pub(crate) fn event(&self) -> &str {
        let path = self.uri.split('?').next().unwrap();
        path.rsplit('/').next().unwrap()
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.at.0.as_secs_f64()
    }
}

type Behaviour = dyn Fn(Arrived) -> BoxFuture<'static, Option<u16>> + Send + Sync;

/// A receiver of webhooks in this process. The status `None` is a refused connection.
#[derive(Clone)]
pub(crate) struct Receiver {
    arrived: Arc<Mutex<Vec<Arrived>>>,
    clock: Arc<Mutex<Option<VirtualClock>>>,
    behaviour: Arc<Behaviour>,
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Receiver")
    }
}

impl Receiver {
    pub(crate) fn doing<F>(behaviour: impl Fn(Arrived) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Option<u16>> + Send + 'static,
    {
        let behaviour = Arc::new(move |call| -> BoxFuture<'static, Option<u16>> { Box::pin(behaviour(call)) });
        Self { arrived: Arc::default(), clock: Arc::default(), behaviour }
    }

    /// Always responds with this status.
    pub(crate) fn answering(status: Option<u16>) -> Self {
        Self::doing(move |_| async move { status })
    }

    /// Responds to each call when the gate is notified.
    pub(crate) fn gated() -> (Self, Arc<Notify>) {
        Self::gated_if(|_| true)
    }

    /// Responds to calls for which `waits` is true when the gate is notified, and to others at once.
    pub(crate) fn gated_if(waits: impl Fn(&Arrived) -> bool + Send + Sync + 'static) -> (Self, Arc<Notify>) {
        let gate = Arc::new(Notify::new());
        let inside = Arc::clone(&gate);
        let receiver = Self::doing(move |call| {
            let gate = waits(&call).then(|| Arc::clone(&inside));
            async move {
                if let Some(gate) = gate {
                    gate.notified().await;
                }
                Some(200)
            }
        });
        (receiver, gate)
    }

    /// Responds to each call after this real time.
    pub(crate) fn slow(milliseconds: u64, status: u16) -> Self {
        Self::doing(move |_| async move {
            pause(Duration::from_millis(milliseconds)).await;
            Some(status)
        })
    }

    /// Returns the times of the calls in seconds.
    pub(crate) fn times(&self) -> Vec<f64> {
        self.arrived().iter().map(Arrived::seconds).collect()
    }

    /// Responds with these statuses in turn, then always with 200.
    pub(crate) fn script(statuses: &[Option<u16>]) -> Self {
        let script = Mutex::new(VecDeque::from(statuses.to_vec()));
        Self::doing(move |_| {
            let status = script.lock().unwrap().pop_front().unwrap_or(Some(200));
            async move { status }
        })
    }

    /// Records times of this clock.
    pub(crate) fn by(&self, clock: &VirtualClock) {
        *self.clock.lock().unwrap() = Some(clock.clone());
    }

    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }

    pub(crate) fn events(&self) -> Vec<String> {
        self.arrived().iter().map(|call| call.event().to_owned()).collect()
    }

    pub(crate) fn count(&self) -> usize {
        self.arrived.lock().unwrap().len()
    }

    pub(crate) async fn until(&self, count: usize) {
        eventually("the receiver is called", || self.count() >= count).await;
    }
}

#[async_trait]
impl Transport for Receiver {
    async fn send(&self, request: Request<Body>, _: &AttemptContext) -> Result<Response<Content>, Failure> {
        let at = self.clock.lock().unwrap().as_ref().map(Clock::now).unwrap_or_default();
        let (head, body) = request.into_parts();
        let body = body_bytes(&body).into();
        let call = Arrived { at, method: head.method, uri: head.uri.to_string(), headers: head.headers, body };
        self.arrived.lock().unwrap().push(call.clone());
        // A real receiver does not respond at once.
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        let refused = || Failure::new(Delivery::NotSent, Kind::Unreachable, "the connection is refused");
        let status = (self.behaviour)(call).await.ok_or_else(refused)?;
        let mut response = Response::new(Content::empty());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response.headers_mut().insert("location", "https://hooks.example/elsewhere".parse().unwrap());
        Ok(response)
    }
}
