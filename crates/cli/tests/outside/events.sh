#!/bin/sh
# Follows the events of a world with `curl -N` until the world is deleted. ADMIN is the base URL of the admin API.
set -eu
A="$ADMIN/_sandbox/v1"
out=$(mktemp)
trap 'rm -f "$out"' EXIT

curl -sS -o /dev/null -d '{"id":"followed"}' "$A/worlds"
curl -sS -N --max-time 60 "$A/events?world=followed" > "$out" &
follower=$!
# Wait until the stream is open: otherwise it would miss the next events.
until grep -q '^retry: ' "$out"; do sleep 0.05; done
for mode in real frozen frozen; do
    curl -sS -o /dev/null -d "{\"mode\":\"$mode\"}" "$A/clock/mode?world=followed"
done
# Events must arrive while the stream is open.
until grep -q '^id: [0-9]*-3$' "$out"; do sleep 0.05; done
curl -sS -o /dev/null -X DELETE "$A/worlds/followed"
code=0
wait "$follower" || code=$?
cat "$out"
echo "curl ended with $code"
