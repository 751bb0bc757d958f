#!/bin/sh
# Eight orders, one of them broken; a worker is killed in the middle, and nothing is lost.
. "$(dirname "$0")/../support/place.sh"
handle="$examples/work-queue/handle.sh"

for n in 1 2 3 4 5 6 7 broken; do
  printf '{"payload": "order %s", "dedupe_key": "order-%s", "max_attempts": 2}\n' "$n" "$n"
done >"$place/orders.jsonl"
lockd enqueue orders --jsonl "$place/orders.jsonl" >/dev/null
lockd enqueue orders --jsonl "$place/orders.jsonl" >/dev/null # was it sent? send it again
check "enqueued twice, every order is there once" \
  sh -c 'lockd queue ls --json | grep -q "\"ready\": 8"'

lockd work orders --concurrency 2 --visibility 3s -- sh "$handle" 2>"$place/first.log" &
first=$!
until_file "$place/begun"
kill -9 "$first" # in the middle of some order
wait "$first" 2>/dev/null || true
lockd work orders --concurrency 2 --visibility 3s --idle-exit 5s -- sh "$handle" 2>"$place/second.log"

target show "$place/orders.db" >"$place/orders"
cat "$place/orders"
check "every good order was handled, and stands there once" \
  [ "$(sed 's/.* order/order/' "$place/orders" | sort | tr '\n' ' ')" = \
  "order 1 order 2 order 3 order 4 order 5 order 6 order 7 " ]
check "the broken one is a dead letter, with the reason" \
  sh -c 'lockd queue dlq ls orders --json | grep -q "exit status 1"'
check "nothing else is left" sh -c 'lockd queue ls --json | grep -q "\"in_flight\": 0"'
echo ok
