#!/bin/sh
# The job: three steps into a target that looks at the fencing token. Any refusal ends it.
set -eu
step() {
  node "$EXAMPLE_SUPPORT/fenced-target.ts" append "$EXAMPLE_PLACE/report.db" \
    report "$LOCKD_FENCING_TOKEN" "$1 by $JOB"
}
step begin
touch "$EXAMPLE_PLACE/begun-$JOB"
sleep "${JOB_SECONDS:-0}"
step work
step end
