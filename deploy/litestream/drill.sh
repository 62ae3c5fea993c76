#!/bin/sh
# Proves that the replica can be restored: fetches it into a folder of its own, puts it back there as after a disaster, and
# verifies it. Touches neither the database nor the replica, and may run beside the daemon.
#
#   drill.sh DATABASE STORE_KEY PERIODS [SEQ:LINK]
#
# DATABASE   its path in the configuration of Litestream, which LITESTREAM_CONFIG names
# STORE_KEY  the file of store.key, from the place where it is kept for a disaster
# PERIODS    the copy of offboardd.db.keys, likewise
# SEQ:LINK   an entry of the journal that must be there, as the daemon logs it at its start and every hour
set -eu
umask 077
database=$1 store_key=$2 periods=$3 expected=${4:-}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

litestream restore -config "${LITESTREAM_CONFIG:-/etc/litestream.yml}" -integrity-check full -o "$work/replica.db" "$database"

cp "$store_key" "$work/store-key"
cp "$periods" "$work/replica.db.keys"
cat > "$work/offboardd.toml" <<SETTINGS
[store]
url = "sqlite:$work/drill.db"
key = { file = "$work/store-key" }
SETTINGS

# Fails if the file is damaged, if the key is another one, or if the data of an open case cannot be read.
offboardd restore --config "$work/offboardd.toml" "$work/replica.db" > "$work/restored"
head -n 1 "$work/restored"
# Fails if an entry is missing or changed, and if a row that decides was changed.
offboardd journal verify --config "$work/offboardd.toml" ${expected:+--expect "$expected"}
