"""Kinds of content: what each is called, its colour, and the track of the replay that a tool belongs to.

What belongs here: names and colours, the same on every page, in the terminal's exports and in the replay. What does
not: charts (`charts`, `context_chart`). The colours are Okabe and Ito's, which eyes with any colour deficiency tell
apart.
"""

from __future__ import annotations

KINDS = {
    "prompt": ("Prompt", "#0072B2"),
    "command": ("Command", "#5BA3D0"),
    "thinking": ("Thinking", "#CC79A7"),
    "text": ("Answer", "#6B7280"),
    "tool_call": ("Tool call", "#E69F00"),
    "tool_result": ("Tool result", "#009E73"),
    "image": ("Image", "#56B4E9"),
    "document": ("Document", "#8FD0F5"),
    "memory": ("Memory file", "#8C6D4F"),
    "listing": ("Listing", "#D2B48C"),
    "reminder": ("Reminder", "#A8A29E"),
    "compact_summary": ("Compaction", "#B8A500"),
    "interruption": ("Interruption", "#D55E00"),
}
ERROR = ("Error", "#D55E00")
OTHER = ("Other", "#A8A29E")

# From below to above as a prompt is built: what stands first at the bottom.
CONTEXT_KINDS = {
    "system": ("System and tools", "#44546A"),
    "tool_schema": ("Tool schemas", "#6B83A3"),
    "memory": ("Memory files", "#8C6D4F"),
    "listing": ("Listings", "#D2B48C"),
    "reminder": ("Reminder", "#A8A29E"),
    "compact_summary": ("Compaction", "#B8A500"),
    "prompt": ("Prompt", "#0072B2"),
    "command": ("Command", "#5BA3D0"),
    "thinking": ("Thinking", "#CC79A7"),
    "text": ("Answer", "#6B7280"),
    "tool_call": ("Tool call", "#E69F00"),
    "tool_result": ("Tool result", "#009E73"),
    "image": ("Image", "#56B4E9"),
    "document": ("Document", "#8FD0F5"),
    "interruption": ("Interruption", "#D55E00"),
    "hidden": ("Shown by no line", "#F0E0C0"),
}

# Tracks of the replay, from above to below, with the tools that belong to each.
TOOL_TRACKS = {
    "Read": {"Read", "Grep", "Glob", "LS", "NotebookRead", "ToolSearch"},
    "Edit": {"Edit", "MultiEdit", "Write", "NotebookEdit"},
    "Run": {"Bash", "BashOutput", "KillShell", "KillBash", "PowerShell"},
    "Web": {"WebFetch", "WebSearch"},
    "Agents": {"Task", "Agent", "SendMessage", "TaskOutput"},
    "MCP": set[str](),
    "Other tools": set[str](),
}


def kind_name(kind: str | None) -> str:
    """Name of a kind of content, as shown everywhere."""
    return KINDS.get(kind or "", ((kind or "Other").replace("_", " ").capitalize(), ""))[0]


def tool_track(tool: str | None) -> str:
    """Name of the track a tool is drawn on."""
    if tool and tool.startswith("mcp__"):
        return "MCP"
    return next((track for track, tools in TOOL_TRACKS.items() if tool in tools), "Other tools")


def named(kind: str, kinds: dict[str, tuple[str, str]]) -> tuple[str, str]:
    """Name and colour of a kind, also of one that `kinds` does not list."""
    return kinds.get(kind) or (kind.replace("_", " ").capitalize(), OTHER[1])
