#!/bin/sh
# Copies offboardd.db.keys to another machine: the secrets without which neither a replica nor a backup opens. Run it by a
# timer once an hour; it copies when the file has changed, and deletes the secrets there that were deleted here.
#
#   periods.sh DATABASE TARGET        TARGET is a path, for instance on a mounted share of another machine
set -eu
umask 077
from=$1.keys to=$2
cmp -s "$from" "$to" && exit 0
cp "$from" "$to.new"
mv "$to.new" "$to"
