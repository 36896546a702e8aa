"""Scenarios for the rig that make clients with a request log send what the rig's own scenarios do not.

Read by the rig's copy, not by us: `bench.request_log` puts this file beside it. What the model answers is filler.
"""

from __future__ import annotations

from typing import Any

from scenarios import SC, TASK, TODO, A, K, R, T, U

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGP4z8AARAwQCgAf7gP9i18U1AAAAABJRU5ErkJggg=="
KEY = "sk-" + "proj-" + "Zq3vN8xLr2Tf6Ws9Kd4Mb7Hy1Gc5Jp0Qe" + "T3BlbkFJ" + "a8Vn2Xr6Lt4Zw9Qd3Mf7Kb1Hs5Gy0Cp"  # invented
PASSWORD = "Tr4vel-Qu1etly-92"
SLOW = {"delta_chars": 40, "delta_delay_s": 0.15}


def bash(command: str) -> dict[str, Any]:
    return dict(U("Bash", command=command, description="Run it"))


def one(marker: str, *actions: object, prompt: str = "Go on", **how: object) -> dict[str, Any]:
    """Return a scenario of one step, or the beginning of one of several."""
    return {"scripts": {marker: list(actions)}, "steps": [{"prompt": f"{prompt} [[{marker}]]", **how}]}


WORK = (A(T("Looking."), R("src/app.py")), A(bash("echo one")), A(T("Done. ${LOREM:300}")))
LOADED = {"ENABLE_TOOL_SEARCH": "false"}


def with_hooks() -> dict[str, Any]:
    """Hooks that add context to prompts and results, and one that lets the first stop not stand."""
    tell = [{"hooks": [{"type": "command", "command": "echo context from a hook"}]}]
    result = [{"matcher": "*", "hooks": [{"type": "command", "command": "echo a complaint >&2; exit 2"}]}]
    stop = [{"hooks": [{"type": "command", "command": "test -e s && exit 0; touch s; echo not yet >&2; exit 2"}]}]
    hooks = {"SessionStart": tell, "UserPromptSubmit": tell, "PostToolUse": result, "Stop": stop}
    return {**one("hk", *WORK, A(T("Now it is done."))), "settings": {"hooks": hooks}}


def several(scenario: dict[str, Any], *steps: dict[str, Any], **scripts: list[Any]) -> dict[str, Any]:
    return {
        **scenario,
        "scripts": {**scenario["scripts"], **scripts},
        "steps": [*scenario["steps"], *steps],
    }


SC.update(
    {
        "mcp": {**one("mc", A(U("mcp__rig__lookup_7", query="x")), A(T("Looked up."))), "mcp": {"tools": 40}},
        "mcp_loaded": {
            **one(
                "ml",
                A(U("mcp__rig__lookup_7", query="x", limit=2)),
                A(U("mcp__rig__big_report", rows=900)),
                A(T("Looked up.")),
                env=LOADED,
            ),
            "mcp": {"tools": 12},
        },
        "tool_search": {
            **one(
                "ts",
                A(U("ToolSearch", query="select:mcp__rig__lookup_7", max_results=3)),
                A(U("mcp__rig__lookup_7", query="found")),
                A(T("Found a tool.")),
                env={"ENABLE_TOOL_SEARCH": "true"},
            ),
            "mcp": {"tools": 40},
        },
        "hour": one("hr", *WORK, env={"ENABLE_PROMPT_CACHING_1H": "1"}),
        "no_memory": {**one("nm", *WORK), "claude_md": 0},
        "hooks": with_hooks(),
        "interrupted": several(
            one(
                "in",
                A(R("src/app.py")),
                A(T("${LOREM:6000}"), **SLOW),
                sigint_when={"main_requests": 2, "then_s": 1.0},
            ),
            {"prompt": "After the interruption [[i2]]", "resume": "id"},
            i2=[A(bash("echo on")), A(T("Went on."))],
        ),
        "typed": {
            "scripts": {"t1": list(WORK), "t2": [A(K("${LOREM:90}"), bash("echo two")), A(T("Second."))]},
            "steps": [
                {
                    "tui": [
                        *(("wait", 4), ("send", "First [[t1]]"), ("wait", 1), ("send", "\r"), ("wait", 6)),
                        *(("send", "Second, see @notes.md [[t2]]"), ("wait", 1), ("send", "\r"), ("wait", 6)),
                        *(("send", "/exit"), ("wait", 1), ("send", "\r"), ("wait", 2)),
                    ]
                }
            ],
        },
        "typed_and_cut": {
            "scripts": {
                "c1": [A(R("notes.md")), A(T("${LOREM:6000}"), **SLOW)],
                "c2": list(WORK),
                "c3": [A(T("New."))],
            },
            "steps": [
                {
                    "tui": [
                        *(("wait", 4), ("send", "First [[c1]]"), ("wait", 1), ("send", "\r"), ("wait", 4)),
                        *(("send", "\x1b"), ("wait", 2), ("send", "Again [[c2]]"), ("wait", 1), ("send", "\r")),
                        *(("wait", 6), ("send", "/clear"), ("wait", 1), ("send", "\r"), ("wait", 2)),
                        *(("send", "Afresh [[c3]]"), ("wait", 1), ("send", "\r"), ("wait", 4)),
                        *(("send", "/exit"), ("wait", 1), ("send", "\r"), ("wait", 2)),
                    ]
                }
            ],
        },
        "queued": {
            "scripts": {
                "q1": [A(T("Wait. ${LOREM:1500}"), bash("sleep 2; echo one"), **SLOW), A(T("First."))],
                "q2": [A(T("Second."))],
            },
            "steps": [
                {
                    "tui": [
                        *(("wait", 4), ("send", "First [[q1]]"), ("wait", 1), ("send", "\r"), ("wait", 2)),
                        *(("send", "While you work [[q2]]"), ("wait", 1), ("send", "\r"), ("wait", 12)),
                        *(("send", "/exit"), ("wait", 1), ("send", "\r"), ("wait", 2)),
                    ]
                }
            ],
        },
        "image": one(
            "im",
            A(bash(f"echo {PIXEL} | base64 -d > dot.png")),
            A(R("dot.png")),
            A(R("dot.png"), R("notes.md")),
            A(T("A dot.")),
        ),
        "denied": {
            **one("de", A(bash("rm -f nothing")), A(bash("echo allowed")), A(T("Was not allowed to."))),
            "settings": {"permissions": {"deny": ["Bash(rm:*)"]}},
        },
        "wrong_calls": one(
            "wc",
            A(U("Read", path="nowhere")),
            A(U("Edit", file_path="${CWD}/src/app.py", old_string="not there", new_string="x")),
            A(U("NoSuchTool", text="x")),
            A(R("missing.txt"), bash("exit 3")),
            A(T("")),
            A(T("Enough.")),
        ),
        "odd_text": one(
            "od",
            A(bash("printf 'caf\\303\\251 \\360\\237\\230\\200 \\342\\200\\250 end'")),
            A(bash("printf '\\033[31mred\\033[0m \\a\\t\\r\\n\\177 end'")),
            A(bash("printf 'broken \\377\\376 \\355\\240\\200 bytes'")),
            A(U("Bash", command="echo 1", description='é😀\ufffd\u2028 \\ " \x7f', timeout=60000.0)),
            A(
                U(
                    "Write",
                    file_path="${CWD}/odd.txt",
                    content="\u0001 \u00a0 \U0001f600 \ud83d half of a pair, 1e-7 \\u0041 \r\n",
                )
            ),
            A(R("odd.txt")),
            A(T("😀 " * 40 + "\u2029 done")),
            prompt="Ünïcode 😀 \u2028 and \\ and \" and\ttabs",
        ),
        "odd_numbers": {
            **one(
                "on",
                A(U("mcp__rig__lookup_7", query="x", limit=3.0, columns=[])),
                A(
                    U(
                        "mcp__rig__lookup_7",
                        query="",
                        limit=1,
                        small=1e-7,
                        tiny=2.5e-9,
                        large=1e21,
                        huge=12345678901234567890,
                        zero=-0.0,
                        nested={"b": None, "a": [True, {}], "\U0001f600": 1, "\uffff": 2, "10": 3, "9": 4},
                    )
                ),
                A(T("Counted.")),
                env=LOADED,
            ),
            "mcp": {"tools": 10},
        },
        "forks": several(
            one("f1", *WORK),
            {"prompt": "Fork [[f2]]", "resume": "fork"},
            {"prompt": "Fork the fork [[f3]]", "resume": "fork"},
            {"prompt": "And on [[f4]]", "resume": "id"},
            f2=[A(bash("echo fork")), A(T("Forked."))],
            f3=[A(bash("echo fork of a fork")), A(T("Forked again."))],
            f4=[A(R("notes.md")), A(T("Went on."))],
        ),
        "nested_agents": {
            "scripts": {
                "na": [
                    A(
                        U(
                            TASK,
                            description="Explore",
                            prompt="Explore [[n1]]",
                            subagent_type="general-purpose",
                            run_in_background=False,
                        )
                    ),
                    A(T("It reported.")),
                ],
                "n1": [
                    A(
                        U(
                            TASK,
                            description="Explore deeper",
                            prompt="Explore deeper [[n2]]",
                            subagent_type="Explore",
                            run_in_background=False,
                        ),
                        R("notes.md"),
                    ),
                    A(T("Reported. ${LOREM:200}")),
                ],
                "n2": [A(R("src/app.py")), A(T("Nothing there. ${LOREM:200}"))],
            },
            "steps": [{"prompt": "Delegate [[na]]"}],
        },
        "background_agent": {
            "scripts": {
                "ba": [
                    A(
                        U(
                            TASK,
                            description="Explore",
                            prompt="Explore [[b1]]",
                            subagent_type="general-purpose",
                            run_in_background=True,
                        ),
                        bash("sleep 1; echo meanwhile"),
                    ),
                    A(bash("sleep 2; echo still")),
                    A(T("It works in the background.")),
                    A(T("And reported.")),
                ],
                "b1": [A(bash("sleep 1; echo inside")), A(T("Reported. ${LOREM:200}"))],
            },
            "steps": [{"prompt": "Delegate [[ba]]"}],
        },
        "new_system": several(
            one("n1", *WORK),
            {"prompt": "Again [[n2]]", "resume": "id", "args": ["--append-system-prompt", "Answer in é😀 one word."]},
            {"prompt": "And plan [[n3]]", "resume": "id", "args": ["--permission-mode", "plan"]},
            {"prompt": "Fewer tools [[n4]]", "resume": "id", "args": ["--disallowedTools", "WebSearch,WebFetch"]},
            n2=[A(bash("echo two")), A(T("Two."))],
            n3=[A(R("notes.md")), A(T("A plan. ${LOREM:200}"))],
            n4=[A(bash("echo four")), A(T("Four."))],
        ),
        "no_thinking": one("nt", A(K("${LOREM:90}"), T("Hm."), R("notes.md")), *WORK, env={"MAX_THINKING_TOKENS": "0"}),
        "effort": several(
            one("e1", A(K("${LOREM:900}"), R("notes.md")), *WORK, env={"CLAUDE_CODE_EFFORT_LEVEL": "high"}),
            {"prompt": "Less [[e2]]", "resume": "id", "env": {"CLAUDE_CODE_EFFORT_LEVEL": "low"}},
            e2=[A(K("${LOREM:90}"), bash("echo two")), A(T("Two."))],
        ),
        "small_window": several(
            one(
                "sw",
                *(A(bash(f"head -c 28000 data/big.txt; echo {turn}")) for turn in range(6)),
                A(T("Read. ${LOREM:400}")),
                env={"CLAUDE_CODE_AUTO_COMPACT_WINDOW": "60000"},
            ),
            {
                "prompt": "More [[s2]]",
                "resume": "id",
                "env": {"CLAUDE_CODE_AUTO_COMPACT_WINDOW": "60000"},
            },
            s2=[*(A(bash(f"head -c 28000 data/big.txt; echo more {turn}")) for turn in range(4)), A(T("More."))],
        ),
        "reminded": {
            "scripts": {"re": [A(TODO), *(A(bash(f"echo {turn}")) for turn in range(14)), A(T("Reminded."))]},
            "steps": [{"prompt": "Do much [[re]]"}],
        },
        "commands": several(
            one("cm", A(bash("mkdir -p .claude/commands; echo 'Greet $ARGUMENTS [[c2]]' > .claude/commands/greet.md"))),
            {"prompt": "/greet everyone", "resume": "id"},
            {"prompt": "/context", "resume": "id"},
            {"prompt": "Go on [[c3]]", "resume": "id"},
            c2=[A(bash("echo hello")), A(T("Greeted."))],
            c3=[A(T("Went on."))],
        ),
        "secrets": several(
            one(
                "se",
                A(T("Looking."), bash(f"echo DB_PASSWORD={PASSWORD}"), bash(f"echo {KEY}"), R("notes.md")),
                A(bash(f"curl -s -H 'Authorization: Bearer {KEY}' localhost:1 || true")),
                A(T(f"The password is {PASSWORD}, and the key is {KEY}.")),
                prompt=f"Log in with {KEY}",
            ),
            {"prompt": "Again [[s2]]", "resume": "id"},
            {"prompt": "Again [[s2]]", "resume": "id"},
            s2=[A(T("Again."))],
        ),
        "many_blocks": one(
            "mb",
            A(T("Everything."), *(bash(f"echo {call}") for call in range(30))),
            A(T("Again."), *(R("notes.md") for _ in range(12))),
            A(T("Done.")),
        ),
    }
)  # fmt: skip
