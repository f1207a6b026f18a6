"""What the documents promise exists, and what exists is documented."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from greenhearth_cli.main import app

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "deploy/README.md")]


def _verbs(group: Any, before: str) -> Iterator[str]:
    """Yield ``greenhearth agent run`` for every verb that help shows."""
    for name, command in group.commands.items():
        if command.hidden:
            continue
        if hasattr(command, "commands"):
            yield from _verbs(command, f"{before} {name}")
        else:
            yield f"{before} {name}"


VERBS = sorted(_verbs(typer.main.get_command(app), "greenhearth"))


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_in_the_readme(verb: str) -> None:
    """A verb that nobody can find is not there."""
    assert f"`{verb}" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_a_verb_loses_no_word_to_the_terminal(verb: str) -> None:
    """A word in brackets is taken for a colour and not shown."""
    command: Any = typer.main.get_command(app)
    for word in verb.split()[1:]:
        command = command.commands[word]
    texts = [command.help or "", *(getattr(one, "help", None) or "" for one in command.params)]
    assert [text for text in texts if re.search(r"\[[a-z]", text)] == []


def test_the_readme_names_no_verb_that_does_not_exist() -> None:
    """`greenhearth WORD` in the README is a verb or a group of verbs."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    known = {verb.split()[1] for verb in VERBS}
    assert set(re.findall(r"`greenhearth ([a-z]+)", text)) <= known


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_in_a_document_leads_somewhere(path: Path) -> None:
    """Links to files of the repository point at files that are there."""
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_every_make_target_of_the_readme_exists() -> None:
    """The two commands of a new user, and the others."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z]+)", text))
    assert {"demo", "test"} <= named <= targets
