//! The channels of messages to people, built from the settings.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::parts::Parts;
use crate::notices::{self, Channel, Chat, ChatForm, Composer, Gatherer, Mail, MailServer, Sender, Webhook};
use crate::outbound;
use crate::settings::{ChatFormat, NotifyChat, NotifyMail, NotifySettings, NotifyWebhook, Settings};

/// The channels by their keys. Each is replaced as a whole when its secrets are reloaded.
pub(super) type Channels = BTreeMap<String, Arc<ArcSwap<Channel>>>;

/// The keys of the configured channels.
pub(super) fn channel_keys(settings: &Settings) -> Vec<String> {
    channels(&settings.notify).into_iter().map(|(key, _, _)| key).collect()
}

/// The configured channels: the key in the database, the label in the metrics, and the channel.
pub(crate) fn channels(settings: &NotifySettings) -> Vec<(String, &'static str, Channel)> {
    let webhooks = settings.webhooks.iter().enumerate();
    let webhooks =
        webhooks.map(|(i, webhook)| (format!("webhooks.{i}"), "webhook", Channel::Webhook(of_webhook(webhook))));
    let chat = settings.chat.iter().enumerate();
    let chat = chat.map(|(i, chat)| (format!("chat.{i}"), "chat", Channel::Chat(of_chat(chat))));
    let mail = settings.mail.iter().map(|mail| ("mail".to_owned(), "mail", Channel::Mail(of_mail(mail))));
    webhooks.chain(chat).chain(mail).collect()
}

/// Replaces the channels by those with other secrets.
pub(super) fn replace(running: &Channels, reloaded: &NotifySettings) {
    for (key, _, channel) in channels(reloaded) {
        if let Some(held) = running.get(&key) {
            held.store(Arc::new(channel));
        }
    }
}

impl Parts<'_> {
    pub(super) fn start_notices(&mut self) -> anyhow::Result<Channels> {
        let metrics = notices::Metrics::register(&mut self.registry);
        let configured = channels(&self.settings.notify);
        let mut running = Channels::new();
        if configured.is_empty() {
            return Ok(running);
        }
        let (http, senders) = (outbound::http()?, Arc::default());
        let notify = &self.settings.file.notify;
        let keys = configured.iter().map(|(key, kind, _)| (key.clone(), *kind)).collect();
        for (key, _, channel) in configured {
            let channel = Arc::new(ArcSwap::from_pointee(channel));
            let sender = Sender {
                key: key.clone(),
                channel: Arc::clone(&channel),
                composer: Composer {
                    store: self.background(),
                    admin_url: self.settings.file.server.admin_url.as_ref().map(|url| url.get().clone()),
                    personal_data: notify.personal_data,
                },
                http: http.clone(),
                clock: Arc::clone(&self.clock),
                retry: self.settings.retry,
                metrics: metrics.clone(),
                awakened: Arc::clone(&senders),
            };
            self.spawn_on_duty("notices.sender", self.background(), move |stopping| sender.clone().run(stopping));
            running.insert(key, channel);
        }
        let gatherer = Gatherer {
            store: self.background(),
            clock: Arc::clone(&self.clock),
            channels: keys,
            on: notify.on.iter().copied().collect(),
            gather: notify.gather.get(),
            metrics,
            awakened: Arc::clone(&self.wakeups.notices),
            senders,
        };
        self.spawn_on_duty("notices", self.background(), move |stopping| gatherer.clone().run(stopping));
        Ok(running)
    }
}

fn of_webhook(webhook: &NotifyWebhook) -> Webhook {
    Webhook { url: webhook.url.clone(), key: webhook.key.clone() }
}

fn of_chat(chat: &NotifyChat) -> Chat {
    let form = match chat.format {
        ChatFormat::Slack => ChatForm::Slack,
        ChatFormat::Teams => ChatForm::Teams,
    };
    Chat { url: chat.url.clone(), form }
}

fn of_mail(mail: &NotifyMail) -> Mail {
    let server = &mail.server;
    let server =
        MailServer { host: server.host.clone(), port: server.port, is_tls: server.is_tls, is_local: server.is_local() };
    Mail { server, from: mail.from.clone(), to: mail.to.clone(), credentials: mail.credentials.clone() }
}
