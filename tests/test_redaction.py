"""Redaction: what is taken out, what is left, and that lines stay what they were."""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from her_models.config import Config
from her_models.errors import ConfigError
from her_models.redaction import MARKER, Redactor, Span, load_key
from her_models.redaction_rules import RULES
from tests.seeded_secrets import SEEDED, SEEDS, Seed, body, lines_with, pem

KEY = b"k" * 32
REDACTOR = Redactor(KEY)
BY_RE = Redactor(KEY, engine="re")
HOMES = Redactor(KEY, home_names=True)


def shape(value: object) -> object:
    """What is left of a value when texts and numbers do not count."""
    if isinstance(value, dict):
        return [shape(v) for v in value.values()]
    if isinstance(value, list):
        return [shape(v) for v in value]
    return "leaf"


def dumped(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def in_raw(secret: str, data: bytes) -> bool:
    """Tell whether a secret stands in the bytes, at any depth of escapes."""
    flat = re.sub(rb"\\+", rb"\\", data).replace(rb"\/", b"/").replace(rb"\"", b'"')
    return secret.encode() in data or secret.encode() in flat


@pytest.mark.parametrize("seed", SEEDS, ids=lambda s: f"{s.rule}-{s.secret[:6]}")
def test_secret_is_found_by_its_rule_in_every_place(seed: Seed):
    fingerprints = set()
    for place, line in lines_with(seed.text).items():
        raw = dumped(line)
        spans = REDACTOR.spans(raw)
        redacted = REDACTOR.apply(raw, spans)
        assert not in_raw(seed.secret, redacted), (place, redacted)
        assert seed.rule in {span.rule for span in spans}, place
        assert shape(json.loads(redacted)) == shape(line), place
        assert REDACTOR.redact(redacted) == redacted, place
        fingerprints |= {span.fingerprint for span in spans if span.rule == seed.rule}
    assert len(fingerprints) == 1


@pytest.mark.parametrize("seed", SEEDS, ids=lambda s: f"{s.rule}-{s.secret[:6]}")
def test_both_engines_see_the_same(seed: Seed):
    raw = b"\n".join(dumped(line) for line in lines_with(seed.text).values())
    assert BY_RE.spans(raw) == REDACTOR.spans(raw)


def test_every_rule_has_a_seeded_secret():
    assert set(SEEDED) == {rule.name for rule in RULES}
    assert len(SEEDED) >= 40


@pytest.mark.parametrize("seed", SEEDS, ids=lambda s: f"{s.rule}-{s.secret[:6]}")
def test_only_the_secret_is_replaced(seed: Seed):
    redacted = REDACTOR.redact_text(seed.text)
    start = seed.text.index(seed.secret)
    if seed.rule != "private-key":  # whose lines are seeded one by one
        assert MARKER.sub(b"#", redacted.encode()).decode() == (
            seed.text[:start] + "#" + seed.text[start + len(seed.secret) :]
        )


@pytest.mark.parametrize("seed", SEEDS, ids=lambda s: f"{s.rule}-{s.secret[:6]}")
def test_secret_written_with_character_escapes_is_found(seed: Seed):
    escaped = "".join(f"\\u{ord(c):04x}" if c in "-_=:/.@'<>&+" else json.dumps(c)[1:-1] for c in seed.text)
    raw = b'{"type":"summary","summary":"' + escaped.encode() + b'"}'
    assert json.loads(raw)["summary"] == seed.text
    redacted = REDACTOR.redact(raw)
    assert seed.secret not in json.loads(redacted)["summary"]
    assert BY_RE.redact(raw) == redacted


def test_private_key_shown_with_line_numbers_is_found():
    text, rows = pem()
    shown = "\n".join(f"{n:6d}→{row}" for n, row in enumerate(text.split("\n"), 1))
    redacted = REDACTOR.redact(dumped({"content": shown}))
    assert json.loads(redacted)["content"].endswith("-----END RSA PRIVATE KEY-----")
    assert not any(row.encode() in redacted for row in rows)


def test_private_key_in_the_lines_of_a_patch_is_found_and_the_list_keeps_its_length():
    text, rows = pem()
    patch = {"lines": ["+" + row for row in text.split("\n")] + [" done"]}
    redacted = REDACTOR.redact(dumped(patch))
    assert len(json.loads(redacted)["lines"]) == len(patch["lines"])
    assert json.loads(redacted)["lines"][-1] == " done"
    assert not any(row.encode() in redacted for row in rows)


def test_private_key_without_its_end_is_found():
    text, rows = pem()
    redacted = REDACTOR.redact(dumped({"stdout": text[:500]}))
    assert not any(row.encode() in redacted for row in rows[:7])


@pytest.mark.parametrize("between", ["\n", "\r\n", "\n   12→", "\n    7\t"])
def test_private_key_of_which_only_the_tail_is_shown_is_found(between: str):
    text, rows = pem()
    tail = between.join(text.split("\n")[-5:])
    redacted = REDACTOR.redact(dumped({"stdout": f"$ tail key{between}{tail}"}))
    assert not any(row.encode() in redacted for row in rows)
    assert json.loads(redacted)["stdout"].endswith(between + "-----END RSA PRIVATE KEY-----")
    assert json.loads(redacted)["stdout"].startswith("$ tail key" + between)
    assert REDACTOR.redact(redacted) == redacted


@pytest.mark.parametrize(
    "text",
    [
        '{"usage":{"input_tokens":1200,"cache_creation_input_tokens":52344,"output_tokens":381}}',
        '{"sessionId":"0708a5fa-06bd-4274-b1fe-513c7202217e","requestId":"req_011CQrZ8vXk3mN5pL7wB2tYd"}',
        '{"message":{"id":"msg_01XFDUDYJgAACzvnptvVoYEL"},"tool_use_id":"toolu_01A09q90qw90lq917835lq9"}',
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
        "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        '"integrity": "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DwZ8g=="',
        "password: string;\n  token?: string | null;\n  secret: Buffer",
        "password = get_password()\ntoken = os.environ['TOKEN']\napi_key=settings.api_key",
        "ANTHROPIC_API_KEY=<YOUR_KEY>\nOPENAI_API_KEY=sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "export GITHUB_TOKEN=${GITHUB_TOKEN}\nPASSWORD=$PASS\nTOKEN=your_token_here",
        "apiKey: process.env.API_KEY, password: process.env.DB_PASSWORD1",
        "AWS_ACCESS_KEY_ID=" + "AKIA" + "IOSFODNN7EXAMPLE",
        "the token count is 1000, max_tokens=4096, tokens: 12345678",
        "--- PASS: TestRunIntegrationV2Fetch (0.05s)\nPASS: 12, FAIL: 3",
        "https://user:password@host/ and postgres://user:${PASSWORD}@db and http://localhost:8080/@scope",
        'input type="password" name="password" placeholder="Enter your password"',
        "primary_key: user_id2, cache_key=v2_abc123def456, partition_key='2024-01-01'",
        "next_page_token=CAUQAA1b2c3d4e5f6, page_token: 9f8a7b6c5d4e3f2a1b0c",
        "--token is required; use --password to give one; Bearer authentication-scheme-without-token",
        "Authorization: Bearer $TOKEN, Authorization: Bearer <token>",
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\n-----END PUBLIC KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----",
        "def test_password_is_hashed_with_sha256(): token_type = 'bearer2'",
        "skill-creator-for-plugins sk-learn task-abcdefghijklmnopqrstuvwxyzabcdefgh",
        "mnemonic: the quick brown fox",
        "Cookie: the cookie is set by the server",
        "/home/jane/project and C:\\Users\\jane\\project and -Users-jane-project",
    ],
)
def test_text_without_secrets_is_unchanged(text: str):
    for depth in range(4):
        line: object = text
        for _ in range(depth):
            line = json.dumps({"x": line})
        raw = dumped({"message": line})
        assert REDACTOR.redact(raw) == raw
    assert REDACTOR.redact_text(text) == text


def test_nothing_is_found_inside_an_image_or_a_signature():
    blob = body("image", 20000, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    planted = blob[:5000] + "/AK" + "IA" + body("x", 16, "ABCDEFGHIJKLMNOP234567") + "/" + blob[5000:]
    raw = dumped({"source": {"type": "base64", "data": planted}, "signature": blob})
    assert REDACTOR.redact(raw) == raw


def test_number_behind_a_password_becomes_a_text_and_the_line_stays_json():
    raw = b'{"user":"bob","password":48151623,"port":5432}'
    assert set(json.loads(REDACTOR.redact(raw))) == {"user", "password", "port"}
    assert json.loads(REDACTOR.redact(raw))["password"].startswith("[redacted:password:")


def test_closing_quotes_of_every_depth_stay():
    inner = json.dumps({"password": 'q"uo\\te9' + "'s"})
    outer = json.dumps({"a": json.dumps({"b": inner})})
    redacted = json.loads(REDACTOR.redact(dumped({"c": outer})))["c"]
    found = json.loads(json.loads(json.loads(redacted)["a"])["b"])["password"]
    assert MARKER.fullmatch(found.encode())


def test_same_secret_has_the_same_fingerprint_whatever_is_around_it_and_another_key_another():
    secret = body("same", 30) + "9z"
    texts = [f"api_key={secret}", json.dumps({"token": secret}), f"Authorization: Bearer {secret}"]
    found = {span.fingerprint for text in texts for span in REDACTOR.spans(dumped({"x": text}))}
    assert len(found) == 1
    assert found.isdisjoint(span.fingerprint for span in Redactor(b"o" * 32).spans(dumped({"x": texts[0]})))


def test_replacement_names_rule_and_fingerprint():
    assert Span(0, 1, "github", "0123456789abcdef").replacement == b"[redacted:github:0123456789abcdef]"


# -- Laws ----------------------------------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [seed.text for seed in SEEDS]
    + ["password", "token", "secret", "api_key", ":", "=", " ", '"', "'", "\\", "\n", "\t", "/", "@", "://", "[", "{"]
    + [
        "[redacted:password:0123456789abcdef]",
        "-----BEGIN PRIVATE KEY-----",
        "Bearer ",
        "é",
        "\u2028",
        "\x00",
        "12345678",
    ]
    + ["\\u003d", "\\u0022", "\\/", "--password ", "value:", "/home/jane/", "C:\\Users\\jane\\", "-Users-jane-x"]
)
TEXTS = st.lists(st.one_of(PIECES, st.text(max_size=6)), max_size=6).map("".join)
JSON = st.recursive(
    st.one_of(TEXTS, st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False, allow_infinity=False)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(TEXTS, inner, max_size=3),
        inner.map(json.dumps),  # JSON as text: a depth more
    ),
    max_leaves=6,
)


def escaped(text: str, every: int) -> str:
    """JSON of a text with some characters written as escapes that nobody needs."""
    made = json.dumps(text)
    return re.sub(r"(?<!\\)[=:_.-]", lambda m: f"\\u{ord(m[0]):04X}", made) if every == 2 else made


@settings(max_examples=150, deadline=None)
@given(JSON, st.booleans(), st.booleans())
@example({"a": 'password="\\'}, False, False)
def test_any_json_line_stays_json_of_the_same_shape(value: object, is_ascii: bool, is_spaced: bool):
    separators = (", ", ": ") if is_spaced else (",", ":")
    raw = json.dumps(value, ensure_ascii=is_ascii, separators=separators).encode("utf-8", "surrogatepass")
    for redactor in (REDACTOR, HOMES):
        redacted = redactor.redact(raw)
        assert shape_with_keys(json.loads(redacted)) == shape_with_keys(json.loads(raw))
        assert redactor.redact(redacted) == redacted


def shape_with_keys(value: object) -> object:
    """As `shape`, but two keys that become equal count as one: JSON readers keep the last."""
    if isinstance(value, dict):
        return "object"
    if isinstance(value, list):
        return [shape_with_keys(v) for v in value]
    return "leaf"


@settings(max_examples=150, deadline=None)
@given(st.lists(TEXTS, max_size=4), st.sampled_from([0, 2]))
def test_spans_are_sorted_and_disjoint_and_equal_for_both_engines(texts: list[str], every: int):
    raw = "\n".join(escaped(text, every) for text in texts).encode("utf-8", "surrogatepass")
    spans = REDACTOR.spans(raw)
    assert spans == BY_RE.spans(raw)
    assert all(0 <= span.start < span.end <= len(raw) for span in spans)
    assert all(a.end <= b.start for a, b in pairwise(spans))
    assert not any(b"\n" in raw[span.start : span.end] for span in spans)


@settings(max_examples=150, deadline=None)
@given(st.lists(TEXTS, max_size=4), st.sampled_from([0, 2]))
@example(["curl x", "-u bob:s3cret99"], 0)
@example(["BEGIN PRIVATE KEY", body("pem", 40) + "= -----END PRIVATE KEY"], 0)
@example(["x", "echo s3cret99 | sudo -S ls"], 0)
def test_a_line_is_redacted_the_same_whatever_lines_are_around_it(texts: list[str], every: int):
    lines = [escaped(text, every).encode("utf-8", "surrogatepass") for text in texts]
    assert REDACTOR.redact(b"\n".join(lines)).split(b"\n") == [REDACTOR.redact(line) for line in lines or [b""]]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=30), TEXTS.map(lambda t: t.encode("utf-8", "surrogatepass"))), max_size=5))
def test_any_bytes_are_taken_and_redacting_twice_changes_nothing(parts: list[bytes]):
    once = REDACTOR.redact(b"".join(parts))
    assert REDACTOR.redact(once) == once


@settings(max_examples=150, deadline=None)
@given(st.text())
def test_text_without_tell_tale_words_is_unchanged(text: str):
    assert REDACTOR.redact_text(text) == text


# -- User names ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", range(4))
def test_user_names_of_home_folders_become_a_stable_pseudonym_if_asked(depth: int):
    text = "/home/jane/x /Users/jane/y C:\\Users\\jane\\z ~/.claude/projects/-Users-jane-x"
    line: object = text
    for _ in range(depth):
        line = json.dumps({"x": line})
    redacted = HOMES.redact(dumped({"cwd": line}))
    assert b"jane" not in redacted
    assert len(set(re.findall(rb"redacted[0-9a-f]{10}", redacted))) == 1
    assert HOMES.redact(redacted) == redacted
    unwrapped = json.loads(redacted)["cwd"]
    for _ in range(depth):
        unwrapped = json.loads(unwrapped)["x"]
    assert re.fullmatch(r"/home/(\w+)/x /Users/\1/y C:\\Users\\\1\\z ~/\.claude/projects/-Users-\1-x", unwrapped), (
        unwrapped
    )


# -- Configuration and key -----------------------------------------------------------------------------------------


def test_key_is_made_once_for_this_user_only(tmp_path: Path):
    path = tmp_path / "home" / "redaction.key"
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: load_key(path), range(32)))
    assert len(keys) == 1
    assert len(keys.pop()) == 32
    assert [p.name for p in path.parent.iterdir()] == ["redaction.key"]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_damaged_key_is_an_error_that_says_what_to_do(tmp_path: Path):
    (tmp_path / "redaction.key").write_bytes(b"short")
    with pytest.raises(ConfigError, match=r"holds 5 bytes, not a key of 32\. Move it away"):
        load_key(tmp_path / "redaction.key")


def test_redaction_off_finds_nothing_and_makes_no_key(tmp_path: Path):
    redactor = Redactor.for_config(Config(home=tmp_path, redaction="off"))
    assert redactor.spans(dumped({"password": "hunter" + "2"})) == []
    assert list(tmp_path.iterdir()) == []


def test_compiled_rules_are_kept_and_a_damaged_file_is_made_anew(tmp_path: Path):
    pytest.importorskip("hyperscan")
    raw = dumped({"password": "hunter" + "2"})
    expected = Redactor.for_config(Config(home=tmp_path)).spans(raw)
    (kept,) = (tmp_path / "cache").iterdir()
    good = kept.read_bytes()
    kept.write_bytes(good[:1000])
    assert Redactor.for_config(Config(home=tmp_path)).spans(raw) == expected
    assert kept.read_bytes() == good
    kept.write_bytes(b"")
    assert Redactor.for_config(Config(home=tmp_path)).spans(raw) == expected


def test_without_hyperscan_the_same_is_found(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "hyperscan", None)
    raw = dumped({"password": "hunter" + "2"})
    assert Redactor(KEY).spans(raw) == REDACTOR.spans(raw)


REAL = Path(__file__).parent.parent.parent / "shared" / "sessions"


@pytest.mark.skipif(not REAL.is_dir(), reason="no ../shared/sessions beside this checkout")
def test_real_logs_keep_their_numbers_and_ids():
    for path in sorted(REAL.rglob("*.jsonl"))[::20]:
        raw = path.read_bytes()
        for before, after in zip(raw.split(b"\n"), REDACTOR.redact(raw).split(b"\n"), strict=True):
            if before != after:
                assert shape(json.loads(after)) == shape(json.loads(before))
                left, right = json.loads(before), json.loads(after)
                for key in ("uuid", "sessionId", "requestId", "timestamp"):
                    assert left.get(key) == right.get(key)


def test_the_page_on_redaction_lists_every_rule():
    page = (Path(__file__).parent.parent / "docs" / "redaction.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| (.+) \|$", page, re.MULTILINE)
    assert rows == [(rule.name, rule.title) for rule in RULES]
