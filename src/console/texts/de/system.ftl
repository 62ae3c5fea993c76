# Journal, Nachweise, Einstellungen, API.

journal-lede = Jede Absicht vor einem Aufruf, jedes Ergebnis danach und jede Entscheidung: nur fortgeschrieben, verkettet, ohne personenbezogene Daten.
journal-kind = Einträge
journal-case = Fall
journal-case-hint = Die ganze Nummer eines Falls, wie sie auf seiner Seite unter Angaben steht.
journal-caption = { $count ->
    [one] { $count } Eintrag, neueste zuerst
   *[other] { $count } Einträge, neueste zuerst
}
journal-none = Kein Eintrag passt.
journal-detail = Zeigen
journal-verify = { $count ->
    [one] { $count } Eintrag prüfen
   *[other] Alle { $count } Einträge prüfen
}
journal-verify-hint = Rechnet jedes Kettenglied nach und prüft jeden Fall. Ändert nichts.
journal-intact = Das Journal ist unversehrt
journal-intact-text = { $count ->
    [one] { $count } Eintrag folgt aus dem vorigen, und jeder Fall wurde von diesem Dienst geschrieben.
   *[other] Alle { $count } Einträge folgen aus dem vorigen, und jeder Fall wurde von diesem Dienst geschrieben.
}
journal-broken = Das Journal oder ein Fall wurde von fremder Hand geändert
journal-broken-text = Bewahren Sie eine Kopie der Datenbank auf, und vergleichen Sie sie mit dem Anker und der letzten Sicherung.
journal-group-calls = Aufrufe bei Atlassian
journal-group-outcomes = Ergebnisse
journal-group-operators = Entscheidungen von Menschen
journal-group-sources = Ereignisse der Quellen
journal-group-pauses = Pausen und Bremsen
journal-group-attention = was auf einen Menschen wartet

journal-opened = Fall eröffnet
journal-revoke-dispatched = Entzug: der Aufruf steht bevor
journal-revoke-confirmed = Zugriff entzogen, Gegenprobe bestanden
journal-detach-dispatched = Verlassen: der Aufruf steht bevor
journal-detached = Organisationen, Service Desks und Anfragen verlassen
journal-deletion-dispatched = Löschung: der Aufruf steht bevor
journal-deletion-accepted = Löschung angenommen
journal-gone-seen = Konto nicht gefunden
journal-gone-confirmed = Löschung bestätigt
journal-not-done = Der Aufruf blieb ohne Wirkung
journal-reinvite-dispatched = Einladung: der Aufruf steht bevor
journal-grant-seen = Zugriff wieder gewährt
journal-reinvited = Wieder eingeladen
journal-account-missing = Kein Konto gefunden
journal-withheld = Wartet
journal-attention-needed = Eingriff nötig
journal-departed = Austritt gemeldet
journal-stopped = Von einer Quelle gestoppt
journal-erasure-requested = Löschung verlangt
journal-demands-ended = Eine Quelle hat ihre Meldung zurückgenommen
journal-cancelled = Abgebrochen
journal-held = Angehalten
journal-released = Läuft weiter
journal-brake-released = Bremse gelöst
journal-approved = Freigegeben
journal-withdrawn = Freigabe zurückgezogen
journal-retried = Erneut gelesen
journal-resolved = Als erledigt geschlossen
journal-brake-tripped = Bremse ausgelöst
journal-call-rejected = Aufruf abgelehnt
journal-deferred-by-brake = Ereignis durch die Bremse aufgeschoben
journal-delivery-replayed = Zustellung erneut verarbeitet
journal-fence-raised = Sperre gesetzt
journal-fence-lifted = Sperre aufgehoben
journal-secret-accepted = Geheimnis angenommen
journal-site-paused = Site pausiert
journal-site-resumed = Site fortgesetzt
journal-site-kind-paused = Eine Art von Aufrufen pausiert
journal-site-kind-resumed = Eine Art von Aufrufen fortgesetzt
journal-source-paused = Quelle pausiert
journal-source-resumed = Quelle fortgesetzt
journal-due = Fällig
journal-interrupted = Unterbrochen
journal-expired = Geschlossener Fall nach seiner Aufbewahrung entfernt
journal-call-unconfirmed = Aufruf ohne Antwort: Ausgang ungewiss
journal-deadline = Die Frist eines Löschverlangens rückt näher
journal-delivery-body-read = Inhalt einer Zustellung angezeigt
journal-delivery-unreadable = Zustellung nicht lesbar
journal-rows = Prüfsummen von Zeilen geschrieben
journal-periods-ended = Schlüssel abgelaufener Zeiträume gelöscht
journal-key-rotated = Speicherschlüssel gewechselt
journal-import-begun = Import begonnen
journal-import-done = Import abgeschlossen
journal-source-quiet = Quelle ist still
journal-source-active = Quelle liefert wieder
journal-detach-call-done = Eine Mitgliedschaft beendet

evidence-print = Aus der Konsole gedruckt. Der Beweis ist die signierte Datei, diese Seite ist die Leseabschrift.
evidence-lede = Für die Prüfung: jeder Austritt eines Zeitraums, vollständig, signiert und ohne Namen.
evidence-period = Ein Zeitraum
evidence-from = Von
evidence-to = Bis einschließlich
evidence-days = Tage in UTC.
evidence-download = Signierte Liste herunterladen
evidence-problem = Der Zeitraum ist nicht verwendbar
evidence-viewer = Nachweise laden andere Rollen herunter: Mit ihnen lässt sich prüfen, welche Adresse ein Fall betrifft.
evidence-key = Öffentlicher Schlüssel
evidence-key-text = Geben Sie ihn auf einem anderen Weg weiter als die Dateien.
evidence-key-download = Öffentlichen Schlüssel herunterladen
evidence-verify = Eine Datei prüfen
evidence-verify-text = Dazu braucht es nur die Datei und den öffentlichen Schlüssel. Die Dokumentation zeigt dasselbe mit Standardwerkzeugen.
evidence-one = Eine Person
evidence-one-text = Suchen Sie unter Fälle nach der genauen Adresse, öffnen Sie den Fall und laden Sie seinen Nachweis herunter.

period-show = Zeitraum anzeigen
period-heading = { $from } bis { $to }
period-whole = alles belegt
period-not-whole = nicht alles belegt
period-completeness = Vollständigkeit
period-received = Zustellungen eingegangen
period-outcome-case = eröffneten oder änderten einen Fall
period-outcome-no-effect = gelesen, ohne Wirkung
period-outcome-ignored = ohne Bedeutung
period-outcome-unreadable = nicht lesbar
period-outcome-partly-unreadable = teilweise nicht lesbar
period-outcome-waiting = warten
period-outcome-not-routed = noch nicht gelesen
period-cases = Fälle mit Änderungen
period-opened = eröffnet
period-closed = geschlossen
period-agrees = wie das Journal zählt
period-differs = das Journal zählt anders
period-timeliness = Rechtzeitigkeit
period-removed = Zugriff entzogen
period-median = die Hälfte binnen
period-slowest = alle binnen
period-after = { $time } nach dem wirksamen Zeitpunkt
period-deleted = Löschungen angenommen
period-lag = Danach
period-state = Zustand heute
period-caption = { $shown } von { $count ->
    [one] { $count } Fall
   *[other] { $count } Fällen
}

settings-lede = Was gilt, mit allen Vorgaben. Geheimnisse erscheinen nur als Verweis.
settings-viewer = Werte, die eine Person nennen können, sind für Ihre Rolle ausgeblendet.
settings-people = Wer Konsole und API benutzen darf
settings-file = Geltende Einstellungen
settings-file-text = Eine Änderung der Datei gilt nach einem Neustart; Geheimnisse und Token werden von selbst neu gelesen.

api-lede = Alles, was die Konsole zeigt und tut, für Programme.
api-use = Benutzung
api-use-text = Mit demselben Token wie hier. Fehler sind application/problem+json; Listen haben einen Cursor.
api-document = Das Dokument als JSON lesen
api-role = Rolle { $role } oder höher.
api-no-token = Ohne Token.
api-parameters = Parameter
api-body = Inhalt
api-answers = Antworten
api-required = Pflicht
api-optional = optional
api-common = Was jede Operation antworten kann
api-schemas = Typen
