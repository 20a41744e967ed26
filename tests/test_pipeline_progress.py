from __future__ import annotations

import io
import json

import pytest

from pipelines import progress
from pipelines.progress import Progress, duration


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def run(mode, clock):
    stream = io.StringIO()
    told = Progress(mode, stream)
    told.say("begin")
    with told.stage("mosaics", 400, "images") as stage:
        for _ in range(4):
            clock[0] += 20.0
            stage.advance(100)
    return stream.getvalue()


def test_plain_lines_give_rate_and_time_left(clock):
    assert run("plain", clock).splitlines() == [
        "begin",
        "mosaics: 100 of 400 images, 5.0 images/s, 60 s left",
        "mosaics: 200 of 400 images, 5.0 images/s, 40 s left",
        "mosaics: 300 of 400 images, 5.0 images/s, 20 s left",
        "mosaics: 400 of 400 images, 5.0 images/s, 0 s left",
    ]


def test_json_is_one_object_a_line(clock):
    lines = [json.loads(line) for line in run("json", clock).splitlines()]
    assert lines[0] == {"event": "message", "text": "begin"}
    assert lines[2] == {
        "event": "progress",
        "stage": "mosaics",
        "done": 200,
        "total": 400,
        "unit": "images",
        "per_second": 5.0,
        "seconds_left": 40.0,
    }


def test_none_is_silent(clock):
    assert run("none", clock) == ""


def test_auto_is_plain_off_a_terminal():
    assert Progress("auto", io.StringIO()).mode == "plain"


def test_a_bar_shows_images_a_second():
    stream = io.StringIO()
    told = Progress("bar", stream)
    with told.stage("mosaics", 2000, "images") as stage:
        stage.advance(1000)
        stage.progress.say("something")
        stage.advance(1000)
    assert "1,000/2,000 images" in stream.getvalue()
    assert "images/s" in stream.getvalue()
    assert "something\n" in stream.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5.4, "5 s"), (89, "89 s"), (600, "10 min"), (12_000, "3 h 20 min"), (190_000, "2 d 4 h")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text
