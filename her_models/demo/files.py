"""Sessions as files: which line goes where in a drop folder, by client version."""

from __future__ import annotations

from pathlib import Path

from her_models.demo.client import Row, Session, World, dumps


def folder_name(root: str) -> str:
    """Return the folder of a working directory, as the client names it."""
    return root.replace("/", "-").replace(".", "-")


def write_files(world: World, out: Path) -> None:
    """Write every session below `out` and count what was written."""
    for session in world.sessions:
        session.finish()
    for session in world.sessions:
        folder = out / session.person.source_id / "projects" / folder_name(session.repository.root)
        _write(world, folder / f"{session.session_id}.jsonl", session.rows)
        for name, text in session.extra_files:
            _write(world, folder / name, [text] if text else [])
        if not session.writes_inline:
            for agent in session.agents:
                _write_agent(world, folder, session, agent)


def _write_agent(world: World, folder: Path, session: Session, agent: Session) -> None:
    if not agent.keeps_agent_file:
        return
    if session.version < (2, 1, 20):
        _write(world, folder / f"agent-{agent.agent_id}.jsonl", agent.rows)
        return
    place = folder / session.session_id / "subagents"
    _write(world, place / f"agent-{agent.agent_id}.jsonl", agent.rows)
    if session.version < (2, 1, 90):
        return
    about: Row = {"agentType": agent.agent_type, "description": agent.description}
    if session.version >= (2, 1, 300):
        about = {
            "agentType": agent.agent_type,
            "isBuiltIn": True,
            "description": agent.description,
            "toolUseId": agent.tool_use_id,
            "spawnDepth": 1,
            "model": agent.model,
            "finished": True,
        }
    (place / f"agent-{agent.agent_id}.meta.json").write_text(dumps(about), encoding="utf-8")


def _write(world: World, path: Path, rows: list[Row | str] | list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [row if isinstance(row, str) else dumps(row) for row in rows]
    data = "".join(line + "\n" for line in lines).encode()
    path.write_bytes(data)
    refused = sum(1 for line in lines if not line.endswith("}"))
    truth = world.truth
    truth.files_count += 1
    truth.bytes_count += len(data)
    truth.lines_count += len(lines) - refused
    truth.refused_count += refused
