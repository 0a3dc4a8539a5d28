"""The files of the dashboard: which there are, and with which headers they come."""

import re

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from adapters.http.controllers.dashboard import FOLDER, read_files

Client = TestClient[Litestar]


def test_page_when_asked_for_may_load_files_of_this_server_only(client: Client) -> None:
    answer = client.get("/dashboard")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert not re.search(r"<script[^>]*>[^<]|<style|\son\w+=|https?://", answer.text)


def test_every_file_that_the_page_names_is_there_with_its_media_type(client: Client) -> None:
    named = re.findall(r'(?:src|href)="(dashboard/[^"]+)"', client.get("/dashboard").text)
    assert len(named) > 40
    types = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml"}
    for name in named:
        answer = client.get(f"/{name}")
        assert answer.status_code == 200, name
        assert answer.headers["content-type"] == types[name.rpartition(".")[2]]


@pytest.mark.parametrize("path", ["/dashboard", "/dashboard/main.js"])
def test_file_when_the_browser_has_it_already_is_not_sent_again(client: Client, path: str) -> None:
    first = client.get(path)
    assert first.headers["cache-control"] == "no-cache"
    again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]


@pytest.mark.parametrize("path", ["none.js", "index", "../app.py", "%2e%2e/app.py", "..%2fapp.py", "/etc/passwd", "css"])
def test_path_that_is_no_file_of_the_page_is_not_found(client: Client, path: str) -> None:
    answer = client.get(f"/dashboard/{path}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_page_with_a_slash_behind_it_leads_to_the_one_without(client: Client) -> None:
    answer = client.get("/dashboard/", follow_redirects=False)
    assert answer.status_code == 302
    assert answer.headers["location"] == "../dashboard"


def test_module_of_the_page_stays_short() -> None:
    for path in FOLDER.rglob("*.*"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 300, path
    assert set(read_files()) == {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.*")}
