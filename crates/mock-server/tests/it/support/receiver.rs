//! A receiver of webhooks on the network.

use super::*;
use tokio::task::JoinHandle;

/// How a receiver responds to a webhook.
#[derive(Clone, Debug)]
pub(crate) enum Does {
    /// Responds with this status.
    Answer(u16),
    /// Reads the request and never responds.
    Hang,
    /// Closes the connection.
    Close,
    /// Responds with 200 when notified.
    Wait(Arc<Notify>),
    /// Responds with 200 after this real time.
    After(std::time::Duration),
}

/// A receiver of webhooks on the network.
pub(crate) struct Hook {
    pub(crate) url: String,
    /// Request lines, headers and bodies of the arrived webhooks.
    pub(crate) arrived: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Hook {
    pub(crate) async fn always(does: Does) -> Self {
        Self::doing(move |_| does.clone()).await
    }

    pub(crate) async fn doing(does: impl Fn(usize) -> Does + Send + Sync + 'static) -> Self {
        Self::choosing(move |number, _| does(number)).await
    }

    /// Responds with 200; to webhooks whose number satisfies `waits`, when the gate is notified.
    pub(crate) async fn gated(waits: fn(usize) -> bool) -> (Self, Arc<Notify>) {
        let gate = Arc::new(Notify::new());
        let inside = Arc::clone(&gate);
        let does = move |number| if waits(number) { Does::Wait(Arc::clone(&inside)) } else { Does::Answer(200) };
        (Self::doing(does).await, gate)
    }

    /// Selects the response by the number of the webhook, from 0, and its request as text.
    pub(crate) async fn choosing(does: impl Fn(usize, &str) -> Does + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(any()).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let arrived: Arc<Mutex<Vec<String>>> = Arc::default();
        let (log, does) = (Arc::clone(&arrived), Arc::new(does));
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            for number in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let (log, does) = (Arc::clone(&log), Arc::clone(&does));
                connections.spawn(serve(stream, log, move |text| does(number, text)));
                while connections.try_join_next().is_some() {}
            }
        });
        Self { url, arrived, task }
    }

    /// Returns an order with this receiver's URLs.
    pub(crate) fn order(&self, events: &[&str]) -> PutOrder {
        order_calling(events, |event| format!("{}/{event}?id=[OrderID]&ref=[Ref]", self.url))
    }

    /// Returns path and query of each request so far.
    pub(crate) fn paths(&self) -> Vec<String> {
        let path = |text: &String| text.split(' ').nth(1).unwrap_or_default().to_owned();
        self.arrived.lock().unwrap().iter().map(path).collect()
    }

    pub(crate) fn count(&self) -> usize {
        self.arrived.lock().unwrap().len()
    }

    pub(crate) async fn until(&self, count: usize) {
        eventually("the webhook arrives", || self.count() >= count).await;
    }
}

async fn serve(mut stream: TcpStream, log: Arc<Mutex<Vec<String>>>, does: impl FnOnce(&str) -> Does) {
    let mut read = Vec::new();
    let whole = |read: &[u8]| {
        let text = String::from_utf8_lossy(read).into_owned();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let length = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
        (body.len() >= length.unwrap_or(0)).then_some(text)
    };
    let text = loop {
        if let Some(text) = whole(&read) {
            break text;
        }
        match stream.read_buf(&mut read).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    };
    let does = does(&text);
    log.lock().unwrap().push(text);
    let status = match does {
        Does::Answer(status) => status,
        Does::Close => return,
        Does::Hang => std::future::pending().await,
        Does::Wait(gate) => {
            gate.notified().await;
            200
        }
        Does::After(time) => {
            pause(time).await;
            200
        }
    };
    let answer =
        format!("HTTP/1.1 {status} X\r\nLocation: /elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let _ = stream.write_all(answer.as_bytes()).await;
}
