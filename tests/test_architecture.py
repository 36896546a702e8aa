"""The arrows between folders point one way; read from the imports, wherever in a module they stand."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent
OURS = {"app", "her_models", "pipelines"}
FORBIDDEN = {
    "her_models": {"app", "pipelines", "dagster", "great_expectations", "streamlit"},
    "pipelines": {"app", "streamlit"},
    "app": {"pipelines", "dagster", "great_expectations"},
}


def _imported(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module


def _modules(package: str) -> list[Path]:
    return sorted((CHECKOUT / package).rglob("*.py"))


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_follow_the_arrows(package: str) -> None:
    wrong = {
        f"{module.relative_to(CHECKOUT)} imports {name}"
        for module in _modules(package)
        for name in _imported(module)
        if name.partition(".")[0] in FORBIDDEN[package]
    }
    assert wrong == set()


@pytest.mark.parametrize("package", FORBIDDEN)
def test_every_module_says_what_belongs_in_it(package: str) -> None:
    silent = {
        str(module.relative_to(CHECKOUT))
        for module in _modules(package)
        if module.read_text(encoding="utf-8").strip() and not ast.get_docstring(ast.parse(module.read_text("utf-8")))
    }
    assert silent == set()


@pytest.mark.parametrize("package", FORBIDDEN)
def test_no_module_is_named_for_nothing(package: str) -> None:
    assert {m.stem for m in _modules(package)} & {
        "utils",
        "util",
        "helpers",
        "helper",
        "manager",
        "common",
        "misc",
    } == set()


def test_relative_imports_are_not_used() -> None:
    """They would hide from the tests above."""
    relative = {
        f"{module.relative_to(CHECKOUT)}:{node.lineno}"
        for package in sorted(OURS)
        for module in _modules(package)
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    }
    assert relative == set()
