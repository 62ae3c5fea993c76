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
fact-person-id = Personalnummer
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
fact-error = Letzter Fehler
fact-case = Fall
fact-since = In diesem Zustand seit
fact-effective = Wirksam ab
fact-next-attempt = Nächster Versuch
fact-reinvite = Einladung möglich ab

candidates = { $count ->
    [one] { $count } Konto wurde gefunden
   *[other] { $count } Konten wurden gefunden
}
candidate-possible = möglich
candidate-never = wird nie angerührt

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
