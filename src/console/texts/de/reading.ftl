# Was aus einer Zustellung gelesen wird, und was folgt.

# Was nicht lesbar war: Die Stellen sind die der Zuordnung, und Einträge zählen ab 1.

problem-items = { $count ->
    [one] { $count } von { $all } Einträgen ist nicht lesbar: { $list }
   *[other] { $count } von { $all } Einträgen sind nicht lesbar: { $list }
}
problem-more = und { $more } weitere
problem-item = Eintrag { $item }, bei { $path }: erwartet wird { $expected }
problem-place = bei { $path }: erwartet wird { $expected }
problem-died-twice = Der Dienst ist beim Verarbeiten dieser Zustellung zweimal abgestürzt: Bitte melden Sie den Fehler.
problem-no-source = Die Quelle ist nicht mehr eingerichtet.
problem-no-delivery = Die Zustellung dieses Ereignisses ist nicht mehr gespeichert.
expected-person-id = eine Personalnummer, als Text oder ganze Zahl
expected-address = eine E-Mail-Adresse
expected-date = ein Datum
expected-iso-date = ein Datum: Es sieht nach ISO 8601 aus, was date_format ausschließt. Entfernen Sie den Schlüssel, oder ergänzen Sie "%Y-%m-%d"
expected-slashed-date = ein Datum: Schreiben Sie date_format = "%m/%d/%Y" (Monat zuerst) oder "%d/%m/%Y" (Tag zuerst)
expected-dotted-date = ein Datum: Schreiben Sie date_format = "%d.%m.%Y"
expected-dashed-date = ein Datum: Schreiben Sie date_format = "%m-%d-%Y" (Monat zuerst) oder "%d-%m-%Y" (Tag zuerst)
expected-year-first-date = ein Datum: Schreiben Sie date_format = "%Y/%m/%d"
expected-last-day = ein letzter Tag zwischen 1970 und 2200. Daten wie 0001-01-01, 1900-01-01 und 9999-12-31 bedeuten keinen Tag; dafür bleibt das Feld weg, ist null oder 0000-00-00
expected-time = ein Zeitpunkt
expected-company = die Domain oder die Organisation einer Firma
expected-domain = eine Domain wie kunde.example
expected-one-company = eine Domain oder eine Organisation, nicht beides
expected-old-address = die alte Adresse oder eine Personalnummer, zu der sie bekannt ist
expected-id-or-address = eine Personalnummer oder eine E-Mail-Adresse
expected-known-word = ein Wort, das in der Tabelle types steht. Ergänzen Sie das neue dort, als departed, profile oder ignored
expected-known-type = eine Ereignisart, die die Zuordnung kennt
expected-json = JSON; der Inhalt bricht in Zeile { $first }, Spalte { $second } ab
expected-charset = ein Inhalt in UTF-8, UTF-16, ISO-8859-1 oder Windows-1252
expected-utf8 = UTF-8; ab Byte { $first } ist er das nicht
expected-utf16 = UTF-16, wie es die ersten Bytes oder der Content-Type angeben
expected-items = die Liste der Einträge
expected-fewer-items = eine Liste von höchstens { $first } Einträgen; es sind { $second }

# Warum ein Ereignis keine Wirkung hatte, oder nur einen Teil davon.

reason-older = Zu dieser Person ist bereits Neueres bekannt.
reason-same-fact = Dasselbe ist schon bekannt.
reason-policy = Die Richtlinie ignoriert Ereignisse dieser Art.
reason-no-open-case = Es gibt keinen offenen Fall, den es stoppen könnte.
reason-already-so = Der Fall ist schon in diesem Zustand, oder für eine Änderung ist es zu spät.
reason-remembered = Es sagt nur, welche Nummer und welche Adresse zusammengehören; das ist gespeichert.
reason-not-ours = Es geht um keinen Austritt.
reason-shared-address = Eine andere Person dieser Quelle hat dieselbe Adresse und ist nicht ausgetreten.
reason-address-in-use = Die frühere Adresse gehört jetzt jemandem aus dieser Quelle.
reason-duplicate = Derselbe Inhalt kam schon einmal an, und seitdem wurde nichts anderes zu dieser Person wirksam.
reason-repeated = Derselbe Inhalt kam schon einmal an, und der Fall wartet bereits auf eine Entscheidung.
reason-customers-are-listed = Die Kunden der Firma werden ermittelt; jeder erhält einen Fall.
reason-source-is-frozen = Die Quelle ist eingefroren: Der Fall wird angehalten, bis die Bremse gelöst ist.

# Was die jetzigen Einstellungen tun würden.

rule-holds = die Regel { $condition } trifft zu
rule-word = { $place } ist { $word }
rule-skipped = skip_item überspringt ihn: { $condition }
rule-unknown = die Zuordnung kennt kein solches Ereignis
rule-event = { $why }: { $event }
rule-without-id = { $why }: { $event }, aber ohne Nummer oder ohne Adresse
rule-same-address = { $why }: { $event }, aber auf dieselbe Adresse
explain-item = Eintrag
then-unreadable = Die Zustellung wird als nicht lesbar gespeichert, wartet auf Sie und kann erneut verarbeitet werden.
then-ignored = Nichts: Das Ereignis ist nicht von Belang oder unvollständig.
then-ignored-preset = Nichts: Das Ereignis ist nicht von Belang oder unvollständig. Der Befehl offboardd preset show { $preset } nennt die Ereignisse.
then-ignored-policy = Nichts: Die Richtlinie ignoriert dieses Ereignis ({ $event }).
then-address-stored = Die E-Mail-Adresse zu dieser Nummer wird gespeichert.
then-stops = Ein offener Fall dieser Person wird gestoppt. Vor dem Entziehen wird er abgebrochen; danach entfällt die Löschung, und der Zugriff muss von Hand wieder gewährt werden; in der Atlassian-Frist ist es zu spät.
then-nothing = Ohne offenen Fall geschieht nichts.
then-each-customer = Die Kunden der Firma auf der Site werden ermittelt; jeder wird wie ein einzelner Austritt behandelt.
then-old-address = Es geht um das Konto der alten Adresse. Die neue Adresse bleibt immer unberührt.
then-stored-old-address = Das Ereignis nennt keine alte Adresse: Verwendet wird die zu dieser Nummer gespeicherte. Gibt es keine, braucht der Fall Ihre Entscheidung.
then-stored-address = Das Ereignis nennt keine E-Mail-Adresse: Verwendet wird die zu dieser Nummer gespeicherte. Gibt es keine, braucht der Fall Ihre Entscheidung.
then-stored-address-lookup = Das Ereignis nennt keine E-Mail-Adresse: Verwendet wird die zu dieser Nummer gespeicherte. Gibt es keine, wird der Anbieter abgefragt; ohne Ergebnis braucht der Fall Ihre Entscheidung.
then-stored-address-preset = Das Ereignis nennt keine E-Mail-Adresse: Verwendet wird die zu dieser Nummer gespeicherte. Gibt es keine, wird der Anbieter abgefragt, sofern [sources.NAME.lookup] eingerichtet ist; sonst braucht der Fall Ihre Entscheidung.
then-policy = Die Richtlinie sagt: { $event } → { $action }.
then-effective-arrival = Wirksam { $at }: Das Ereignis hat kein Datum und wirkt deshalb bei seinem Eingang.
then-effective-instant = Wirksam { $at }: der angegebene Zeitpunkt.
then-effective-time = Wirksam { $at }: die angegebene Zeit in { $zone }.
then-effective-start = Wirksam { $at }: der Beginn des angegebenen Tages in { $zone }.
then-effective-end = Wirksam { $at }: das Ende des angegebenen Tages in { $zone }.
then-revoked = { $count ->
    [0] Der Zugriff wird ohne Freigabe entzogen.
    [one] Der Zugriff wird nach einer Freigabe entzogen.
   *[other] Der Zugriff wird nach { $count } Freigaben verschiedener Personen entzogen.
}
then-detached = Danach wird das Konto entfernt aus: { $from }.
detach-organizations = Kundenorganisationen
detach-service_desks = Kundenlisten geschlossener Service Desks
detach-participants = offene Anfragen anderer
then-deleted = { $count ->
    [0] Das Konto wird ohne Freigabe gelöscht, nicht vor { $at }.
    [one] Das Konto wird nach einer Freigabe gelöscht, nicht vor { $at }.
   *[other] Das Konto wird nach { $count } Freigaben verschiedener Personen gelöscht, nicht vor { $at }.
}
then-deleted-later = { $count ->
    [0] Nach der Karenzzeit wird das Konto ohne Freigabe gelöscht, nicht vor { $at }.
    [one] Nach der Karenzzeit wird das Konto nach einer Freigabe gelöscht, nicht vor { $at }.
   *[other] Nach der Karenzzeit wird das Konto nach { $count } Freigaben verschiedener Personen gelöscht, nicht vor { $at }.
}
then-brake = Die Bremse hält alle Fälle dieser Quelle an, sobald es mehr als { $hour } in einer Stunde oder { $day } an einem Tag sind.
then-observed = Der Modus ist „observe“: Die Schritte werden geplant und angehalten, und bei Atlassian wird nichts geändert.
