# The frame of every page, signing in, errors, confirmations.

skip = Skip to content
menu = Menu
nav = Main
nav-work = Work
nav-intake = Intake
nav-system = System
nav-today = Today
nav-cases = Cases
nav-evidence = Evidence
nav-sources = Sources
nav-deliveries = Deliveries
nav-sites = Sites
nav-journal = Journal
nav-settings = Settings
nav-api = API
nav-need-you = { $count ->
    [one] { $count } needs you
   *[other] { $count } need you
}
mode-enforce = Enforce mode
mode-observe = Observe mode
appearance = Appearance
theme-auto = System
theme-light = Light
theme-dark = Dark
other-language = Deutsch
sign-out = Sign out
sign-out-everywhere = Sign out everywhere
role-viewer = viewer
role-operator = operator
role-approver = approver
footer = times in the zone { $zone } or in that of the case’s policy; UTC in each tooltip
where-you-are = where you are
not-for-the-internet = this listener is not for the Internet

unit-day = d
unit-hour = h
unit-minute = min
unit-second = s
days = { $count ->
    [one] { $count } day
   *[other] { $count } days
}

sign-in = Sign in
sign-in-lede = See who leaves, what happens to their portal access, and when.
sign-in-token = Admin token
sign-in-token-hint = The token named for you under [[admin.tokens]] in the settings. It is the same as for the API.
sign-in-session = { $count ->
    [one] The session ends after { $count } hour or when you sign out.
   *[other] The session ends after { $count } hours or when you sign out.
} It also ends when the token is changed. Lost the token? An operator with access to the settings sets a new one; it counts without a restart.
sign-in-failed = No token matches
sign-in-failed-text = Check that nothing was cut off and that the settings name this token. Repeated attempts are delayed.
sign-in-no-tokens = No admin token is configured yet
sign-in-no-tokens-text = Add one to the settings file, and set the variable to a long random text. It counts without a restart.
sign-in-example = Example of an admin token

error-back = Back to today
error-not-found = This page does not exist
error-not-found-text = The case, delivery, source or site has another name, or was removed from the settings.
error-role = Your role may not do this
error-role-text = This requires the role { $role }. Nothing was changed.
error-other-origin = The request came from another page
error-other-origin-text = Changes are accepted from the console’s own pages only. Nothing was changed. Open the page again and repeat the action.
error-invalid = This does not look right
error-invalid-text = A value of the address or the form cannot be read. Nothing was changed.
error-refused = The state does not allow this
error-refused-text = Something changed since the page was shown. Nothing was done. Open the page again.
error-unavailable = The console cannot answer right now
error-unavailable-text = The database is busy or a part of the daemon failed. The log has the cause. Try again in a moment.

all = all
none = none
id = id
show = Show
pages = Pages
pages-next = Next page
pages-older = Older entries
pages-first = First page
kind-site = site
kind-source = source

col-person = Person
col-state = State
col-source = Source
col-site = Site
col-next = Next
col-stop = Can be stopped
col-since = Since
col-planned = Planned
col-when = When
col-what = What
col-why = Why
col-case = Case
col-outcome = Outcome
col-released-by = Released by
col-name = Name
col-last = Last
col-access = Access
col-for-this-case = For this case
col-received = Received
col-problem = Problem
col-position = Item
col-event = Event
col-number = No.
col-detail = Detail
col-request = Request
col-summary = Summary
col-role = Role

confirm = Confirm
confirm-crumb = confirm
confirm-effects = What happens
confirm-digest = Digest of the set
confirm-digest-hint = If a case joins or leaves the set before you press the button, nothing is done and you see the new count.
confirm-reason = Reason
confirm-reason-hint = Kept with the case until it closes. No names, please.
problem-reason = A reason is missing
problem-understood = The confirmation is missing
problem-nothing-done = Nothing was done.
problem-changed = Nothing was done: the state changed
problem-changed-text = What you saw is no longer so. This page shows the state of now.
problem-set-changed = Nothing was done: the set changed
problem-set-changed-text = Cases joined or left the set since you saw it. Below is the set of now. Check it again.
link-invalid = This link is not valid
link-expired = This link has expired
link-used = This link was used before
link-text = Nothing was done. The link of a message opens one decision, once, for seven days. The case shows what it waits for now.
link-open-case = Open the case
link-approver-only = Only an approver can approve. You can hold the case.
link-hold-instead = Hold the case instead…
keep-as-it-is = Keep it as it is, go back

fence-banner = No change is made at any site
fence-banner-text = The database is an older copy or was changed by another hand. Nothing is called until an approver has seen the findings and the open cases.
fence-link = See the findings
fence-restored = Restored from a backup
fence-older = Older than the daemon’s own records
fence-changed = Changed by another hand
fence-who = Approvers lift the fence. Your role sees the findings only.
question-fence = Continue the calls at Atlassian?
do-fence = Continue the calls
understood-fence = I compared the open cases with the sites and with what the sources know now.
effect-fence-lifted = { $count ->
    [one] { $count } open case continues.
   *[other] { $count } open cases continue.
}
effect-fence-lifted-text = Calls that are due are made immediately. What was done after the copy was taken may be done again.
effect-fence-compare = Compare first.
effect-fence-compare-text = A case that is open here may have been finished or stopped meanwhile. Cancel it before you continue.
