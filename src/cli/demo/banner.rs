//! The texts before and after the steps of the demo.

use super::calendar::days;
use super::folder::PAYROLL;
use super::observer::Observer;
use crate::cli::output::print_out;

pub(super) fn print_introduction(observer: &Observer) {
    print_out(&format!(
        "\
This demo runs the daemon, an HR system that signs webhooks as vendors do, and a sandbox Atlassian
site on this machine. Sockets, signatures and database are real. A day takes {} ms.

  settings   {}
  webhooks   http://{}/webhooks/…
  console    http://{}/sign-in#{}
             open this link and sign in to watch it there
  sandbox    http://{}
",
        days(1).as_millis(),
        observer.folder.settings().display(),
        observer.hr.webhooks,
        observer.admin,
        observer.folder.token,
        observer.site,
    ));
}

pub(super) fn print_goodbye() {
    print_out("\nStopped. All files are removed.\n");
}

pub(super) fn print_invitation(observer: &Observer) {
    let Observer { folder, hr, admin, site, .. } = observer;
    let (token, webhooks) = (&folder.token, hr.webhooks);
    let settings = folder.settings();
    let settings = settings.display();
    print_out(&format!(
        "
The demo runs until Ctrl-C, which removes all of its files.

  look around in the console:
    http://{admin}/sign-in#{token}

  list the cases:
    curl -H 'Authorization: Bearer {token}' \\
      http://{admin}/api/v1/cases

  send another departure, and read the accounts of the site:
    echo '{{\"type\":\"departed\",\"person\":{{\"email\":\"jon@example.com\"}}}}' |
      offboardd send {PAYROLL} --body - --url http://{webhooks}/webhooks/{PAYROLL} \\
        --config {settings}
    curl http://{site}/_sandbox/accounts
"
    ));
}
