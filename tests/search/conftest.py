"""A lake of two invented sessions, for searching."""

from pathlib import Path
from typing import Any

import pytest

from her_models.config import Config
from tests.lakes import config_of, ingested
from tests.logs import answer, prompt, write

LONG = "f" * 130
TEXTS = {
    "till": "Please mend src/till.py: it prints Permission denied",
    "zebra": "The ZEBRA crosses; zebras do not.",
    "unspaced": "これは日本語のテストです",
    "accents": "naïve café",
    "long": f"sum {LONG}needle end",
    "code": "def total_usd(rows):\n    return sum(rows)\n",
}


def tool(session: str, uuid: str, second: int, name: str, given: dict[str, Any], message_id: str) -> dict[str, Any]:
    """Return the line of a response that calls a tool."""
    line = answer(session, uuid, second, message_id)
    line["message"]["content"] = [{"type": "tool_use", "id": f"toolu_{uuid}", "name": name, "input": given}]
    return line


def result(session: str, uuid: str, second: int, call: str, text: str, *, failed: bool = False) -> dict[str, Any]:
    """Return the line of a tool's result."""
    block = {"type": "tool_result", "tool_use_id": f"toolu_{call}", "content": text, "is_error": failed}
    line = prompt(session, uuid, second)
    line["message"]["content"] = [block]
    return line


def write_logs(logs: Path) -> None:
    """Write the two sessions."""
    write(
        logs / "projects/shop/s1.jsonl",
        prompt("s1", "u1", 1, TEXTS["till"]),
        tool("s1", "u2", 2, "Bash", {"command": "cat /shop/till.py"}, "msg_1"),
        result("s1", "u3", 3, "u2", "cat: Permission denied", failed=True),
        answer("s1", "u4", 4, "msg_2", text=TEXTS["zebra"]),
    )
    write(
        logs / "projects/mill/s2.jsonl",
        *(
            prompt("s2", f"v{number}", 10 + number, TEXTS[name], cwd="/home/dev/mill")
            for number, name in enumerate(("unspaced", "accents", "long", "code"))
        ),
    )


@pytest.fixture(scope="session")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """The lake, with no index. Tests that make one do so in a home of their own."""
    folder = tmp_path_factory.mktemp("searched")
    write_logs(folder / "logs")
    ingested(folder / "home", folder / "logs")
    return config_of(folder / "home", folder / "logs")
