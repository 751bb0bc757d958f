#!/bin/sh
# Handles one message: the payload is standard input. Exit code 0: done for good.
set -eu
order=$(cat)
case $order in *broken*) echo "cannot read $order" >&2; exit 1 ;; esac
touch "$EXAMPLE_PLACE/begun"
# A message may come twice. Writing under its own id makes that harmless, and the token of its
# delivery keeps a worker that was given up from writing over the one that took its place.
node "$EXAMPLE_SUPPORT/fenced-target.ts" put "$EXAMPLE_PLACE/orders.db" \
  "$LOCKD_QUEUE_MESSAGE_ID" "$LOCKD_QUEUE_FENCING_TOKEN" "$order"
