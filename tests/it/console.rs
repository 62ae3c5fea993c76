//! The console over HTTP, as a browser without a script uses it: sessions, roles, requests from elsewhere, and the stories of
//! operators.

mod actions;
mod browser;
mod client;
mod german;
mod notice_links;
mod pages;
mod sessions;
