# Zustände, Gründe fürs Anhalten und fürs Eingreifen: das Wort, was geschah, warum, und was jetzt zu tun ist.

state-scheduled = Geplant
state-held = Angehalten
state-revoking = Zugriff wird entzogen
state-revoked = Zugriff entzogen
state-deleting = Wird gelöscht
state-deletion_grace = Atlassian-Frist läuft
state-erased = Gelöscht
state-restoring = Wiederherstellung
state-restored = Wiederhergestellt
state-cancelled = Abgebrochen
state-no_account = Kein Konto
state-needs_attention = Eingriff nötig

hold-observe = Nur beobachtet
hold-approval = Freigabe fehlt
hold-brake = Von der Bremse angehalten
hold-hold = Von Hand angehalten

job-revoke = Zugriff entziehen
job-detach = Organisationen und Anfragen verlassen
job-delete = Löschen
job-verify = Gegenprobe
job-restore = Auf Zugriff warten
job-reinvite = Wieder einladen
job-state-queued = eingeplant
job-state-running = läuft
job-state-done = erledigt
job-state-cancelled = abgebrochen

stage-revoke = Zugriff entziehen
stage-delete = Löschung
action-ignore = nichts
action-revoke = Zugriff entziehen
action-revoke_then_delete = Zugriff entziehen, dann löschen
action-delete = löschen

account-type-customer = Portalkunde
account-type-atlassian = Atlassian-Konto
account-type-app = App
account-type-unknown = unbekannt
account-active = aktiv
account-revoked = entzogen

attention-ambiguous_account = Konto nicht eindeutig
attention-not_a_customer = Kein Portalkunde
attention-protected = Geschützt
attention-address_unconfirmed = Adresse nicht bestätigt
attention-regranted = Zugriff wieder gewährt
attention-address_changed = Adresse geändert
attention-grant_needed = Zugriff gewähren
attention-refused = Von Atlassian abgelehnt
attention-retries_exhausted = Versuche erschöpft
attention-no_email = Keine E-Mail-Adresse
attention-sources_disagree = Quellen widersprechen sich
attention-repeated = Erneut gemeldet

state-scheduled-title = Wartet auf den Zeitpunkt
state-scheduled-what = Die Person geht erst später. Noch wurde nichts geändert.
state-scheduled-why = Vor dem Zeitpunkt, ab dem der Austritt wirksam ist, gibt es keinen Aufruf. Meldet die Quelle, dass die Person bleibt, bricht der Fall von selbst ab.
state-scheduled-now = Nichts zu tun. Bleibt die Person, brechen Sie den Fall ab; wollen Sie später entscheiden, halten Sie die Person an.
state-revoking-title = Der Zugriff wird entzogen
state-revoking-what = Der Entzug ist eingeplant oder läuft.
state-revoking-why = Der Zeitpunkt ist erreicht. Danach wird das Konto zur Gegenprobe gelesen; ein gescheiterter Versuch wiederholt sich von selbst.
state-revoking-now = Nichts zu tun. Bis zum Aufruf lässt sich der Fall noch abbrechen oder anhalten.
state-revoked-title = Der Zugriff ist entzogen
state-revoked-what = Die Person hat keinen Portalzugriff mehr. Konto und Anfragen bleiben erhalten.
state-revoked-why = Wenn die Richtlinie löscht, läuft die Karenzzeit: Bei einer Rückkehr genügt es bis dahin, den Zugriff wieder zu gewähren.
state-revoked-now = Nichts zu tun. Soll das Konto bleiben, brechen Sie die Löschung vor dem letzten Moment ab.
state-deleting-title = Das Konto wird gelöscht
state-deleting-what = Die Löschung ist eingeplant oder läuft.
state-deleting-why = Die Karenzzeit ist vorbei, alle Freigaben liegen vor. Unmittelbar vor dem Aufruf wird das Konto noch einmal gelesen; eine Abweichung stoppt ihn.
state-deleting-now = Soll das Konto bleiben, brechen Sie jetzt ab: Ein Stopp, der vor dem Aufruf bestätigt ist, gewinnt immer.
state-deletion_grace-title = Gelöscht, die Atlassian-Frist läuft
state-deletion_grace-what = Atlassian hat die Löschung angenommen. Sie ist endgültig.
state-deletion_grace-why = So lange kann die Adresse nicht neu eingeladen werden, und nichts verkürzt die Frist. Danach wird noch einmal gelesen.
state-deletion_grace-now = Nichts zu tun. Der Fall schließt von selbst.
state-erased-title = Gelöscht und geprüft
state-erased-what = Das Konto ist weg, und dieser Fall enthält keine personenbezogenen Daten mehr.
state-erased-why = Beim Schließen wurde der Schlüssel des Falls vernichtet, und mit ihm Adresse, Personalnummer und Kontonummer. Die Suche nach der genauen Adresse findet den Fall weiterhin.
state-erased-now = Nichts zu tun. Der Nachweis belegt, was getan wurde.
state-restoring-title = Zugriff von Hand gewähren: Atlassian bietet dafür keine API
state-restoring-what = Die Person ist zurück, oder der Fall wurde nach dem Entzug abgebrochen. Die Löschung entfällt. Noch hat die Person keinen Portalzugriff.
state-restoring-why = Der Zugriff war schon entzogen, als der Stopp eintraf. Nur ein Mensch kann ihn in der Atlassian-Administration wieder gewähren.
state-restoring-now =
    Folgen Sie unten den Schritten für Ihre Administration.
    Mehr nicht: Das Konto wird regelmäßig gelesen, und der Fall schließt von selbst, sobald es aktiv ist.
    Ist es anders geregelt, schließen Sie den Fall als erledigt.
state-restored-title = Der Zugriff ist wieder da
state-restored-what = Die Person hat wieder Portalzugriff. Es ist dasselbe Konto wie zuvor, falls es nicht gelöscht war.
state-restored-why = Eine Gegenprobe zeigte das Konto aktiv, oder der Fall wurde von Hand geschlossen.
state-restored-now = Nichts zu tun.
state-cancelled-title = Abgebrochen
state-cancelled-what = Für diesen Fall gibt es keinen Aufruf mehr.
state-cancelled-why = Ein Ereignis der Quelle oder ein Mensch hat ihn gestoppt. Der Verlauf unten zeigt, wer.
state-cancelled-now = Nichts zu tun. Dasselbe Ereignis bewirkt nichts mehr; ein neueres eröffnet einen neuen Fall.
state-no_account-title = Es gab nichts zu tun
state-no_account-what = Kein Konto dieser Site hat die Adresse. Es wurde nichts geändert.
state-no_account-why = Die Adresse wurde mehrmals gesucht, denn neue Konten erscheinen verspätet in der Suche.
state-no_account-now = Nichts zu tun. Hatte die Person eine andere Adresse, eröffnen Sie dafür einen Fall.

held-observe-title = Nur beobachtet: Es wird nichts geändert
held-observe-what = Der Dienst beobachtet nur. Hier steht, was er getan hätte.
held-observe-why = In der Beobachtung wird geplant und gezeigt, aber nichts aufgerufen, was etwas ändert.
held-observe-now =
    Prüfen Sie, ob der Plan stimmt.
    Setzen Sie in den Einstellungen mode = "enforce" und starten Sie neu.
    Lassen Sie den Fall weiterlaufen. Angehaltene Fälle bleiben sonst angehalten.
held-approval-title = Eine Freigabe fehlt
held-approval-what = Der Fall wartet auf Freigaben. Ohne sie gibt es keinen Aufruf.
held-approval-why = Die Richtlinie verlangt, dass verschiedene Personen den nächsten Schritt freigeben. Einen eigenen Antrag kann niemand selbst freigeben.
held-approval-now = Prüfen Sie Person, Konto und Zeitpunkt und geben Sie dann frei; soll das Konto bleiben, brechen Sie den Fall ab.
held-brake-title = Von der Bremse angehalten
held-brake-what = Es kamen mehr Austritte an, als die Richtlinie in dieser Zeit erlaubt. Für diesen Fall wurde nichts geändert.
held-brake-why = Ein Abgleich, der seinen Filter verloren hat, sieht genau so aus: Alle sind am selben Tag „ausgetreten“.
held-brake-now =
    Fragen Sie die Verantwortlichen der Quelle, ob diese Personen wirklich gegangen sind.
    Wenn nicht, brechen Sie die Fälle der Quelle gemeinsam ab.
    Wenn ja, gibt jemand mit Freigaberecht genau die geprüfte Liste frei.
held-hold-title = Von Hand angehalten
held-hold-what = Jemand hält diese Person an. Kein Ereignis einer Quelle hebt das auf.
held-hold-why = Die Begründung steht unten im Verlauf.
held-hold-now = Lassen Sie die Person weiterlaufen, wenn der Grund entfallen ist, oder brechen Sie den Fall ab.

attention-ambiguous_account-title = Mehrere Kundenkonten haben diese Adresse
attention-ambiguous_account-what = Gehandelt wird nur, wenn genau ein Konto gefunden wird. Es wurde nichts geändert.
attention-ambiguous_account-why = Nichts sagt, welches Konto die Person benutzt hat. Eine falsche Wahl träfe jemand anderen.
attention-ambiguous_account-now =
    Vergleichen Sie die Konten in der Atlassian-Administration: Name, letzte Aktivität, offene Anfragen.
    Löschen oder ändern Sie das Konto, das nicht zur Person gehört.
    Klicken Sie dann auf „Erneut lesen“. Bei genau einem Konto läuft der Fall weiter.
attention-not_a_customer-title = Das Konto ist kein Portalkunde
attention-not_a_customer-what = Die Adresse gehört zu einem Atlassian-Konto. Solche Konten ändert der Dienst nie; auch hier wurde nichts geändert.
attention-not_a_customer-why = Lizenzierte und verwaltete Konten gehören zum Verzeichnis der Organisation und werden dort abgemeldet.
attention-not_a_customer-now =
    Entfernen Sie die Person im Verzeichnis oder beim Identitätsanbieter.
    Schließen Sie diesen Fall dann als erledigt.
attention-protected-title = Die Person ist geschützt
attention-protected-what = Die Adresse, ihre Domain oder das Konto steht auf der Schutzliste der Site. Es wurde nichts geändert.
attention-protected-why = Geschützte Konten werden nie geändert, was auch immer eine Quelle meldet.
attention-protected-now =
    Prüfen Sie, ob der Austritt überhaupt stimmt.
    Ist der Schutz veraltet, entfernen Sie den Eintrag aus den Einstellungen und klicken Sie auf „Erneut lesen“.
    Sonst brechen Sie den Fall ab.
attention-address_unconfirmed-title = Die Adresse lässt sich nicht bestätigen
attention-address_unconfirmed-what = Es steht nicht fest, dass das Konto mit dieser Adresse der ausgetretenen Person gehört. Bis Sie entscheiden, wird nichts weiter geändert.
attention-address_unconfirmed-why = Entweder verbergen die Konten ihre Adressen vor unseren Zugangsdaten, oder die Quelle kennt die Adresse bei einer anderen Person, die noch da ist.
attention-address_unconfirmed-now =
    Suchen Sie die Adresse in der Atlassian-Administration und bei der Quelle.
    Gehört sie der ausgetretenen Person, klicken Sie auf „Erneut lesen“: Der Fall läuft weiter.
    Sonst brechen Sie den Fall ab.
attention-regranted-title = Inzwischen wurde der Zugriff wieder gewährt
attention-regranted-what = Vor der Löschung war das Konto wieder aktiv. Es wurde nicht gelöscht.
attention-regranted-why = Nach dem Entzug wurde der Zugriff von Hand gewährt. Das spricht dafür, dass die Person zurück ist.
attention-regranted-now =
    Finden Sie heraus, wer den Zugriff gewährt hat und warum.
    Ist die Person zurück, brechen Sie den Fall ab.
    War es ein Versehen, klicken Sie auf „Erneut lesen“: Der Zugriff wird wieder entzogen, und die Karenzzeit beginnt neu.
attention-address_changed-title = Die Person hatte vorher eine andere Adresse
attention-address_changed-what = Kein Konto hat die Adresse des Austritts, aber die Person war unter einer früheren bekannt. Es wurde nichts geändert.
attention-address_changed-why = Wird eine Adresse kurz vor dem Austritt geändert, kann das Konto noch die alte haben. Nur ein Mensch kann sagen, ob es ihres ist.
attention-address_changed-now =
    Suchen Sie die frühere Adresse in der Atlassian-Administration.
    Ist es das Konto der Person, eröffnen Sie dafür einen Fall und schließen Sie diesen als erledigt.
    Sonst brechen Sie diesen Fall ab.
attention-grant_needed-title = Zugriff von Hand gewähren: Atlassian bietet dafür keine API
attention-grant_needed-what = Die Person ist zurück und hat noch keinen Portalzugriff.
attention-grant_needed-why = Zugriff gewähren kann nur ein Mensch in der Atlassian-Administration.
attention-grant_needed-now =
    Folgen Sie unten den Schritten für Ihre Administration.
    Der Fall schließt von selbst, sobald das Konto aktiv ist.
attention-refused-title = Atlassian hat den Aufruf abgelehnt
attention-refused-what = Der Aufruf für dieses Konto wurde dauerhaft abgelehnt, andere gelingen. Das Konto ist, wie es war.
attention-refused-why = Den Zugangsdaten fehlt vielleicht eine Berechtigung für genau dieses Konto, oder eine Eigenschaft des Kontos verbietet die Änderung.
attention-refused-now =
    Prüfen Sie die Berechtigung, die die Meldung unten nennt.
    Versuchen Sie dieselbe Änderung in der Atlassian-Administration.
    Klicken Sie dann auf „Erneut lesen“, oder schließen Sie den Fall als erledigt.
attention-retries_exhausted-title = Alle Versuche sind gescheitert
attention-retries_exhausted-what = Der Aufruf scheiterte so lange, wie die Einstellungen es zulassen. Der letzte Fehler steht unten.
attention-retries_exhausted-why = Ein vorübergehendes Problem wäre inzwischen vorbei.
attention-retries_exhausted-now =
    Prüfen Sie, ob die Site arbeitet und was der letzte Fehler sagt.
    Klicken Sie auf „Erneut lesen“: Die Versuche beginnen von vorn.
    Wurde es von Hand erledigt, schließen Sie den Fall als erledigt.
attention-no_email-title = Es ist keine E-Mail-Adresse bekannt
attention-no_email-what = Die Quelle meldete einen Austritt ohne Adresse, und für diese Person ist keine bekannt. Es wurde nichts geändert.
attention-no_email-why = Konten werden nur über ihre genaue Adresse gefunden.
attention-no_email-now =
    Lassen Sie die Quelle einen Datensatz mit Nummer und Adresse der Person senden, oder richten Sie eine Abfrage ein.
    Klicken Sie auf „Erneut lesen“, sobald die Adresse bekannt ist.
    Oder eröffnen Sie selbst einen Fall für die Adresse und schließen Sie diesen.
attention-sources_disagree-title = Zwei Quellen widersprechen sich über diese Person
attention-sources_disagree-what = Eine Quelle meldete den Austritt, eine andere meldet, dass die Person da ist. Es wird nichts weiter geändert.
attention-sources_disagree-why = Ein Stopp einer anderen Quelle bricht den Fall nicht ab: Ein Mensch entscheidet, welche recht hat.
attention-sources_disagree-now =
    Klären Sie es mit den Verantwortlichen beider Quellen.
    Ist die Person gegangen, klicken Sie auf „Erneut lesen“: Der Fall läuft weiter.
    Sonst brechen Sie den Fall ab.
attention-repeated-title = Dieselbe Nachricht kam noch einmal
attention-repeated-what = Eine schon verarbeitete Nachricht kam erneut, nachdem etwas anderes über diese Person wirksam wurde. Es wurde nichts geändert.
attention-repeated-why = Es kann ein zweiter Austritt sein oder eine Aufzeichnung, die jemand noch einmal sendet. Keine signierte Zeit belegt, was zutrifft.
attention-repeated-now =
    Prüfen Sie bei der Quelle, ob die Person jetzt geht.
    Wenn ja, klicken Sie auf „Erneut lesen“: Der Fall läuft weiter.
    Sonst brechen Sie den Fall ab.

clicks-grant = Schritte in der Atlassian-Administration: Zugriff gewähren
clicks-grant-last = ⋯ → Zugriff gewähren (Grant access)
clicks-find = Schritte in der Atlassian-Administration: das Konto finden
clicks-find-last = ⋯ zeigt, was mit dem Konto möglich ist
clicks-which = Welche Administration haben Sie? Öffnen Sie admin.atlassian.com: Liegen Benutzer und Gruppen unter „Verzeichnis“ (Directory), ist es die zentralisierte.
clicks-centralized = Zentralisiert
clicks-original = Ursprünglich
clicks-organization = die Organisation
clicks-site = die Site
clicks-search = Die genaue Adresse suchen; Namen werden nicht gefunden:
clicks-role = Kein solches Menü? Sie brauchen die Rolle Site-Admin oder Organisationsadmin.

blocked-fence = Es gilt eine Sperre: An keiner Site wird etwas geändert.
blocked-site-paused = Die Site { $name } ist pausiert: Dieser Fall wartet.
blocked-call-paused = Die Site { $name } lehnt diese Art von Aufruf ab: Dieser Fall wartet.
blocked-source-paused = Die Quelle { $name } ist pausiert: Dieser Fall wartet.
blocked-source-frozen = Die Quelle { $name } ist durch ihre Bremse eingefroren.

graces-local = Karenzzeit · { $length }
graces-deletion = Atlassian-Frist · { $length }
graces-stoppable = stoppbar
graces-was-stoppable = war stoppbar
graces-final = endgültig
graces-now = jetzt · { $at }
graces-revoke = Zugriff entziehen
graces-revoked = Zugriff entzogen
graces-revoke-text = Lässt sich wieder gewähren.
graces-delete = Letzter Moment zum Stoppen, dann Löschung
graces-delete-text = Ein Stopp, der vor diesem Moment bestätigt ist, gewinnt immer. Die Löschung ist endgültig.
graces-deleted = Gelöscht
graces-deleted-text = Atlassian hat die Löschung angenommen.
graces-end = Atlassian-Frist endet
graces-end-text = Ab dann kann die Adresse wieder eingeladen werden.
graces-waits = Bevor jemand entscheidet, gibt es keinen Aufruf. Dies sind die frühesten Zeitpunkte.
graces-over = Der Fall ist geschlossen: All das ist vorbei.
graces-label = Zeitstrahl beider Fristen, maßstäblich: Zugriff entzogen { $revoke }, Löschung { $delete }, Ende der Atlassian-Frist { $end }.
graces-label-delete = Zeitstrahl, maßstäblich: Löschung { $delete }, Ende der Atlassian-Frist { $end }.
