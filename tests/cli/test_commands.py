"""What commands answer when they reach a server: text for people, JSON for programs, exit codes and sentences."""

from pathlib import Path

import pytest

from adapters.cli import lookup
from adapters.cli.output import say
from grpo_client import Client
from tests.cli.conftest import Grpo

UNKNOWN_JOB = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def job_id(url: str) -> str:
    """The job that made `quick`."""
    with Client(url) as client:
        return client.model("quick").info().versions[0].job_id or ""


def test_train_when_it_ends_tells_the_steps_and_the_model(grpo: Grpo, url: str) -> None:
    answer = grpo("train", "--url", url, "--timesteps", "400", "--name", "told", "--set", "n_steps=16", "--seed", "5")
    assert answer.code == 0
    assert answer.out.startswith("CartPole-v1 → told   job ")
    assert "completed: 400 of 400 steps; the model is told, version 1, mean return" in answer.out
    assert "\x1b" not in answer.out


def test_train_as_json_gives_a_line_for_each_event_from_the_job_to_done(grpo: Grpo, url: str) -> None:
    lines = grpo("train", "--url", url, "--timesteps", "400", "--name", "lines", "--set", "hidden_sizes=[8]", "--json").lines
    assert lines[0]["event"] == "job"
    assert lines[0]["data"]["config"]["hidden_sizes"] == [8]
    assert lines[-1]["event"] == "done"
    assert lines[-1]["data"]["status"] == "completed"
    assert {"status", "metrics"} <= {line["event"] for line in lines}


def test_train_when_detached_prints_the_id_alone(grpo: Grpo, url: str) -> None:
    answer = grpo("train", "--url", url, "--timesteps", "300", "--name", "alone", "--detach")
    assert grpo("status", "--url", url, answer.out.strip(), "--json").json["model_name"] == "alone"
    assert "grpo logs --follow" in answer.err


def test_environment_variables_name_the_server_and_the_key(grpo: Grpo, guarded: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRPO_URL", guarded)
    monkeypatch.setenv("GRPO_API_KEY", "reads")
    assert grpo("jobs", "--json").json == {"jobs": []}


def test_jobs_when_printed_for_a_pipe_have_whole_ids(grpo: Grpo, url: str, job_id: str) -> None:
    answer = grpo("jobs", "--url", url)
    assert job_id in answer.out
    assert answer.out.splitlines()[0].split()[:3] == ["JOB", "STATUS", "DONE"]
    assert grpo("jobs", "--url", url, "--limit", "1", "--json").json["jobs"][0]["status"] == "completed"
    assert grpo("jobs", "--url", url, "--status", "failed", "--json").json == {"jobs": []}


def test_status_finds_a_job_by_the_beginning_of_its_id(grpo: Grpo, url: str, job_id: str) -> None:
    answer = grpo("status", "--url", url, job_id[:13])
    assert answer.code == 0
    assert job_id in answer.out
    assert "600 of 600 (100%)" in answer.out


def test_job_that_is_not_on_the_first_page_is_found_by_the_beginning_of_its_id(
    grpo: Grpo, url: str, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    grpo("train", "--url", url, "--timesteps", "200", "--name", "newer")
    monkeypatch.setattr(lookup, "PAGE", 1)
    assert grpo("status", "--url", url, job_id[:13], "--json").json["job_id"] == job_id
    assert grpo("status", "--url", url, "zzz").code == 3


def test_beginning_of_several_ids_is_refused(grpo: Grpo, url: str, job_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "_ids", lambda client: iter(["same-1", job_id, "same-2"]))
    answer = grpo("stop", "--url", url, "same")
    assert (answer.code, answer.err) == (2, "error: JOB: the ids of several jobs begin with 'same': write more of it.\n")


def test_logs_of_an_ended_job_tell_its_life(grpo: Grpo, url: str, job_id: str) -> None:
    told = grpo("logs", "--url", url, job_id).out
    assert "metrics at 600 steps" in told
    assert "(model quick, version 1)" in told.splitlines()[-1]
    kinds = [line["event"] for line in grpo("logs", "--url", url, job_id, "--follow", "--json").lines]
    assert (kinds[0], kinds[-1]) == ("status", "done")


def test_models_show_and_delete(grpo: Grpo, url: str) -> None:
    grpo("train", "--url", url, "--timesteps", "200", "--name", "gone", "--seed", "9")
    assert grpo("models", "show", "gone", "--url", url, "--json").json["versions"][0]["seed"] == 9
    assert "SHA256" in grpo("models", "show", "gone", "--url", url).out
    refused = grpo("models", "delete", "gone", "--url", url, given="")
    assert (refused.code, refused.err) == (2, "error: Nobody can be asked here: --yes deletes without a question.\n")
    assert grpo("models", "delete", "gone", "--url", url, "--yes", "--json").code == 0
    assert "gone" not in [model["name"] for model in grpo("models", "--url", url, "--json").json["models"]]


def test_predict_takes_numbers_a_list_and_lines(grpo: Grpo, url: str) -> None:
    by_numbers = grpo("predict", "quick", "-0.1", "0", "0.05", "0", "--url", url, "--json").json
    by_list = grpo("predict", "--url", url, "--json", "quick", "[-0.1, 0, 0.05, 0]").json
    assert by_numbers == by_list
    lines = grpo("predict", "quick", "-", "--url", url, "--json", given="[-0.1, 0, 0.05, 0]\n\n-0.1,0,0.05,0").lines
    assert [line["action"] for line in lines] == [by_numbers["action"]] * 2
    plain = grpo("predict", "quick", "--url", url, given="0 0 0 0\n0 0 0.2 0\n").out
    assert set(plain.split()) <= {"0", "1"}
    assert len(plain.splitlines()) == 2
    assert "probabilities" in grpo("predict", "quick", "0", "0", "0", "0", "--url", url).out


WRONG = [
    (["train", "--timesteps", "0"], 2, "--timesteps: total_timesteps must be an integer"),
    (["train", "--set", "gamma=2"], 2, "--set gamma: gamma must be a number"),
    (["train", "--env", "NoSuch-v0"], 2, "--env: "),
    (["train", "--timesteps", "many"], 2, "'many' is not a valid integer"),
    (["train", "--set", "gamma"], 2, "--set: write FIELD=VALUE"),
    (["train", "--seed", "1", "--set", "seed=2"], 2, "--set seed: the field is given twice."),
    (["train", "--sett", "seed=2"], 2, "No such option"),
    (["predict", "quick", "0", "0"], 2, "OBSERVATION: "),
    (["predict", "quick", "0", "--smple"], 2, "'--smple' is neither a number nor an option"),
    (["status", UNKNOWN_JOB], 3, UNKNOWN_JOB),
    (["status", "zzz"], 3, "There is no job whose id begins with 'zzz'."),
    (["models", "show", "nobody"], 3, "'nobody'"),
    (["predict", "nobody", "0"], 3, "'nobody'"),
    (["jobs", "--limit", "0"], 2, "--limit: limit is wrong: Expected int >= 1"),
    (["status", ""], 2, "Invalid value for 'JOB': '' names nothing."),
    (["stop", ""], 2, "'' names nothing"),
    (["resume", ""], 2, "'' names nothing"),
    (["evaluate", ""], 2, "Invalid value for 'MODEL': '' names nothing."),
    (["predict", "", "0"], 2, "'' names nothing"),
    (["models", "show", ""], 2, "'' names nothing"),
    (["models", "delete", "", "--yes"], 2, "'' names nothing"),
    (["export", ""], 2, "'' names nothing"),
    (["play", ""], 2, "'' names nothing"),
    (["predict", "quick", "nan", "0", "0", "0"], 2, "OBSERVATION: 'nan' is not a finite number."),
    (["predict", "quick", "1e999", "0", "0", "0"], 2, "OBSERVATION: '1e999' is not a finite number."),
    (["predict", "quick", "[1e999, 0, 0, 0]"], 2, "OBSERVATION: "),
    (["predict", "quick", f"[{'9' * 400}, 0, 0, 0]"], 2, ""),
    (["models", "show", "\udcff"], 2, r"'\udcff' cannot be written as utf-8."),
    (["models", "show", "a" * 70_000], 2, "This cannot be asked for: URL"),
    (["predict", "quick", "[" * 2_000], 2, "OBSERVATION: "),
    (["train", "--set", "gamma=" + "[" * 2_000 + "]" * 2_000], 2, "gamma must be a number"),
    (["train", "--set", "self=1"], 2, "--set self: Unknown field 'self'"),
    (["train", "--set", "idempotency_key=5"], 2, "--set idempotency_key: a training run has no such field."),
    (["export", "\U0001d49c" * 128], 2, "cannot be written: File name too long."),
    (["models", "show", ".."], 2, "'..' names nothing"),
    (["jobs", "--api-key", "cl\u00e9"], 2, "Invalid value for '--api-key': api_key must consist of printable ASCII"),
    (["jobs", "--api-key", "two words"], 2, "--api-key"),
    (["import", "no-such-file"], 2, "no-such-file"),
    (["play", "quick", "--episodes", "0"], 2, "--episodes: at least one"),
    (["export", "quick", "--output", "-", "--json"], 2, "--json: "),
]


@pytest.mark.parametrize(("arguments", "code", "said"), WRONG, ids=str)
def test_wrong_command_ends_with_its_code_and_one_sentence(
    grpo: Grpo, url: str, job_id: str, arguments: list[str], code: int, said: str
) -> None:
    answer = grpo(*arguments, "--url", url)
    assert (answer.code, answer.out) == (code, "")
    assert answer.err.startswith("error: ")
    assert answer.err.count("\n") == 1
    assert said in answer.err


@pytest.mark.parametrize(
    "wrong", ["nonsense", "", "http://", "ftp://host", "http://[::1", "http://a:99999", f"http://{'a' * 64}"]
)
def test_wrong_url_ends_with_its_code_and_one_sentence(grpo: Grpo, wrong: str) -> None:
    answer = grpo("jobs", "--url", wrong)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("error: Invalid value for '--url': base_url must ")
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize(("name", "value"), [("HTTP_PROXY", "nonsense://x"), ("SSL_CERT_FILE", "/no/such/file")])
def test_wrong_proxy_or_certificate_of_the_environment_is_told(
    grpo: Grpo, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    answer = grpo("jobs", "--url", "https://grpo.example")
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert "The proxy or the certificates that the environment names cannot be used: " in answer.err


def test_stop_of_an_ended_job_fails_with_the_sentence_of_the_service(grpo: Grpo, url: str, job_id: str) -> None:
    answer = grpo("stop", job_id, "--url", url)
    assert answer.code == 1
    assert "completed" in answer.err


def test_nobody_at_the_address_is_no_connection(grpo: Grpo) -> None:
    answer = grpo("jobs", "--url", "http://127.0.0.1:9")
    assert answer.code == 4
    assert answer.err.startswith("error: http://127.0.0.1:9 cannot be reached")


@pytest.mark.parametrize(
    ("key", "said"),
    [([], "--api-key (or GRPO_API_KEY)"), (["--api-key", "other"], "unknown here"), (["--api-key", "reads"], "train")],
)
def test_server_with_keys_refuses_without_the_right_one(grpo: Grpo, guarded: str, key: list[str], said: str) -> None:
    answer = grpo("train", "--url", guarded, *key)
    assert answer.code == 5
    assert said in answer.err


def test_folder_and_server_exclude_each_other(grpo: Grpo, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = grpo("jobs", "--url", url, "--data-dir", str(tmp_path))
    assert (answer.code, "give one of them" in answer.err) == (2, True)
    monkeypatch.setenv("GRPO_URL", url)
    # An option wins over the environment.
    assert grpo("jobs", "--data-dir", str(tmp_path), "--json").json == {"jobs": []}


def test_open_shows_the_page_of_the_server(grpo: Grpo, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda page: opened.append(page) or True)
    assert grpo("play", "my model", "--open", "--url", "http://grpo.example/").code == 0
    assert opened == ["http://grpo.example/dashboard#/models/my%20model/play"]
    assert "--open needs a server" in grpo("play", "quick", "--open").err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_the_shell(grpo: Grpo, shell: str) -> None:
    answer = grpo("completion", shell)
    assert answer.code == 0
    assert "_GRPO_COMPLETE" in answer.out


def test_program_without_a_command_shows_what_there_is(grpo: Grpo) -> None:
    answer = grpo()
    assert answer.code == 0
    assert "Train a policy" in answer.out


def test_version_is_the_service_s(grpo: Grpo) -> None:
    assert grpo("--version").out == "grpo 0.1.0\n"


def test_text_of_a_server_when_printed_moves_no_cursor(grpo: Grpo, url: str) -> None:
    answer = grpo("status", "--url", url, "\x1b[2J\u202e")
    assert answer.err.rstrip("\n").isprintable()
    assert r"begins with '\x1b[2J\u202e'" in answer.err


@pytest.mark.parametrize("said", ["\x1b]0;x\x07", "\x9b2J", "\u202eevil\u202c", "\u2066x", "first\nsecond", "\r"], ids=ascii)
def test_say_whatever_a_server_says_prints_one_line_without_control(said: str, capsys: pytest.CaptureFixture[str]) -> None:
    say(said, (said, "bold"))
    assert capsys.readouterr().out.rstrip("\n").isprintable()


def test_play_outside_a_terminal_tells_each_episode_or_each_step(grpo: Grpo, url: str) -> None:
    told = grpo("play", "quick", "--url", url, "--speed", "10", "--episodes", "2").out.splitlines()
    assert [line.partition(":")[0] for line in told] == ["episode 1", "episode 2"]
    lines = grpo("play", "quick", "--url", url, "--speed", "10", "--json").lines
    assert [line["event"] for line in lines[:2]] == ["start", "step"]
    assert lines[-1]["data"]["terminated"] or lines[-1]["data"]["truncated"]


def test_evaluation_with_one_seed_is_the_same_twice(grpo: Grpo, url: str) -> None:
    once, again = (grpo("evaluate", "quick", "--episodes", "5", "--url", url, "--json") for _ in range(2))
    assert once.out == again.out
    text = grpo("evaluate", "quick", "--episodes", "5", "--url", url).out
    assert "95 % confidence" in text
    assert text.count("█") > 10
    wrong = grpo("evaluate", "quick", "--episodes", "0", "--url", url)
    assert (wrong.code, wrong.err.startswith("error: --episodes: ")) == (2, True)
