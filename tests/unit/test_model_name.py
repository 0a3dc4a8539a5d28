"""Which names a model may have: safe in a path and in a URL, in any script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidModelName
from domain.model_name import check_model_name, model_name_error


@pytest.mark.parametrize("name", ["a", "7", "CartPole-v1_best.2", "a..b", "模型", "модель-3", "é", "a" * 128, "x-", "ñandú"])
def test_name_of_letters_and_digits_then_is_allowed(name: str) -> None:
    assert model_name_error(name) is None
    assert check_model_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", ".hidden", "-x", "_x", "a/b", "a\\b", "a b", "a\n", "\na", "a\x00", "a:b", "a%2f", "a?", "a" * 129, "😀"],
)
def test_name_that_could_lead_elsewhere_then_is_refused(name: str) -> None:
    with pytest.raises(InvalidModelName) as caught:
        check_model_name(name)
    (error,) = caught.value.errors
    assert error.field == "model_name"
    assert error.message.startswith("model_name must have 1 to 128 characters, letters and digits of any script")


@pytest.mark.parametrize("name", [None, 7, b"a", ["a"]])
def test_name_that_is_no_text_then_is_refused(name: object) -> None:
    assert str(model_name_error(name)).endswith(f"got {name!r}.")


def test_name_when_far_too_long_then_is_not_shown_whole() -> None:
    message = model_name_error("a" * 1_000_000)
    assert message is not None
    assert message.endswith("got 'aaaaaaaaaaaaaaaaaaaa'… (1000000 characters).")
    assert len(message) < 250


@given(st.text(max_size=140))
def test_any_text_when_allowed_then_holds_nothing_that_a_path_or_a_url_reads(name: str) -> None:
    if model_name_error(name) is None:
        assert 1 <= len(name) <= 128
        assert name[0].isalnum()
        assert all(character.isalnum() or character in "._-" for character in name)
        assert name not in (".", "..")
