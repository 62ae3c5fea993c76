# Quellen, Zustellungen, Sites.

sources-lede = Die HR- und CRM-Systeme, die Austritte melden.
sources-none = Es ist keine Quelle eingerichtet
sources-none-text = Ergänzen Sie das HR- oder CRM-System unter [sources.NAME] in den Einstellungen. Der Befehl offboardd preset list nennt die bekannten Anbieter.
sources-viewer = Quellen pausieren und fortsetzen dürfen andere Rollen; die Liste einer Bremse gibt frei, wer freigeben darf.
source-of = von
source-carried-out = ausgeführt
source-frozen-since = Eingefroren seit
source-frozen-text = Es kamen mehr Austritte an, als die Richtlinie erlaubt. Bis Sie entscheiden, kann diese Quelle nur Fälle stoppen.
source-frozen-check = Fragen Sie die Verantwortlichen der Quelle, bevor Sie freigeben. Ein Abgleich, der seinen Filter verloren hat, sieht genau so aus: Alle sind am selben Tag „ausgetreten“.
source-frozen-list = Liste anzeigen
source-release-who = Die Liste gibt frei, wer freigeben darf.
source-paused-since = Pausiert seit
source-paused-text = Zustellungen werden mit 503 beantwortet, und ihre Fälle warten.
source-none-yet = noch keine
source-no-quiet = kein Alarm eingerichtet
source-unreadable = { $count } nicht lesbar
source-lookups = { $count ->
    [one] { $count } Person wartet
   *[other] { $count } Personen warten
}
offer-title = Der Anbieter hat ein Geheimnis angeboten
offer-text = Bis jemand mit Freigaberecht es annimmt, wird nichts damit Signiertes angenommen. Angeboten
offer-token = Angebotenes Geheimnis
offer-who = Annehmen kann es, wer freigeben darf.

fact-last-delivery = Letzte Zustellung
fact-policy-site = Richtlinie und Site
fact-preset = Vorlage
fact-quiet-after = Alarm nach
fact-deliveries = In 14 Tagen
fact-ignored = Ignorierte Wörter
fact-accepted-secrets = Angenommene Geheimnisse
fact-lookups = Abfragen

plot-label = Zustellungen seit { $first }: { $read } gelesen, { $unreadable } nicht lesbar.
plot-today = heute
plot-read = gelesen
plot-unreadable = nicht lesbar

deliveries-lede = Was die Quellen gesendet haben, Neuestes zuerst. Alles war lesbar.
deliveries-unreadable = { $count ->
    [one] { $count } ist nicht lesbar. Sie bleibt gespeichert, bis die Zuordnung stimmt.
   *[other] { $count } sind nicht lesbar. Sie bleiben gespeichert, bis die Zuordnung stimmt.
}
deliveries-caption = { $count ->
    [one] { $count } Zustellung, neueste zuerst
   *[other] { $count } Zustellungen, neueste zuerst
}
deliveries-none = Noch nichts angekommen
deliveries-none-text = Lassen Sie den Webhook des Anbieters auf die öffentliche Adresse zeigen, oder senden Sie ein signiertes Beispiel:
deliveries-none-found = Keine Zustellung passt
deliveries-none-found-text = Entfernen Sie einen Filter, um mehr zu sehen.
deliveries-try = Befehle, die ein Beispiel senden
deliveries-sealed = Inhalte sind versiegelt. Die API zeigt sie nur denen, die freigeben dürfen, und das Journal hält es fest.
delivery-received = gespeichert
delivery-routed = gelesen
delivery-unreadable = Nicht lesbar
delivery-title = Zustellung { $id }
delivery-verified = gültig
delivery-expired = Der gespeicherte Inhalt ist abgelaufen: Lassen Sie den Anbieter die Zustellung erneut senden.
delivery-viewer = Zustellungen erklären und erneut verarbeiten dürfen andere Rollen.
delivery-no-events = Daraus wurde noch kein Ereignis gelesen.
delivery-events = { $count ->
    [one] { $count } Eintrag des Inhalts
   *[other] { $count } Einträge des Inhalts
}
unreadable-what = Diese Zustellung ist nicht lesbar
unreadable-lost = Die Signatur ist gültig, und die Zustellung ist gespeichert. Nichts ist verloren, und nichts wurde getan.
unreadable-step-fix = Berichtigen Sie die Zuordnung der Quelle in den Einstellungen: Die Meldung nennt die Stelle und den erwarteten Wert.
unreadable-step-explain = Klicken Sie auf „Erklären“, um zu sehen, was die jetzigen Einstellungen lesen.
unreadable-step-replay = Klicken Sie dann auf „Erneut verarbeiten“.
replay-expired = Der gespeicherte Inhalt ist abgelaufen: Lassen Sie den Anbieter die Zustellung erneut senden.
explain-title = Was die jetzigen Einstellungen lesen
explain-lede = Hierdurch wird nichts geändert.

event-departed = Austritt
event-company-departed = Firma ausgeschieden
event-departure-cancelled = Austritt zurückgenommen
event-returned = Wiedereintritt
event-email-changed = Adresse geändert
event-erasure-requested = Löschung verlangt
event-profile = Profil
event-ignored = ignoriert
event-status-waiting = wartet
event-status-applied = wirksam
event-status-ignored = ohne Wirkung
event-status-unreadable = nicht lesbar

fact-routed = Gelesen
fact-signature = Signatur
fact-delivery = Zustellung

sites-lede = Die Atlassian-Sites, und ob der Dienst sie aufrufen darf.
sites-none = Es ist keine Site eingerichtet
sites-none-text = Ergänzen Sie die Atlassian-Site und ihre Zugangsdaten unter [sites.NAME] in den Einstellungen.
sites-viewer = Sites pausieren und fortsetzen dürfen andere Rollen.
site-paused-what = An dieser Site erfolgt kein Aufruf
site-paused-since = Seit
site-paused-text = Fälle warten, keiner geht verloren, und kein Versuch zählt. Ist die Ursache behoben, setzt eine Probe die Site von selbst fort; Sie können sie auch jetzt fortsetzen.
site-call-paused-what = Die Site lehnt diese Art von Aufruf ab
site-call-paused-text = Nur diese Aufrufe warten, die anderen laufen weiter. Sobald die Berechtigung da ist, laufen sie von selbst weiter.
fact-url = Adresse
fact-deletion-grace = Atlassian-Frist
explain-readable = lesbar
explain-unreadable = Die jetzigen Einstellungen können sie nicht lesen
explain-nothing = Daraus wird kein Ereignis gelesen: Der Inhalt ist leer, oder die Zuordnung ignoriert seine Einträge.
explain-rule = Regel
explain-then = Was geschehen würde
refused-title = In der letzten Stunde wurden Anfragen abgewiesen
refused-text = Kamen sie vom Anbieter, dann vergleichen Sie das Geheimnis hier mit dem beim Anbieter. Sonst hat jemand anderes diese Adresse aufgerufen, und es ist nichts zu tun.
refused-unauthorized = Signatur ungültig
refused-stale = vor zu langer Zeit signiert
refused-too-large = zu groß
