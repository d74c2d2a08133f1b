#!/bin/sh
# Enrolls once with the token that the setup left for this site, then runs.
set -eu
token=/run/weft/tokens/$WEFT_SITE
if [ ! -e /var/lib/weft-edge/enrolled ]; then
  weft-edge enroll --controller "$WEFT_CONTROLLER" --token "$(cat "$token")"
  touch /var/lib/weft-edge/enrolled
fi
exec weft-edge run
