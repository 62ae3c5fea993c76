# Der Rahmen jeder Seite, Anmeldung, Fehler, Bestätigungen.

skip = Zum Inhalt springen
menu = Menü
nav = Hauptmenü
nav-work = Arbeit
nav-intake = Eingang
nav-system = System
nav-today = Heute
nav-cases = Fälle
nav-evidence = Nachweise
nav-sources = Quellen
nav-deliveries = Zustellungen
nav-sites = Sites
nav-journal = Journal
nav-settings = Einstellungen
nav-api = API
nav-need-you = { $count ->
    [one] { $count } braucht Sie
   *[other] { $count } brauchen Sie
}
mode-enforce = Scharf geschaltet
mode-observe = Beobachtung
appearance = Darstellung
theme-auto = System
theme-light = Hell
theme-dark = Dunkel
other-language = English
sign-out = Abmelden
sign-out-everywhere = Überall abmelden
role-viewer = darf lesen
role-operator = darf eingreifen
role-approver = darf freigeben
footer = Zeiten in der Zone { $zone } oder der Zone der jeweiligen Richtlinie; UTC im Tooltip
where-you-are = bei Ihnen
not-for-the-internet = dieser Zugang gehört nicht ins Internet

unit-day = T.
unit-hour = Std.
unit-minute = Min.
unit-second = Sek.
days = { $count ->
    [one] { $count } Tag
   *[other] { $count } Tage
}

sign-in = Anmelden
sign-in-lede = Wer geht, was mit dem Portalzugriff geschieht, und wann.
sign-in-token = Admin-Token
sign-in-token-hint = Das Token, das in den Einstellungen unter [[admin.tokens]] für Sie steht. Es ist dasselbe wie für die API.
sign-in-session = { $count ->
    [one] Die Sitzung endet nach { $count } Stunde oder wenn Sie sich abmelden.
   *[other] Die Sitzung endet nach { $count } Stunden oder wenn Sie sich abmelden.
} Sie endet auch, wenn das Token geändert wird. Token verloren? Wer Zugang zu den Einstellungen hat, setzt ein neues; es gilt ohne Neustart.
sign-in-failed = Kein Token passt
sign-in-failed-text = Prüfen Sie, ob nichts abgeschnitten wurde und ob die Einstellungen dieses Token nennen. Wiederholte Versuche werden verzögert.
sign-in-no-tokens = Es ist noch kein Admin-Token eingerichtet
sign-in-no-tokens-text = Ergänzen Sie eines in der Einstellungsdatei und setzen Sie die Variable auf einen langen zufälligen Text. Es gilt ohne Neustart.
sign-in-example = Beispiel für ein Admin-Token

error-back = Zurück zu Heute
error-not-found = Diese Seite gibt es nicht
error-not-found-text = Der Fall, die Zustellung, die Quelle oder die Site heißt anders oder wurde aus den Einstellungen entfernt.
error-role = Ihre Rolle darf das nicht
error-role-text = Dafür braucht es die Rolle „{ $role }“. Es wurde nichts geändert.
error-other-origin = Die Anfrage kam von einer anderen Seite
error-other-origin-text = Änderungen werden nur von den eigenen Seiten der Konsole angenommen. Es wurde nichts geändert. Öffnen Sie die Seite neu und wiederholen Sie den Schritt.
error-invalid = Hier stimmt etwas nicht
error-invalid-text = Ein Wert in der Adresse oder im Formular ist nicht lesbar. Es wurde nichts geändert.
error-refused = Der Zustand lässt das nicht zu
error-refused-text = Seit die Seite angezeigt wurde, hat sich etwas geändert. Es wurde nichts getan. Öffnen Sie die Seite neu.
error-unavailable = Die Konsole kann gerade nicht antworten
error-unavailable-text = Die Datenbank ist ausgelastet, oder ein Teil des Dienstes ist ausgefallen. Die Ursache steht im Protokoll. Versuchen Sie es gleich noch einmal.

all = alle
none = keine
id = Nr.
show = Anzeigen
pages = Seiten
pages-next = Nächste Seite
pages-older = Ältere Einträge
pages-first = Erste Seite
kind-site = Site
kind-source = Quelle

col-person = Person
col-state = Zustand
col-source = Quelle
col-site = Site
col-next = Als Nächstes
col-stop = Stoppbar
col-since = Seit
col-planned = Geplant
col-when = Wann
col-what = Was
col-why = Grund
col-case = Fall
col-outcome = Ergebnis
col-released-by = Weiter geht es durch
col-name = Name
col-last = Zuletzt
col-access = Zugriff
col-for-this-case = Für diesen Fall
col-received = Eingegangen
col-problem = Problem
col-position = Nr.
col-event = Ereignis
col-number = Nr.
col-detail = Einzelheiten
col-request = Anfrage
col-summary = Zusammenfassung
col-role = Rolle

confirm = Bestätigen
confirm-crumb = bestätigen
confirm-effects = Was geschieht
confirm-digest = Prüfsumme der Auswahl
confirm-digest-hint = Kommt ein Fall hinzu oder fällt einer weg, bevor Sie klicken, dann geschieht nichts, und Sie sehen die neue Anzahl.
confirm-reason = Begründung
confirm-reason-hint = Wird mit dem Fall aufbewahrt, bis er schließt. Bitte keine Namen.
problem-reason = Die Begründung fehlt
problem-understood = Die Bestätigung fehlt
problem-nothing-done = Es wurde nichts getan.
problem-changed = Nichts getan: Der Zustand hat sich geändert
problem-changed-text = Was Sie gesehen haben, gilt nicht mehr. Diese Seite zeigt den jetzigen Zustand.
problem-set-changed = Nichts getan: Die Auswahl hat sich geändert
problem-set-changed-text = Seit Sie die Auswahl gesehen haben, sind Fälle hinzugekommen oder weggefallen. Unten steht die jetzige Auswahl. Bitte prüfen Sie sie noch einmal.
link-invalid = Dieser Link ist ungültig
link-expired = Dieser Link ist abgelaufen
link-used = Dieser Link wurde schon benutzt
link-text = Es wurde nichts getan. Der Link einer Nachricht öffnet eine Entscheidung, einmal, sieben Tage lang. Der Fall zeigt, worauf er jetzt wartet.
link-open-case = Fall öffnen
link-approver-only = Freigeben kann nur, wer Freigaberecht hat. Sie können den Fall anhalten.
link-hold-instead = Stattdessen den Fall anhalten…
keep-as-it-is = So lassen und zurück

fence-banner = An keiner Site wird etwas geändert
fence-banner-text = Die Datenbank ist eine ältere Kopie oder wurde von fremder Hand geändert. Es gibt keine Aufrufe, bis jemand mit Freigaberecht die Befunde und die offenen Fälle geprüft hat.
fence-link = Befunde ansehen
fence-restored = Aus einer Sicherung wiederhergestellt
fence-older = Älter als die eigenen Aufzeichnungen des Dienstes
fence-changed = Von fremder Hand geändert
fence-who = Nur wer freigeben darf, hebt die Sperre auf. Ihre Rolle sieht die Befunde.
question-fence = Aufrufe bei Atlassian fortsetzen?
do-fence = Aufrufe fortsetzen
understood-fence = Ich habe die offenen Fälle mit den Sites und dem jetzigen Stand der Quellen verglichen.
effect-fence-lifted = { $count ->
    [one] { $count } offener Fall läuft weiter.
   *[other] { $count } offene Fälle laufen weiter.
}
effect-fence-lifted-text = Fällige Aufrufe erfolgen sofort. Was nach der Sicherung getan wurde, kann ein zweites Mal getan werden.
effect-fence-compare = Erst vergleichen.
effect-fence-compare-text = Ein Fall, der hier offen ist, kann inzwischen abgeschlossen oder gestoppt worden sein. Brechen Sie ihn ab, bevor Sie fortsetzen.
