#!/bin/sh
# Follows a world by `curl -N` while things happen in it, and until it is gone. ADMIN is the admin API's root.
set -eu
A="$ADMIN/_sandbox/v1"
out=$(mktemp)
trap 'rm -f "$out"' EXIT

curl -sS -o /dev/null -d '{"id":"followed"}' "$A/worlds"
curl -sS -N --max-time 60 "$A/events?world=followed" > "$out" &
follower=$!
# Not before it is heard, or what happens next would be before it.
until grep -q '^retry: ' "$out"; do sleep 0.05; done
for mode in real frozen frozen; do
    curl -sS -o /dev/null -d "{\"mode\":\"$mode\"}" "$A/clock/mode?world=followed"
done
# Each is written as it happens, and not only at the end.
until grep -q '^id: [0-9]*-3$' "$out"; do sleep 0.05; done
curl -sS -o /dev/null -X DELETE "$A/worlds/followed"
code=0
wait "$follower" || code=$?
cat "$out"
echo "curl ended with $code"
