"""What docs/monitoring.md says of metrics and log keys, compared with what the service gives."""

import json
import logging
import re

from litestar import Litestar
from litestar.testing import TestClient
from prometheus_client.parser import text_string_to_metric_families

from bootstrap.logs import JsonFormatter
from tests.docs.test_documents import text_of
from tests.integration.conftest import *  # noqa: F403

PAGE = "docs/monitoring.md"


def test_table_of_metrics_says_what_the_service_gives(trained: TestClient[Litestar]) -> None:
    rows = re.findall(r"^\| `((?:grpo|process)_\w+)` \| (\w+) \| ([`\w, ]*?) ?\| [^|]+ \|$", text_of(PAGE), re.MULTILINE)
    said = {name.removesuffix("_total"): (kind, {*re.findall(r"`(\w+)`", labels)}) for name, kind, labels in rows}
    trained.get("/health")
    given = {
        family.name: (family.type, {label for sample in family.samples for label in sample.labels} - {"le"})
        for family in text_string_to_metric_families(trained.get("/metrics").text)
    }
    assert said == given


def test_table_of_log_keys_says_what_a_line_holds() -> None:
    [table] = re.findall(r"^\| key \| in \| meaning \|\n(.*?)\n\n", text_of(PAGE), re.DOTALL | re.MULTILINE)
    said = [key for row in table.splitlines()[1:] for key in re.findall(r"`(\w+)`", row.split("|")[1])]
    error = ZeroDivisionError()
    record = logging.LogRecord("grpo", logging.ERROR, "", 1, "x", (), (type(error), error, None))
    access = dict.fromkeys(("method", "path", "status", "milliseconds", "client"))
    record.__dict__ |= {"request_id": "r", "job_id": "j", "access": access}
    assert sorted(said) == sorted(json.loads(JsonFormatter().format(record)))


def test_every_metric_of_an_alert_exists(client: TestClient[Litestar]) -> None:
    text = text_of(PAGE)
    [alerts] = re.findall(r"### Alerts worth having\n\n```text\n(.*?)```", text, re.DOTALL)
    families = {family.name: family.type for family in text_string_to_metric_families(client.get("/metrics").text)}
    endings = {"counter": ["_total"], "gauge": [""], "summary": ["_count", "_sum"], "histogram": ["_bucket", "_count", "_sum"]}
    names = {name + ending for name, kind in families.items() for ending in endings[kind]}
    assert set(re.findall(r"\b(?:grpo|process)_\w+", alerts)) <= names
