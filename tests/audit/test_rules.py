"""What the rules find in tool calls, and that the document lists them as they are."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from her_models.audit.rules import load_rules, matches
from her_models.errors import ModelError

DOCUMENT = Path(__file__).parents[2] / "docs" / "audit.md"
PROJECT = "/home/dev/shop"


def found(command: str, cwd: str = PROJECT) -> dict[str, tuple[str, ...]]:
    """Return the rules that a shell command matches, each with what it acts on."""
    return {m.rule.name: m.targets for m in matches("Bash", json.dumps({"command": command}), None, cwd, PROJECT)}


_HERE = Path(__file__).parent
RISKS, LOOK_ALIKES, LOOK_ALIKE_FILES = (
    tomllib.loads((_HERE / f"{name}.toml").read_text(encoding="utf-8"))
    for name in ("risky", "look_alikes", "look_alike_files")
)
OF_TOOLS = {
    "machine_file_written": ("Write", "/etc/hosts", {}),
    "pipeline_file_written": ("Edit", f"{PROJECT}/.github/workflows/ci.yml", {}),
    "secret_file_opened": ("Read", f"{PROJECT}/.env", {}),
    "permission_rules_written": ("Write", f"{PROJECT}/.claude/settings.json", {}),
    "sandbox_left": ("Bash", None, {"command": "ls", "dangerouslyDisableSandbox": True}),
}


@pytest.mark.parametrize(("rule", "command"), [(rule, one) for rule, commands in RISKS.items() for one in commands])
def test_a_rule_finds_its_command(rule: str, command: str) -> None:
    assert rule in found(command)


@pytest.mark.parametrize("rule", OF_TOOLS)
def test_a_rule_finds_its_tool(rule: str) -> None:
    tool, path, given = OF_TOOLS[rule]
    assert rule in {match.rule.name for match in matches(tool, json.dumps(given), path, PROJECT, PROJECT)}


@pytest.mark.parametrize(("rule", "command"), [(rule, one) for rule, those in LOOK_ALIKES.items() for one in those])
def test_a_rule_leaves_alone_what_only_looks_like_it(rule: str, command: str) -> None:
    assert rule not in found(command)


@pytest.mark.parametrize(("rule", "path"), [(rule, one) for rule, those in LOOK_ALIKE_FILES.items() for one in those])
def test_a_rule_leaves_alone_a_file_that_only_looks_like_it(rule: str, path: str) -> None:
    assert rule not in {match.rule.name for match in matches("Write", "{}", path, PROJECT, PROJECT)}


def test_every_rule_is_held_against_a_dozen_look_alikes() -> None:
    counts = {rule: len(those) for rule, those in (LOOK_ALIKE_FILES | LOOK_ALIKES).items()}
    assert counts.keys() == {rule.name for rule in load_rules()[1]} - {"sandbox_left"}
    assert min(counts.values()) >= 12


def test_every_rule_has_an_example() -> None:
    assert {rule.name for rule in load_rules()[1]} == RISKS.keys() | OF_TOOLS.keys()


@pytest.mark.parametrize(
    "command",
    [
        "ls -la",
        "git status",
        "git checkout main",
        "echo 'rm -rf /'",
        "cat <<EOF > notes\nrm -rf /\ngit push -f\nEOF",
        "cat .env.example",
        "curl https://example.org",
        "nft list ruleset",
        "nc -zv host 80",
        "grep -rn 'git push' .",
        "python -m pytest",
    ],
)
def test_what_is_harmless_is_left_alone(command: str) -> None:
    assert found(command) == {}


def test_a_deletion_names_what_it_deletes_and_whether_it_lies_outside() -> None:
    assert found("rm -rf build /etc/x ~/y") == {"deleted_outside_project": ("/etc/x", "~/y")}
    assert found("rm -rf build dist") == {"deleted": (f"{PROJECT}/build", f"{PROJECT}/dist")}
    assert found("rm x", cwd=f"{PROJECT}/sub") == {"deleted": (f"{PROJECT}/sub/x",)}


def test_what_is_no_file_is_not_named_as_one() -> None:
    assert found("docker image rm shop:1") == {"images_removed": ("shop:1",)}
    assert found("docker volume rm data") == {"containers_pruned": ("data",)}
    assert found("git reset --hard HEAD~1") == {"changes_discarded": ("HEAD~1",)}


def shown(command: str) -> list[str]:
    return [match.command for match in matches("Bash", json.dumps({"command": command}), None, PROJECT, PROJECT)]


def test_a_command_is_shown_with_what_makes_it_risky() -> None:
    assert shown("echo export A=1 >> ~/.bashrc") == ["echo export A=1 >> ~/.bashrc"]
    assert shown("make 2>/dev/null | sudo tee /etc/hosts > /dev/null") == 2 * ["sudo tee /etc/hosts"]


@pytest.mark.parametrize(
    ("command", "part"),
    [
        (f"echo {'a' * 900} >> ~/.bashrc", ">> ~/.bashrc"),
        (f"psql shop -c '{'select 1; ' * 90} delete from users; {'select 2; ' * 90}'", "delete from users"),
        (f"git push {'-v ' * 300} --force origin main", "--force origin main"),
        (f"rm {'build/part ' * 90} /etc/hosts {'build/part ' * 90}", "/etc/hosts"),
    ],
    ids=lambda text: text[:20],
)
def test_a_long_command_is_cut_around_what_makes_it_risky(command: str, part: str) -> None:
    [match] = [
        one for one in matches("Bash", json.dumps({"command": command}), None, PROJECT, PROJECT)
        if one.rule.severity == "risk"
    ]  # fmt: skip
    assert part in match.command
    assert match.command.startswith(command[:10])
    assert len(match.command) <= 400


def test_a_windows_project_has_an_outside_too() -> None:
    given = json.dumps({"command": "rm -r /c/Users/ada/shop/build && rm -r /etc/x"})
    names = {
        m.rule.name: m.targets for m in matches("Bash", given, None, "C:\\Users\\ada\\shop", "C:\\Users\\ada\\shop")
    }
    assert names == {"deleted": ("/c/Users/ada/shop/build",), "deleted_outside_project": ("/etc/x",)}


@pytest.mark.parametrize("text", ["", "null", "[1]", '{"command": 1}', "[" * 100_000, '{"command": "echo \\"x"}'])
def test_an_input_that_is_odd_matches_nothing_and_breaks_nothing(text: str) -> None:
    assert matches("Bash", text, None, PROJECT, PROJECT) == []


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ('name = "x"\nclass = "odd"\nseverity = "risk"\neffect = "y"', "unknown class or severity"),
        ('name = "x"\nclass = "deploy"\nseverity = "risk"', "unknown fields or lacks one"),
        (
            'name = "x"\nclass = "deploy"\nseverity = "risk"\neffect = "y"\nskip = 1\nforms = [{ skip = 2 }]',
            "a form with an unknown field",
        ),
    ],
)
def test_a_rule_that_cannot_be_used_is_named(tmp_path: Path, entry: str, said: str) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(f'version = "1"\n[[rule]]\n{entry}\n', encoding="utf-8")
    with pytest.raises(ModelError, match=said):
        load_rules(path)


def test_the_document_lists_the_rules_as_they_are() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (\w+) \| (.+?) \|$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [(rule.name, rule.kind, rule.severity, rule.effect) for rule in load_rules()[1]]
