# Sentences of the daemon, as the database and the API hold them: the English text is the key.

# How sentences are joined.

sentence-by = { $code }: { $sentence }
sentence-and = { $sentence-one }; { $sentence-other }
sentence-parameter = query parameter `{ $name }`: { $sentence }
sentence-key = `{ $name }`: { $sentence }

# Refusals of actions.

sentence-forbidden = a case in state `{ $state }` cannot be { $sentence-what }: { $sentence }
sentence-what-approved = approved
sentence-what-withdrawn = withdrawn
sentence-what-cancelled = cancelled
sentence-what-held = held
sentence-what-released = released
sentence-what-retried = retried
sentence-what-resolved = resolved
sentence-what-stopped = stopped
sentence-what-carried-out = carried out
sentence-what-erased = erased
sentence-closed = it is closed
sentence-accepted = Atlassian accepted the deletion, which cannot be undone
sentence-accepted-already = Atlassian already accepted the deletion
sentence-observes = the daemon only observes: set mode = "enforce" first
sentence-awaits-approval = it waits for approval: approve it
sentence-braked = a brake holds it: release the source
sentence-not-held = it is not held
sentence-not-braked = no brake holds it
sentence-nothing-failed = nothing failed
sentence-no-decision = it does not wait for a human's decision
sentence-no-approval = its terms require no approval of this action
sentence-was-stopped = it was stopped: no action is planned
sentence-revoked-already = access is already revoked
sentence-no-revoke = no revoke is planned
sentence-no-deletion = no deletion is planned
sentence-not-yet = its time has not come
sentence-own = an operator cannot approve their own request
sentence-too-late = it is too late: the call to Atlassian is being made at this moment
sentence-changed-set = the set changed: it has { $cases } cases and the digest { $digest } now, review it again
sentence-changed-list = the list has changed since you looked: { $cases } cases are held now, with the digest { $digest }
sentence-token-changed = the token was changed or removed after { $done } of { $cases } cases: the others are unchanged, repeat the request
sentence-brake-empty = the brake of this source holds nothing
sentence-brake-no-case = the brake of this source holds no case
sentence-busy = a call to Atlassian about one of these cases is in progress: try again in a moment
sentence-fence-changed = the findings or the open cases have changed since they were reviewed: review them again
sentence-link-invalid = this link is not valid: open the case in the console
sentence-link-expired = this link has expired: open the case in the console
sentence-link-used = this link was used before: open the case in the console
sentence-already-open = this person has an open case on this site: { $case }
sentence-approvers = this request requires { $sentence-needed } by other people, and the settings have { $sentence-others }: add [[admin.tokens]] with the role approver, or have another operator make the request
sentence-one-approval = 1 approval
sentence-approvals = { $number } approvals
sentence-one-approver = 1 other approver
sentence-other-approvers = { $number } other approvers
sentence-several-cases = several cases end like this: write more of the id
sentence-several-of-address = this address has several open cases, name one by its id: { $cases }
sentence-source-gone = the source { $source } is not configured any more
sentence-expired = the stored body has expired: have the vendor resend the delivery
sentence-no-address-left = the email address of this case is not known, or was shredded when the case closed
sentence-site-answer = the site did not answer as expected: { $sentence }

# Values that cannot be used.

sentence-one-of = expected one of: { $words }
sentence-unknown-parameter = unknown, or given more than once
sentence-a-text = expected a text
sentence-filter = expected at least one of: { $words }
sentence-no-site = no such site
sentence-no-source = no such source
sentence-no-policy = no policy is configured: add [policies.NAME] to the settings
sentence-not-an-address = not an e-mail address
sentence-person-id = a person id has 1 to 256 bytes and no control characters
sentence-name = a name has 1 to 64 letters, digits, `-` or `_`
sentence-later = must be later than `from`
sentence-day = expected a date like 2026-01-31, or a time with a zone like 2026-01-31T12:00:00Z
sentence-day-required = required: a date or a time with a zone
sentence-when = expected a date (2026-12-31) or a time

# Files of people who leave.

sentence-not-utf8 = the file is not UTF-8 text: export it as "CSV UTF-8"
sentence-empty-file = the file is empty: the first line names the columns
sentence-no-column = the first line names no column `{ $name }`: it must name the columns, one of them { $same }
sentence-too-many-rows = the file has more than { $number } rows: split it
sentence-file-too-large = the file is too large: send at most 16 MiB
sentence-long-value = a value is too long: is a quote missing?
sentence-bad-quotes = a quote is missing or not doubled
sentence-joined-rows = an email address within several lines up to line { $number }: is a quote missing?
sentence-bad-row = the row cannot be read
sentence-not-a-date = { $name }: not a date
sentence-column-address = { $name }: not an e-mail address
sentence-ignores-departures = the policy ignores departures: write revoke, revoke_then_delete or delete
sentence-only-export = only for format=atlassian-export
sentence-roster-domain = a roster needs the domain whose customers it lists
sentence-incomplete-roster = the roster names fewer people than it would offboard: is it complete?

# Why a case needs a human.

sentence-ambiguous = more than one customer account has this address: decide which one it is, and handle it manually
sentence-not-a-customer = the only account with this address is not a portal-only customer: it is managed elsewhere
sentence-protected = the address or the account is on the site's protect list
sentence-hidden-address = an account that may be the person's hides its address, so that it cannot be confirmed
sentence-other-address = the account now has another address than the person
sentence-regranted = access was granted again by hand after it was revoked
sentence-no-email = the source gave no address and none is known for this person: retry when one is
sentence-repeated = the source sent the same body as before, another event about this person took effect since, and no signed time proves that it is new: a second departure, or a recording that is sent again. Retry if the person leaves, else cancel
sentence-migrated = the customer account is gone and an active Atlassian account has the same address: it was migrated, not erased. Atlassian accounts are managed in the organization's directory
sentence-renamed-found = no account has the address of the departure, and an account has an address that this person had before: open a case for the earlier address if that is the leaver's account, then resolve this one, else cancel it
sentence-renamed-missing = no account has the address of the departure, and no account has an address that this person had before either: open a case for the earlier address if that is the leaver's account, then resolve this one, else cancel it
sentence-many-hidden = no account shows this address, but { $hidden } of the site's { $customers } customers hide theirs from our credentials: the scope read:email-address:jira shows them. Retry after that, or look the address up in the administration
sentence-shared = the source has another person with this address who has not left: a duplicate record was deleted, or two people share a mailbox. Retry to remove the account of this address nevertheless, else cancel
sentence-stopped-since = since the departure, the source reported the address that became known as that of a person who is here, or an operator stopped its case. Retry to remove the account of this address nevertheless, else cancel
sentence-has-case = the email address of this person became known, and another case of it is open. Cancel this case if the other one covers it
sentence-in-use = after the departure, the source reported this address as that of a person who has not left. Retry to remove the account of this address nevertheless, else cancel
sentence-sources-disagree = another source than the one that opened this case reports that the person is here. Retry if the person has left nevertheless, else cancel
sentence-grant-needed = grant access again by hand: admin.atlassian.com → Apps → the site → Jira Service Management → Portal-only customers → ⋯ → Grant access; the case then closes by itself
sentence-erased-again = an account with an email address that was erased exists again: retry revokes its access, cancel leaves it

# Calls to Atlassian.

sentence-call-only = { $code }, while the credentials work: { $sentence }
sentence-call-anonymous = { $code }, but the site treats the request as anonymous (X-Seraph-LoginReason): { $sentence }
sentence-anonymous = the site treats the request as anonymous: { $sentence }
sentence-too-many = too many requests
sentence-failed = Atlassian failed
sentence-slow-list = listing the users took Atlassian too long
sentence-oauth-refused = the OAuth client's id or secret is refused; make a new credential for the service account, put it where the settings read it, and resume the site
sentence-unexpected = unexpected response
sentence-may-be-account = the same call works for other accounts: only this account is rejected; see it in the administration. If it is not the account, the call needs { $sentence }
sentence-may-not = the configured account may not make this call: it needs { $sentence }
sentence-denied = access denied (403): the configured account needs { $sentence }
sentence-scope = the token lacks a scope; the call needs { $sentence }
sentence-new-credentials = the credentials are refused: wrong, expired (API tokens last a year at most) or revoked; make a new token, put it where the settings read it, and resume the site. A token with scopes works only with via = "gateway"
sentence-browse = our account lacks the permission "Browse users and groups"
sentence-allowlist = the IP allowlist of the organization rejects this machine: add its IP address at admin.atlassian.com → Security → IP allowlists
sentence-captcha = Atlassian wants a CAPTCHA after failed sign-ins: sign in once as the configured account in a browser
sentence-web-page = a web page instead of Atlassian's response: a proxy or an IP allowlist between us and Atlassian rejects the call
sentence-redirect = a redirect, which is not followed: the site moved, or its URL is wrong; does it begin with https, and is the site still called that?
sentence-proxy = a proxy wants credentials: see HTTPS_PROXY
sentence-api-removed = this API was removed
sentence-no-api = there is no such API at the site's URL or gateway: the site is suspended, moved, or not the one that the settings mean
sentence-maintenance = the page of a proxy, or of a site in maintenance
sentence-login-page = a web page instead of a response: a login, a maintenance page or a proxy; there is no such API at the site's URL
sentence-unreadable = the response cannot be read: { $sentence }
sentence-unreadable-json = { $kind } error at line { $line }, column { $column }
sentence-endless-users = the list of users does not end
sentence-endless-list = the list does not end
sentence-another-account = it is about another account
sentence-account-incomplete = an account lacks its id, or whether it is active
sentence-no-cloud-id = the cloud id is empty
sentence-bad-credentials = the credentials hold characters that no header can carry; is a line break in them?
sentence-bad-characters = the credentials hold characters that no header can carry
sentence-timeout = no response in time
sentence-cannot-connect = cannot connect: { $cause }
sentence-broke = the connection broke before the response was complete
sentence-too-long = the response is longer than any should be
sentence-deferred = deferred by the local rate limit for this endpoint
sentence-not-called = not called: { $sentence }
sentence-lacks-cloud-id = the settings lack the site's `cloud_id`, which calls through the gateway need
sentence-bad-id = the id in the request is empty or invalid
sentence-wrong-cloud-id = sites.{ $site }.cloud_id is another site's: this one's is { $id }
sentence-attempt-too-long = the attempt took too long
sentence-deleted-again = the deletion was accepted again, but the account can still be read
sentence-still-has = the account cannot be read by its id, but Customer Service Management still has it
sentence-still-readable = the deletion found no such account, but it can still be read
sentence-still-listed = the account cannot be read by its id, but the list of users still has it, active
sentence-unread-after = the revoke was called, but the account cannot be read after it
sentence-still-active = the revoke was accepted, but the account can still be read as active
sentence-read-again = the account cannot be read; it is read again
sentence-read-once-more = the account cannot be read; it is read once more
sentence-record-missing = the account's record is not available at the moment; it is read again
sentence-search-again = no account has this email address yet; the search is repeated
sentence-listed-without-access = the account cannot be read by its id, but the list of users still has it, without access
sentence-open-deletion = the requested deletion may still be carried out
sentence-open-revoke = the requested revoke may still be carried out
sentence-no-grant-yet = access is not granted again yet
sentence-account-gone = the account is gone, so access to it cannot be granted again: invite the person again
sentence-interrupted = the worker stopped in the middle of it
sentence-lost-after-revoke = the revoke was called, and since then the account is neither found by its id nor in the list of users: whether it was revoked or deleted is not known; look it up by its address in the administration
sentence-nothing-to-revoke = Atlassian reports no such customer to revoke, but the account is active
sentence-there-after-grace = Atlassian accepted the deletion, but after its grace the account is still there
sentence-panic = internal error (panic): see the log of this time, and report a bug
sentence-clock-ahead = clock: this machine's clock is ahead of Atlassian's by { $time }: correct it; the site resumes by itself
sentence-clock-jumped = clock: this machine's clock jumped ahead by { $time }, and no response of Atlassian confirms the new time: correct it, or restart offboardd if the new time is right
sentence-clock-behind = clock: this machine's clock is behind the newest journal entry by { $time }: correct it; the site resumes by itself when the clock has passed that entry or agrees with Atlassian's

# What a call needs.

sentence-needs-browse = the global permission "Browse users and groups"
sentence-needs-site-admin = to be a site admin (OAuth and scoped tokens: the scope manage:servicedesk-customer)
sentence-needs-administer-scoped = the global permission "Administer Jira", in some organizations the role organization admin (OAuth and scoped tokens: the scope write:customer:jira-service-management)
sentence-needs-jsm = access to Jira Service Management (OAuth and scoped tokens: the scope read:customer:jira-service-management)
sentence-needs-organization-admin = to be an organization admin or, in some organizations, a site admin
sentence-needs-agent = to be an agent of the service projects
sentence-needs-project-admin = to be an administrator of the service projects
sentence-needs-administer = the global permission "Administer Jira"
sentence-needs-jira = access to Jira
sentence-needs-nothing = nothing: a proxy or an allowlist of addresses is in the way
sentence-needs-client = an OAuth client that is not disabled

# Lookups at a vendor, and lists of customers.

sentence-vendor-denied = access denied: configure credentials that may read people
sentence-vendor-failed = the vendor failed
sentence-vendor-redirect = a redirect, which is not followed: correct the `url`
sentence-vendor-rejected = the vendor rejected the request: correct the lookup
sentence-vendor-unreachable = cannot connect to the vendor
sentence-vendor-too-long = the response is too long
sentence-vendor-no-json = the answer is not JSON: line { $line }, column { $column }
sentence-vendor-no-url = its `url` is no web address for this person id
sentence-vendor-token = the token cannot be read
sentence-vendor-client = the client's id or secret is rejected, or the vendor requires a `scope` or an `audience` in `auth`
sentence-vendor-client-scope = the client's id or secret is rejected, or the `scope` or `audience` is not one of the vendor's
sentence-lookup-limit = the limit of lookups a day is reached: continued on the next day (UTC)
sentence-no-organization = the site has no such organization
sentence-organizations = { $number } organizations of the site have this name: send the id

# Brakes, journal, evidence.

sentence-per-hour = per_hour: { $seen } revokes and deletions planned, where { $allowed } are allowed
sentence-per-day = per_day: { $seen } revokes and deletions planned, where { $allowed } are allowed
sentence-burst = burst: { $seen } revokes and deletions planned, where { $allowed } are allowed
sentence-gap = entry { $seq } is missing: { $found } stands in its place
sentence-link-changed = entry { $seq } does not follow from the entry before it: one of them was changed
sentence-entry-unreadable = entry { $seq } cannot be read: it was changed
sentence-entry-forged = entry { $seq } was not written with the key of this database: the journal was rewritten
sentence-entry-rewritten = entry { $seq } is not the one that was recorded: the journal was rewritten, or the database is another one
sentence-journal-cut = the journal ends at entry { $seq }, but entry { $recorded } was recorded: the newest entries were cut off, or the database is an older copy
sentence-head-foreign = the record of its head beside the database was not written with this key
sentence-case-changed = rows: case { $id } was changed by another hand, or is damaged
sentence-case-older = rows: case { $id } is an earlier version of itself: the journal states a newer one
sentence-case-key = rows: case { $id } is closed and has a key
sentence-case-no-key = rows: case { $id } has lost its key
sentence-case-foreign-key = rows: case { $id } has a key that was changed by another hand, or is damaged
sentence-case-job = rows: case { $id } and its job do not belong together: it lacks a job, or has one too many
sentence-case-foreign-job = rows: case { $id } has a job that was changed by another hand
sentence-case-unreadable-job = rows: case { $id } has a job that cannot be read
sentence-case-deleted = rows: case { $id } was deleted by another hand
sentence-removed = retention removed { $number } deliveries; the oldest stored delivery is of { $at }
sentence-removed-all = retention removed { $number } deliveries; no delivery is stored
sentence-rows-sites = the pauses of sites
sentence-rows-paused-kinds = the pauses of calls
sentence-rows-sources = the pauses and brakes of sources
sentence-rows-holds = the holds on persons
sentence-rows-brake-holds = the cases held by brakes
sentence-rows-brake-deferred = the events deferred by brakes
sentence-rows-fences = the fences
sentence-rows-secrets = the accepted secrets
sentence-rows-changed = rows: { $sentence-subject } were changed by another hand (table { $table }, { $found })

# The answer to a person who requested erasure.

sentence-answer-of = We have carried out your request for erasure of { $day-requested }. { $sentence } The personal data that was needed for this was deleted on { $day-closed }. We keep the dates of the erasure without your name and email address, to prove that it took place.
sentence-answer = We have carried out your request for erasure. { $sentence } The personal data that was needed for this was deleted on { $day-closed }. We keep the dates of the erasure without your name and email address, to prove that it took place.
sentence-answer-deleted-gone = Your customer account on our help desk was deleted on { $day-deleted }, and on { $day-gone } it no longer existed.
sentence-answer-deleted = Your customer account on our help desk was deleted on { $day-deleted }.
sentence-answer-gone = Your customer account on our help desk was deleted, and on { $day-gone } it no longer existed.
sentence-answer-none = There is no customer account with your email address on our help desk.
