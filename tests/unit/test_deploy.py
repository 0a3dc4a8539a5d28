"""deploy/: the manifests are valid by the schemas of Kubernetes and of Compose, and say what the service understands."""

import json
import re
from importlib.resources import files
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from bootstrap.settings import PREFIX, load
from tests.e2e.server import ROOT

DEPLOY = ROOT / "deploy"
KUBERNETES = "1.33"
MANIFESTS = [
    (path.name, document["kind"], document)
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))
]
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
[RAY_CLUSTER] = [document for _, kind, document in MANIFESTS if kind == "RayCluster"]
POD_TEMPLATES = [RAY_CLUSTER["spec"]["headGroupSpec"], *RAY_CLUSTER["spec"]["workerGroupSpecs"]]


@pytest.mark.parametrize(("file", "kind", "manifest"), [each for each in MANIFESTS if each[1] != "RayCluster"])
def test_manifest_of_kubernetes_is_valid(file: str, kind: str, manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


@pytest.mark.parametrize("group", POD_TEMPLATES)
def test_pods_of_the_ray_cluster_are_valid(group: dict[str, Any]) -> None:
    """The custom resource itself has no schema here; what it makes are pods."""
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": group["template"]["spec"]}
    kubernetes_validate.validate(pod, KUBERNETES, strict=True)


def test_wrong_manifest_is_refused_so_that_these_tests_say_something() -> None:
    wrong = json.loads(json.dumps(MANIFESTS[0][2]))
    wrong["spec"]["replica"] = 3
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, KUBERNETES, strict=True)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(COMPOSE | {"servces": {}}, compose_schema())


def compose_schema() -> dict[str, Any]:
    schema = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    return dict(json.loads(schema.read_text(encoding="utf-8")))


def test_compose_file_is_valid() -> None:
    jsonschema.validate(COMPOSE, compose_schema())


def servers() -> dict[str, dict[str, str]]:
    """The variables of each server that is described."""
    [deployment] = [document for _, kind, document in MANIFESTS if kind == "Deployment"]
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    found = {"kubernetes": {one["name"]: one.get("value", "postgresql://grpo@db/grpo") for one in container["env"]}}
    return found | {name: service["environment"] for name, service in COMPOSE["services"].items() if "server" in name}


@pytest.mark.parametrize("name", [*servers()])
def test_server_has_settings_that_are_valid(name: str) -> None:
    variables = {key: re.sub(r"\$\{.*?\}", "secret", value) for key, value in servers()[name].items()}
    settings = load([], {key: value for key, value in variables.items() if key.startswith(PREFIX)})
    assert settings.executor == "ray"
    assert settings.database_url.startswith("postgresql://")
    assert settings.api_keys_file


def test_versions_are_those_that_the_image_has() -> None:
    cluster = dict(line.split("==") for line in (ROOT / "requirements-cluster.txt").read_text().splitlines() if "==" in line)
    assert RAY_CLUSTER["spec"]["rayVersion"] == cluster["ray"]
    tested = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    assert all(f"{name}=={version}" in tested for name, version in cluster.items())


def test_load_balancer_keeps_a_client_at_one_server_and_buffers_nothing() -> None:
    text = (DEPLOY / "balance.conf").read_text(encoding="utf-8")
    assert "ip_hash;" in text
    assert "proxy_buffering off;" in text
    assert set(re.findall(r"server ([\w-]+):8000", text)) == {name for name in COMPOSE["services"] if "server" in name}
