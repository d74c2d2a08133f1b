#!/bin/sh
set -eu
DATABASE_URL="postgres://weft:$(cat /run/weft/credentials/postgres-password)@postgres:5432/weft"
WEFT_ADMIN_PASSWORD=$(cat /run/weft/credentials/admin-password)
export DATABASE_URL WEFT_ADMIN_PASSWORD
exec node /weft/apps/controller/dist/main.js
