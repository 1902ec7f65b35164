// Follows the server-sent events of a world with Node's fetch.
//
//     node events.mjs ADMIN_URL

import assert from "node:assert/strict";

const root = `${process.argv[2]}/_sandbox/v1`;

async function call(method, path, body) {
  const answer = await fetch(root + path, { method, body: body && JSON.stringify(body) });
  assert(answer.ok, await answer.clone().text());
  return answer.json();
}

/** Yields the numbers of the events until the stream ends. */
async function* follow(world, headers = {}) {
  const answer = await fetch(`${root}/events?world=${world}`, { headers });
  assert.equal(answer.headers.get("content-type"), "text/event-stream");
  let rest = "";
  for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {
    const events = (rest + piece).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const data = event.match(/^data: (.*)$/m);
      if (!data) continue;
      const entry = JSON.parse(data[1]);
      assert.match(event, new RegExp(`^id: \\d+-${entry.sequence}\nevent: ${entry.kind}\n`, "m"));
      yield entry.sequence;
    }
  }
  assert.equal(rest, "", "the stream ended inside an event");
}

const { id: world } = await call("POST", "/worlds", {});
const change = () => call("POST", `/clock/mode?world=${world}`, { mode: "frozen" });

// A client can request the events from before it connected.
await change();
await change();
const first = follow(world, { "Last-Event-ID": "0" });
assert.deepEqual([(await first.next()).value, (await first.next()).value], [1, 2]);
await first.return();

// A client that reconnects receives the missed events, then new ones.
await change();
const second = follow(world, { "Last-Event-ID": "2" });
assert.equal((await second.next()).value, 3);
const fourth = second.next();
await change();
assert.equal((await fourth).value, 4);

// The stream ends with the world.
await call("DELETE", `/worlds/${world}`);
assert((await second.next()).done);
console.log("3 of 3 checks passed");
