# Buttons, questions and effects. A button is a verb and its object; "…" means that a confirmation follows.

act-approve-revoke = Approve the revoke…
act-approve-delete = Review and approve the deletion…
act-withdraw = Withdraw your approval…
act-cancel = Cancel the case…
act-cancel-deletion = Cancel the deletion…
act-hold = Hold the person…
act-release = Release…
act-retry = Read again…
act-resolve = Close as handled by hand…
act-to-source = Go to the brake of { $source }
act-pause = Pause…
act-resume = Resume…
act-explain = Explain
act-replay = Replay…
act-accept = Review the secret…
act-cancel-held = { $count ->
    [one] Cancel { $count } case…
   *[other] Cancel { $count } cases…
}
act-release-held = { $count ->
    [one] Release { $count } case…
   *[other] Release { $count } cases…
}

question-approve-revoke = Approve the revoke for { $person }?
question-approve-delete = Approve the deletion of { $person }?
question-withdraw-revoke = Withdraw your approval of the revoke for { $person }?
question-withdraw-delete = Withdraw your approval of the deletion of { $person }?
question-cancel = Cancel the offboarding of { $person }?
question-hold = Hold { $person }?
question-release = Release { $person }?
question-retry = Read the account of { $person } again?
question-resolve = Close the case of { $person } as handled by hand?
question-site-pause = Pause the site { $site }?
question-site-resume = Resume the site { $site }?
question-source-pause = Pause the source { $source }?
question-source-resume = Resume the source { $source }?
question-source-release = { $count ->
    [one] Release { $count } case of { $source }?
   *[other] Release { $count } cases of { $source }?
}
question-accept = Accept the secret that { $source } offered?
question-replay = Replay the delivery { $id }?

do-approve-revoke = Approve the revoke
do-approve-delete = Approve the deletion
do-withdraw-revoke = Withdraw the approval
do-withdraw-delete = Withdraw the approval
do-cancel = Cancel the case
do-hold = Hold the person
do-release = Release the case
do-retry = Read again
do-resolve = Close as handled by hand
do-site-pause = Pause { $site }
do-site-resume = Resume { $site }
do-source-pause = Pause { $source }
do-source-resume = Resume { $source }
do-source-release = { $count ->
    [one] Release { $count } case
   *[other] Release { $count } cases
}
do-accept = Accept the secret
do-replay = Replay the delivery

keep-approve = Not now, go back
keep-withdraw = Keep the approval, go back
keep-cancel = Keep it, go back
keep-hold = Do not hold, go back
keep-release = Keep it held, go back
keep-retry = Go back
keep-resolve = Keep it open, go back
keep-bulk = Keep them, go back

understood-delete = I understand that the deletion cannot be undone.

effect-deleted = The account is deleted for good.
effect-deleted-text = It cannot be restored, not even by Atlassian.
effect-former-user = The name disappears.
effect-former-user-text = In all requests the reporter becomes “Former user”. No filter finds the account any more.
effect-no-invitation = For Atlassian’s grace the address cannot be invited.
effect-no-invitation-text = After that, the same person gets a new account without any history.
effect-withdrawable = You can withdraw until the call is made.
effect-withdrawable-text = The approval lapses by itself if the action becomes earlier or stronger, or if another account is found.
effect-revoked = The person loses portal access.
effect-revoked-text = Account and requests are kept. Access can be granted again at any time, by hand.
effect-withdrawn = Your approval no longer counts.
effect-withdrawn-text = If it is needed, the case waits for another one. You can approve again.
effect-held = No call is made for this person.
effect-held-text = The hold applies to the person: also to new cases, and no event of a source lifts it.
effect-held-reversible = It can be released at any time.
effect-held-reversible-text = What became due in the meantime is then done immediately.
effect-no-call = No planned call is made any more.
effect-no-call-text = A stop that is confirmed before a call always wins.
effect-still-revoked = The person stays without access for now.
effect-still-revoked-text = Atlassian has no API to grant it again: an administrator has to click in the administration. The case shows the steps and closes by itself.
effect-not-reopened = A closed case cannot be reopened.
effect-not-reopened-text = The same event has no effect again. A newer event or an operator’s own request opens a new case.
effect-then-held = Then the case stays held: { $why }.
effect-then-held-text = Nothing is called before that is settled.
effect-then-nothing = Then nothing is planned.
effect-then-nothing-text = The case stays as it is.
effect-then-approval = After that, another approval is still missing.
effect-then-approval-text = Nothing is called without it.
effect-then-delete = Then: { $job }, { $at }.
effect-then-delete-text = The account is read again right before. The deletion cannot be undone.
effect-then-revoke = Then: { $job }, { $at }.
effect-then-revoke-text = Access can be granted again, by hand.
effect-then-other = Then: { $job }, { $at }.
effect-then-other-text = This changes nothing at the account by itself.

bulk-label = Actions on the whole filter
bulk-all = All cases of this filter, not only those on this page.
bulk-nothing-yet = Each action first shows how many they are and what would happen.
bulk-link-approve-revoke = Approve the revokes…
bulk-link-approve-delete = Approve the deletions…
bulk-link-release = Release all…
bulk-link-retry = Read all again…
bulk-link-resolve = Close all as handled by hand…
bulk-link-hold = Hold all…
bulk-link-cancel = Cancel all…
bulk-lede = Everything that matches “{ $filter }” and that the action may change, not only the page that you saw.
bulk-empty = no case of this filter can be changed this way
bulk-set = { $count ->
    [one] The case
   *[other] The { $count } cases
}
bulk-set-all = All of them
bulk-set-caption = First { $shown } of { $count }
bulk-show-all = Show all in the list
question-bulk-approve = { $count ->
    [one] Approve { $count } case?
   *[other] Approve { $count } cases?
}
question-bulk-cancel = { $count ->
    [one] Cancel { $count } case?
   *[other] Cancel { $count } cases?
}
question-bulk-hold = { $count ->
    [one] Hold { $count } person?
   *[other] Hold the people of { $count } cases?
}
question-bulk-release = { $count ->
    [one] Release { $count } case?
   *[other] Release { $count } cases?
}
question-bulk-retry = { $count ->
    [one] Read { $count } case again?
   *[other] Read { $count } cases again?
}
question-bulk-resolve = { $count ->
    [one] Close { $count } case as handled by hand?
   *[other] Close { $count } cases as handled by hand?
}
do-bulk-approve = { $count ->
    [one] Approve { $count } case
   *[other] Approve { $count } cases
}
do-bulk-cancel = { $count ->
    [one] Cancel { $count } case
   *[other] Cancel { $count } cases
}
do-bulk-hold = { $count ->
    [one] Hold { $count } case
   *[other] Hold { $count } cases
}
do-bulk-release = { $count ->
    [one] Release { $count } case
   *[other] Release { $count } cases
}
do-bulk-retry = { $count ->
    [one] Read { $count } case again
   *[other] Read { $count } cases again
}
do-bulk-resolve = { $count ->
    [one] Close { $count } case
   *[other] Close { $count } cases
}
effect-bulk-irreversible = { $count ->
    [one] { $count } of them ends with a deletion, which cannot be undone.
   *[other] { $count } of them end with a deletion, which cannot be undone.
}
effect-bulk-irreversible-text = Each can still be stopped until its call is made.
effect-bulk-still-revoked = { $count ->
    [one] { $count } person stays without access for now.
   *[other] At least { $count } people stay without access for now.
}
effect-bulk-continue = The cases continue where they stopped.
effect-bulk-continue-text = What is due is done immediately, the rest at its time.

effect-site-paused = No call is made at this site.
effect-site-paused-text = Cases wait. Attempts are not counted meanwhile.
effect-site-deliveries = Deliveries are still accepted.
effect-site-deliveries-text = They are stored and read; their cases wait.
effect-site-resumable = It can be resumed at any time.
effect-site-resumable-text = What became due in the meantime is then done.
effect-site-resumed = Everything that is due is called now.
effect-site-resumed-text = If the credentials are still rejected, the site pauses again by itself.
effect-source-paused = Its deliveries are answered with 503.
effect-source-paused-text = The vendor sends them again later. Check how long it repeats.
effect-source-jobs = Jobs of its cases wait.
effect-source-jobs-text = Nothing is revoked or deleted for them meanwhile.
effect-source-resumable = It can be resumed at any time.
effect-source-resumable-text = What became due in the meantime is then done.
effect-source-resumed = Deliveries are accepted, and its cases continue.
effect-source-resumed-text = What is due is done immediately.
effect-brake-check = Check with the owner of the source first.
effect-brake-check-text = A sync that lost its filter looks exactly like a mass departure.
effect-brake-released = { $count ->
    [one] { $count } case continues.
   *[other] { $count } cases continue.
}
effect-brake-released-text = Exactly the cases of this list, with these actions and dates. What is due is done immediately.
effect-offer-check = Check that the vendor sent it just now.
effect-offer-check-text = Any client that knows the address can offer a secret. Accept only the one that you expected.
effect-offer-accepted = Deliveries signed with it are accepted.
effect-offer-accepted-text = Within seconds, and after every restart. Secrets of the settings stay valid.
effect-replayed = The stored body is read again with the mapping of now.
effect-replayed-text = Its events take effect as if they had just been read: cases may open.
effect-replayed-once = Nothing is done twice.
effect-replayed-once-text = An event that took effect before has no effect again.
