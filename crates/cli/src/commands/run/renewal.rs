//! Renews the credentials of the vendors' clients.
//!
//! After a 401 a client sends nothing until its credentials are set again, because an account may get locked. A process that
//! runs for months must recover from a 401 that was a mistake of the vendor, and from a new password.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use identkit_core::Clock;
use tokio::task::JoinHandle;

use crate::account::Renew;
use crate::output::reporter;

/// How often the credentials are read. Changed ones are set at once.
const INTERVAL: Duration = Duration::from_secs(60);

/// How often the same credentials are set again: the number of requests per hour with which a wrong password is tried.
const AGAIN: Duration = Duration::from_secs(60 * 60);

/// A task that renews the credentials. It ends when it is dropped.
#[derive(Debug)]
pub(super) struct Renewal(JoinHandle<()>);

impl Renewal {
    pub(super) fn start(accounts: Vec<(&'static str, Renew)>, clock: Arc<dyn Clock>) -> Self {
        Self(tokio::spawn(renew(accounts, clock, reporter())))
    }
}

impl Drop for Renewal {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn renew(mut accounts: Vec<(&'static str, Renew)>, clock: Arc<dyn Clock>, lines: SyncSender<String>) {
    let mut last = clock.now();
    let mut is_readable = vec![true; accounts.len()];
    loop {
        drop(clock.sleep_until(clock.now().plus(INTERVAL)).await);
        let again = clock.now().since(last) >= AGAIN;
        if again {
            last = clock.now();
        }
        for ((name, renew), was_readable) in accounts.iter_mut().zip(&mut is_readable) {
            let renewed = renew(again);
            let is_readable = renewed.is_ok();
            let line = match renewed {
                Ok(true) if !again => format!("{name}: the credentials have changed, and are used from now on"),
                Err(failure) if *was_readable => format!(
                    "warning: {name}: the credentials cannot be read, so the former ones stay in use: {}",
                    failure.sentence
                ),
                _ => String::new(),
            };
            *was_readable = is_readable;
            if !line.is_empty() {
                drop(lines.try_send(line));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::sync_channel;

    use identkit_core::{Error, Kind};
    use identkit_testkit::TestClock;

    use super::*;
    use crate::account;
    use crate::exit::Failure;

    #[tokio::test]
    async fn credentials_are_set_again_if_changed_and_hourly() {
        let file = Arc::new(Mutex::new(Ok::<_, ()>(1)));
        let set = Arc::new(Mutex::new(Vec::new()));
        let (read, given) = (Arc::clone(&file), Arc::clone(&set));
        let renewed = account::renew(
            move || read.lock().unwrap().map_err(|()| Failure::local("no such file")),
            move |credentials: &i32| {
                given.lock().unwrap().push(*credentials);
                if *credentials < 0 { Err(Error::new(Kind::InvalidInput, "negative")) } else { Ok(()) }
            },
        );
        let (clock, (lines, shown)) = (TestClock::default(), sync_channel(64));
        let task = tokio::spawn(renew(vec![("tm", renewed.unwrap())], Arc::new(clock.clone()), lines));
        let minutes = async |number: u32| {
            for _ in 0..number {
                // The task begins its wait.
                tokio::task::yield_now().await;
                clock.advance(INTERVAL);
                tokio::task::yield_now().await;
            }
            std::mem::take(&mut *set.lock().unwrap())
        };
        assert_eq!(minutes(59).await, [0; 0], "the same ones are set again after an hour");
        assert_eq!(minutes(1).await, [1]);
        *file.lock().unwrap() = Ok(2);
        assert_eq!(minutes(1).await, [2]);
        *file.lock().unwrap() = Err(());
        assert_eq!(minutes(3).await, [0; 0]);
        *file.lock().unwrap() = Ok(-3);
        assert_eq!(minutes(2).await, [-3, -3], "what could not be set is tried again");
        *file.lock().unwrap() = Ok(2);
        assert_eq!(minutes(53).await, [0; 0]);
        assert_eq!(minutes(1).await, [2]);
        task.abort();
        let shown: Vec<String> = shown.try_iter().collect();
        let [changed, unreadable] = &shown[..] else { panic!("{shown:?}") };
        assert!(changed.contains("have changed"), "{changed}");
        assert!(unreadable.contains("no such file"), "{unreadable}");
    }
}
