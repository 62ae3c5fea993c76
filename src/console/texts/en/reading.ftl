# What is read from a delivery, and what follows.

# What could not be read: the places are those of the mapping, and items count from 1.

problem-items = { $count } of { $all } items cannot be read: { $list }
problem-more = and { $more } more
problem-item = item { $item }, at { $path }: expected { $expected }
problem-place = at { $path }: expected { $expected }
problem-died-twice = The process died twice while it routed this delivery: report a bug.
problem-no-source = The source is no longer configured.
problem-no-delivery = The delivery of this event is no longer stored.
expected-person-id = one person id, a text or a whole number
expected-address = one email address
expected-date = one date
expected-iso-date = one date: it looks like ISO 8601, which date_format rules out. Remove that key, or add "%Y-%m-%d"
expected-slashed-date = one date: write date_format = "%m/%d/%Y" (month first) or "%d/%m/%Y" (day first)
expected-dotted-date = one date: write date_format = "%d.%m.%Y"
expected-dashed-date = one date: write date_format = "%m-%d-%Y" (month first) or "%d-%m-%Y" (day first)
expected-year-first-date = one date: write date_format = "%Y/%m/%d"
expected-last-day = a last day between 1970 and 2200. Dates like 0001-01-01, 1900-01-01 and 9999-12-31 mean no day at all; that is written by leaving the field out, by null or by 0000-00-00
expected-time = one time
expected-company = the domain or the organization of a company
expected-domain = a domain like customer.example
expected-one-company = a domain or an organization, not both
expected-old-address = the old address, or a person id to know it by
expected-id-or-address = a person id or an email address
expected-known-word = a word that the table types knows. Add the new one there, as departed, profile or ignored
expected-known-type = a type of event that the mapping knows
expected-json = JSON, which breaks off at line { $first }, column { $second }
expected-charset = a body in UTF-8, UTF-16, ISO-8859-1 or Windows-1252
expected-utf8 = UTF-8, which it is not from byte { $first } on
expected-utf16 = UTF-16, as its first bytes or its Content-Type say
expected-items = the items of the delivery
expected-fewer-items = at most { $first } items, but there are { $second }

# Why an event had no effect, or only a part of it.

reason-older = Something newer about this person is known.
reason-same-fact = The same is known already.
reason-policy = The policy ignores events of this type.
reason-no-open-case = There is no open case that it could stop.
reason-already-so = The case is in that state already, or it is too late for a change.
reason-remembered = It only says which id and which address belong together; that is stored.
reason-not-ours = It is not about a departure.
reason-shared-address = Another person of this source has the same address and has not left.
reason-address-in-use = The former address belongs to another person of this source now.
reason-duplicate = The same body contained it before, and nothing else about this person took effect since.
reason-repeated = The same body contained it before, and the case waits for a human already.
reason-customers-are-listed = The company’s customers are listed; each gets a case.
reason-source-is-frozen = The source is frozen: the case is held until the brake is released.

# What the settings of now would do.

rule-holds = the rule { $condition } holds
rule-word = { $place } is { $word }
rule-skipped = skip_item says { $condition }
rule-unknown = the mapping knows no such event
rule-event = { $why }: { $event }
rule-without-id = { $why }: { $event }, but without both an id and an address
rule-same-address = { $why }: { $event }, but to the same address
explain-item = Item
then-unreadable = The delivery is stored as unreadable, needs you, and can be replayed.
then-ignored = Nothing: it is not relevant, or incomplete.
then-ignored-preset = Nothing: it is not relevant, or incomplete. The command offboardd preset show { $preset } lists the events.
then-ignored-policy = Nothing: the policy ignores this event ({ $event }).
then-address-stored = The email address of this id is stored.
then-stops = An open case of this person is stopped. Before the revoke it is cancelled; after it the deletion is cancelled, and an admin must grant access again; in Atlassian’s grace it is too late.
then-nothing = Without an open case nothing happens.
then-each-customer = The company’s customers at the site are listed; each is offboarded as one departure.
then-old-address = It is about the account of the old address. The new address is never touched.
then-stored-old-address = The event has no old address: the stored address of this id is used. If there is none, the case needs you.
then-stored-address = The event has no email address: the stored address of this id is used. If there is none, the case needs you.
then-stored-address-lookup = The event has no email address: the stored address of this id is used. If there is none, the vendor is queried; without an answer the case needs you.
then-stored-address-preset = The event has no email address: the stored address of this id is used. If there is none, the vendor is queried, provided that [sources.NAME.lookup] is configured; otherwise the case needs you.
then-policy = The policy says: { $event } → { $action }.
then-effective-arrival = Effective { $at }: the event has no date, so it takes effect on arrival.
then-effective-instant = Effective { $at }: the given instant.
then-effective-time = Effective { $at }: the given time in { $zone }.
then-effective-start = Effective { $at }: the start of the given day in { $zone }.
then-effective-end = Effective { $at }: the end of the given day in { $zone }.
then-revoked = { $count ->
    [0] Access is revoked without approval.
    [one] Access is revoked after one approval.
   *[other] Access is revoked after { $count } approvals by different people.
}
then-detached = Then the account is removed from: { $from }.
detach-organizations = customer organizations
detach-service_desks = customer lists of closed service desks
detach-participants = open requests of others
then-deleted = { $count ->
    [0] Not before { $at }, the account is deleted without approval.
    [one] Not before { $at }, the account is deleted after one approval.
   *[other] Not before { $at }, the account is deleted after { $count } approvals by different people.
}
then-deleted-later = { $count ->
    [0] After the local grace, not before { $at }, the account is deleted without approval.
    [one] After the local grace, not before { $at }, the account is deleted after one approval.
   *[other] After the local grace, not before { $at }, the account is deleted after { $count } approvals by different people.
}
then-brake = The brake holds all cases of this source after { $hour } in an hour or { $day } in a day.
then-observed = The mode is “observe”: the steps are planned and held, and nothing is changed at Atlassian.
