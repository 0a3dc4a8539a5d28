"""Environments by name: what is described, what is refused, and with which sentence."""

import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from adapters.environments.acrobot import AcrobotVector
from adapters.environments.cartpole import CartPoleVector
from adapters.environments.factory import GymnasiumEnvironments
from adapters.environments.gymnasium_vector import GymnasiumVector
from adapters.environments.mountain_car import MountainCarContinuousVector, MountainCarVector
from adapters.environments.pendulum import PendulumVector
from adapters.environments.tabular import TabularVector
from domain.errors import InvalidInput, UnknownEnvironment, UnsupportedEnvironment
from domain.ports import VectorEnvironment
from domain.spaces import Box, Discrete, EnvironmentSpec

Register = Callable[..., str]


class Still(gymnasium.Env[Any, Any]):
    """Does nothing in the spaces that it was made with."""

    def __init__(self, observation_space: Any = None, action_space: Any = None, on_make: Any = None) -> None:
        self.observation_space = observation_space or spaces.Box(-1.0, 1.0, (2,))
        self.action_space = action_space or spaces.Discrete(2)
        if on_make is not None:
            on_make()


@pytest.fixture
def register() -> Iterator[Register]:
    """Registers a Still for one test and gives its id."""
    env_id = "test/Still-v0"

    def _register(**kwargs: Any) -> str:
        gymnasium.register(env_id, lambda **_: Still(**kwargs), max_episode_steps=10)
        return env_id

    yield _register
    gymnasium.registry.pop(env_id, None)


@pytest.fixture
def environments() -> GymnasiumEnvironments:
    return GymnasiumEnvironments()


def sentence(error: pytest.ExceptionInfo[InvalidInput]) -> str:
    """The only sentence of the error, which is about env_name."""
    (field,) = error.value.errors
    assert field.field == "env_name"
    return field.message


@pytest.mark.parametrize(
    "spec",
    [
        EnvironmentSpec(
            env_name="Pendulum-v1",
            observation_space=Box((3,), (-1.0, -1.0, -8.0), (1.0, 1.0, 8.0)),
            action_space=Box((1,), (-2.0,), (2.0,)),
            max_episode_steps=200,
            cloneable=True,
            dense_reward=True,
        ),
        EnvironmentSpec(
            env_name="FrozenLake-v1",
            observation_space=Discrete(16),
            action_space=Discrete(4),
            max_episode_steps=100,
            cloneable=True,
            reward_threshold=0.7,
        ),
        EnvironmentSpec(
            env_name="CliffWalking-v1",
            observation_space=Discrete(48),
            action_space=Discrete(4),
            max_episode_steps=None,
            cloneable=True,
        ),
        EnvironmentSpec(
            env_name="CartPole-v1",
            observation_space=Box(
                (4,),
                (-4.800000190734863, -np.inf, -0.41887903213500977, -np.inf),
                (4.800000190734863, np.inf, 0.41887903213500977, np.inf),
            ),
            action_space=Discrete(2),
            max_episode_steps=500,
            cloneable=True,
            reward_threshold=475.0,
        ),
    ],
    ids=lambda spec: spec.env_name,
)
def test_describe_gives_spaces_and_limits(environments: GymnasiumEnvironments, spec: EnvironmentSpec) -> None:
    assert environments.describe(spec.env_name) == spec


def test_describe_of_unusual_spaces_keeps_shape_and_start(environments: GymnasiumEnvironments, register: Register) -> None:
    env_name = register(
        observation_space=spaces.Box(np.array([[0], [1]]), np.array([[2], [3]]), dtype=np.uint8),
        action_space=spaces.Discrete(3, start=-1),
    )
    spec = environments.describe(env_name)
    assert spec.observation_space == Box((2, 1), (0.0, 1.0), (2.0, 3.0))
    assert spec.action_space == Discrete(3, start=-1)


def test_describe_a_second_time_makes_no_environment(environments: GymnasiumEnvironments, register: Register) -> None:
    made: list[int] = []
    env_name = register(on_make=lambda: made.append(1))
    assert environments.describe(env_name) is environments.describe(env_name)
    assert made == [1]


@pytest.mark.parametrize(
    ("env_name", "adapter"),
    [
        ("CartPole-v0", CartPoleVector),
        ("CartPole-v1", CartPoleVector),
        ("Acrobot-v1", AcrobotVector),
        ("MountainCar-v0", MountainCarVector),
        ("MountainCarContinuous-v0", MountainCarContinuousVector),
        ("Pendulum-v1", PendulumVector),
        ("FrozenLake-v1", TabularVector),
        ("FrozenLake8x8-v1", TabularVector),
        ("CliffWalking-v1", TabularVector),
        ("CliffWalkingSlippery-v1", TabularVector),
        ("Taxi-v4", TabularVector),
    ],
)
def test_make_gives_our_own_vector_where_there_is_one(
    environments: GymnasiumEnvironments, env_name: str, adapter: type[VectorEnvironment]
) -> None:
    vector = environments.make(env_name, 3, 77)
    assert isinstance(vector, adapter)
    assert vector.spec is environments.describe(env_name)
    assert vector.spec.env_name == env_name
    assert vector.spec.cloneable
    assert vector.num_envs == 3
    assert vector.reset((1, 2, 3)).shape == (3, vector.spec.observation_space.size)
    vector.close()


def test_make_gives_gymnasium_for_the_rest(environments: GymnasiumEnvironments, register: Register) -> None:
    vector = environments.make(register(), 3, 77)
    assert isinstance(vector, GymnasiumVector)
    assert not vector.spec.cloneable
    vector.close()


@pytest.mark.parametrize(
    ("entry_point", "kwargs", "ours"),
    [
        ("frozen_lake:FrozenLakeEnv", {"desc": ["SFG"]}, True),
        ("frozen_lake:FrozenLakeEnv", {"map_name": None}, False),  # another random map at each making
        ("taxi:TaxiEnv", {"is_rainy": True}, True),
        ("taxi:TaxiEnv", {"fickle_passenger": True}, False),
    ],
)
def test_variant_of_a_toy_text_environment_is_ours_where_its_table_tells_all(
    environments: GymnasiumEnvironments, entry_point: str, kwargs: dict[str, Any], ours: bool
) -> None:
    gymnasium.register("test/Toy-v0", f"gymnasium.envs.toy_text.{entry_point}", kwargs=kwargs)
    try:
        vector = environments.make("test/Toy-v0", 2, 10)
    finally:
        del gymnasium.registry["test/Toy-v0"]
    assert vector.spec.cloneable is ours
    assert isinstance(vector, TabularVector) is ours
    vector.close()


UNREGISTERED = "is not the id of a registered Gymnasium environment."
EXAMPLES = "For example 'CartPole-v1', 'Pendulum-v1' and 'FrozenLake-v1' are."
OUT_OF_DATE = "Environment version v2 for `LunarLander` is deprecated. Please use `LunarLander-v3` instead."
IMPORTS = (
    "would import a Python module, which a name must not do; allowed are ids of environments that are registered already, "
)


@pytest.mark.parametrize(
    ("env_name", "expected"),
    [
        ("CartPol-v1", f"env_name 'CartPol-v1' {UNREGISTERED} Did you mean 'CartPole-v1' or 'CartPole-v0'?"),
        ("CartPole", f"env_name 'CartPole' {UNREGISTERED} Did you mean 'CartPole-v1' or 'CartPole-v0'?"),
        ("pendulum", f"env_name 'pendulum' {UNREGISTERED} Did you mean 'Pendulum-v1'?"),
        ("LunarLander-v2", f"env_name 'LunarLander-v2' is out of date: {OUT_OF_DATE}"),
        ("antigravity:CartPole-v1", f"env_name 'antigravity:CartPole-v1' {IMPORTS}without a module in front."),
        ("", f"env_name '' {UNREGISTERED} {EXAMPLES}"),
        ("a\0b \ud800", f"env_name 'a\\x00b \\ud800' {UNREGISTERED} {EXAMPLES}"),
        ("x" * 1_000_000, f"env_name '{'x' * 199}… has 1000000 characters; at most 128 are allowed."),
        (None, "env_name must be the id of a registered Gymnasium environment, not None."),
        (["CartPole-v1"], "env_name must be the id of a registered Gymnasium environment, not ['CartPole-v1']."),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_unknown_name_is_refused_with_a_sentence(environments: GymnasiumEnvironments, env_name: Any, expected: str) -> None:
    for ask in (environments.describe, lambda name: environments.make(name, 2, 10)):
        with pytest.raises(UnknownEnvironment) as error:
            ask(env_name)
        assert sentence(error) == expected
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize("env_name", ["/", "//", "a/", "-v1", "Foo/Bar-v1", "CartPole-v" + "9" * 50, "CartPole-v7", "é" * 128])
def test_name_of_odd_form_is_refused(environments: GymnasiumEnvironments, env_name: str) -> None:
    with pytest.raises(UnknownEnvironment) as error:
        environments.describe(env_name)
    assert sentence(error).startswith(f"env_name {env_name!r} is not the id of a registered Gymnasium environment. ")


@pytest.mark.parametrize(
    ("made_with", "expected"),
    [
        (
            {"observation_space": spaces.Dict({"a": spaces.Discrete(2)})},
            "has the observation space Dict('a': Discrete(2)); allowed are Box and Discrete.",
        ),
        (
            {"observation_space": spaces.Tuple((spaces.Discrete(2), spaces.Discrete(3)))},
            "has the observation space Tuple(Discrete(2), Discrete(3)); allowed are Box and Discrete.",
        ),
        (
            {"observation_space": spaces.Box(0.0, 1.0, (0,))},
            "has the observation space Box([], [], (0,), float32); allowed are Box and Discrete.",
        ),
        (
            {"action_space": spaces.MultiDiscrete([2, 3])},
            "has the action space MultiDiscrete([2 3]); allowed are Discrete and Box of floating-point numbers.",
        ),
        (
            {"action_space": spaces.MultiBinary(4)},
            "has the action space MultiBinary(4); allowed are Discrete and Box of floating-point numbers.",
        ),
        (
            {"action_space": spaces.Box(0, 5, (2,), dtype=np.int32)},
            "has the action space Box(0, 5, (2,), int32); allowed are Discrete and Box of floating-point numbers.",
        ),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_space_that_the_engine_does_not_know_is_refused(
    environments: GymnasiumEnvironments, register: Register, made_with: dict[str, Any], expected: str
) -> None:
    env_name = register(**made_with)
    with pytest.raises(UnsupportedEnvironment) as error:
        environments.describe(env_name)
    assert sentence(error) == f"env_name 'test/Still-v0' {expected}"


def raises(error: Exception) -> Callable[[], None]:
    def on_make() -> None:
        raise error

    return on_make


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            gymnasium.error.DependencyNotInstalled('Box2D is not installed, run `pip install "gymnasium[box2d]"`'),
            'needs something that is not installed here: Box2D is not installed, run `pip install "gymnasium[box2d]"`',
        ),
        (
            ModuleNotFoundError("No module named 'jax'"),
            "needs something that is not installed here: No module named 'jax'",
        ),
        (ValueError("no such map"), "cannot be made: ValueError: no such map"),
    ],
)
def test_environment_that_cannot_be_made_is_refused_with_its_own_words(
    environments: GymnasiumEnvironments, register: Register, error: Exception, expected: str
) -> None:
    env_name = register(on_make=raises(error))
    with pytest.raises(UnsupportedEnvironment) as refused:
        environments.make(env_name, 2, 10)
    assert sentence(refused) == f"env_name 'test/Still-v0' {expected}"


@pytest.mark.parametrize("module", ["Box2D", "mujoco", "jax"])
def test_environment_of_gymnasium_whose_dependency_is_missing_says_how_to_install_it(
    environments: GymnasiumEnvironments, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # as if it were not installed, even where it is
    env_name = {"Box2D": "LunarLander-v3", "mujoco": "HalfCheetah-v5", "jax": "phys2d/CartPole-v1"}[module]
    for name in [name for name in sys.modules if name.startswith("gymnasium.envs.")]:
        if name.split(".")[2] in {"box2d", "mujoco", "phys2d"}:
            monkeypatch.delitem(sys.modules, name)
    with pytest.raises(UnsupportedEnvironment) as error:
        environments.describe(env_name)
    assert sentence(error).startswith(f"env_name {env_name!r} needs something that is not installed here: ")
    if module != "jax":
        assert f'`pip install "gymnasium[{module.lower()}]"`' in sentence(error)


def test_warnings_of_an_environment_are_dropped(environments: GymnasiumEnvironments, register: Register) -> None:
    def warn() -> None:
        gymnasium.logger.warn("this environment is old")
        warnings.warn("so is its library", DeprecationWarning, stacklevel=1)

    filters = list(warnings.filters)
    environments.make(register(on_make=warn), 2, 10).close()
    assert warnings.filters == filters


def test_describe_from_many_threads_gives_every_thread_the_same(register: Register) -> None:
    environments = GymnasiumEnvironments()
    names = [register(), "Taxi-v4", "FrozenLake-v1", "CartPole-v1", "CliffWalking-v1"] * 8
    filters = list(warnings.filters)
    with ThreadPoolExecutor(8) as threads:
        specs = list(threads.map(environments.describe, names))
    assert [spec.env_name for spec in specs] == names
    assert warnings.filters == filters


def test_pickled_factory_leaves_its_descriptions_behind(environments: GymnasiumEnvironments) -> None:
    fresh = pickle.dumps(environments)
    environments.describe("FrozenLake-v1")
    assert pickle.dumps(environments) == fresh
    assert pickle.loads(fresh).describe("FrozenLake-v1") == environments.describe("FrozenLake-v1")


def test_classic_control_needs_no_import_of_gymnasium(request: pytest.FixtureRequest) -> None:
    program = (
        "import sys\n"
        "from adapters.environments.factory import OWN_VECTORS, GymnasiumEnvironments\n"
        "for spec in OWN_VECTORS:\n"
        "    GymnasiumEnvironments().make(spec.env_name, 8, 500).reset(range(8))\n"
        "sys.exit('gymnasium' in sys.modules)\n"
    )
    finished = subprocess.run([sys.executable, "-c", program], cwd=request.config.rootpath, check=False)
    assert finished.returncode == 0
