# Die Liste der Fälle, ein Fall, sein Weg.

cases-lede = Ein Fall ist der Austritt einer Person an einer Site.
cases-search = E-Mail-Adresse oder Personalnummer
cases-search-hint = Nur genaue Treffer. Auch ein geschlossener Fall wird über seine Adresse gefunden, obwohl er sie nicht mehr enthält.
cases-search-viewer = Ihre Rolle sieht keine personenbezogenen Daten und kann nicht nach Personen suchen.
cases-all-states = alle
cases-attention = Eingriff nötig
cases-order = Reihenfolge
cases-order-next = Nächste zuerst
cases-order-newest = Neueste zuerst
cases-size = Zeilen
cases-chips = Schnellfilter
cases-caption = { $count ->
    [one] { $count } Fall
   *[other] { $count } Fälle
}
cases-caption-page = { $count ->
    [one] { $count } Fall auf dieser Seite
   *[other] { $count } Fälle auf dieser Seite
}
cases-none = Noch keine Fälle
cases-none-text = Ein Fall entsteht, wenn eine Quelle einen Austritt meldet oder jemand einen Fall eröffnet.
cases-none-found = Kein Fall passt
cases-none-found-text = Die Suche vergleicht die ganze Adresse oder Personalnummer. Prüfen Sie die Schreibweise, oder entfernen Sie einen Filter.
cases-show-all = Alle Fälle anzeigen
cases-new = Fall ohne Ereignis eröffnen …
cases-viewer = Fälle anhalten, abbrechen, weiterlaufen lassen und eröffnen dürfen andere Rollen. Ihre Rolle zeigt Fälle ohne Namen.

case-title = Fall { $id }
case-of-person-id = Person { $id }
case-by-operator = Antrag von { $operator }
case-by-an-operator = Antrag von Hand
next-needs-approvals = { $count ->
    [one] { $stage }, { $count } Freigabe fehlt
   *[other] { $stage }, { $count } Freigaben fehlen
}
stop-closed = geschlossen
stop-final = nein, endgültig
stop-off = Löschung entfällt
stop-for = noch { $time }
stop-until-call = bis zum Aufruf
stop-yes = ja

case-actions = Was Sie tun können
case-acts-lede = Jeder Knopf zeigt erst, was geschehen würde.
case-countdown = bis zur Löschung. Stoppbar bis
case-countdown-revoke = bis zum Entzug des Zugriffs. Stoppbar bis
case-answer = Antwort an die Person
case-answer-text = Die Person hat die Löschung verlangt. Dieser Text beantwortet ihr Verlangen.
case-why = Warum
case-now = Was jetzt zu tun ist
case-graces = Beide Fristen, maßstäblich
case-way = Vom Webhook bis zur Löschung
case-facts = Angaben
case-approvals = Freigaben
case-shredded = Die personenbezogenen Daten dieses Falls wurden beim Schließen vernichtet.
case-viewer = Ihre Rolle sieht Fälle ohne Namen, Adressen und Kontonummern.
case-evidence-open = Signiert und bis jetzt vollständig. Die endgültige Datei folgt beim Schließen.
case-evidence-closed = Eine signierte Textdatei: Zustellungen, Freigaben, Aufrufe, Gegenproben und der Beleg, dass das Journal sie enthält.
case-evidence-download = Nachweis herunterladen

who-viewer = Anhalten, abbrechen und weiterlaufen lassen dürfen { $operators }; freigeben dürfen { $approvers }. Sie sehen diese Seite ohne Namen.
who-operator = Freigeben dürfen: { $approvers }.
who-own = Sie haben diesen Fall eröffnet, deshalb muss jemand anderes ihn freigeben: { $approvers }.
who-approver = Freigeben dürfen: { $approvers }. Eingreifen dürfen: { $operators }.
who-closed = Der Fall ist geschlossen. Es lässt sich nichts mehr ändern.

fact-email = E-Mail-Adresse
fact-person-id = Personal­nummer
fact-account = Konto
fact-account-type = Art
fact-action = Vorgehen
fact-policy = Richtlinie
fact-zone = Zone
fact-requested-by = Beantragt von
fact-job = Nächster Job
fact-job-text = { $count ->
    [0] { $job }, { $state }
    [one] { $job }, { $state }, { $count } Versuch
   *[other] { $job }, { $state }, { $count } Versuche
}
fact-error = Letzter Versuch
fact-approvals = Fehlende Freigaben
fact-approvals-text = { $stage }: { $missing }
fact-case = Fall
fact-since = In diesem Zustand seit
fact-effective = Wirksam ab
fact-next-attempt = Nächster Versuch
fact-erase-until = Löschen bis
fact-reinvite = Einladung möglich ab

candidates = { $count ->
    [one] { $count } Konto wurde gefunden
   *[other] { $count } Konten wurden gefunden
}
candidate-possible = möglich
candidate-never = wird nie geändert

way-by = durch { $by }
way-effective = wirksam ab { $at }
way-delivery = Zustellung
way-attempts = { $count ->
    [one] Bisher { $count } Versuch.
   *[other] Bisher { $count } Versuche.
}
way-revoke-text = Genau ein Kundenkonto muss diese Adresse haben; danach folgt die Gegenprobe.
way-delete-text = Unmittelbar davor wird das Konto noch einmal gelesen. Eine Abweichung stoppt die Löschung und braucht Ihre Entscheidung.
way-end-text = Atlassian-Frist: { $length }. Sie lässt sich nicht verkürzen.
way-erased = Gelöscht und geschlossen
way-erased-text = Nach einer letzten Gegenprobe. Dann werden die personenbezogenen Daten dieses Falls vernichtet.
way-restored = Wiederhergestellt
way-restored-text = Sobald eine Gegenprobe das Konto aktiv zeigt.

how-done-by-us = von diesem Dienst ausgeführt, Gegenprobe bestanden
how-done-by-earlier-call = ein früherer Aufruf hatte gewirkt
how-deleted-by-others = vorher von anderer Seite gelöscht
how-no-account-was-touched = kein Konto wurde berührt
how-not-found = nicht gefunden
how-not-there = die Gegenprobe findet das Konto nicht
how-nothing-left-to-leave = es gab nichts mehr zu verlassen
how-nothing-to-do = der Zugriff war schon entzogen
how-account-exists = das Konto gibt es schon
how-invited-again = wieder eingeladen
how-nothing-to-leave = es gab nichts zu verlassen
how-was-gone-before = war vorher schon gelöscht
how-was-revoked-before = Zugriff war vorher schon entzogen
how-still-there = die Gegenprobe findet das Konto noch

requests-title = Offene Anfragen
requests-note = Anfragen bleiben erhalten. Nach einer Löschung zeigt Jira als Autor „Ehemaliger Benutzer“.
requests-read = Von der Site lesen
requests-none = Die Person hat keine offenen Anfragen.
requests-caption = { $count ->
    [one] { $count } offene Anfrage, gerade gelesen
   *[other] { $count } offene Anfragen, gerade gelesen
}
requests-problem = Die Site hat die Anfragen nicht geliefert.

new-title = Fall ohne Ereignis eröffnen
new-lede = Für einen Austritt, den keine Quelle gemeldet hat. Bremse und Freigaben gelten wie für jeden anderen Fall.
new-policy-of-site = die der Site
new-last-day = Letzter Tag
new-last-day-hint = Leer: sofort. Wann ein Tag endet, bestimmt die Zone der Richtlinie.
new-approval = Einen selbst eröffneten Fall können Sie nicht freigeben.
new-open = Fall eröffnen
new-back = Zurück zu den Fällen
new-problem = Der Fall wurde nicht eröffnet

cases-import = Datei importieren …
import-title = Datei importieren
import-lede = Viele Austritte auf einmal. Zuerst ein Plan, wozu jede Zeile führt; vorher wird nichts eröffnet.
import-format = Inhalt der Datei
import-format-departures = Personen, die gehen
import-format-atlassian-export = „Kunden exportieren“ von Atlassian
import-format-roster = Personen, die bleiben: alle anderen Kunden der Domain gehen
import-file = CSV-Datei
import-file-hint = Die erste Zeile nennt die Spalten: email, dazu wahlweise person_id, effective_at, action.
import-paste = Oder die Zeilen hier einfügen
import-domain = Nur diese Domain
import-inactive = Nur ohne Aktivität seit
import-filter-hint = Die Domain ist Pflicht, wenn die Datei die Bleibenden nennt. Die Aktivität gilt nur für den Export von Atlassian, zum Beispiel 180d.
import-plan = Plan anzeigen
import-problem = Die Datei ist nicht verwendbar
import-listing = Die Kunden der Site werden gelesen
import-listing-text = Bei einer großen Site dauert das etwas. Die Zeilen stehen noch unten: Klicken Sie erneut.
import-left-out = Zeilen, die keinen Fall eröffnen
import-bad = Nicht verwendbar
import-duplicate = Wiederholen eine frühere Zeile
import-already-open = Haben einen offenen Fall
import-excluded = Ausgenommen
import-line = Zeile { $line }
import-row = Zeile
import-immediately = sofort
import-warning = Prüfen Sie zuerst dies.
import-digest-hint = Ändert sich eine Zeile, eine Richtlinie oder ein offener Fall, bevor Sie klicken, dann geschieht nichts, und Sie sehen den neuen Plan.
import-nothing = Keine Zeile eröffnet einen Fall.
import-opened = Eröffnet
import-skipped = Hatten inzwischen einen offenen Fall
import-begun = Begonnen
import-finished = Abgeschlossen
import-running = läuft
import-done = fertig
import-running-text = Diese Seite liest den Stand von selbst neu. Ein Stopp des Dienstes verliert und wiederholt nichts.
import-done-text = Die Fälle stehen in der Liste. Wo Freigaben nötig sind, muss sie jemand anderes erteilen.
question-import = { $count ->
    [one] { $count } Fall eröffnen?
   *[other] { $count } Fälle eröffnen?
}
do-import = { $count ->
    [one] { $count } Fall eröffnen
   *[other] { $count } Fälle eröffnen
}
keep-import = Nichts eröffnen, zurück
effect-import-opens = Genau die Fälle dieses Plans werden eröffnet.
effect-import-opens-text = Fällige Aufrufe erfolgen sofort, wenn weder Bremse noch Freigaben sie anhalten.
effect-import-approval = Sie selbst können diese Fälle nicht freigeben.
effect-import-approval-text = Es sind Ihre eigenen Anträge. Die Bremse Ihres Tokens zählt sie mit.
