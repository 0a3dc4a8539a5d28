"""The speed benchmarks run, and say what is missing. No figure is judged."""

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import http, ppo_speed, request_parts, speed_tables, training, training_parts


def test_parts_of_training_then_are_measured_for_both_sizes_by_one_set_of_names() -> None:
    one, other = training_parts.measure(2, 16, 1, repeats=1), training_parts.measure(4, 32, 2, repeats=1)
    assert one.keys() == other.keys()
    wholes = {name: value for name, value in one.items() if name.endswith("together")}
    assert len(wholes) == 2
    assert all(value > 0 for value in wholes.values())


def test_parts_of_a_request_then_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_parts, "CALLS", 2)
    monkeypatch.setattr(request_parts, "ROUNDS", 1)
    parts = request_parts.measure()
    pieces = sum(parts[name] for name in ("litestar", "decode", "predict", "encode", "rest"))
    assert pieces == pytest.approx(parts["application"])


def test_quick_start_then_takes_some_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(training.QUICK_START, "total_timesteps", 300)
    assert training.engine(2)["median_cpu_milliseconds"] > 0


def test_ppo_when_it_is_not_installed_then_is_named_with_the_target_that_installs_it(tmp_path: Path) -> None:
    assert not training.has_ppo(tmp_path / "python")
    assert "make .venv-bench/installed" in training.NO_PPO
    assert ".venv-bench/installed:" in (Path(training.ROOT) / "Makefile").read_text(encoding="utf-8")


def test_http_benchmark_when_wrk_is_missing_then_names_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(sys, "argv", ["http"])
    with pytest.raises(SystemExit, match="apt install wrk"):
        http.main()


def test_wrk_when_an_answer_was_no_success_then_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    server: Any = type("Somewhere", (), {"url": "http://127.0.0.1:1"})()
    for output in ("Requests/sec: 5.0\nNon-2xx or 3xx responses: 1", "Socket errors: connect 1", "nothing"):
        monkeypatch.setattr(http.subprocess, "run", lambda *_, output=output, **__: type("Done", (), {"stdout": output})())
        with pytest.raises(RuntimeError):
            http.requests_per_second(server, 1, 1, [0.0])


def test_ppo_speed_then_takes_five_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["ppo_speed", "8"])
    with pytest.raises(ValueError, match="not enough values"):
        ppo_speed.main()


def test_tables_then_show_every_figure_that_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    results = {
        "training": {
            "summary": dict.fromkeys(speed_tables.TRAINING, 2.0),
            "parts": {"8x32": {"step/together": 1.25}, "64x32": {"step/together": 2.5}},
        },
        "http": {"summary": dict.fromkeys([*speed_tables.HTTP, *(f"us_{name}" for name in speed_tables.REQUEST)], -3.0)},
    }
    monkeypatch.setattr("benchmarks.record.read", results.get)
    found = speed_tables.all_tables()
    assert found["training"].count("| 2.00 |") == len(speed_tables.TRAINING)
    assert "| step: together | 1.2 | 2.5 |" in found["training-parts"]
    assert found["http"].count("−3.00") == len(speed_tables.HTTP)
    assert found["http-parts"].count("| −3.0 |") == len(speed_tables.REQUEST)


def test_tables_when_nothing_was_measured_then_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.record.read", lambda _: None)
    assert set(speed_tables.all_tables().values()) == {"not measured yet"}
