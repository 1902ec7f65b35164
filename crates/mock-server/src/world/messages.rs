//! The mails and text messages that the vendors would have sent. The sandbox sends none.

use std::collections::VecDeque;
use std::fmt;

use identkit_core::Secret;
use jiff::Timestamp;

/// Maximum number of messages. One more, and the oldest is dropped.
const LIMIT: usize = 10_000;

/// A mail or text message that a vendor would have sent.
#[derive(Clone)]
#[non_exhaustive]
pub struct Message {
    /// Number in the world, from 1 without gaps.
    pub number: u64,
    /// Time in the world.
    pub at: Timestamp,
    /// Name of the vendor.
    pub vendor: &'static str,
    /// Id of the case.
    pub case: String,
    /// How it would have been sent.
    pub channel: Channel,
    /// Mail address or phone number.
    pub to: String,
    /// Short description of the content.
    pub text: String,
    /// The TAN in it, if the sandbox issued one.
    pub tan: Option<Secret>,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The recipient is personal data.
        f.debug_struct("Message").field("number", &self.number).field("channel", &self.channel).finish_non_exhaustive()
    }
}

impl Message {
    /// Creates a message about a case. Number and time are set when the message is added to the world.
    pub fn new(
        vendor: &'static str,
        case: impl Into<String>,
        channel: Channel,
        to: impl Into<String>,
        text: impl Into<String>,
    ) -> Self {
        let (case, to, text) = (case.into(), to.into(), text.into());
        Self { number: 0, at: Timestamp::UNIX_EPOCH, vendor, case, channel, to, text, tan: None }
    }

    /// Adds the TAN in the message.
    #[must_use]
    pub fn tan(mut self, tan: Option<Secret>) -> Self {
        self.tan = tan;
        self
    }
}

/// How a message is sent.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Channel {
    /// By e-mail.
    Email,
    /// By text message to a phone.
    Sms,
}

/// The latest messages of a world. Like the journal, they are not saved with it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Messages {
    all: VecDeque<Message>,
    last: u64,
}

impl Messages {
    pub(super) fn add(&mut self, at: Timestamp, message: Message) {
        self.last += 1;
        self.all.push_back(Message { number: self.last, at, ..message });
        if self.all.len() > LIMIT {
            self.all.pop_front();
        }
    }

    /// The messages, oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Message> {
        self.all.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_messages_are_dropped_and_numbers_continue() {
        let mut messages = Messages::default();
        for _ in 0..LIMIT + 2 {
            messages.add(Timestamp::UNIX_EPOCH, Message::new("v", "c", Channel::Sms, "to", "text"));
        }
        let numbers: Vec<u64> = messages.iter().map(|message| message.number).collect();
        assert_eq!((numbers.len(), numbers[0], numbers[LIMIT - 1]), (LIMIT, 3, LIMIT as u64 + 2));
    }
}
