# Journal, evidence, settings, API.

journal-lede = Every intent before a call, every outcome after it, and every decision: append-only, chained, without personal data.
journal-kind = Entries
journal-case = Case
journal-case-hint = The whole id of a case, as its page shows it under Facts.
journal-caption = { $count ->
    [one] { $count } entry, newest first
   *[other] { $count } entries, newest first
}
journal-none = No entry matches.
journal-detail = Show
journal-verify = { $count ->
    [one] Verify { $count } entry
   *[other] Verify all { $count } entries
}
journal-verify-hint = Recomputes every link and checks every case. Changes nothing.
journal-intact = The journal is intact
journal-intact-text = { $count ->
    [one] { $count } entry follows from the one before it, and every case was written by this daemon.
   *[other] All { $count } entries follow from the one before, and every case was written by this daemon.
}
journal-broken = The journal or a case was changed by another hand
journal-broken-text = Keep a copy of the database, and compare it with the anchor and the last backup.
journal-group-calls = calls to Atlassian
journal-group-outcomes = outcomes
journal-group-operators = decisions of operators
journal-group-sources = events of sources
journal-group-pauses = pauses and brakes
journal-group-attention = what waits for a human

journal-opened = Case opened
journal-revoke-dispatched = Revoke: the call is about to be made
journal-revoke-confirmed = Access revoked, read back
journal-detach-dispatched = Leaving: the call is about to be made
journal-detached = Left organizations, service desks and requests
journal-deletion-dispatched = Deletion: the call is about to be made
journal-deletion-accepted = Deletion accepted
journal-gone-seen = Account not found
journal-gone-confirmed = Verified as gone
journal-not-done = The call had no effect
journal-reinvite-dispatched = Invitation: the call is about to be made
journal-grant-seen = Access was granted again
journal-reinvited = Invited again
journal-account-missing = No account found
journal-withheld = Waits
journal-attention-needed = A human is needed
journal-departed = Departure reported
journal-stopped = Stopped by a source
journal-erasure-requested = Erasure requested
journal-demands-ended = A source took its demand back
journal-cancelled = Cancelled
journal-held = Held
journal-released = Released
journal-brake-released = Brake released
journal-approved = Approved
journal-withdrawn = Approval withdrawn
journal-retried = Read again
journal-resolved = Closed as handled by hand
journal-brake-tripped = Brake tripped
journal-call-rejected = Call rejected
journal-deferred-by-brake = Event deferred by the brake
journal-delivery-replayed = Delivery replayed
journal-fence-raised = Fence raised
journal-fence-lifted = Fence lifted
journal-secret-accepted = Secret accepted
journal-site-paused = Site paused
journal-site-resumed = Site resumed
journal-site-kind-paused = A kind of calls paused
journal-site-kind-resumed = A kind of calls resumed
journal-source-paused = Source paused
journal-source-resumed = Source resumed
journal-due = Due
journal-interrupted = Interrupted
journal-expired = Closed case removed at the end of its retention
journal-call-unconfirmed = Call without a response: its outcome is unknown
journal-deadline = Erasure request near its deadline
journal-delivery-body-read = Body of a delivery shown to an approver
journal-delivery-unreadable = Delivery unreadable
journal-rows = Sums of rows written
journal-periods-ended = Keys of ended periods deleted
journal-key-rotated = Store key rotated
journal-import-begun = Import begun
journal-import-done = Import done
journal-source-quiet = Source went quiet
journal-source-active = Source delivers again
journal-detach-call-done = A membership was left

evidence-print = Printed from the console. The signed file is the proof, this page is its reading copy.
evidence-lede = For an auditor: every departure of a period, complete, signed, and without a name.
evidence-period = A period
evidence-from = From
evidence-to = To, inclusive
evidence-days = Days in UTC.
evidence-download = Download the signed list
evidence-problem = The period cannot be used
evidence-viewer = Operators and approvers download evidence: it lets a reader check which email address a case is about.
evidence-key = Public key
evidence-key-text = Give it to the auditor by another way than the files.
evidence-key-download = Download the public key
evidence-verify = Verify a file
evidence-verify-text = Needs nothing but the file and the public key. The documentation shows the same with standard tools.
evidence-one = One person
evidence-one-text = Search the exact email address under Cases, open the case, and download its evidence.

period-show = Show the period
period-heading = { $from } to { $to }
period-whole = everything accounted for
period-not-whole = not everything accounted for
period-completeness = Completeness
period-received = Deliveries received
period-outcome-case = opened or changed a case
period-outcome-no-effect = read, without effect
period-outcome-ignored = not relevant
period-outcome-unreadable = unreadable
period-outcome-partly-unreadable = partly unreadable
period-outcome-waiting = wait
period-outcome-not-routed = not read yet
period-cases = Cases with a change
period-opened = opened
period-closed = closed
period-agrees = as the journal counts them
period-differs = the journal counts another number
period-timeliness = Timeliness
period-removed = Access removed
period-median = half of them within
period-slowest = all of them within
period-after = { $time } after the effective time
period-deleted = Deletions accepted
period-lag = After
period-state = State today
period-caption = { $count ->
    [one] { $shown } of { $count } case
   *[other] { $shown } of { $count } cases
}

settings-lede = What takes effect, defaults included. Secrets are shown as references only.
settings-viewer = Values that may name a person are hidden for viewers.
settings-people = Who may use the console and the API
settings-file = Effective settings
settings-file-text = A change of the file takes effect after a restart; secrets and tokens are read again by themselves.

api-lede = Everything that the console shows and does, for programs.
api-use = Use it
api-use-text = With the same token as here. Errors are application/problem+json; lists have a cursor.
api-document = Read the document as JSON
api-role = Role { $role } or higher.
api-no-token = Without a token.
api-parameters = Parameters
api-body = Body
api-answers = Answers
api-required = required
api-optional = optional
api-common = What any of them may answer
api-schemas = Types
