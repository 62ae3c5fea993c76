//! Messages to people: what happened that a human should know, once for each transition, by webhook, chat and mail.
//!
//! The journal is the queue. The [`Gatherer`] reads each entry once, gathers transitions of one kind, site and source into
//! a notice, and queues a message for each channel. Each channel has a [`Sender`] of its own, so that a channel that is
//! unavailable delays no other one, and never the worker. A message is retried until its channel accepts it or
//! `retry.give_up_after` has passed. Each attempt has the same id.
//!
//! Without `notify.personal_data`, a message holds ids, names of sites and sources, and reasons: no personal data.

mod channel;
mod chat;
mod entry;
mod gatherer;
mod mail;
mod message;
mod metrics;
mod post;
mod sender;
mod webhook;

pub use self::channel::Channel;
pub use self::chat::{Chat, ChatForm};
pub use self::gatherer::Gatherer;
pub use self::mail::{Mail, MailServer};
pub use self::message::{Composer, Message, MessageCase};
pub use self::metrics::Metrics;
pub use self::post::SendError;
pub use self::sender::Sender;
pub use self::webhook::Webhook;
