# States, holds and reasons for attention: the word, what happened, why, and what to do now. A line of `-now` is a step.

state-scheduled = Scheduled
state-held = Held
state-revoking = Revoking
state-revoked = Revoked
state-deleting = Deleting
state-deletion_grace = Deletion grace
state-erased = Erased
state-restoring = Restoring
state-restored = Restored
state-cancelled = Cancelled
state-no_account = No account
state-needs_attention = Needs attention

hold-observe = Observed only
hold-approval = Approval missing
hold-brake = Held by the brake
hold-hold = Held by an operator

job-revoke = Revoke access
job-detach = Leave organizations and requests
job-delete = Delete
job-verify = Verify
job-restore = Wait for access
job-reinvite = Invite again
job-state-queued = queued
job-state-running = running
job-state-done = done
job-state-cancelled = cancelled

stage-revoke = revoke of access
stage-delete = deletion
action-ignore = nothing
action-revoke = revoke access
action-revoke_then_delete = revoke access, then delete
action-delete = delete

account-type-customer = portal-only customer
account-type-atlassian = Atlassian account
account-type-app = app
account-type-unknown = unknown
account-active = active
account-revoked = revoked

attention-ambiguous_account = Account is ambiguous
attention-not_a_customer = Not a portal-only customer
attention-protected = Protected
attention-address_unconfirmed = Email address not confirmed
attention-regranted = Access was granted again
attention-address_changed = Email address changed
attention-grant_needed = Access must be granted by hand
attention-refused = Rejected by Atlassian
attention-retries_exhausted = Attempts exhausted
attention-no_email = No email address
attention-sources_disagree = Sources disagree
attention-repeated = Reported again

state-scheduled-title = Waits for its time
state-scheduled-what = The person leaves later. Nothing was changed yet.
state-scheduled-why = No call is made before the effective time. A newer event that the person stays cancels the case by itself.
state-scheduled-now = Nothing to do. If the person stays, cancel the case; to decide later, hold the person.
state-revoking-title = Access is being revoked
state-revoking-what = The revoke is queued or in progress.
state-revoking-why = The effective time has come. The account is read back afterwards; a failed attempt is repeated by itself.
state-revoking-now = Nothing to do. Until the call is made, the case can still be cancelled or held.
state-revoked-title = Access is revoked
state-revoked-what = The person has no portal access. The account and its requests are kept.
state-revoked-why = If the policy deletes, the local grace runs: a return within it needs only the access to be granted again.
state-revoked-now = Nothing to do. To keep the account, cancel the deletion before the last moment.
state-deleting-title = The account is being deleted
state-deleting-what = The deletion is queued or in progress.
state-deleting-why = The local grace is over and all approvals are given. The account is read again right before the call; a mismatch stops it.
state-deleting-now = To keep the account, cancel now: a stop that is confirmed before the call always wins.
state-deletion_grace-title = Deleted, Atlassian’s grace runs
state-deletion_grace-what = Atlassian accepted the deletion. It cannot be undone.
state-deletion_grace-why = For this time the email address cannot be invited again, and nothing can shorten it. Afterwards the account is read once more.
state-deletion_grace-now = Nothing to do. The case closes by itself.
state-erased-title = Erased and verified
state-erased-what = The account is gone, and this case holds no personal data any more.
state-erased-why = When the case closed, its key was destroyed, and with it the email address, the person id and the account id. A search by the exact email address still finds the case.
state-erased-now = Nothing to do. The evidence proves what was done.
state-restoring-title = Grant access by hand: Atlassian has no API for it
state-restoring-what = The person is back, or the case was cancelled after the revoke. The deletion is off. The person has no portal access yet.
state-restoring-why = Access was revoked before the stop arrived. Only an administrator can grant it again, in Atlassian’s administration.
state-restoring-now =
    Follow the steps for your administration below.
    Nothing else: the account is read regularly, and the case closes by itself once it is active.
    If it is settled in another way, close the case as handled by hand.
state-restored-title = Access is back
state-restored-what = The person has portal access again. The account is the same as before, unless it had been deleted.
state-restored-why = A read showed the account active, or an operator closed the case.
state-restored-now = Nothing to do.
state-cancelled-title = Cancelled
state-cancelled-what = No further call is made for this case.
state-cancelled-why = An event of the source or an operator stopped it. The history below shows which.
state-cancelled-now = Nothing to do. The same event has no effect again; a newer one opens a new case.
state-no_account-title = There was nothing to do
state-no_account-what = No account of this site has the email address. Nothing was changed.
state-no_account-why = The address was searched several times, because new accounts appear in the search late.
state-no_account-now = Nothing to do. If the person used another address, open a case for it.

held-observe-title = Observed only: nothing is changed
held-observe-what = The daemon runs in observe mode. This is what would have been done.
held-observe-why = Observe mode plans and shows, and makes no call that changes anything.
held-observe-now =
    Check whether the plan is right.
    Set mode = "enforce" in the settings and restart.
    Release the case. Cases that were held stay held until an operator releases them.
held-approval-title = An approval is missing
held-approval-what = The case waits for approvers. Without them nothing is called.
held-approval-why = The policy requires different people to approve the next action. An operator cannot approve a request of their own.
held-approval-now = Check person, account and date, then approve; or cancel the case to keep the account.
held-brake-title = Held by the brake
held-brake-what = More departures arrived than the policy allows in this time. Nothing was changed for this case.
held-brake-why = A sync that lost its filter looks exactly like this: all people “left” on the same day.
held-brake-now =
    Check with the owner of the source whether these people really left.
    If not, cancel the cases of the source together.
    If so, an approver releases exactly the list that was checked.
held-hold-title = Held by an operator
held-hold-what = An operator holds this person. No event of a source lifts the hold.
held-hold-why = The reason is in the history below.
held-hold-now = Release the person when the reason is gone, or cancel the case.

attention-ambiguous_account-title = Several customer accounts have this email address
attention-ambiguous_account-what = The daemon acts only where exactly one account is found. Nothing was changed.
attention-ambiguous_account-why = Nothing says which account the person used. A wrong choice could hit another person.
attention-ambiguous_account-now =
    Compare the accounts in Atlassian’s administration: name, last activity, open requests.
    Delete or rename the one that is not theirs.
    Then press “Read again”. With exactly one account the case continues.
attention-not_a_customer-title = The account is no portal-only customer
attention-not_a_customer-what = The email address belongs to an Atlassian account. It is never changed from here. Nothing was changed.
attention-not_a_customer-why = Licensed and managed accounts belong to the organization’s directory and its own offboarding.
attention-not_a_customer-now =
    Offboard the person in the directory or in the identity provider.
    Then close this case as handled by hand.
attention-protected-title = The person is protected
attention-protected-what = The email address, its domain or the account is on the site’s list protect. Nothing was changed.
attention-protected-why = Protected accounts are never touched, whatever a source reports.
attention-protected-now =
    Check whether the departure is right at all.
    If the protection is outdated, remove the entry from the settings, then press “Read again”.
    Otherwise cancel the case.
attention-address_unconfirmed-title = The email address cannot be confirmed
attention-address_unconfirmed-what = It is not certain that the account with this address belongs to the person who left. Nothing more is changed until you decide.
attention-address_unconfirmed-why = Either the accounts hide their addresses from our credentials, or the source knows the address for another person who is here.
attention-address_unconfirmed-now =
    Look the address up in Atlassian’s administration and at the source.
    If it is the leaver’s, press “Read again”: the case continues.
    Otherwise cancel the case.
attention-regranted-title = Access was granted again in the meantime
attention-regranted-what = The account was active again before the deletion. It was not deleted.
attention-regranted-why = Access was granted by hand after the revoke. That is a sign that the person is back.
attention-regranted-now =
    Find out who granted access, and why.
    If the person is back, cancel the case.
    If it was a mistake, press “Read again”: access is revoked again and the local grace begins again.
attention-address_changed-title = The person had another email address before
attention-address_changed-what = No account has the address of the departure, but the person was known under an earlier one. Nothing was changed.
attention-address_changed-why = An address that was changed shortly before leaving may hide the account. Only a human can say whether the earlier account is theirs.
attention-address_changed-now =
    Look the earlier address up in Atlassian’s administration.
    If it is the leaver’s account, open a case for it, then close this one as handled by hand.
    Otherwise cancel this case.
attention-grant_needed-title = Grant access by hand: Atlassian has no API for it
attention-grant_needed-what = The person is back, and has no portal access yet.
attention-grant_needed-why = Access can be granted only by an administrator, in Atlassian’s administration.
attention-grant_needed-now =
    Follow the steps for your administration below.
    The case closes by itself once the account is active.
attention-refused-title = Atlassian rejected the call
attention-refused-what = The call for this account was rejected permanently, while others work. The state of the account is as before.
attention-refused-why = The credentials may lack a permission for this one account, or the account has a property that forbids the change.
attention-refused-now =
    Check the permission that the message below names.
    Try the same change in Atlassian’s administration.
    Then press “Read again”, or close the case as handled by hand.
attention-retries_exhausted-title = All attempts failed
attention-retries_exhausted-what = The call failed for as long as the settings allow. The last error is below.
attention-retries_exhausted-why = A problem that passes would have passed by now.
attention-retries_exhausted-now =
    Check whether the site works and what the last error says.
    Press “Read again”: the attempts begin from the start.
    If it was done by hand, close the case as handled by hand.
attention-no_email-title = No email address is known
attention-no_email-what = The source reported a departure without an email address, and none is known for this person. Nothing was changed.
attention-no_email-why = Accounts are found by their exact email address only.
attention-no_email-now =
    Let the source send a record that has id and address of the person, or configure a lookup.
    Press “Read again” when the address is known.
    Or open a case for the address yourself, and close this one.
attention-sources_disagree-title = Two sources disagree about this person
attention-sources_disagree-what = One source reported the departure, another one reports that the person is here. Nothing more is changed.
attention-sources_disagree-why = A stop by another source than the one that opened the case does not cancel it: a human decides whom to believe.
attention-sources_disagree-now =
    Clarify with the owners of both sources.
    If the person has left, press “Read again”: the case continues.
    Otherwise cancel the case.
attention-repeated-title = The same message arrived again
attention-repeated-what = A message that was handled before arrived once more, after something else about this person took effect. Nothing was changed.
attention-repeated-why = It may be a second departure or a recording that is sent again. No signed time proves which.
attention-repeated-now =
    Check at the source whether the person leaves now.
    If so, press “Read again”: the case continues.
    Otherwise cancel the case.

clicks-grant = Steps in Atlassian’s administration: grant access
clicks-grant-last = ⋯ → Grant access
clicks-find = Steps in Atlassian’s administration: find the account
clicks-find-last = ⋯ shows what can be done with the account
clicks-which = Which administration do you have? Open admin.atlassian.com: if “Directory” holds Users and Groups, it is the centralized one.
clicks-centralized = Centralized
clicks-original = Original
clicks-organization = the organization
clicks-site = the site
clicks-search = Search the exact email address; names are not found:
clicks-role = No such menu? You need to be a site admin or an organization admin.

blocked-fence = A fence stands: no change is made at any site.
blocked-site-paused = The site { $name } is paused: this case waits.
blocked-call-paused = The site { $name } rejects this kind of call: this case waits.
blocked-source-paused = The source { $name } is paused: this case waits.
blocked-source-frozen = The source { $name } is frozen by its brake.

graces-local = Local grace · { $length }
graces-deletion = Deletion grace · { $length }
graces-stoppable = can be stopped
graces-was-stoppable = could be stopped
graces-final = cannot be undone
graces-now = now · { $at }
graces-revoke = Revoke access
graces-revoked = Access revoked
graces-revoke-text = Can be granted again.
graces-delete = Last moment to stop, then deletion
graces-delete-text = A stop that is confirmed before this moment always wins. The deletion cannot be undone.
graces-deleted = Deleted
graces-deleted-text = Atlassian accepted the deletion.
graces-end = Atlassian’s grace ends
graces-end-text = The email address can be invited again from then on.
graces-waits = Nothing is called before a human decided. These are the earliest times.
graces-over = The case is closed: all of this is over.
graces-label = Time line of both graces, to scale: access revoked { $revoke }, deletion { $delete }, end of Atlassian’s grace { $end }.
graces-label-delete = Time line, to scale: deletion { $delete }, end of Atlassian’s grace { $end }.
