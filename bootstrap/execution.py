"""Where training runs: within the process, in worker processes, or on a Ray cluster."""

from functools import partial
from importlib.util import find_spec

from adapters.execution.inline import InlineExecutor
from adapters.execution.process import ProcessExecutor, default_capacity
from adapters.execution.ray_executor import RayExecutor
from adapters.execution.ray_messages import ClusterUnavailable
from bootstrap.env_modules import import_env_modules
from bootstrap.lists import items
from bootstrap.logs import configure
from bootstrap.plugins import load_plugins
from bootstrap.settings import InvalidSettings, Settings, set_ray_variables, worker_variables
from domain.ports import JobExecutor


def open_executor(settings: Settings) -> JobExecutor:
    """Raises InvalidSettings: an extra is missing, or the cluster cannot be used."""
    if settings.executor == "inline":
        return InlineExecutor()
    prepare = partial(_prepare_worker, settings)
    if settings.executor == "ray":
        return _on_ray(settings, prepare)
    return ProcessExecutor(settings.max_concurrent_jobs or default_capacity(), prepare)


def load_own_code(settings: Settings) -> None:
    """What the operator names, in the server and in each worker. Raises ImportError, InvalidSettings."""
    import_env_modules(items(settings.env_modules))
    load_plugins(items(settings.plugins))


def _prepare_worker(settings: Settings) -> None:
    configure(settings.log_level, settings.log_format)
    load_own_code(settings)


def _on_ray(settings: Settings, prepare: "partial[None]") -> JobExecutor:
    if find_spec("ray") is None:
        raise InvalidSettings("the executor ray needs the extra [ray]: pip install ray.")
    set_ray_variables()
    try:
        return RayExecutor(
            settings.ray_address,
            settings.max_concurrent_jobs or default_capacity(),
            prepare,
            worker_variables(),
            settings.max_concurrent_jobs,
        )
    except ClusterUnavailable as error:
        raise InvalidSettings(f"the executor ray cannot be used: {error}") from error
