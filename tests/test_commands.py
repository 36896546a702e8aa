"""Shell commands: what may have changed a file, and what certainly has not; nothing is run to find out."""

import pytest

from her_models.commands import effects, load_commands, may_change
from her_models.errors import ModelError

FILE = "/repo/src/shop.py"
CHANGES = (
    "black .",
    "black",
    "ruff format",
    "ruff check --fix src",
    "cd src && isort shop.py",
    "sed -i 's/a/b/' src/shop.py",
    "sed -i.bak -e 's/a/b/' src/shop.py",
    "perl -pi -e 's/a/b/' src/shop.py",
    "npx prettier --write src/",
    "gofmt -w src",
    "cargo fmt",
    "git checkout -- src/shop.py",
    "git stash",
    "git pull --rebase",
    "git -C /repo reset --hard HEAD~1",
    "echo done >> src/shop.py",
    "cat > src/shop.py <<'END'\nprint('it\\'s')\nEND",
    "cat <<END > src/shop.py\nx\nEND",
    "git show HEAD:src/shop.py | tee src/shop.py",
    "mv src/other.py src/shop.py",
    "cp other.py src/shop.py",
    "rm -rf src",
    "find . -name '*.py' -exec sed -i s/a/b/ {} +",
    "sudo tee /repo/src/shop.py < x",
    "bash -c 'rm src/shop.py'",
    "make",
    "./tools/generate.sh",
    "python tools/generate.py",
    "npm install left-pad",
    "uv run python tools/generate.py",
    "sort -o src/shop.py src/shop.py",
    "cp x $TARGET",
    "echo x > $(pick)",
)
LEAVES = (
    "cat src/shop.py",
    "sed -n 1,40p src/shop.py",
    "git status && git diff | head -40",
    "git log --oneline -5 -- src/shop.py",
    "git diff > /tmp/changes.patch",
    "git commit -m \"$(cat <<'END'\nRead src/shop.py > once\nEND\n)\"",
    "black --check .",
    "black src/other.py",
    "prettier src",
    "ruff check src",
    "pytest -q 2>&1 | tail -20",
    "python -m pytest tests",
    "uv run pytest",
    "npm test",
    "npm run lint",
    "cargo test",
    "grep -rn 'rm -rf src' src 2>/dev/null",
    "echo 'black .'",
    "for f in src/*.py; do wc -l $f; done",
    "tee src/other.py < src/shop.py",
    "ls -la # black .",
    "",
)


@pytest.mark.parametrize("text", CHANGES)
def test_a_command_that_may_change_a_file_says_so(text):
    assert may_change(text, FILE, "/repo")


@pytest.mark.parametrize("text", LEAVES)
def test_a_command_that_leaves_a_file_alone_says_so(text):
    assert not may_change(text, FILE, "/repo")


def test_without_a_folder_the_end_of_a_path_decides():
    assert may_change("sed -i s/a/b/ src/shop.py", FILE)
    assert not may_change("sed -i s/a/b/ src/other.py", FILE)


def test_what_is_no_shell_may_do_anything():
    (effect,) = effects(";;")
    assert effect.writes_anything
    assert not effect.is_known


@pytest.mark.parametrize(
    ("text", "name", "network", "destructive"),
    [
        ("git push --force origin main", "git push", True, True),
        ("git push", "git push", True, False),
        ("git fetch", "git fetch", True, False),
        ("git clean -fd", "git clean", False, True),
        ("rm notes.txt", "rm", False, True),
        ("curl -s https://example.com", "curl", True, False),
        ("kubectl delete pod x", "kubectl delete", True, True),
        ("docker system prune -f", "docker system prune", False, True),
        ("ls", "ls", False, False),
    ],
)
def test_an_effect_names_its_command_and_says_what_it_reaches_and_destroys(text, name, network, destructive):
    (effect,) = effects(text)
    assert (effect.command, effect.network, effect.destructive) == (name, network, destructive)


def test_an_entry_with_an_unknown_field_is_explained(tmp_path):
    path = tmp_path / "commands.toml"
    path.write_text('version = "1"\n[[command]]\nnames = ["x"]\nwrite = "tree"\n')
    with pytest.raises(ModelError, match=r"entry 1: \['write'\] is unknown"):
        load_commands(path)
