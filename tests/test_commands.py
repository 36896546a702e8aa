"""Shell commands: what may have changed a file, and what certainly has not; nothing is run to find out."""

import pytest

from her_models.commands import effects, is_reading_tool, load_commands, may_change
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
    # What a script of the project, a hook or a build does is not told.
    "npm run lint",
    "npm run build",
    "npm test",
    "yarn lint --fix",
    "pnpm lint:fix",
    "composer cs-fix",
    "just fmt",
    "source ./fmt.sh",
    ". scripts/env-and-more.sh",
    "git commit -m x",
    "git push",
    "git merge main",
    "git cherry-pick abc",
    "git am x.patch",
    "xcodebuild -scheme Shop",
    # Formatters and rewriters by name.
    "swiftformat .",
    "dprint fmt",
    "npx oxfmt",
    "npx eslint --fix src",
    "golangci-lint run --fix",
    # Test runners that write what they expect.
    "jest -u",
    "npx vitest run --update",
    "pytest --snapshot-update",
    "pytest --inline-snapshot=fix",
    "go test ./... -update",
    "UPDATE_EXPECT=1 cargo test",
    # Redirections of groups, and those inside of scripts.
    "{ echo a; echo b; } > src/shop.py",
    "(echo a; echo b) >> src/shop.py",
    "exec > src/shop.py",
    "awk '{print > \"src/shop.py\"}' x",
    "sed 's/a/b/w src/shop.py' x",
    "xxd -r a src/shop.py",
    "xxd a src/shop.py",
    "uniq a src/shop.py",
    "curl -sSLo src/shop.py https://example.com",
    "base64 -d x -o src/shop.py",
    "cp -t src other.py",
    # Commands that are handed to others.
    "fd -e py -x sed -i s/a/b/",
    "fd . src --exec-batch black",
    "find /elsewhere -name shop.py | xargs sed -i s/a/b/",
    "rg -l foo | xargs sd a b",
    "cat <(sed -i s/a/b/ src/shop.py)",
    "trap 'rm src/shop.py' EXIT",
    "duckdb -c \"copy t to 'src/shop.py'\"",
    "sleep 20 && black .",
)
LEAVES = (
    "cat src/shop.py",
    "sed -n 1,40p src/shop.py",
    "git status && git diff | head -40",
    "git log --oneline -5 -- src/shop.py",
    "git diff > /tmp/changes.patch",
    "git tag -m \"$(cat <<'END'\nRead src/shop.py > once\nEND\n)\"",
    "black --check .",
    "black src/other.py",
    "prettier src",
    "ruff check src",
    "pytest -q 2>&1 | tail -20",
    "python -m pytest tests",
    "uv run pytest",
    "npm ls --depth 0",
    "cargo test",
    "go test -run Update ./...",
    "jest src/shop.test.ts",
    "source .venv/bin/activate && pytest",
    '. "$HOME/.nvm/nvm.sh"',
    "swiftformat --lint .",
    "golangci-lint run",
    "git commit --dry-run",
    "awk '$3 > 5 {print $1}' src/shop.py",
    "sed -n '/web/p' src/web.py",
    "{ echo a; echo b; } > /tmp/out",
    "find . -name '*.py' | xargs grep -n x",
    "fd -e py shop src",
    "command -v black",
    "xxd src/shop.py | head",
    "uniq src/shop.py",
    "diff <(sort src/shop.py) <(sort b)",
    "sqlite3 shop.db 'select count(*) from orders'",
    "mktemp -d",
    "sleep 5; wait",
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


READING = ("mcp__github__get_issue", "mcp__git__git_status", "mcp__fs__Read_File", "mcp__db__describeTable", "listTabs")
CHANGING = (
    "mcp__git__checkout", "mcp__git__git_stash", "mcp__git__git_reset", "mcp__fs__append_to_file", "mcp__fs__put_file",
    "mcp__fs__Save", "mcp__ide__undo", "mcp__x__UpdateFile", "mcp__serena__replace_symbol_body", "mcp__fs__writeFile",
    "mcp__fs__find_and_replace", "mcp__x__get_or_create", "mcp__get_list__go", "mcp__x__computer",
)  # fmt: skip


@pytest.mark.parametrize("name", READING)
def test_the_name_of_a_tool_that_reads_says_so(name):
    assert is_reading_tool(name)


@pytest.mark.parametrize("name", CHANGING)
def test_a_tool_whose_name_does_not_say_that_it_reads_may_change_anything(name):
    assert not is_reading_tool(name)


@pytest.mark.parametrize(
    "text", ["sleep 5 && ls", "tail -f log", "until curl -s x; do sleep 1; done", "gh run watch 7"]
)
def test_a_command_that_lets_time_pass_says_so(text):
    assert any(effect.waits for effect in effects(text))
    assert not any(effect.waits for effect in effects("ls; tail log; echo sleep"))


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


def test_an_entry_whose_expression_cannot_be_read_is_explained(tmp_path):
    path = tmp_path / "commands.toml"
    path.write_text('version = "1"\n[[command]]\nnames = ["x"]\nwrites_if = "("\n')
    with pytest.raises(ModelError, match="entry 1: writes_if is no regular expression"):
        load_commands(path)


def test_an_entry_with_an_unknown_field_is_explained(tmp_path):
    path = tmp_path / "commands.toml"
    path.write_text('version = "1"\n[[command]]\nnames = ["x"]\nwrite = "tree"\n')
    with pytest.raises(ModelError, match=r"entry 1: \['write'\] is unknown"):
        load_commands(path)
