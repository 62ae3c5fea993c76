# The first page.

today-tasks = { $count ->
    [one] { $count } open task
   *[other] { $count } open tasks
}
today-nothing = Nothing needs you
today-nothing-text = No case waits for a decision, every delivery was read, and no source or site is stopped.
today-first = No departures yet
today-next-call = Next call to Atlassian in { $time }.
today-next-deletion = Next deletion in { $time }.
today-coming = The coming 14 days
today-revokes = { $count ->
    [one] { $count } revoke
   *[other] { $count } revokes
}
today-deletions = { $count ->
    [one] { $count } deletion
   *[other] { $count } deletions
}
today-no-calls = No revoke and no deletion is planned in the coming 14 days.
today-calls = The next calls
today-state = State of the daemon
today-held = Held
today-done = Done in the last 24 hours
today-done-nothing = Nothing was revoked, deleted or closed.
today-parts = Sites and sources

task-frozen = The source { $source } is frozen
task-frozen-text = The brake stopped a flood of departures: { $done } of { $all } carried out.
task-frozen-link = Check the list
task-paused = The site { $site } is paused
task-paused-text = Since { $since }. Its cases wait, none is lost.
task-paused-link = See the cause
task-calls-paused = The site { $site } rejects some calls
task-calls-paused-text = Only these calls wait, the others continue.
task-oldest = Oldest since { $since }.
task-attention-link = Decide
task-approval = Approvals are missing
task-approval-text = These cases wait for approvers. Without an approval nothing is called.
task-approval-link = Review and approve
task-unreadable = Deliveries cannot be read
task-unreadable-text = They are stored until the mapping is fixed. Nothing is lost.
task-unreadable-link = See why
task-quiet = The source { $source } is quiet
task-quiet-text = Nothing arrived for longer than its settings expect. Check at the vendor whether the webhook is still active.
task-quiet-link = Check the source

released-by-observe = enforce mode and a release
released-by-approval = an approver
released-by-brake = release of the list by an approver
released-by-hold = release by an operator

site-works = works
site-paused = paused
site-calls-paused = { $count ->
    [one] { $count } call rejected
   *[other] { $count } calls rejected
}
source-works = delivers
source-waiting = waits for the first delivery
source-frozen = frozen
source-paused = paused
source-quiet = quiet for { $time }

call-stop-revoke = until then; access can be granted again
call-stop-delete = until then; cannot be undone afterwards
call-stop-other = takes nothing away

timeline-label = Planned calls of the next 14 days: { $revokes } revokes and { $deletions } deletions.
timeline-revoke = Revoke access
timeline-revoke-note = can be granted again
timeline-delete = Delete
timeline-delete-note = cannot be undone
timeline-waits = still needs an approval

first-done = Done
first-yours = Your turn
first-later = Later
first-site = A site is configured
first-site-text = The site and the credentials for it, under [sites.NAME]. This command tests what they may do, and says what to fix.
first-source = A source is configured
first-source-text = The HR or CRM system, under [sources.NAME], with the policy that says what a departure results in.
first-webhook = Point the vendor at offboardd
first-webhook-text = Enter the address of this listener’s public side, /webhooks/SOURCE, at the vendor. Or try a signed sample first, without the vendor:
first-enforce = Watch a few days, then enforce
first-enforce-text = In observe mode every case is held and shows what would have been done. When the results are right, set the mode in the settings. Cases that were held stay held until you release them.
first-see = What you will see here
first-see-text = First what needs you, with the next step. Then the coming 14 days, then what was done. An empty page means that no departure was reported and no task is open.
