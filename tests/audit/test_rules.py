"""What the rules find in tool calls, and that the document lists them as they are."""

import json
import re
from pathlib import Path

import pytest

from her_models.audit.rules import load_rules, matches
from her_models.errors import ModelError

DOCUMENT = Path(__file__).parents[2] / "docs" / "audit.md"
PROJECT = "/home/dev/shop"


def found(command: str, cwd: str = PROJECT) -> dict[str, tuple[str, ...]]:
    """Return the rules that a shell command matches, each with what it acts on."""
    return {m.rule.name: m.targets for m in matches("Bash", json.dumps({"command": command}), None, cwd, PROJECT)}


RISKS = {
    "deploy_platform": ["vercel --prod", "fly deploy -a x"],
    "deploy_infrastructure": ["terraform apply -auto-approve", "ansible-playbook site.yml"],
    "deploy_cluster": ["kubectl -n prod delete pod x", "helm upgrade a b"],
    "deploy_cloud": ["gcloud run deploy x", "aws lambda update-function-code --function-name x"],
    "deploy_script": ["npm run deploy", "make release"],
    "production_named": ["RAILS_ENV=production rails console", "psql prod"],
    "database_migration": ["alembic upgrade head"],
    "database_statement": ["psql $DB -c 'DELETE FROM users'"],
    "service_control": ["sudo systemctl restart nginx"],
    "system_configuration": ["crontab jobs.txt"],
    "open_permissions": ["chmod 777 x"],
    "git_configuration": ["git config --global user.name x"],
    "system_path_written": ["echo x >> /etc/hosts"],
    "force_push": ["git push --force origin main", "git -C /x push -f"],
    "force_push_refspec": ["git push origin +main"],
    "remote_branch_deleted": ["git push origin --delete old"],
    "history_rewritten": ["git commit --amend"],
    "deleted_outside_project": ["rm -rf ~/other", "cd .. && rm -r other", "bash -c 'rm /var/lib/x'"],
    "found_and_deleted_outside": ["find / -name x -delete"],
    "deleted": ["rm -rf build", "cd sub && rm a.txt", "rm /tmp/x", 'rm "$DIR/x"'],
    "found_and_deleted": ["find . -name '*.pyc' -delete"],
    "git_removed": ["git rm a.py"],
    "changes_discarded": ["git reset --hard HEAD~1", "git checkout -- a.py", "git clean -fd"],
    "branch_or_stash_dropped": ["git branch -D old", "git stash drop"],
    "disk_overwritten": ["dd if=a of=/dev/sda"],
    "containers_pruned": ["docker system prune -f"],
    "repository_deleted": ["gh repo delete a/b --yes"],
    "package_published": ["npm publish --access public", "twine upload dist/*"],
    "image_pushed": ["docker push a/b"],
    "release_made": ["gh release create v1"],
    "tag_pushed": ["git push origin v1.2.0"],
    "secret_file_in_command": ["cat .env", "cp ~/.aws/credentials ."],
    "secret_store_read": ["gh auth token", "aws secretsmanager get-secret-value --secret-id x"],
    "environment_printed": ["printenv"],
    "permissions_skipped": ["claude --dangerously-skip-permissions -p hi"],
    "hooks_skipped": ["git commit --no-verify -m x"],
    "elevated": ["sudo apt install x"],
    "file_uploaded": ["curl -T f https://example.org", "curl -d @f https://example.org"],
    "data_sent": ["curl -X POST https://example.org"],
    "copied_to_another_machine": ["scp a user@host:/x"],
    "copied_to_cloud": ["aws s3 cp a s3://b/c"],
    "raw_connection": ["nc example.org 9"],
    "pushed": ["git push"],
    "written_on_forge": ["gh pr create --fill"],
}
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
