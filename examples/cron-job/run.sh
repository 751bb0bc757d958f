#!/bin/sh
# Two machines have the same cron table; the job runs once, and survives the death of its machine.
. "$(dirname "$0")/../support/place.sh"
job="$examples/cron-job/nightly.sh"

# In the cron table: lockd run nightly --no-wait --ttl 1m -- ./nightly.sh
JOB=first JOB_SECONDS=60 lockd run nightly --no-wait --ttl 3s --quiet -- sh "$job" &
first=$!
until_file "$place/begun-first"

code=0
JOB=second lockd run nightly --no-wait --quiet -- sh "$job" 2>/dev/null || code=$?
check "the second machine finds the job running: exit code 5" [ "$code" = 5 ]

kill -9 "$first" # the first machine dies in the middle of the job
wait "$first" 2>/dev/null || true
JOB=third lockd run nightly --wait 50s --ttl 30s --quiet -- sh "$job"

target show "$place/report.db" >"$place/report"
cat "$place/report"
check "the third start did all of it, under a higher token" \
  grep -q "report 2 end by third" "$place/report"
check "of the first only the beginning is there: it was dead before the third began" \
  [ "$(grep -c 'by first' "$place/report")" = 1 ]
check "a late write under the first token is refused by the target" \
  sh -c '! node "$EXAMPLE_SUPPORT/fenced-target.ts" append "$EXAMPLE_PLACE/report.db" report 1 late 2>/dev/null'
echo ok
