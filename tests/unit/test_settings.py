"""Where settings come from, and what is said of wrong ones."""

from pathlib import Path

import pytest

from bootstrap.settings import InvalidSettings, Settings, descriptions, load, load_or_exit


def test_settings_without_any_source_are_the_defaults() -> None:
    settings = load([], {})
    assert settings == Settings()
    assert (settings.host, settings.port, settings.data_dir) == ("127.0.0.1", 8000, "./data")
    assert settings.max_queued_jobs == 1000


def test_settings_when_given_twice_prefer_flag_to_environment_to_file(tmp_path: Path) -> None:
    file = tmp_path / "grpo.toml"
    file.write_text('port = 1\nhost = "file"\nmax_queued_jobs = 5\n', encoding="utf-8")
    environment = {"GRPO_PORT": "2", "GRPO_HOST": "environment"}
    settings = load(["--config", str(file), "--port", "3"], environment)
    assert (settings.port, settings.host, settings.max_queued_jobs) == (3, "environment", 5)


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["--port", "high"], {}, "--port: Expected int, got str, got 'high'"),
        (["--port", "70000"], {}, "<= 65535"),
        ([], {"GRPO_MAX_QUEUED_JOBS": "-1"}, "GRPO_MAX_QUEUED_JOBS"),
        ([], {"GRPO_EXECUTOR": "magic"}, "magic"),
        (["--config", "/does/not/exist.toml"], {}, "/does/not/exist.toml"),
    ],
)
def test_wrong_setting_when_loaded_is_named_with_its_origin(
    arguments: list[str], environment: dict[str, str], said: str
) -> None:
    with pytest.raises(InvalidSettings) as error:
        load(arguments, environment)
    assert said in str(error.value)


@pytest.mark.parametrize(("text", "said"), [("prot = 1", "'prot'"), ("port = 'x'", "port"), ("port =", "cannot be read")])
def test_wrong_settings_file_when_loaded_is_explained(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "grpo.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidSettings) as error:
        load(["--config", str(file)], {})
    assert said in str(error.value)


def test_process_with_a_wrong_setting_when_started_ends_with_two(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        load_or_exit(["--port", "x"])
    assert exit_.value.code == 2
    assert capsys.readouterr().err.startswith("error: the setting port is wrong")


def test_every_setting_has_a_description() -> None:
    assert descriptions().keys() == set(Settings.__struct_fields__)
    assert all(descriptions().values())
