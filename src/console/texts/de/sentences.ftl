# Sätze des Dienstes, wie Datenbank und API sie enthalten: Der englische Text ist der Schlüssel.

# Wie Sätze verbunden werden.

sentence-by = { $code }: { $sentence }
sentence-and = { $sentence-one } { $sentence-other }
sentence-parameter = { $name }: { $sentence }
sentence-key = { $name }: { $sentence }

# Abgelehnte Aktionen.

sentence-forbidden = Ein Fall im Zustand „{ $state }“ kann nicht { $sentence-what } werden: { $sentence }
sentence-what-approved = freigegeben
sentence-what-withdrawn = zurückgezogen
sentence-what-cancelled = abgebrochen
sentence-what-held = angehalten
sentence-what-released = weitergeführt
sentence-what-retried = erneut versucht
sentence-what-resolved = als erledigt geschlossen
sentence-what-stopped = gestoppt
sentence-what-carried-out = ausgeführt
sentence-what-erased = gelöscht
sentence-closed = Er ist geschlossen.
sentence-accepted = Atlassian hat die Löschung angenommen; sie ist endgültig.
sentence-accepted-already = Atlassian hat die Löschung bereits angenommen.
sentence-observes = Der Dienst beobachtet nur. Setzen Sie zuerst mode = "enforce".
sentence-awaits-approval = Er wartet auf eine Freigabe. Geben Sie ihn frei.
sentence-braked = Die Bremse hält ihn an. Lösen Sie die Bremse der Quelle.
sentence-not-held = Er ist nicht angehalten.
sentence-not-braked = Keine Bremse hält ihn an.
sentence-nothing-failed = Nichts ist fehlgeschlagen.
sentence-no-decision = Er wartet auf keine Entscheidung.
sentence-no-approval = Diese Aktion braucht bei ihm keine Freigabe.
sentence-was-stopped = Er wurde gestoppt; es ist nichts geplant.
sentence-revoked-already = Der Zugriff ist bereits entzogen.
sentence-no-revoke = Es ist kein Entzug des Zugriffs geplant.
sentence-no-deletion = Es ist keine Löschung geplant.
sentence-not-yet = Seine Zeit ist noch nicht gekommen.
sentence-own = Wer einen Fall selbst eröffnet hat, darf ihn nicht freigeben.
sentence-too-late = Es ist zu spät: Der Aufruf bei Atlassian läuft gerade.
sentence-changed-set = Die Auswahl hat sich geändert: Sie hat jetzt { $cases } Fälle und die Prüfsumme { $digest }. Prüfen Sie sie noch einmal.
sentence-changed-list = Die Liste hat sich geändert, seit Sie sie gesehen haben: Jetzt sind { $cases } Fälle angehalten, mit der Prüfsumme { $digest }.
sentence-token-changed = Das Token wurde nach { $done } von { $cases } Fällen geändert oder entfernt. Die anderen sind unverändert; wiederholen Sie die Aktion.
sentence-brake-empty = Die Bremse dieser Quelle hält nichts an.
sentence-brake-no-case = Die Bremse dieser Quelle hält keinen Fall an.
sentence-busy = Zu einem dieser Fälle läuft gerade ein Aufruf bei Atlassian. Versuchen Sie es gleich noch einmal.
sentence-fence-changed = Die Befunde oder die offenen Fälle haben sich seit der Prüfung geändert. Prüfen Sie sie noch einmal.
sentence-link-invalid = Dieser Link ist ungültig. Öffnen Sie den Fall in der Konsole.
sentence-link-expired = Dieser Link ist abgelaufen. Öffnen Sie den Fall in der Konsole.
sentence-link-used = Dieser Link wurde schon benutzt. Öffnen Sie den Fall in der Konsole.
sentence-already-open = Diese Person hat auf dieser Site schon einen offenen Fall: { $case }
sentence-approvers = Dieser Antrag braucht { $sentence-needed } von anderen Personen; in den Einstellungen gibt es { $sentence-others }. Ergänzen Sie [[admin.tokens]] mit der Rolle approver, oder lassen Sie jemand anderen den Antrag stellen.
sentence-one-approval = eine Freigabe
sentence-approvals = { $number } Freigaben
sentence-one-approver = eine andere Person, die freigeben darf
sentence-other-approvers = { $number } andere Personen, die freigeben dürfen
sentence-several-cases = Mehrere Fälle enden so. Geben Sie mehr von der Nummer ein.
sentence-several-of-address = Zu dieser Adresse gibt es mehrere offene Fälle. Nennen Sie einen mit seiner Nummer: { $cases }
sentence-source-gone = Die Quelle { $source } ist nicht mehr eingerichtet.
sentence-expired = Der gespeicherte Inhalt ist abgelaufen. Lassen Sie den Anbieter die Zustellung erneut senden.
sentence-no-address-left = Die E-Mail-Adresse dieses Falls ist nicht bekannt oder wurde beim Schließen vernichtet.
sentence-site-answer = Die Site hat nicht wie erwartet geantwortet: { $sentence }

# Unbrauchbare Werte.

sentence-one-of = Möglich sind: { $words }
sentence-unknown-parameter = unbekannt oder mehrfach angegeben
sentence-a-text = Hier fehlt ein Text.
sentence-filter = Mindestens eines davon ist nötig: { $words }
sentence-no-site = Diese Site gibt es nicht.
sentence-no-source = Diese Quelle gibt es nicht.
sentence-no-policy = Es ist keine Richtlinie eingerichtet. Ergänzen Sie [policies.NAME] in den Einstellungen.
sentence-not-an-address = keine E-Mail-Adresse
sentence-person-id = Eine Personalnummer hat 1 bis 256 Bytes und keine Steuerzeichen.
sentence-name = Ein Name hat 1 bis 64 Buchstaben, Ziffern, - oder _.
sentence-later = Das Ende muss nach dem Beginn liegen.
sentence-day = Erwartet wird ein Datum wie 2026-01-31 oder ein Zeitpunkt mit Zone wie 2026-01-31T12:00:00Z.
sentence-day-required = Hier fehlt ein Datum oder ein Zeitpunkt mit Zone.
sentence-when = Erwartet wird ein Datum (2026-12-31) oder ein Zeitpunkt.

# Dateien mit Austritten.

sentence-not-utf8 = Die Datei ist kein UTF-8-Text. Exportieren Sie sie als „CSV UTF-8“.
sentence-empty-file = Die Datei ist leer. Die erste Zeile nennt die Spalten.
sentence-no-column = In der ersten Zeile fehlt die Spalte „{ $name }“. Sie muss die Spalten nennen, darunter { $same }.
sentence-too-many-rows = Die Datei hat mehr als { $number } Zeilen. Teilen Sie sie auf.
sentence-file-too-large = Die Datei ist zu groß. Möglich sind höchstens 16 MiB.
sentence-long-value = Ein Wert ist zu lang. Fehlt ein Anführungszeichen?
sentence-bad-quotes = Ein Anführungszeichen fehlt oder ist nicht verdoppelt.
sentence-joined-rows = Eine E-Mail-Adresse steht in einem Wert, der bis Zeile { $number } reicht. Fehlt ein Anführungszeichen?
sentence-bad-row = Die Zeile ist nicht lesbar.
sentence-not-a-date = { $name }: kein Datum
sentence-column-address = { $name }: keine E-Mail-Adresse
sentence-ignores-departures = Die Richtlinie ignoriert Austritte. Schreiben Sie revoke, revoke_then_delete oder delete.
sentence-only-export = nur für den Export von Atlassian
sentence-roster-domain = Eine Liste der Bleibenden braucht die Domain, deren Kunden sie nennt.
sentence-incomplete-roster = Die Liste nennt weniger Personen, als sie austreten ließe. Ist sie vollständig?

# Warum ein Fall eine Entscheidung braucht.

sentence-ambiguous = Mehr als ein Kundenkonto hat diese Adresse. Entscheiden Sie, welches es ist, und bearbeiten Sie es von Hand.
sentence-not-a-customer = Das einzige Konto mit dieser Adresse gehört keinem Portalkunden; es wird anderswo verwaltet.
sentence-protected = Die Adresse oder das Konto steht auf der Schutzliste der Site.
sentence-hidden-address = Ein Konto, das der Person gehören kann, verbirgt seine Adresse; sie lässt sich deshalb nicht bestätigen.
sentence-other-address = Das Konto hat jetzt eine andere Adresse als die Person.
sentence-regranted = Der Zugriff wurde nach dem Entziehen von Hand wieder gewährt.
sentence-no-email = Die Quelle nannte keine Adresse, und zu dieser Person ist keine bekannt. Lesen Sie erneut, sobald es eine gibt.
sentence-repeated = Die Quelle hat denselben Inhalt noch einmal gesendet. Seitdem wurde ein anderes Ereignis zu dieser Person wirksam, und keine signierte Zeit belegt, dass er neu ist: ein zweiter Austritt oder eine wiederholte Aufzeichnung. Geht die Person, lesen Sie erneut; sonst brechen Sie den Fall ab.
sentence-migrated = Das Kundenkonto gibt es nicht mehr, und ein aktives Atlassian-Konto hat dieselbe Adresse: Es wurde umgewandelt, nicht gelöscht. Atlassian-Konten werden im Verzeichnis der Organisation verwaltet.
sentence-renamed-found = Kein Konto hat die Adresse des Austritts, aber ein Konto hat eine frühere Adresse dieser Person. Gehört es ihr, eröffnen Sie einen Fall für die frühere Adresse und schließen Sie diesen als erledigt; sonst brechen Sie ihn ab.
sentence-renamed-missing = Kein Konto hat die Adresse des Austritts, und auch keines eine frühere Adresse dieser Person. Finden Sie ihr Konto unter der früheren Adresse doch, eröffnen Sie dafür einen Fall und schließen Sie diesen als erledigt; sonst brechen Sie ihn ab.
sentence-many-hidden = Kein Konto zeigt diese Adresse, aber { $hidden } der { $customers } Kunden der Site verbergen ihre vor unseren Zugangsdaten. Die Berechtigung read:email-address:jira macht sie sichtbar. Lesen Sie danach erneut, oder suchen Sie die Adresse in der Administration.
sentence-shared = Bei der Quelle hat eine andere Person dieselbe Adresse und ist nicht ausgetreten: Ein doppelter Datensatz wurde gelöscht, oder zwei Personen teilen sich ein Postfach. Soll das Konto trotzdem entfernt werden, lesen Sie erneut; sonst brechen Sie den Fall ab.
sentence-stopped-since = Seit dem Austritt hat die Quelle die bekannt gewordene Adresse als die einer anwesenden Person gemeldet, oder ihr Fall wurde von Hand gestoppt. Soll das Konto trotzdem entfernt werden, lesen Sie erneut; sonst brechen Sie den Fall ab.
sentence-has-case = Die E-Mail-Adresse dieser Person wurde bekannt, und dazu ist schon ein anderer Fall offen. Deckt er diesen ab, brechen Sie diesen ab.
sentence-in-use = Nach dem Austritt hat die Quelle diese Adresse als die einer Person gemeldet, die nicht ausgetreten ist. Soll das Konto trotzdem entfernt werden, lesen Sie erneut; sonst brechen Sie den Fall ab.
sentence-sources-disagree = Eine andere Quelle als die, die den Fall eröffnet hat, meldet die Person als anwesend. Ist sie trotzdem ausgetreten, lesen Sie erneut; sonst brechen Sie den Fall ab.
sentence-grant-needed = Gewähren Sie den Zugriff wieder von Hand: admin.atlassian.com → Apps → die Site → Jira Service Management → Portal-only customers → ⋯ → Grant access. Der Fall schließt sich danach von selbst.
sentence-erased-again = Es gibt wieder ein Konto mit einer gelöschten E-Mail-Adresse. „Erneut lesen“ entzieht ihm den Zugriff, „Fall abbrechen“ lässt es bestehen.

# Aufrufe bei Atlassian.

sentence-call-only = { $code }; die Zugangsdaten selbst funktionieren: { $sentence }
sentence-call-anonymous = { $code }, aber die Site behandelt die Anfrage als anonym (X-Seraph-LoginReason): { $sentence }
sentence-anonymous = Die Site behandelt die Anfrage als anonym: { $sentence }
sentence-too-many = Zu viele Anfragen.
sentence-failed = Fehler bei Atlassian.
sentence-slow-list = Das Auflisten der Nutzer dauerte bei Atlassian zu lange.
sentence-oauth-refused = ID oder Geheimnis des OAuth-Clients werden abgelehnt. Erstellen Sie neue Zugangsdaten für das Dienstkonto, legen Sie sie dort ab, wo die Einstellungen sie lesen, und setzen Sie die Site fort.
sentence-unexpected = Unerwartete Antwort.
sentence-may-be-account = Bei anderen Konten gelingt derselbe Aufruf; nur dieses Konto wird abgelehnt. Sehen Sie es sich in der Administration an. Liegt es nicht am Konto, braucht der Aufruf { $sentence }.
sentence-may-not = Das eingerichtete Konto darf diesen Aufruf nicht machen. Es braucht { $sentence }.
sentence-denied = Zugriff verweigert (403): Das eingerichtete Konto braucht { $sentence }.
sentence-scope = Dem Token fehlt eine Berechtigung (Scope). Der Aufruf braucht { $sentence }.
sentence-new-credentials = Die Zugangsdaten werden abgelehnt: Sie sind falsch, abgelaufen (API-Tokens gelten höchstens ein Jahr) oder widerrufen. Erstellen Sie ein neues Token, legen Sie es dort ab, wo die Einstellungen es lesen, und setzen Sie die Site fort. Ein Token mit Scopes funktioniert nur mit via = "gateway".
sentence-browse = Unserem Konto fehlt die Berechtigung „Browse users and groups“.
sentence-allowlist = Die IP-Freigabeliste der Organisation weist diesen Rechner ab. Ergänzen Sie seine IP-Adresse unter admin.atlassian.com → Security → IP allowlists.
sentence-captcha = Atlassian verlangt nach fehlgeschlagenen Anmeldungen ein CAPTCHA. Melden Sie sich einmal mit dem eingerichteten Konto im Browser an.
sentence-web-page = Statt der Antwort von Atlassian kam eine Webseite: Ein Proxy oder eine IP-Freigabeliste zwischen uns und Atlassian weist den Aufruf ab.
sentence-redirect = Eine Weiterleitung, der nicht gefolgt wird: Die Site ist umgezogen, oder ihre URL ist falsch. Beginnt sie mit https, und heißt die Site noch so?
sentence-proxy = Ein Proxy verlangt Zugangsdaten. Prüfen Sie HTTPS_PROXY.
sentence-api-removed = Diese API gibt es nicht mehr.
sentence-no-api = Unter der URL oder dem Gateway der Site gibt es keine solche API: Die Site ist gesperrt, umgezogen oder nicht die, die die Einstellungen meinen.
sentence-maintenance = Die Seite eines Proxys oder einer Site in Wartung.
sentence-login-page = Statt einer Antwort kam eine Webseite: eine Anmeldung, eine Wartungsseite oder ein Proxy. Unter der URL der Site gibt es keine solche API.
sentence-unreadable = Die Antwort ist nicht lesbar: { $sentence }
sentence-unreadable-json = Fehler ({ $kind }) in Zeile { $line }, Spalte { $column }.
sentence-endless-users = Die Liste der Nutzer endet nicht.
sentence-endless-list = Die Liste endet nicht.
sentence-another-account = Sie betrifft ein anderes Konto.
sentence-account-incomplete = Bei einem Konto fehlt die ID oder die Angabe, ob es aktiv ist.
sentence-no-cloud-id = Die Cloud-ID ist leer.
sentence-bad-credentials = Die Zugangsdaten enthalten Zeichen, die in keinem Header stehen dürfen. Ist ein Zeilenumbruch darin?
sentence-bad-characters = Die Zugangsdaten enthalten Zeichen, die in keinem Header stehen dürfen.
sentence-timeout = Keine Antwort in der vorgesehenen Zeit.
sentence-cannot-connect = Keine Verbindung: { $cause }
sentence-broke = Die Verbindung brach ab, bevor die Antwort vollständig war.
sentence-too-long = Die Antwort ist länger, als eine sein sollte.
sentence-deferred = Aufgeschoben, um unter den Grenzwerten dieses Endpunkts zu bleiben.
sentence-not-called = nicht aufgerufen: { $sentence }
sentence-lacks-cloud-id = In den Einstellungen fehlt die cloud_id der Site, die für Aufrufe über das Gateway nötig ist.
sentence-bad-id = Die ID in der Anfrage ist leer oder ungültig.
sentence-wrong-cloud-id = sites.{ $site }.cloud_id gehört zu einer anderen Site; die dieser Site ist { $id }.
sentence-attempt-too-long = Der Versuch dauerte zu lange.
sentence-deleted-again = Die Löschung wurde wieder angenommen, aber das Konto ist noch lesbar.
sentence-still-has = Das Konto ist unter seiner ID nicht lesbar, aber Customer Service Management hat es noch.
sentence-still-readable = Die Löschung fand das Konto nicht, aber es ist noch lesbar.
sentence-still-listed = Das Konto ist unter seiner ID nicht lesbar, steht aber noch als aktiv in der Liste der Nutzer.
sentence-unread-after = Der Zugriff wurde entzogen, aber das Konto ist danach nicht lesbar.
sentence-still-active = Das Entziehen wurde angenommen, aber das Konto ist laut Gegenprobe noch aktiv.
sentence-read-again = Das Konto ist nicht lesbar; es wird noch einmal gelesen.
sentence-read-once-more = Das Konto ist nicht lesbar; es wird noch einmal gelesen.
sentence-record-missing = Der Datensatz des Kontos ist im Moment nicht verfügbar; er wird noch einmal gelesen.
sentence-search-again = Noch hat kein Konto diese E-Mail-Adresse; die Suche wird wiederholt.
sentence-listed-without-access = Das Konto ist unter seiner ID nicht lesbar, steht aber noch ohne Zugriff in der Liste der Nutzer.
sentence-open-deletion = Die angeforderte Löschung kann noch ausgeführt werden.
sentence-open-revoke = Das angeforderte Entziehen kann noch ausgeführt werden.
sentence-no-grant-yet = Der Zugriff ist noch nicht wieder gewährt.
sentence-account-gone = Das Konto gibt es nicht mehr, also lässt sich der Zugriff nicht wieder gewähren. Laden Sie die Person neu ein.
sentence-interrupted = Der Dienst wurde mitten in diesem Versuch beendet.
sentence-lost-after-revoke = Der Zugriff wurde entzogen; seitdem ist das Konto weder unter seiner ID noch in der Liste der Nutzer zu finden. Ob es entzogen oder gelöscht wurde, ist nicht bekannt. Suchen Sie es in der Administration unter seiner Adresse.
sentence-nothing-to-revoke = Atlassian kennt keinen solchen Kunden, dem der Zugriff zu entziehen wäre; das Konto ist aber aktiv.
sentence-there-after-grace = Atlassian hat die Löschung angenommen, aber nach der Frist gibt es das Konto noch.
sentence-panic = Interner Fehler (panic). Sehen Sie im Log dieser Zeit nach, und melden Sie den Fehler.
sentence-clock-ahead = Uhr: Die Uhr dieses Rechners geht gegenüber der von Atlassian um { $time } vor. Stellen Sie sie richtig; die Site wird von selbst fortgesetzt.
sentence-clock-jumped = Uhr: Die Uhr dieses Rechners ist um { $time } vorgesprungen, und keine Antwort von Atlassian bestätigt die neue Zeit. Stellen Sie sie richtig, oder starten Sie offboardd neu, wenn die neue Zeit stimmt.
sentence-clock-behind = Uhr: Die Uhr dieses Rechners liegt um { $time } hinter dem neuesten Journaleintrag. Stellen Sie sie richtig; die Site wird von selbst fortgesetzt, sobald die Uhr diesen Eintrag erreicht hat oder mit der von Atlassian übereinstimmt.

# Was ein Aufruf braucht.

sentence-needs-browse = die globale Berechtigung „Browse users and groups“
sentence-needs-site-admin = die Rolle Site-Admin (OAuth und Tokens mit Scopes: den Scope manage:servicedesk-customer)
sentence-needs-administer-scoped = die globale Berechtigung „Administer Jira“, in manchen Organisationen die Rolle Organisations-Admin (OAuth und Tokens mit Scopes: den Scope write:customer:jira-service-management)
sentence-needs-jsm = Zugriff auf Jira Service Management (OAuth und Tokens mit Scopes: den Scope read:customer:jira-service-management)
sentence-needs-organization-admin = die Rolle Organisations-Admin oder, in manchen Organisationen, Site-Admin
sentence-needs-agent = die Rolle Agent in den Serviceprojekten
sentence-needs-project-admin = die Rolle Administrator der Serviceprojekte
sentence-needs-administer = die globale Berechtigung „Administer Jira“
sentence-needs-jira = Zugriff auf Jira
sentence-needs-nothing = nichts: Ein Proxy oder eine IP-Freigabeliste steht im Weg
sentence-needs-client = einen OAuth-Client, der nicht deaktiviert ist

# Abfragen beim Anbieter und Kundenlisten.

sentence-vendor-denied = Zugriff verweigert: Richten Sie Zugangsdaten ein, die Personen lesen dürfen.
sentence-vendor-failed = Fehler beim Anbieter.
sentence-vendor-redirect = Eine Weiterleitung, der nicht gefolgt wird: Korrigieren Sie die url.
sentence-vendor-rejected = Der Anbieter hat die Anfrage abgelehnt: Korrigieren Sie die Abfrage.
sentence-vendor-unreachable = Keine Verbindung zum Anbieter.
sentence-vendor-too-long = Die Antwort ist zu lang.
sentence-vendor-no-json = Die Antwort ist kein JSON: Zeile { $line }, Spalte { $column }.
sentence-vendor-no-url = Ihre url ergibt für diese Personalnummer keine Webadresse.
sentence-vendor-token = Das Token ist nicht lesbar.
sentence-vendor-client = ID oder Geheimnis des Clients werden abgelehnt, oder der Anbieter verlangt scope oder audience in auth.
sentence-vendor-client-scope = ID oder Geheimnis des Clients werden abgelehnt, oder scope oder audience passt nicht zum Anbieter.
sentence-lookup-limit = Die Zahl der Abfragen für diesen Tag ist erreicht; am nächsten Tag (UTC) geht es weiter.
sentence-no-organization = Die Site hat keine solche Organisation.
sentence-organizations = { $number } Organisationen der Site heißen so: Senden Sie die ID.

# Bremsen, Journal, Nachweise.

sentence-per-hour = In einer Stunde { $seen } Entzüge und Löschungen geplant; erlaubt sind { $allowed } (per_hour).
sentence-per-day = An einem Tag { $seen } Entzüge und Löschungen geplant; erlaubt sind { $allowed } (per_day).
sentence-burst = Weit mehr als sonst: { $seen } Entzüge und Löschungen geplant; nach den letzten 30 Tagen sind { $allowed } erlaubt (burst).
sentence-gap = Eintrag { $seq } fehlt; an seiner Stelle steht { $found }.
sentence-link-changed = Eintrag { $seq } folgt nicht aus dem vorigen: Einer von beiden wurde geändert.
sentence-entry-unreadable = Eintrag { $seq } ist nicht lesbar: Er wurde geändert.
sentence-entry-forged = Eintrag { $seq } wurde nicht mit dem Schlüssel dieser Datenbank geschrieben: Das Journal wurde neu geschrieben.
sentence-entry-rewritten = Eintrag { $seq } ist nicht der aufgezeichnete: Das Journal wurde neu geschrieben, oder es ist eine andere Datenbank.
sentence-journal-cut = Das Journal endet bei Eintrag { $seq }, aber aufgezeichnet wurde Eintrag { $recorded }: Die neuesten Einträge wurden abgeschnitten, oder die Datenbank ist eine ältere Kopie.
sentence-head-foreign = Die Aufzeichnung seines Endes neben der Datenbank wurde nicht mit diesem Schlüssel geschrieben.
sentence-case-changed = Zeilen: Fall { $id } wurde von fremder Hand geändert oder ist beschädigt.
sentence-case-older = Zeilen: Fall { $id } ist eine frühere Fassung: Das Journal nennt eine neuere.
sentence-case-key = Zeilen: Fall { $id } ist geschlossen und hat noch einen Schlüssel.
sentence-case-no-key = Zeilen: Fall { $id } hat seinen Schlüssel verloren.
sentence-case-foreign-key = Zeilen: Fall { $id } hat einen Schlüssel, der von fremder Hand geändert wurde oder beschädigt ist.
sentence-case-job = Zeilen: Fall { $id } und sein Job passen nicht zusammen: Ihm fehlt ein Job, oder er hat einen zu viel.
sentence-case-foreign-job = Zeilen: Fall { $id } hat einen Job, der von fremder Hand geändert wurde.
sentence-case-unreadable-job = Zeilen: Fall { $id } hat einen Job, der nicht lesbar ist.
sentence-case-deleted = Zeilen: Fall { $id } wurde von fremder Hand gelöscht.
sentence-removed = { $number } Zustellungen wurden nach ihrer Aufbewahrungszeit entfernt; die älteste gespeicherte ist von { $at }.
sentence-removed-all = { $number } Zustellungen wurden nach ihrer Aufbewahrungszeit entfernt; es ist keine gespeichert.
sentence-rows-sites = die Pausen der Sites
sentence-rows-paused-kinds = die Pausen von Aufrufen
sentence-rows-sources = die Pausen und Bremsen der Quellen
sentence-rows-holds = die angehaltenen Personen
sentence-rows-brake-holds = die von Bremsen angehaltenen Fälle
sentence-rows-brake-deferred = die von Bremsen aufgeschobenen Ereignisse
sentence-rows-fences = die Sperren
sentence-rows-secrets = die angenommenen Geheimnisse
sentence-rows-changed = Zeilen: Von fremder Hand geändert wurden { $sentence-subject } (Tabelle { $table }, { $found }).

# Die Antwort an eine Person, die ihre Löschung verlangt hat.

sentence-answer-of = Ihr Verlangen auf Löschung vom { $day-requested } haben wir erfüllt. { $sentence } Die personenbezogenen Daten, die dafür nötig waren, wurden am { $day-closed } gelöscht. Die Zeitpunkte der Löschung bewahren wir ohne Ihren Namen und Ihre E-Mail-Adresse auf, um sie nachweisen zu können.
sentence-answer = Ihr Verlangen auf Löschung haben wir erfüllt. { $sentence } Die personenbezogenen Daten, die dafür nötig waren, wurden am { $day-closed } gelöscht. Die Zeitpunkte der Löschung bewahren wir ohne Ihren Namen und Ihre E-Mail-Adresse auf, um sie nachweisen zu können.
sentence-answer-deleted-gone = Ihr Kundenkonto in unserem Helpdesk wurde am { $day-deleted } gelöscht; am { $day-gone } gab es das Konto nachweislich nicht mehr.
sentence-answer-deleted = Ihr Kundenkonto in unserem Helpdesk wurde am { $day-deleted } gelöscht.
sentence-answer-gone = Ihr Kundenkonto in unserem Helpdesk wurde gelöscht; am { $day-gone } gab es das Konto nachweislich nicht mehr.
sentence-answer-none = In unserem Helpdesk gibt es kein Kundenkonto mit Ihrer E-Mail-Adresse.
