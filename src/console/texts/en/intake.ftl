# Sources, deliveries, sites.

sources-lede = The HR and CRM systems that report departures.
sources-none = No source is configured
sources-none-text = Add the HR or CRM system under [sources.NAME] in the settings. The command offboardd preset list names the vendors that are known.
sources-viewer = Operators pause and resume sources; approvers release a brake.
source-of = of
source-carried-out = carried out
source-frozen-since = Frozen since
source-frozen-text = More departures arrived than the policy allows. Until you decide, this source can stop cases and do nothing else.
source-frozen-check = Check with the owner of the source before you release. A sync that lost its filter looks exactly like this: all people “left” on the same day.
source-frozen-list = Show the list
source-release-who = An approver releases the list.
source-paused-since = Paused since
source-paused-text = Deliveries are answered with 503, and its cases wait.
source-none-yet = none yet
source-no-quiet = no alert configured
source-unreadable = { $count ->
    [one] { $count } unreadable
   *[other] { $count } unreadable
}
source-lookups = { $count ->
    [one] { $count } person waits
   *[other] { $count } people wait
}
offer-title = The vendor offered a secret
offer-text = Nothing signed with it is accepted until an approver has accepted it. Offered
offer-token = Offered secret
offer-who = An approver accepts it.

fact-last-delivery = Last delivery
fact-policy-site = Policy and site
fact-preset = Preset
fact-quiet-after = Alert after
fact-deliveries = In 14 days
fact-ignored = Ignored words
fact-accepted-secrets = Accepted secrets
fact-lookups = Lookups

plot-label = Deliveries since { $first }: { $read } read, { $unreadable } unreadable.
plot-today = today
plot-read = read
plot-unreadable = unreadable

deliveries-lede = What the sources sent, newest first. All of them could be read.
deliveries-unreadable = { $count ->
    [one] { $count } cannot be read. It is stored until the mapping is fixed.
   *[other] { $count } cannot be read. They are stored until the mapping is fixed.
}
deliveries-caption = { $count ->
    [one] { $count } delivery, newest first
   *[other] { $count } deliveries, newest first
}
deliveries-none = Nothing arrived yet
deliveries-none-text = Point the vendor’s webhook at the public listener, or send a signed sample:
deliveries-none-found = No delivery matches
deliveries-none-found-text = Remove a filter to see more.
deliveries-try = Commands that send a sample
deliveries-sealed = Bodies are sealed. The API shows one to approvers only, and the journal records it.
delivery-received = stored
delivery-routed = read
delivery-unreadable = Unreadable
delivery-title = Delivery { $id }
delivery-verified = valid
delivery-expired = The stored body has expired: have the vendor send it again.
delivery-viewer = Operators explain and replay deliveries.
delivery-no-events = No event was read from it yet.
delivery-events = { $count ->
    [one] { $count } item of the body
   *[other] { $count } items of the body
}
unreadable-what = This delivery cannot be read
unreadable-lost = The signature is valid, and the delivery is stored. Nothing is lost, and nothing was done.
unreadable-step-fix = Fix the mapping of the source in the settings: the message names the place and the expected value.
unreadable-step-explain = Press “Explain” to see what the settings of now read.
unreadable-step-replay = Then press “Replay”.
replay-expired = The stored body has expired: have the vendor send it again.
explain-title = What the settings of now read
explain-lede = Nothing is changed by this.

event-departed = departed
event-company-departed = company departed
event-departure-cancelled = departure cancelled
event-returned = returned
event-email-changed = email address changed
event-erasure-requested = erasure requested
event-profile = profile
event-ignored = ignored
event-status-waiting = waits
event-status-applied = took effect
event-status-ignored = no effect
event-status-unreadable = unreadable

fact-routed = Read
fact-signature = Signature
fact-delivery = Delivery

sites-lede = The Atlassian sites, and whether the daemon may call them.
sites-none = No site is configured
sites-none-text = Add the Atlassian site and the credentials for it under [sites.NAME] in the settings.
sites-viewer = Operators pause and resume sites.
site-paused-what = No call is made at this site
site-paused-since = Since
site-paused-text = Cases wait, none is lost, and no attempt is counted. When the cause is fixed, a probe resumes the site by itself; you can also resume it now.
site-call-paused-what = The site rejects this kind of call
site-call-paused-text = Only these calls wait, the others continue. They resume by themselves once the permission is there.
fact-url = Address
fact-deletion-grace = Atlassian’s grace
explain-readable = readable
explain-unreadable = The settings of now cannot read it
explain-nothing = No event is read from it: the body is empty, or the mapping ignores its items.
explain-rule = Rule
explain-then = What would be done
refused-title = Requests were refused in the last hour
refused-text = If the vendor sent them, compare the secret here with the one at the vendor. Otherwise somebody else called this address, and nothing is to be done.
refused-unauthorized = the signature does not hold
refused-stale = signed too long ago
refused-too-large = too large
