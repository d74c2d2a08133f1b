#!/bin/sh
# Makes the passwords of this fabric once. They are read by the controller, Postgres and the setup, all of which run in containers.
set -eu
cd /run/weft/credentials
umask 0022
for name in admin-password postgres-password; do
  [ -s "$name" ] || head -c 24 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n' > "$name"
done
