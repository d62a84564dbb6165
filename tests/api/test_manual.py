"""The manual at /docs: complete, and nothing loaded from anywhere."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from starlette.testclient import TestClient

from webhooks.api import OPERATIONS
from webhooks.api.docs_page import policy, prose


class Elements(HTMLParser):
    """Collects ids and links, and checks that what is opened is closed."""

    VOID = frozenset({"meta", "link", "br", "img", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.add(tag)
        self.attributes.update(values)
        self.ids += filter(None, [values.get("id")])
        self.links += filter(None, [values.get("href"), values.get("src")])
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def page(anonymous: TestClient) -> str:
    """The page as served to everybody."""
    answer = anonymous.get("/docs")
    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"] == policy()
    return answer.text


def test_every_call_is_described(page: str) -> None:
    for operation in OPERATIONS:
        assert f'id="{operation.name}"' in page
        assert f"<code>{operation.path}</code>" in page


def test_the_page_is_whole_and_its_links_lead_somewhere(page: str) -> None:
    elements = Elements()
    elements.feed(page)
    assert elements.open == []
    assert len(set(elements.ids)) == len(elements.ids)
    targets = {link[1:] for link in elements.links if link.startswith("#")}
    assert targets <= set(elements.ids)
    assert {link for link in elements.links if not link.startswith("#")} == {"/openapi.json"}


def test_the_page_has_no_script_and_only_the_style_that_its_policy_names(page: str) -> None:
    elements = Elements()
    elements.feed(page)
    assert "script" not in elements.tags
    assert not any(name == "style" or name.startswith("on") for name in elements.attributes)
    styles = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert len(styles) == 1
    digest = base64.b64encode(hashlib.sha256(styles[0].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy()
    assert "url(" not in styles[0]
    assert "@import" not in styles[0]


def test_descriptions_are_escaped() -> None:
    assert prose("<b> & `<i>`") == "<p>&lt;b&gt; &amp; <code>&lt;i&gt;</code></p>"
    assert prose("a\n\n- b\n- `c`") == "<p>a</p><ul><li>b</li><li><code>c</code></li></ul>"
