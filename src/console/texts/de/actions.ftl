# Knöpfe, Fragen und Folgen. „…“ heißt, dass eine Bestätigung folgt.

act-approve-revoke = Entzug freigeben …
act-approve-delete = Löschung prüfen und freigeben …
act-withdraw = Freigabe zurückziehen …
act-cancel = Fall abbrechen …
act-cancel-deletion = Löschung abbrechen …
act-hold = Person anhalten …
act-release = Weiterlaufen lassen …
act-retry = Erneut lesen …
act-resolve = Als erledigt schließen …
act-to-source = Zur Bremse von { $source }
act-pause = Pausieren …
act-resume = Fortsetzen …
act-explain = Erklären
act-replay = Erneut verarbeiten …
act-accept = Geheimnis prüfen …
act-cancel-held = { $count ->
    [one] { $count } Fall abbrechen …
   *[other] { $count } Fälle abbrechen …
}
act-release-held = { $count ->
    [one] { $count } Fall weiterlaufen lassen …
   *[other] { $count } Fälle weiterlaufen lassen …
}

question-approve-revoke = Entzug des Zugriffs für { $person } freigeben?
question-approve-delete = Löschung von { $person } freigeben?
question-withdraw-revoke = Ihre Freigabe des Entzugs für { $person } zurückziehen?
question-withdraw-delete = Ihre Freigabe der Löschung von { $person } zurückziehen?
question-cancel = Den Austritt von { $person } abbrechen?
question-hold = { $person } anhalten?
question-release = { $person } weiterlaufen lassen?
question-retry = Das Konto von { $person } erneut lesen?
question-resolve = Den Fall von { $person } als erledigt schließen?
question-site-pause = Die Site { $site } pausieren?
question-site-resume = Die Site { $site } fortsetzen?
question-source-pause = Die Quelle { $source } pausieren?
question-source-resume = Die Quelle { $source } fortsetzen?
question-source-release = { $count ->
    [one] { $count } Fall von { $source } weiterlaufen lassen?
   *[other] { $count } Fälle von { $source } weiterlaufen lassen?
}
question-accept = Das von { $source } angebotene Geheimnis annehmen?
question-replay = Die Zustellung { $id } erneut verarbeiten?

do-approve-revoke = Entzug freigeben
do-approve-delete = Löschung freigeben
do-withdraw-revoke = Freigabe zurückziehen
do-withdraw-delete = Freigabe zurückziehen
do-cancel = Fall abbrechen
do-hold = Person anhalten
do-release = Fall weiterlaufen lassen
do-retry = Erneut lesen
do-resolve = Als erledigt schließen
do-site-pause = { $site } pausieren
do-site-resume = { $site } fortsetzen
do-source-pause = { $source } pausieren
do-source-resume = { $source } fortsetzen
do-source-release = { $count ->
    [one] { $count } Fall weiterlaufen lassen
   *[other] { $count } Fälle weiterlaufen lassen
}
do-accept = Geheimnis annehmen
do-replay = Zustellung erneut verarbeiten

keep-approve = Jetzt nicht, zurück
keep-withdraw = Freigabe behalten, zurück
keep-cancel = Nicht abbrechen, zurück
keep-hold = Nicht anhalten, zurück
keep-release = Angehalten lassen, zurück
keep-retry = Zurück
keep-resolve = Offen lassen, zurück
keep-bulk = Alles so lassen, zurück

understood-delete = Mir ist klar, dass die Löschung endgültig ist.

effect-deleted = Das Konto wird endgültig gelöscht.
effect-deleted-text = Es lässt sich nicht wiederherstellen, auch nicht durch Atlassian.
effect-former-user = Der Name verschwindet.
effect-former-user-text = In allen Anfragen steht dann „Ehemaliger Benutzer“. Kein Filter findet das Konto mehr.
effect-no-invitation = Während der Atlassian-Frist ist keine Einladung möglich.
effect-no-invitation-text = Danach bekommt dieselbe Person ein neues Konto ohne jede Vorgeschichte.
effect-withdrawable = Bis zum Aufruf können Sie zurückziehen.
effect-withdrawable-text = Die Freigabe erlischt von selbst, wenn der Schritt früher oder stärker wird oder ein anderes Konto gefunden wird.
effect-revoked = Die Person verliert den Portalzugriff.
effect-revoked-text = Konto und Anfragen bleiben. Der Zugriff lässt sich jederzeit von Hand wieder gewähren.
effect-withdrawn = Ihre Freigabe zählt nicht mehr.
effect-withdrawn-text = Wird sie gebraucht, wartet der Fall auf eine andere. Sie können später wieder freigeben.
effect-held = Für diese Person gibt es keinen Aufruf.
effect-held-text = Angehalten wird die Person: auch für neue Fälle, und kein Ereignis einer Quelle hebt es auf.
effect-held-reversible = Sie kann jederzeit weiterlaufen.
effect-held-reversible-text = Was inzwischen fällig wurde, geschieht dann sofort.
effect-no-call = Kein geplanter Aufruf erfolgt mehr.
effect-no-call-text = Ein Stopp, der vor einem Aufruf bestätigt ist, gewinnt immer.
effect-still-revoked = Die Person bleibt vorerst ohne Zugriff.
effect-still-revoked-text = Atlassian bietet keine API zum Gewähren: Ein Mensch muss es in der Administration klicken. Der Fall zeigt die Schritte und schließt von selbst.
effect-not-reopened = Ein geschlossener Fall lässt sich nicht wieder öffnen.
effect-not-reopened-text = Dasselbe Ereignis bewirkt nichts mehr. Ein neueres oder ein eigener Antrag eröffnet einen neuen Fall.
effect-then-held = Danach bleibt der Fall angehalten: { $why }.
effect-then-held-text = Vorher gibt es keinen Aufruf.
effect-then-nothing = Danach ist nichts geplant.
effect-then-nothing-text = Der Fall bleibt, wie er ist.
effect-then-approval = Danach fehlt noch eine weitere Freigabe.
effect-then-approval-text = Ohne sie gibt es keinen Aufruf.
effect-then-delete = Danach: { $job }, { $at }.
effect-then-delete-text = Unmittelbar davor wird das Konto noch einmal gelesen. Die Löschung ist endgültig.
effect-then-revoke = Danach: { $job }, { $at }.
effect-then-revoke-text = Der Zugriff lässt sich von Hand wieder gewähren.
effect-then-other = Danach: { $job }, { $at }.
effect-then-other-text = Das allein ändert nichts am Konto.

bulk-label = Aktionen auf den ganzen Filter
bulk-all = Alle Fälle dieses Filters, nicht nur die auf dieser Seite.
bulk-nothing-yet = Jede Aktion zeigt erst, wie viele es sind und was geschehen würde.
bulk-link-approve-revoke = Entzug für alle freigeben …
bulk-link-approve-delete = Löschung für alle freigeben …
bulk-link-release = Alle weiterlaufen lassen …
bulk-link-retry = Alle erneut lesen …
bulk-link-resolve = Alle als erledigt schließen …
bulk-link-hold = Alle anhalten …
bulk-link-cancel = Alle abbrechen …
bulk-lede = Alles, was zu „{ $filter }“ passt und was die Aktion ändern darf, nicht nur die angezeigte Seite.
bulk-empty = kein Fall dieses Filters lässt sich so ändern
bulk-set = { $count ->
    [one] Der Fall
   *[other] Die { $count } Fälle
}
bulk-set-all = Alle davon
bulk-set-caption = Die ersten { $shown } von { $count }
bulk-show-all = Alle in der Liste zeigen
question-bulk-approve = { $count ->
    [one] { $count } Fall freigeben?
   *[other] { $count } Fälle freigeben?
}
question-bulk-cancel = { $count ->
    [one] { $count } Fall abbrechen?
   *[other] { $count } Fälle abbrechen?
}
question-bulk-hold = { $count ->
    [one] { $count } Person anhalten?
   *[other] Die Personen von { $count } Fällen anhalten?
}
question-bulk-release = { $count ->
    [one] { $count } Fall weiterlaufen lassen?
   *[other] { $count } Fälle weiterlaufen lassen?
}
question-bulk-retry = { $count ->
    [one] { $count } Fall erneut lesen?
   *[other] { $count } Fälle erneut lesen?
}
question-bulk-resolve = { $count ->
    [one] { $count } Fall als erledigt schließen?
   *[other] { $count } Fälle als erledigt schließen?
}
do-bulk-approve = { $count ->
    [one] { $count } Fall freigeben
   *[other] { $count } Fälle freigeben
}
do-bulk-cancel = { $count ->
    [one] { $count } Fall abbrechen
   *[other] { $count } Fälle abbrechen
}
do-bulk-hold = { $count ->
    [one] { $count } Fall anhalten
   *[other] { $count } Fälle anhalten
}
do-bulk-release = { $count ->
    [one] { $count } Fall weiterlaufen lassen
   *[other] { $count } Fälle weiterlaufen lassen
}
do-bulk-retry = { $count ->
    [one] { $count } Fall erneut lesen
   *[other] { $count } Fälle erneut lesen
}
do-bulk-resolve = { $count ->
    [one] { $count } Fall schließen
   *[other] { $count } Fälle schließen
}
effect-bulk-irreversible = { $count ->
    [one] { $count } davon endet mit einer Löschung, und die ist endgültig.
   *[other] { $count } davon enden mit einer Löschung, und die ist endgültig.
}
effect-bulk-irreversible-text = Jeder lässt sich bis zu seinem Aufruf noch stoppen.
effect-bulk-still-revoked = { $count ->
    [one] { $count } Person bleibt vorerst ohne Zugriff.
   *[other] Mindestens { $count } Personen bleiben vorerst ohne Zugriff.
}
effect-bulk-continue = Die Fälle laufen dort weiter, wo sie standen.
effect-bulk-continue-text = Was fällig ist, geschieht sofort, der Rest zu seiner Zeit.

effect-site-paused = An dieser Site erfolgt kein Aufruf.
effect-site-paused-text = Fälle warten. Versuche zählen in dieser Zeit nicht.
effect-site-deliveries = Zustellungen werden weiter angenommen.
effect-site-deliveries-text = Sie werden gespeichert und gelesen; ihre Fälle warten.
effect-site-resumable = Sie kann jederzeit fortgesetzt werden.
effect-site-resumable-text = Was inzwischen fällig wurde, geschieht dann.
effect-site-resumed = Alles Fällige wird jetzt aufgerufen.
effect-site-resumed-text = Werden die Zugangsdaten noch abgelehnt, pausiert die Site von selbst wieder.
effect-source-paused = Ihre Zustellungen werden mit 503 beantwortet.
effect-source-paused-text = Der Anbieter sendet sie später erneut. Prüfen Sie, wie lange er das tut.
effect-source-jobs = Die Jobs ihrer Fälle warten.
effect-source-jobs-text = Für sie wird in dieser Zeit nichts entzogen oder gelöscht.
effect-source-resumable = Sie kann jederzeit fortgesetzt werden.
effect-source-resumable-text = Was inzwischen fällig wurde, geschieht dann.
effect-source-resumed = Zustellungen werden angenommen, und ihre Fälle laufen weiter.
effect-source-resumed-text = Was fällig ist, geschieht sofort.
effect-brake-check = Fragen Sie erst die Verantwortlichen der Quelle.
effect-brake-check-text = Ein Abgleich, der seinen Filter verloren hat, sieht genau wie ein Massenaustritt aus.
effect-brake-released = { $count ->
    [one] { $count } Fall läuft weiter.
   *[other] { $count } Fälle laufen weiter.
}
effect-brake-released-text = Genau die Fälle dieser Liste, mit diesem Vorgehen und diesen Zeitpunkten. Was fällig ist, geschieht sofort.
effect-offer-check = Prüfen Sie, ob der Anbieter es gerade gesendet hat.
effect-offer-check-text = Wer die Adresse kennt, kann ein Geheimnis anbieten. Nehmen Sie nur das erwartete an.
effect-offer-accepted = Damit signierte Zustellungen werden angenommen.
effect-offer-accepted-text = Binnen Sekunden und nach jedem Neustart. Die Geheimnisse der Einstellungen gelten weiter.
effect-replayed = Der gespeicherte Inhalt wird mit der jetzigen Zuordnung erneut gelesen.
effect-replayed-text = Seine Ereignisse wirken, als wären sie gerade gelesen worden: Fälle können entstehen.
effect-replayed-once = Nichts geschieht zweimal.
effect-replayed-once-text = Ein Ereignis, das schon wirkte, bewirkt nichts mehr.
