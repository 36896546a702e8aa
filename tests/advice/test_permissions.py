"""Permission rules: what a denied command needs, and no more."""

import pytest

from her_models.advice.permissions import permission


@pytest.mark.parametrize(
    ("command", "rule"),
    [
        ("swift build -c release", "swift build:*"),
        ("cd /repo && swift build", "swift build:*"),
        ('cd "/my repo"; npm run lint -- --fix', "npm run lint:*"),
        ("gh pr view 7", "gh pr view:*"),
        ("./gradlew test", "./gradlew test:*"),
        ("pytest -q tests", "pytest:*"),
        ("./tools/deploy.sh staging", "./tools/deploy.sh:*"),
        # A prefix ends with a word, so that a script is named whole.
        ("python3 tools/x.py --all", "python3 tools/x.py:*"),
        # What may destroy, reach a network or write is allowed as it stands.
        ("rm -rf build", "rm -rf build"),
        ("git push origin main", "git push origin main"),
        ("cd /repo && git push --force", "git push --force"),
        ("curl -s https://example.com", "curl -s https://example.com"),
        ("mkdir -p build", "mkdir -p build"),
        # So is what does more with other words behind it.
        ("docker run -v /:/h x", "docker run -v /:/h x"),
        ("/usr/bin/docker run x", "/usr/bin/docker run x"),
        ("gh api -X DELETE /x", "gh api -X DELETE /x"),
        ("terraform apply", "terraform apply"),
        ("watch ls", "watch ls"),
        ("chmod 777 x", "chmod 777 x"),
        ("npm install left-pad", "npm install left-pad"),
        ("make deploy", "make deploy:*"),
        ("make", "make"),
        ("docker ps -a", "docker ps:*"),
        ("rg -n todo", "rg:*"),
    ],
)
def test_a_rule_allows_the_command_and_no_more_than_its_like(command, rule):
    found = permission(command)
    assert found is not None
    assert found.rule == rule
    again = permission(found.text)
    assert again == found  # a piece of advice is named by the text and makes its rule from it


@pytest.mark.parametrize(
    "command",
    [
        "FOO=1 make deploy", "sudo make install", "make a && make b", "git log | head", "python3 -c 'print(1)'",
        "bash -c 'rm x'", "echo $HOME", "rm -rf *", "cd /repo", "cat <<END\nx\nEND", "", "echo 'never closed",
    ],
)  # fmt: skip
def test_where_no_rule_is_sure_to_help_none_is_given(command):
    assert permission(command) is None
