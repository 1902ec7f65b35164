"""Follows the server-sent events of worlds of the sandbox.

    python3 events.py READY_LINE"""

import json
import sys
import threading

sys.dont_write_bytecode = True

import requests  # noqa: E402

import support  # noqa: E402


class World:
    """A new world and its events."""

    def __init__(self, ready):
        self.sandbox = support.Sandbox(ready)
        self.id = self.call("POST", "/worlds", json={})["id"]

    def call(self, method, path, **more):
        answer = self.sandbox.session.request(method, self.sandbox.admin + path, timeout=support.HANGS, **more)
        assert answer.ok, answer.text
        return answer.json()

    def change(self, times):
        """Makes a number of changes, each of which is one event."""
        for _ in range(times):
            self.call("POST", f"/clock/mode?world={self.id}", json={"mode": "frozen"})

    def follow(self, since=None, last=None):
        """Opens the stream of events; returns the response and the numbers of its events."""
        session = requests.Session()
        session.trust_env = False
        headers = {} if last is None else {"Last-Event-ID": str(last)}
        query = {"world": self.id} if since is None else {"world": self.id, "since": since}
        url = self.sandbox.admin + "/events"
        answer = session.get(url, params=query, headers=headers, stream=True, timeout=support.HANGS)
        assert answer.status_code == 200 and support.media_type(answer) == "text/event-stream"
        assert answer.headers["Cache-Control"] == "no-store", "an intermediary must not buffer the stream"
        return answer, self.events(answer)

    @staticmethod
    def events(answer):
        fields = {}
        for line in lines(answer):
            if line == "":
                if "data" in fields:
                    entry = json.loads(fields["data"])
                    assert entry["sequence"] == int(fields["id"].split("-")[1]) and entry["kind"] == fields["event"], fields
                    yield entry["sequence"]
                fields = {}
            elif not line.startswith(":"):
                name, _, value = line.partition(":")
                assert name in {"id", "event", "data", "retry"}, line
                fields[name] = value.removeprefix(" ")


def lines(answer):
    rest = b""
    # In chunks: iter_lines would wait for more data.
    for piece in answer.iter_content(chunk_size=None):
        *whole, rest = (rest + piece).split(b"\n")
        yield from (line.decode() for line in whole)
    assert rest == b"", rest


def a_reconnecting_client_gets_every_event_once(ready):
    world = World(ready)
    changes = threading.Thread(target=world.change, args=(300,))
    last, received = 0, []
    answer, events = world.follow(since=0)
    changes.start()
    while len(received) < 300:
        for number in events:
            received.append(number)
            last = number
            if number % 37 == 0 or number == 300:
                break
        answer.close()
        answer, events = world.follow(last=last)
    answer.close()
    changes.join()
    assert received == list(range(1, 301)), received


def a_slow_reader_does_not_block_others(ready):
    world = World(ready)
    answer, slow = world.follow(since=0)
    # Long responses are long events: together they exceed the buffers between server and client.
    account = world.call("GET", f"/worlds/{world.id}")["identity_tm"]
    login = (account["customer_id"], account["customer_code"])
    for _ in range(200):
        world.sandbox.session.put(world.sandbox.base + "/putOrder", data=b" " * 60_000, auth=login, timeout=support.HANGS)
    quick = world.follow(since=199)[1]
    assert next(quick) == 200
    assert [next(slow) for _ in range(200)] == list(range(1, 201))
    answer.close()


def a_stream_ends_with_its_world(ready):
    for end in ["reset", "restore", "delete"]:
        world = World(ready)
        world.call("POST", f"/worlds/{world.id}/snapshot")
        _, events = world.follow(since=0)
        world.change(2)
        assert [next(events), next(events)] == [1, 2]
        if end == "delete":
            world.call("DELETE", f"/worlds/{world.id}")
        else:
            world.call("POST", f"/reset?world={world.id}" if end == "reset" else f"/worlds/{world.id}/restore")
        assert list(events) == [], "the stream ended properly"


def many_follow_at_once(ready):
    worlds = [World(ready) for _ in range(20)]
    followed = [(world, [world.follow() for _ in range(5)]) for world in worlds]
    for world in worlds:
        world.change(3)
    for world, streams in followed:
        for answer, events in streams:
            assert [next(events) for _ in range(3)] == [1, 2, 3], world.id
            answer.close()


CHECKS = [
    a_reconnecting_client_gets_every_event_once, a_slow_reader_does_not_block_others,
    a_stream_ends_with_its_world, many_follow_at_once,
]

if __name__ == "__main__":
    support.run(CHECKS, json.loads(sys.argv[1]))
