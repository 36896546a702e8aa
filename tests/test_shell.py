"""Shell text taken apart into simple commands; nothing is run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from her_models.shell import joined, leaves_running, simple_commands


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("git push -f", ["git push -f"]),
        ("cd a && rm b; ls | wc -l", ["rm b", "ls", "wc -l"]),
        ("A=1 B=2 make deploy", ["A=1 B=2 make deploy"]),
        ("sudo -u root rm x", ["sudo rm x"]),
        ("a 2>&1 >/dev/null >> b", ["a >> b"]),
        ("timeout 5s nohup curl -T f u", ["curl -T f u"]),
        ("bash -c 'rm x && git push'", ["bash -c rm x && git push", "rm x", "git push"]),
        ("ssh host 'rm x'", ["ssh host rm x", "rm x"]),
        ("echo $(rm x)", ["rm x", "echo $", "rm x"]),
        ("cat <<EOF > f\nrm -rf /\nEOF\nls", ["cat > f", "ls"]),
        ("echo 'rm -rf /'", ["echo rm -rf /"]),
        ("ls # rm x", ["ls"]),
        ("for f in *; do rm $f; done", ["for f in *", "rm $f", "done"]),
        ("ls; echo 'never closed", ["ls", "echo"]),
        ("{ a; b; } > f", ["a", "b", ": > f"]),
        ("(a) 2>&1", ["a"]),
        ("a <(rm x) > f", ["a", "rm x", ": > f"]),
        ("command -v rm", ["command -v rm"]),
        ("trap 'rm x' EXIT", ["trap rm x EXIT", "rm x"]),
        ("", []),
    ],
)
def test_a_text_is_taken_apart(text: str, found: list[str]) -> None:
    assert [command.text for command in simple_commands(text)] == found


def test_a_command_knows_where_it_ran_and_as_whom() -> None:
    [command] = simple_commands("cd ../b && sudo rm x", "/home/a")
    assert (command.cwd, command.is_elevated) == ("/home/b", True)


def test_a_command_knows_what_it_writes() -> None:
    [command] = simple_commands("make 2> /dev/null >> /etc/hosts")
    assert command.writes == ("/dev/null", "/etc/hosts")
    assert command.words == ()


@pytest.mark.parametrize(
    ("text", "subcommand"), [("git -C dir push x", ["push"]), ("kubectl -n prod delete pod", ["delete"])]
)
def test_a_subcommand_is_found_behind_options_with_values(text: str, subcommand: list[str]) -> None:
    [command] = simple_commands(text)
    assert command.begins_with(subcommand)


@pytest.mark.parametrize(
    ("text", "is_running"),
    [
        ("a &", True),
        ("a & b", True),
        ("(a &)", True),
        ("nohup a > log 2>&1 &\n", True),
        ("a && b", False),
        ("a |& b", False),
        ("a &> log; b >& log", False),
        ("a & b & wait", False),
        ("echo 'a & b'", False),
        ("cat <<END\na & b\nEND", False),
    ],
)
def test_what_goes_on_behind_a_text_is_told_by_its_last_sign(text: str, is_running: bool) -> None:
    assert leaves_running(text) == is_running


def test_words_that_come_from_elsewhere_are_told() -> None:
    fed, plain = simple_commands("ls | xargs -n 1 rm; rm x")[1:]
    assert (fed.is_fed, plain.is_fed) == (True, False)


@pytest.mark.parametrize(
    ("path", "cwd", "found"),
    [("x", "/a", "/a/x"), ("../x", "/a/b", "/a/x"), ("/x", "/a", "/x"), ("~/x", "/a", "~/x"), ("x", None, "x")],
)
def test_a_path_is_seen_from_the_root_where_that_is_known(path: str, cwd: str | None, found: str) -> None:
    assert joined(path, cwd) == found


@given(st.text(max_size=200))
def test_no_text_is_too_odd_to_take_apart(text: str) -> None:
    simple_commands(text, "/home/a")
