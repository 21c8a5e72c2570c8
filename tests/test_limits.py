from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from qa import cli
from server import http
from server.http import create_app
from server.limits import BYTES, LOOPBACK, RATE, SECONDS, Buckets, Gate, Limits, _network
from server.metrics import Metrics, Observed
from tests.test_served import client_of

TOKEN = "secret-ü"  # noqa: S105  (these tests' own)


def client(tmp_path: Path, limits: Limits | None = None) -> TestClient:
    """Who asks a server that has no index: what is let through gets 503."""
    return client_of(create_app(tmp_path, limits))


# the host, the token


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8765", "127.0.0.1:1", "[::1]:8765", "[::1]"])
def test_this_machine_is_answered_under_its_own_names(tmp_path: Path, host: str) -> None:
    assert client(tmp_path).get("/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8765", "localhost.evil.example", "[::2]", "[::1", "", "a:b:c"])
def test_a_name_that_another_site_bound_to_this_machine_is_refused(tmp_path: Path, host: str) -> None:
    for path in ("/health", "/retrieve"):
        reply = client(tmp_path).get(path, headers={"Host": host})
        assert (reply.status_code, reply.headers["Content-Type"]) == (421, "application/problem+json")
        assert "--allow-host" in reply.json()["detail"]


@pytest.mark.parametrize(
    "given",
    ["", "Bearer", "Bearer ", "Bearer wrong", "Bearer secret-", "Basic secret-ü", "secret-ü", "Bearer secret-\xff"],
)
def test_without_the_token_nothing_but_health_is_answered(tmp_path: Path, given: str) -> None:
    asker = client(tmp_path, Limits(TOKEN))
    headers = {b"Authorization": given.encode("latin-1")}
    for path in ("/retrieve", "/releases", "/ready", "/metrics", "/openapi.json", "/nothing"):
        reply = asker.get(path, headers=headers)
        assert (reply.status_code, reply.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert "secret" not in reply.text
    assert asker.get("/health", headers=headers).status_code == 200


def test_with_the_token_everything_is_and_the_description_says_that_it_is_asked_for(tmp_path: Path) -> None:
    asker = client(tmp_path, Limits(TOKEN))
    for scheme in ("Bearer", "bearer"):
        reply = asker.get("/openapi.json", headers={b"Authorization": f"{scheme} {TOKEN}".encode()})
        assert reply.json()["security"] == [{"token": []}]


def test_a_server_for_any_host_takes_any_even_one_that_is_none(tmp_path: Path) -> None:
    for host in ("example.org", "[::1", ""):
        assert client(tmp_path, Limits(hosts=())).get("/releases", headers={"Host": host}).status_code == 503


# the rate


def test_more_requests_than_a_minute_has_wait_for_as_long_as_they_are_told(tmp_path: Path) -> None:
    asker = client(tmp_path, Limits(rate=2))
    assert [asker.get("/openapi.json").status_code for _ in range(3)] == [200, 200, 429]
    reply = asker.get("/openapi.json")
    assert 1 <= int(reply.headers["Retry-After"]) <= 31
    assert reply.json()["title"] == "Too Many Requests"
    assert asker.get("/health").status_code == 200


def test_a_wrong_token_costs_as_much_as_a_right_one(tmp_path: Path) -> None:
    asker = client(tmp_path, Limits(TOKEN, rate=2))
    assert [asker.get("/releases").status_code for _ in range(3)] == [401, 401, 429]


@given(rate=st.integers(1, 5), waits=st.lists(st.floats(0, 90), max_size=40))
def test_no_client_gets_more_than_its_bucket_and_what_has_run_in(rate: int, waits: list[float]) -> None:
    buckets, now, taken = Buckets(rate), 1000.0, 0
    for other, wait in enumerate(waits):
        now += wait
        told = buckets.take("one", now)
        taken += not told
        assert 0 <= told <= 60 / rate
        assert taken <= rate + (now - 1000) * rate / 60 + 1e-6
        assert buckets.take(f"another {other}", now) == 0


def test_who_waits_as_long_as_told_gets_through() -> None:
    buckets = Buckets(3)
    assert [buckets.take("one", 0.0) for _ in range(3)] == [0, 0, 0]
    wait = buckets.take("one", 0.0)
    assert buckets.take("one", wait - 0.1) > 0
    assert buckets.take("one", wait + 0.001) == 0


def test_buckets_that_are_full_again_are_forgotten() -> None:
    buckets = Buckets(5)
    for at in range(1000):
        buckets.take(f"client {at}", float(at))
    assert len(buckets._levels) == 61


def test_a_client_is_its_address_or_its_network_where_addresses_are_many() -> None:
    assert _network(("192.0.2.1", 5)) == "192.0.2.1"
    assert _network(("2001:db8::1", 5)) == _network(("2001:db8::ffff:1", 5)) == "2001:db8::/64"
    assert _network(None) == ""


# the size, the time


def test_a_body_is_refused_when_it_is_said_to_be_too_large_and_when_it_turns_out_to_be(tmp_path: Path) -> None:
    asker = client(tmp_path, Limits(size=100))
    for content in (b"x" * 101, iter([b"x" * 60, b"x" * 60])):
        reply = asker.post("/retrieve", content=content, headers={"Content-Type": "application/json"})
        assert (reply.status_code, "100 bytes" in reply.json()["detail"]) == (413, True)
    just = b'{"question": "%s"}' % (b"x" * 84)
    assert asker.post("/retrieve", content=just, headers={"Content-Type": "application/json"}).status_code == 503


def through_the_gate(messages: list[dict[str, Any]], limits: Limits) -> list[Any]:
    """What a request whose body comes as `messages`, and then nothing, makes of the gate: bodies let through, or a status."""
    came: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        came.append((await receive())["body"])

    async def receive() -> Any:
        return messages.pop(0) if messages else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        came.append(message.get("status"))

    headers = [(b"host", b"localhost")]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers, "client": None, "state": {"request_id": "id"}}
    asyncio.run(Gate(app, limits)(scope, receive, send))
    return came


def test_a_body_that_does_not_arrive_is_not_waited_for_and_who_went_away_is_not_answered() -> None:
    part = {"type": "http.request", "body": b"half", "more_body": True}
    assert through_the_gate([part], Limits(seconds=0.05))[0] == 408
    assert through_the_gate([part, {"type": "http.disconnect"}], Limits()) == []
    assert through_the_gate([part, {**part, "more_body": False}], Limits()) == [b"halfhalf"]


def test_who_went_away_in_mid_request_is_counted_as_no_fault_of_the_server() -> None:
    figures = Metrics()
    messages = [{"type": "http.request", "body": b"half", "more_body": True}, {"type": "http.disconnect"}]

    async def receive() -> Any:
        return messages.pop(0)

    async def unasked(*_: Any) -> None:
        raise AssertionError("nothing is answered")

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"host", b"localhost")], "client": None}
    asyncio.run(Observed(Gate(unasked, Limits()), figures)(scope, receive, unasked))
    assert {each.labels["status"] for metric in figures.requests.collect() for each in metric.samples} == {"499"}


# what the command line makes of it


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The limits and options that `qa serve` would listen with."""
    calls: list[Any] = []
    monkeypatch.delenv("QA_TOKEN", raising=False)
    monkeypatch.setattr(http, "create_app", lambda index, limits, **more: calls.append((index, limits, more)))
    monkeypatch.setattr(uvicorn, "run", lambda app, **options: calls.append(options))
    return calls


def test_alone_on_this_machine_a_server_asks_for_nothing(started: list[Any]) -> None:
    assert http.main(["--index", "there"]) == 0
    (index, limits, more), options = started
    assert (index, more) == ("there", {"log_questions": False})
    assert limits == Limits()
    assert (options["host"], options["access_log"], options["proxy_headers"]) == ("127.0.0.1", False, False)
    assert options["timeout_graceful_shutdown"] > limits.seconds


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])  # noqa: S104
def test_an_address_that_others_reach_asks_for_a_token_unless_told_that_anybody_may_ask(
    started: list[Any], host: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit) as refused:
        http.main(["--host", host])
    assert refused.value.code == 2
    assert "set QA_TOKEN or name --token-file" in capsys.readouterr().err
    assert started == []
    http.main(["--host", host, "--no-token"])
    monkeypatch.setenv("QA_TOKEN", " secret\n")
    http.main(["--host", host, "--rate", "7"])
    assert [call[1] for call in started[::2]] == [Limits(None, (), RATE), Limits("secret", (), 7)]


def test_the_token_may_lie_in_a_file_and_an_empty_one_is_none(
    started: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "token"
    assert http.main(["--token-file", str(file)]) == 1
    assert "No such file" in capsys.readouterr().err
    file.write_text("\n", encoding="utf-8")
    with pytest.raises(SystemExit):
        http.main(["--token-file", str(file)])
    file.write_text("secret\n", encoding="utf-8")
    assert http.main(["--token-file", str(file), "--allow-host", "Qa.Example.org"]) == 0
    assert "secret" not in repr(started[0][1])
    assert started[0][1] == Limits("secret", (*LOOPBACK, "qa.example.org"))


@pytest.mark.parametrize("wrong", [["--time-limit", "0"], ["--rate", "-1"], ["--size-limit", "x"]])
def test_a_limit_that_is_none_is_wrong_usage(started: list[Any], wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        http.main(wrong)
    assert refused.value.code == 2


def test_an_address_of_an_index_that_is_none_is_an_error_with_the_right_form(capsys: pytest.CaptureFixture[str]) -> None:
    assert http.main(["--index", "milvus://nowhere"]) == 1
    assert "milvus://HOST:PORT/COLLECTION" in capsys.readouterr().err


def test_a_server_that_cannot_listen_ends_with_an_error_of_ours(started: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uvicorn, "run", lambda app, **options: sys.exit(3))
    assert http.main([]) == 1


def test_the_command_line_tells_the_limits_that_hold() -> None:
    told = cli._parser().parse_args(["serve"])
    assert (told.time_limit, told.size_limit) == (SECONDS, BYTES)
    assert f"outside {RATE}" in cli._parser()._subparsers._group_actions[0].choices["serve"].format_help()  # type: ignore[union-attr, index]
