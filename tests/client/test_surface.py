"""The names of the client: the same in both forms, fit for the server's, and what a person sees at a prompt."""

import inspect
import json
import pickle
import typing
from datetime import UTC, datetime
from typing import Any

import pytest

import grpo_client
from bootstrap.openapi import document
from domain.config import CHOICES
from grpo_client import ApiError, AsyncClient, AsyncJob, AsyncModel, Client, Invalid, Job, JobFailed, JobStatus, Model, errors
from grpo_client.fields import TrainingFields
from grpo_client.results import Svg

STATUS = JobStatus(
    job_id="j",
    status="failed",
    progress=0.25,
    current_timesteps=2500,
    total_timesteps=10_000,
    env_name="CartPole-v1",
    model_name="<b>m</b>",
    created_at=datetime(2026, 11, 23, tzinfo=UTC),
    error_code="training-diverged",
    error_message="A parameter is NaN.",
    metrics={"rollout/ep_rew_mean": 30.88888888888889},
)


@pytest.mark.parametrize(("blocking", "awaited"), [(Client, AsyncClient), (Job, AsyncJob), (Model, AsyncModel)])
def test_async_form_has_the_same_names_and_parameters(blocking: type, awaited: type) -> None:
    def surface(kind: type) -> dict[str, list[tuple[str, Any]]]:
        functions = {name: member for name, member in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}
        return {
            name: [(parameter.name, parameter.default) for parameter in inspect.signature(member).parameters.values()]
            for name, member in functions.items()
        }

    assert surface(blocking) == surface(awaited)
    assert len(surface(blocking)) >= 7


def test_fields_of_a_run_are_those_of_the_server() -> None:
    schema = json.loads(document())["components"]["schemas"]["TrainRequest"]["properties"]
    assert set(typing.get_type_hints(TrainingFields)) | {"env_name"} == set(schema)


def test_words_of_a_field_are_those_of_the_server() -> None:
    hints = typing.get_type_hints(TrainingFields)
    words = {name: set(typing.get_args(hints[name])) for name in CHOICES if name != "reward_function_type"}
    assert words == {name: set(choices) for name, choices in CHOICES.items() if name in words}


def test_everything_that_is_named_for_export_exists() -> None:
    assert sorted(grpo_client.__all__) == sorted(set(grpo_client.__all__))
    assert all(hasattr(grpo_client, name) for name in grpo_client.__all__)


def test_every_error_is_named_in_the_drawing_of_the_tree() -> None:
    classes = [name for name, kind in vars(errors).items() if inspect.isclass(kind) and issubclass(kind, errors.ClientError)]
    assert len(classes) >= 15
    assert [name for name in classes if name not in (errors.__doc__ or "")] == []
    assert [name for name in classes if name not in grpo_client.__all__] == []


@pytest.mark.parametrize(
    "error", [Invalid(422, "invalid-query", "limit is wrong.", request_id="r"), JobFailed(STATUS)], ids=["api", "job"]
)
def test_error_when_it_comes_from_another_process_is_whole(error: Exception) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))


def test_error_says_the_servers_sentence_and_its_code() -> None:
    assert str(ApiError(422, "invalid-query", "limit is wrong.")) == "limit is wrong. (422 invalid-query)"


def test_status_in_a_notebook_shows_progress_and_escapes_names() -> None:
    shown = STATUS._repr_html_()
    assert "&lt;b&gt;m&lt;/b&gt;" in shown
    assert "<progress value='0.25'>" in shown
    assert "2,500 of 10,000 steps" in shown
    assert "A parameter is NaN." in shown
    assert "30.89" in shown


def test_plot_in_a_notebook_is_the_picture() -> None:
    assert Svg(b"<svg/>")._repr_svg_() == "<svg/>"


def test_handles_say_what_they_are_handles_on() -> None:
    with Client("http://127.0.0.1:1") as client:
        job = Job(client._session, "j", {"env_name": "CartPole-v1", "model_name": "m"})
        assert repr(client) == "Client('http://127.0.0.1:1')"
        assert repr(job) == "Job('j', model_name='m', env_name='CartPole-v1')"
        assert repr(client.model("m", 2)) == "Model('m', version=2)"
        assert repr(job.model) == "Model('m', version=None)"


@pytest.mark.parametrize("name", ["", None, ".", ".."])
def test_handle_without_a_name_asks_for_nothing(name: Any) -> None:
    with Client("http://127.0.0.1:1") as client, pytest.raises(ValueError, match="must not be empty"):
        client.model(name).delete()
