# The list of cases, one case, its way.

cases-lede = One case is the offboarding of one person on one site.
cases-search = Email address or person id
cases-search-hint = Exact matches only. A closed case is found by its email address, too, although it no longer holds it.
cases-search-viewer = Viewers see no personal data and cannot search for a person.
cases-all-states = all
cases-attention = Needs attention
cases-order = Order
cases-order-next = next first
cases-order-newest = newest first
cases-size = Rows
cases-chips = Quick filters
cases-caption = { $count ->
    [one] { $count } case
   *[other] { $count } cases
}
cases-caption-page = { $count ->
    [one] { $count } case on this page
   *[other] { $count } cases on this page
}
cases-none = No cases yet
cases-none-text = A case opens when a source reports a departure, or when an operator opens one.
cases-none-found = No case matches
cases-none-found-text = The search compares the whole email address or person id. Check the spelling, or remove a filter.
cases-show-all = Show all cases
cases-new = Open a case without an event…
cases-viewer = Operators hold, cancel, release and open cases; approvers approve. Your role shows cases without names.

case-title = Case { $id }
case-of-person-id = Person { $id }
case-by-operator = request of { $operator }
case-by-an-operator = request of an operator
next-needs-approvals = { $count ->
    [one] { $stage }, needs { $count } approval
   *[other] { $stage }, needs { $count } approvals
}
stop-closed = closed
stop-final = no, cannot be undone
stop-off = deletion is off
stop-for = for { $time }
stop-until-call = until the call
stop-yes = yes

case-actions = What you can do
case-acts-lede = Each button first shows what would happen.
case-countdown = until the deletion. It can be stopped until
case-countdown-revoke = until access is revoked. It can be stopped until
case-answer = Answer to the person
case-answer-text = The person requested the erasure. This text answers the request.
case-why = Why
case-now = What to do now
case-graces = Both graces, to scale
case-way = From webhook to erased
case-facts = Facts
case-approvals = Approvals
case-shredded = The personal data of this case was shredded when it closed.
case-viewer = Viewers see cases without names, addresses and account ids.
case-evidence-open = Signed, and complete up to now. The final file follows at closing.
case-evidence-closed = One signed text file: deliveries, approvals, calls, read-backs, and the proof that the journal contains them.
case-evidence-download = Download evidence

who-viewer = Operators ({ $operators }) may hold, cancel and release; approvers ({ $approvers }) may approve. You see this page without names.
who-operator = Approvers may approve: { $approvers }.
who-own = You opened this case, so another approver has to approve it: { $approvers }.
who-approver = Approvers: { $approvers }. Operators: { $operators }.
who-closed = The case is closed. Nothing can be changed any more.

fact-email = Email address
fact-person-id = Person id
fact-account = Account
fact-account-type = Type
fact-action = Action
fact-policy = Policy
fact-zone = Zone
fact-requested-by = Requested by
fact-job = Next job
fact-job-text = { $count ->
    [0] { $job }, { $state }
    [one] { $job }, { $state }, { $count } attempt
   *[other] { $job }, { $state }, { $count } attempts
}
fact-error = Last attempt
fact-approvals = Approvals missing
fact-approvals-text = { $stage }: { $missing }
fact-case = Case
fact-since = In this state since
fact-effective = Effective
fact-next-attempt = Next attempt
fact-erase-until = Erase until
fact-reinvite = Invitation possible from

candidates = { $count ->
    [one] { $count } account was found
   *[other] { $count } accounts were found
}
candidate-possible = possible
candidate-never = never touched

way-by = by { $by }
way-effective = effective { $at }
way-delivery = delivery
way-attempts = { $count ->
    [one] { $count } attempt so far.
   *[other] { $count } attempts so far.
}
way-revoke-text = Exactly one customer account must have this email address; it is read back afterwards.
way-delete-text = The account is read again immediately before. A mismatch stops the deletion and needs your decision.
way-end-text = Atlassian’s grace: { $length }. It cannot be shortened.
way-erased = Erased and closed
way-erased-text = After one final read. The personal data of this case is shredded then.
way-restored = Restored
way-restored-text = As soon as a read shows the account active.

how-done-by-us = done by this daemon, confirmed by a read
how-done-by-earlier-call = an earlier call had taken effect
how-deleted-by-others = deleted by somebody else before
how-no-account-was-touched = no account was touched
how-not-found = not found
how-not-there = a read does not find the account
how-nothing-left-to-leave = nothing was left to leave
how-nothing-to-do = access was gone already
how-account-exists = the account exists already
how-invited-again = invited again
how-nothing-to-leave = nothing was left to leave
how-was-gone-before = was gone before
how-was-revoked-before = access was revoked before
how-still-there = a read still finds the account

requests-title = Open requests
requests-note = Requests are kept. After a deletion, Jira shows their reporter as “Former user”.
requests-read = Read them from the site
requests-none = The person has no open requests.
requests-caption = { $count ->
    [one] { $count } open request, read just now
   *[other] { $count } open requests, read just now
}
requests-problem = The site did not return the requests.

new-title = Open a case without an event
new-lede = For a departure that no source reported. Brake and approvals apply as to any other case.
new-policy-of-site = the site’s own
new-last-day = Last day
new-last-day-hint = Empty: immediately. The policy’s zone decides when a day ends.
new-approval = You cannot approve a case that you opened.
new-open = Open the case
new-back = Back to the cases
new-problem = The case was not opened

cases-import = Import a file…
import-title = Import a file
import-lede = Many departures at once. You review a plan with the effect of each row before any case is opened.
import-format = Contents of the file
import-format-departures = people who leave
import-format-atlassian-export = Atlassian’s “Export customers”
import-format-roster = people who stay: all other customers of the domain leave
import-file = CSV file
import-file-hint = The first line names the columns: email, and optionally person_id, effective_at, action.
import-paste = Or paste the rows here
import-domain = Only this domain
import-inactive = Only without activity for
import-filter-hint = The domain is required for a roster. The activity is for Atlassian’s export only, for example 180d.
import-plan = Show the plan
import-problem = The file cannot be used
import-listing = The site’s customers are being read
import-listing-text = This takes a while at a large site. The rows are kept below: press the button again.
import-left-out = Rows that open no case
import-bad = Cannot be used
import-duplicate = Repeat an earlier row
import-already-open = Have an open case
import-excluded = Excluded
import-line = line { $line }
import-row = Line
import-immediately = immediately
import-warning = Check this first.
import-digest-hint = If a row, a policy or an open case changes before you press the button, nothing is done and you see the new plan.
import-nothing = No row opens a case.
import-opened = Opened
import-skipped = Had an open case meanwhile
import-begun = Begun
import-finished = Finished
import-running = running
import-done = done
import-running-text = This page reads the progress again by itself. A stop of the daemon loses and repeats nothing.
import-done-text = The cases are on the list. Another person has to approve them where approvals are needed.
question-import = { $count ->
    [one] Open { $count } case?
   *[other] Open { $count } cases?
}
do-import = { $count ->
    [one] Open { $count } case
   *[other] Open { $count } cases
}
keep-import = Open nothing, go back
effect-import-opens = Exactly the cases of this plan are opened.
effect-import-opens-text = What is due is called immediately, unless brake or approvals hold it.
effect-import-approval = You cannot approve these cases.
effect-import-approval-text = They are your own requests. The brake of your token counts them.
