"""Follows what happens in worlds of the sandbox, as server-sent events.

    python3 events.py READY_LINE"""

import json
import sys
import threading

sys.dont_write_bytecode = True

import requests  # noqa: E402

import support  # noqa: E402


class Followed:
    """A world of its own, and what can be done to it."""

    def __init__(self, ready):
        self.sandbox = support.Sandbox(ready)
        self.id = self.call("POST", "/worlds", json={})["id"]

    def call(self, method, path, **more):
        answer = self.sandbox.session.request(method, self.sandbox.admin + path, timeout=support.HANGS, **more)
        assert answer.ok, answer.text
        return answer.json()

    def change(self, times):
        """Lets as many things happen, each one entry."""
        for _ in range(times):
            self.call("POST", f"/clock/mode?world={self.id}", json={"mode": "frozen"})

    def follow(self, since=None, seen=None):
        """The events as they come: number, kind, entry."""
        session = requests.Session()
        session.trust_env = False
        headers = {} if seen is None else {"Last-Event-ID": str(seen)}
        query = {"world": self.id} if since is None else {"world": self.id, "since": since}
        url = self.sandbox.admin + "/events"
        answer = session.get(url, params=query, headers=headers, stream=True, timeout=support.HANGS)
        assert answer.status_code == 200 and support.media_type(answer) == "text/event-stream"
        assert answer.headers["Cache-Control"] == "no-store", "nobody on the way keeps it back"
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
    # As they come; iter_lines would wait for more.
    for piece in answer.iter_content(chunk_size=None):
        *whole, rest = (rest + piece).split(b"\n")
        yield from (line.decode() for line in whole)
    assert rest == b"", rest


def a_client_that_comes_again_misses_nothing_and_gets_nothing_twice(ready):
    world = Followed(ready)
    changes = threading.Thread(target=world.change, args=(300,))
    seen, got = 0, []
    answer, events = world.follow(since=0)
    changes.start()
    while len(got) < 300:
        for number in events:
            got.append(number)
            seen = number
            if number % 37 == 0 or number == 300:
                break
        answer.close()
        answer, events = world.follow(seen=seen)
    answer.close()
    changes.join()
    assert got == list(range(1, 301)), got


def who_reads_slowly_holds_nobody_up(ready):
    world = Followed(ready)
    answer, slow = world.follow(since=0)
    # Long answers are long events: more of them than the buffers on the way hold.
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
        world = Followed(ready)
        world.call("POST", f"/worlds/{world.id}/snapshot")
        _, events = world.follow(since=0)
        world.change(2)
        assert [next(events), next(events)] == [1, 2]
        if end == "delete":
            world.call("DELETE", f"/worlds/{world.id}")
        else:
            world.call("POST", f"/reset?world={world.id}" if end == "reset" else f"/worlds/{world.id}/restore")
        assert list(events) == [], "it ended, as HTTP ends"


def many_follow_at_once(ready):
    worlds = [Followed(ready) for _ in range(20)]
    followed = [(world, [world.follow() for _ in range(5)]) for world in worlds]
    for world in worlds:
        world.change(3)
    for world, streams in followed:
        for answer, events in streams:
            assert [next(events) for _ in range(3)] == [1, 2, 3], world.id
            answer.close()


CHECKS = [
    a_client_that_comes_again_misses_nothing_and_gets_nothing_twice, who_reads_slowly_holds_nobody_up,
    a_stream_ends_with_its_world, many_follow_at_once,
]

if __name__ == "__main__":
    support.run(CHECKS, json.loads(sys.argv[1]))
