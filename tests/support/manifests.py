"""Manifests for tests: a small one in which every line is meant, and where to find a line of it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pulumi_atlassian_forge.manifest.manifest import Manifest, Manifests

REAL: Final = Path(__file__).parent / "manifest.yml"
"""A manifest of the size and the variety that grown apps have."""

SMALL: Final = """\
app:
  id: ari:cloud:ecosystem::app/1
permissions:
  scopes:
    - read:jira-work
    - read:page:confluence
modules:
  jira:issuePanel:
    - key: static-panel
      title: Risk
      resource: main
  trigger:
    - key: static-trigger
      events: [avi:jira:created:issue]
      function: notify
  function:
    - key: notify
      handler: index.notify
    - key: resolver
      handler: index.resolver
  endpoint:
    - key: bug-hook
      remote: backend
      route:
        path: /bugs
      auth:
        appSystemToken:
          enabled: true
    - key: user-hook
      remote: backend
      route:
        path: /user
      auth:
        appUserToken: {enabled: true}
    - key: ui-only
      remote: backend
resources:
  - key: main
    path: static/main
    entry:
      panel: panel.jsx
  - key: plain
    path: static/plain
"""


def line_with(text: str, words: str) -> int:
    """The line of a text that consists of some words, or of these after a dash; counted from 1. There must be one only."""
    (line,) = [number for number, line in enumerate(text.splitlines(), 1) if words in (line, line.lstrip(" -"))]
    return line


def write(folder: Path, content: str | bytes) -> None:
    data = content.encode() if isinstance(content, str) else content
    (folder / "manifest.yml").write_bytes(data)


def parsed(folder: Path, content: str | bytes) -> Manifest:
    """A manifest of this content, read from a file ``manifest.yml`` in a folder."""
    write(folder, content)
    return Manifests().get(folder, "manifest.yml")
