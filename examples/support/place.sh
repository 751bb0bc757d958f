# Sourced by the examples in shell: a directory of their own, `lockd` by its name, and a verdict.
set -eu
place=$(mktemp -d "${TMPDIR:-/tmp}/lockd-example-XXXXXX")
examples=$(cd "$(dirname "$0")/.." && pwd)
export LOCKD_CONFIG_DIR="$place/config" EXAMPLE_PLACE="$place" EXAMPLE_SUPPORT="$examples/support"
unset LOCKD_CLIENT_SERVER LOCKD_STORE LOCKD_CLIENT_STORE 2>/dev/null || true

# This checkout's lockd, whatever is installed.
mkdir "$place/bin"
printf '#!/bin/sh\nexec node "%s/../bin/lockd.js" "$@"\n' "$examples" >"$place/bin/lockd"
chmod +x "$place/bin/lockd"
export PATH="$place/bin:$PATH"

# Whatever happened: nothing of an example is left running.
leave() { code=$?; trap - EXIT; kill $(jobs -p) 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$place"; exit "$code"; }
trap leave EXIT
trap 'exit 143' INT TERM

check() { # check "what should hold" COMMAND...
  sentence=$1; shift
  if "$@"; then echo "checked: $sentence"; else echo "this should hold, and does not: $sentence" >&2; exit 1; fi
}

until_file() { # waits until a file is there, a minute at most
  for _ in $(seq 600); do [ -e "$1" ] && return; sleep 0.1; done
  echo "$1 never came" >&2; exit 1
}

target() { node "$EXAMPLE_SUPPORT/fenced-target.ts" "$@"; }
