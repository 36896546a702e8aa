"""What a model string names: the model itself, the platform it ran on, and the region that platform was bound to.

What belongs here: the spellings that logs contain. What does not: any price. A name that is not understood stays
unknown, since a wrong price is worse than none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Region = Literal["global", "regional", "government"]

_ROUTERS = re.compile(r"^(openrouter/)?(bedrock/|vertex_ai/|azure_ai/|azure/|anthropic/|openai/|gemini/|google/)?")
_BEDROCK_REGION = re.compile(r"^(us-gov|us|eu|apac|au|jp|global)\.(?=anthropic\.)")
_BEDROCK_PLACE = re.compile(r"^(us-gov|us|eu|ap|ca|sa|me|af|il)-[a-z]+-\d/")
_FAMILIES = "opus|sonnet|haiku|fable|mythos"
_NUMBER_FIRST = re.compile(rf"^claude-(\d+)(?:-(\d{{1,2}}))?-({_FAMILIES})\b")
_FAMILY_FIRST = re.compile(rf"^claude-({_FAMILIES})-(\d+)(?:-(\d{{1,2}}))?(?=-|$)")
_CLAUDE = re.compile(rf"^claude-(3(-[57])?-(opus|sonnet|haiku)|({_FAMILIES})-\d+(-\d+)?|mythos-preview)$")
_OTHERS = re.compile(r"^((gpt-|codex-|chatgpt-|o\d)[a-z0-9.-]*|gemini-[a-z0-9.-]+)$")


@dataclass(frozen=True)
class ModelName:
    """One model string, taken apart.

    `canonical` is the model's own name, null when it is not understood; `is_fast` is true where the
    platform sells fast mode as a model of its own.
    """

    logged: str
    canonical: str | None
    platform: str
    region: Region
    is_fast: bool = False

    @property
    def provider(self) -> str | None:
        """Who makes the model: anthropic, openai or google; null when unknown."""
        if self.canonical is None:
            return None
        if self.canonical.startswith("claude-"):
            return "anthropic"
        return "google" if self.canonical.startswith("gemini-") else "openai"


def model_name(logged: str) -> ModelName:
    """Take a model string apart; router, region, snapshot date and the `[1m]` marker leave its name."""
    name = logged.strip().lower().removesuffix("[1m]")
    if name.startswith("arn:aws"):  # an inference profile; its last part is the id
        name = "bedrock/" + name.rsplit("/", 1)[-1]
    platform, region, name = _platform(name)
    name = re.sub(r"@(\d{8}|default|latest)$", "", name)
    name = re.sub(r"-v\d+(:\d+)?$", "", name)
    name = re.sub(r"-(20\d{6}|20\d\d-\d\d-\d\d|latest)$", "", name)
    is_fast = name.startswith("claude-") and name.endswith("-fast")
    name = name.removesuffix("-fast") if is_fast else name
    return ModelName(logged, _own_name(name), platform, region, is_fast)


def canonical_model(model: str) -> str | None:
    """Return the model's own name (`claude-opus-4-5`), or None where the string names no model known by form."""
    return model_name(model).canonical


def _platform(name: str) -> tuple[str, Region, str]:
    """Return platform, region and what is left of the name."""
    if name.startswith("bedrock_mantle/"):
        rest = name.removeprefix("bedrock_mantle/")
        region: Region = "government" if rest.startswith("us-gov") else "regional"
        return "bedrock_mantle", region, rest.rsplit("/", 1)[-1].removeprefix("anthropic.")
    if name.startswith("bedrock/claude_platform/"):
        return "claude_platform_aws", "global", name.rsplit("/", 1)[-1]
    router = _ROUTERS.match(name)
    prefix = router.group(0) if router else ""
    rest = name[len(prefix) :].removeprefix("claude_platform/").removeprefix("invoke/")
    if prefix.endswith("bedrock/") or "anthropic." in rest or re.search(r"-v\d+:\d+$", rest):
        return "bedrock", *_bedrock(rest)
    if prefix.endswith("vertex_ai/") or "@" in rest:
        return "vertex", "global", rest
    if prefix.endswith(("azure_ai/", "azure/")):
        return "azure_foundry", "global", rest
    return "first_party", "global", rest


def _bedrock(rest: str) -> tuple[Region, str]:
    """Return the region a Bedrock id is bound to, and the id without it."""
    place = _BEDROCK_PLACE.match(rest)
    if place:
        name = rest[place.end() :].removeprefix("anthropic.")
        return ("government" if place.group(1) == "us-gov" else "regional"), name
    prefix = _BEDROCK_REGION.match(rest)
    name = rest[prefix.end() if prefix else 0 :].removeprefix("anthropic.")
    if prefix is None or prefix.group(1) == "global":
        return "global", name
    return ("government" if prefix.group(1) == "us-gov" else "regional"), name


def _own_name(name: str) -> str | None:
    """Return a model's one spelling: `claude-3.5-sonnet` is `claude-3-5-sonnet`, `claude-4-opus` is `claude-opus-4`."""
    if not name.startswith("claude"):
        return name if _OTHERS.match(name) else None
    name = re.sub(r"(?<=\d)\.(?=\d)", "-", name)
    name = _NUMBER_FIRST.sub(_spelled, name) if _NUMBER_FIRST.match(name) else _FAMILY_FIRST.sub(_spelled, name)
    return name if _CLAUDE.match(name) else None


def _spelled(match: re.Match[str]) -> str:
    """Number before family up to generation 3, after it since; a minor version of 0 is not said."""
    groups = match.groups()
    family, major, minor = groups if match.re is _FAMILY_FIRST else (groups[2], groups[0], groups[1])
    number = major if minor in (None, "0") else f"{major}-{minor}"
    return f"claude-{number}-{family}" if int(major) <= 3 else f"claude-{family}-{number}"
