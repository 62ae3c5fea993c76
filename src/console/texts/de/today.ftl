# Die erste Seite.

today-tasks = { $count ->
    [one] { $count } offene Aufgabe
   *[other] { $count } offene Aufgaben
}
today-nothing = Gerade nichts zu tun
today-nothing-text = Kein Fall wartet auf eine Entscheidung, jede Zustellung wurde gelesen, und keine Quelle oder Site ist gestoppt.
today-first = Noch keine Austritte
today-next-call = Nächster Aufruf bei Atlassian in { $time }
today-next-deletion = Nächste Löschung in { $time }
today-coming = Die kommenden 14 Tage
today-revokes = { $count }-mal Zugriff entziehen
today-deletions = { $count ->
    [one] { $count } Löschung
   *[other] { $count } Löschungen
}
today-no-calls = In den kommenden 14 Tagen ist weder ein Entzug noch eine Löschung geplant.
today-calls = Die nächsten Aufrufe
today-state = Zustand des Dienstes
today-held = Angehalten
today-done = In den letzten 24 Stunden erledigt
today-done-nothing = Nichts wurde entzogen, gelöscht oder geschlossen.
today-parts = Sites und Quellen

task-frozen = Die Quelle { $source } ist eingefroren
task-frozen-text = Die Bremse hat eine Flut von Austritten gestoppt: { $done } von { $all } ausgeführt.
task-frozen-link = Liste prüfen
task-paused = Die Site { $site } ist pausiert
task-paused-text = Seit { $since }. Ihre Fälle warten, keiner geht verloren.
task-paused-link = Ursache ansehen
task-calls-paused = Die Site { $site } lehnt manche Aufrufe ab
task-calls-paused-text = Nur diese Aufrufe warten, die anderen laufen weiter.
task-oldest = Ältester seit { $since }.
task-attention-link = Entscheiden
task-approval = Freigaben fehlen
task-approval-text = Diese Fälle warten auf eine Freigabe. Ohne sie gibt es keinen Aufruf.
task-approval-link = Prüfen und freigeben
task-unreadable = Zustellungen sind nicht lesbar
task-unreadable-text = Sie bleiben gespeichert, bis die Zuordnung stimmt. Nichts ist verloren.
task-unreadable-link = Grund ansehen
task-quiet = Die Quelle { $source } ist still
task-quiet-text = Es kam länger nichts an, als die Einstellungen erwarten. Prüfen Sie beim Anbieter, ob der Webhook noch aktiv ist.
task-quiet-link = Quelle prüfen

released-by-observe = Scharfschalten, dann Fortsetzen von Hand
released-by-approval = eine Freigabe
released-by-brake = Freigabe der Liste
released-by-hold = Fortsetzen von Hand

site-works = arbeitet
site-paused = pausiert
site-calls-paused = { $count ->
    [one] { $count } Aufruf abgelehnt
   *[other] { $count } Aufrufe abgelehnt
}
source-works = liefert
source-waiting = wartet auf die erste Zustellung
source-frozen = eingefroren
source-paused = pausiert
source-quiet = still seit { $time }

call-stop-revoke = bis dahin; Zugriff lässt sich wieder gewähren
call-stop-delete = bis dahin; danach endgültig
call-stop-other = nimmt nichts weg

timeline-label = Geplante Aufrufe der nächsten 14 Tage: { $revokes }-mal Zugriff entziehen, Löschungen: { $deletions }.
timeline-revoke = Zugriff entziehen
timeline-revoke-note = lässt sich wieder gewähren
timeline-delete = Löschen
timeline-delete-note = endgültig
timeline-waits = Freigabe fehlt noch

first-done = Erledigt
first-yours = Sie sind dran
first-later = Später
first-site = Eine Site ist eingerichtet
first-site-text = Die Site und ihre Zugangsdaten, unter [sites.NAME]. Dieser Befehl prüft, was sie dürfen, und sagt, was zu tun ist.
first-source = Eine Quelle ist eingerichtet
first-source-text = Das HR- oder CRM-System, unter [sources.NAME], mit der Richtlinie, die sagt, wozu ein Austritt führt.
first-webhook = Den Anbieter auf offboardd zeigen lassen
first-webhook-text = Tragen Sie beim Anbieter die öffentliche Adresse mit /webhooks/QUELLE ein. Oder probieren Sie erst ein signiertes Beispiel ohne den Anbieter:
first-enforce = Ein paar Tage beobachten, dann scharf schalten
first-enforce-text = In der Beobachtung wird jeder Fall angehalten und zeigt, was geschehen wäre. Stimmt alles, dann setzen Sie den Modus in den Einstellungen. Angehaltene Fälle bleiben angehalten, bis Sie sie weiterlaufen lassen.
first-see = Was Sie hier sehen werden
first-see-text = Zuerst, was auf Sie wartet, mit dem nächsten Schritt. Dann die kommenden 14 Tage, dann was erledigt wurde. Eine leere Seite heißt: Kein Austritt wurde gemeldet, keine Aufgabe ist offen.
