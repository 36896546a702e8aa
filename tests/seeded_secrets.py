"""Invented secrets of every rule, and every place of a log line where one can stand.

They are put together when the tests run, so that no scanner complains about the repository, and are the same on
every run. `SEEDS` has the text that a secret stands in (a password is none without its name), `SEEDED` the secrets
by rule, `lines_with(text)` a log line per place.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
DIGITS = "0123456789"
ALPHANUMERIC = LETTERS + DIGITS
HEX = DIGITS + "abcdef"
BASE64 = ALPHANUMERIC + "+/"
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@dataclass(frozen=True)
class Seed:
    """A secret, the rule that has to find it, and the text around it."""

    rule: str
    secret: str
    text: str


def body(salt: str, length: int, alphabet: str = ALPHANUMERIC) -> str:
    """Return `length` characters that look random and are the same on every run."""
    seed = hashlib.shake_256(salt.encode()).digest(length * 2)
    return "".join(alphabet[int.from_bytes(seed[2 * i : 2 * i + 2], "big") % len(alphabet)] for i in range(length))


def _of(rule: str, *parts: str, before: str = "see ", after: str = " there") -> Seed:
    secret = "".join(parts)
    return Seed(rule, secret, before + secret + after)


def _prefixed() -> list[Seed]:
    made = []
    for rule, prefix, length, alphabet in (
        ("anthropic", "sk-" + "ant-api03-", 93, ALPHANUMERIC),
        ("anthropic", "sk-" + "ant-oat01-", 93, ALPHANUMERIC),
        ("anthropic", "sk-" + "ant-admin01-", 93, ALPHANUMERIC),
        ("openrouter", "sk-" + "or-v1-", 64, HEX),
        ("openai", "sk-" + "proj-", 120, ALPHANUMERIC),
        ("openai", "sk-" + "svcacct-", 120, ALPHANUMERIC),
        ("openai-legacy", "sk-", 48, ALPHANUMERIC),
        ("google-api", "AI" + "za", 35, ALPHANUMERIC),
        ("huggingface", "h" + "f_", 34, ALPHANUMERIC),
        ("replicate", "r" + "8_", 37, ALPHANUMERIC),
        ("groq", "gs" + "k_", 52, ALPHANUMERIC),
        ("xai", "xa" + "i-", 80, ALPHANUMERIC),
        ("perplexity", "ppl" + "x-", 48, ALPHANUMERIC),
        ("cerebras", "cs" + "k-", 48, DIGITS + "abcdefghijklmnopqrstuvwxyz"),
        ("fireworks", "f" + "w_", 24, ALPHANUMERIC),
        ("nvidia", "nva" + "pi-", 64, ALPHANUMERIC),
        ("pinecone", "pcs" + "k_", 68, ALPHANUMERIC),
        ("tavily", "tvl" + "y-", 32, ALPHANUMERIC),
        ("firecrawl", "f" + "c-", 32, HEX),
        ("elevenlabs", "s" + "k_", 48, HEX),
        ("e2b", "e2" + "b_", 40, HEX),
        ("aws-access-key-id", "AK" + "IA", 16, BASE32),
        ("aws-access-key-id", "AS" + "IA", 16, BASE32),
        ("google-oauth-secret", "GOC" + "SPX-", 28, ALPHANUMERIC),
        ("google-oauth", "ya" + "29.", 120, ALPHANUMERIC),
        ("google-refresh", "1/" + "/0", 60, ALPHANUMERIC),
        ("digitalocean", "dop" + "_v1_", 64, HEX),
        ("heroku", "HR" + "KU-", 58, ALPHANUMERIC),
        ("fly", "fo" + "1_", 43, ALPHANUMERIC),
        ("fly-macaroon", "fm" + "2_", 200, ALPHANUMERIC),
        ("cloudflare", "cf" + "ut_", 40, ALPHANUMERIC),
        ("vercel", "vc" + "p_", 56, ALPHANUMERIC),
        ("netlify", "nf" + "p_", 36, ALPHANUMERIC),
        ("render", "rn" + "d_", 28, ALPHANUMERIC),
        ("supabase", "sb" + "p_", 40, HEX),
        ("supabase", "sb_" + "secret_", 31, ALPHANUMERIC),
        ("planetscale", "pscale" + "_tkn_", 43, ALPHANUMERIC),
        ("neon", "nap" + "i_", 64, ALPHANUMERIC),
        ("databricks", "dap" + "i", 32, HEX),
        ("github", "gh" + "p_", 36, ALPHANUMERIC),
        ("github", "gh" + "o_", 36, ALPHANUMERIC),
        ("github", "gh" + "u_", 36, ALPHANUMERIC),
        ("github", "gh" + "s_", 36, ALPHANUMERIC),
        ("github", "gh" + "r_", 76, ALPHANUMERIC),
        ("github-fine-grained", "github" + "_pat_", 82, ALPHANUMERIC),
        ("gitlab", "gl" + "pat-", 20, ALPHANUMERIC),
        ("bitbucket", "AT" + "BB", 32, ALPHANUMERIC),
        ("atlassian", "AT" + "ATT3", 180, ALPHANUMERIC),
        ("npm", "np" + "m_", 36, ALPHANUMERIC),
        ("pypi", "py" + "pi-AgEIcHlwaS5vcmc", 150, ALPHANUMERIC),
        ("rubygems", "ruby" + "gems_", 48, HEX),
        ("crates-io", "ci" + "o", 32, ALPHANUMERIC),
        ("nuget", "oy" + "2", 43, "abcdefghijklmnop" + DIGITS),
        ("docker", "dckr" + "_pat_", 27, ALPHANUMERIC),
        ("sourcegraph", "sg" + "p_", 40, HEX),
        ("circleci", "CCI" + "PAT_", 44, ALPHANUMERIC),
        ("buildkite", "bk" + "ua_", 40, HEX),
        ("sonar", "sq" + "p_", 40, HEX),
        ("pulumi", "pu" + "l-", 40, HEX),
        ("vault", "hv" + "s.", 90, ALPHANUMERIC),
        ("doppler", "dp." + "pt.", 43, ALPHANUMERIC),
        ("onepassword", "ops" + "_eyJ", 300, ALPHANUMERIC),
        ("age", "AGE-SECRET" + "-KEY-1", 58, BASE32),
        ("slack-webhook", "hooks.slack" + ".com/services/T", 42, ALPHANUMERIC),
        ("twilio", "S" + "K", 32, HEX),
        ("mailgun", "ke" + "y-", 32, HEX),
        ("stripe", "sk" + "_live_", 24, ALPHANUMERIC),
        ("stripe", "rk" + "_live_", 99, ALPHANUMERIC),
        ("stripe-webhook", "wh" + "sec_", 32, ALPHANUMERIC),
        ("square", "sq0" + "atp-", 22, ALPHANUMERIC),
        ("shopify", "shp" + "at_", 32, HEX),
        ("easypost", "EZ" + "AK", 54, ALPHANUMERIC),
        ("linear", "lin" + "_api_", 40, ALPHANUMERIC),
        ("notion", "nt" + "n_", 46, ALPHANUMERIC),
        ("figma", "fig" + "d_", 40, ALPHANUMERIC),
        ("contentful", "CFP" + "AT-", 43, ALPHANUMERIC),
        ("tailscale", "tske" + "y-auth-", 30, ALPHANUMERIC),
        ("dropbox", "s" + "l.", 130, ALPHANUMERIC),
        ("new-relic", "NR" + "AK-", 27, BASE32),
        ("sentry", "sntr" + "ys_", 120, ALPHANUMERIC),
        ("grafana", "gls" + "a_", 41, HEX),
        ("posthog", "ph" + "x_", 43, ALPHANUMERIC),
    ):
        made.append(_of(rule, prefix, body(rule + prefix, length, alphabet)))
    return made


def _shaped() -> list[Seed]:
    token = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "typ": "JWT"}).encode()).decode().rstrip("=")
    claims = base64.urlsafe_b64encode(json.dumps({"sub": "1234", "name": "Nobody"}).encode()).decode().rstrip("=")
    return [
        _of("langfuse", "sk-" + "lf-", body("lf", 8, HEX), "-", body("lf2", 4, HEX), "-", body("lf3", 24, HEX)),
        _of("langsmith", "lsv2" + "_pt_", body("ls", 32, HEX), "_", body("ls2", 10, HEX)),
        _of("azure-client-secret", body("az", 3), "8" + "Q~", body("az2", 34)),
        _of("cloudflare-origin", "v1" + ".0-", body("cf", 24, HEX), "-", body("cf2", 146, HEX)),
        _of("terraform", body("tf", 14), ".atlas" + "v1.", body("tf2", 67)),
        _of("slack", "xo" + "xb-", body("sl", 12, DIGITS), "-", body("sl2", 12, DIGITS), "-", body("sl3", 24)),
        _of("slack", "xa" + "pp-1-A", body("sx", 10), "-", body("sx2", 13, DIGITS), "-", body("sx3", 64, HEX)),
        _of(
            "discord-webhook", body("dw2", 68), before="https://discord.com/api/web" + f"hooks/{body('d', 18, DIGITS)}/"
        ),
        _of("telegram", body("tg", 9, "123456789"), ":A" + "A", body("tg2", 33)),
        _of("sendgrid", "S" + "G.", body("sg", 22), ".", body("sg2", 43)),
        _of("mailchimp", body("mc", 32, HEX), "-us" + "12"),
        _of("brevo", "xkey" + "sib-", body("br", 64, HEX), "-", body("br2", 16)),
        _of("airtable", "pa" + "t", body("at", 14), ".", body("at2", 64, HEX)),
        _of("postman", "PM" + "AK-", body("pm", 24, HEX), "-", body("pm2", 34, HEX)),
        _of("jwt", token, ".", claims, ".", body("jwt", 43)),
        _of("password-hash", "$2" + "b$10$", body("bc", 53)),
        _of("password-hash-crypt", "$6" + "$", body("cr", 16), "$", body("cr2", 86)),
        Seed(
            "google-key-id", kid := body("kid", 40, HEX), '{"type": "service_account", "private_key_id": "' + kid + '"}'
        ),
        _of("azure-storage", body("as", 86, BASE64), "==", before="DefaultEndpoints;Account" + "Key=", after=";End"),
        _of(
            "azure-sas",
            body("sas", 42),
            "%3D",
            before="https://x.blob.core.windows.net/c?sv=2022&si" + "g=",
            after="&e",
        ),
    ]


def pem(kind: str = "RSA PRIVATE KEY", lines: int = 12) -> tuple[str, list[str]]:
    """Return a private key and the lines of its body."""
    rows = [body(f"{kind}{n}", 64, BASE64) for n in range(lines)] + [body(f"{kind}end", 22, BASE64) + "=="]
    return "\n".join((f"-----BEGIN {kind}-----", *rows, f"-----END {kind}-----")), rows


def _private_keys() -> list[Seed]:
    made = []
    for kind in ("RSA PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "PRIVATE KEY", "PGP PRIVATE KEY BLOCK"):
        text, rows = pem(kind)
        made += [Seed("private-key", row, f"a key:\n{text}\nand more text") for row in (rows[0], rows[6], rows[-1])]
    return made


def _in_context() -> list[Seed]:
    def value(salt: str, length: int = 32, alphabet: str = ALPHANUMERIC) -> str:
        return body(salt, length - 2, alphabet) + "7q"

    pair = base64.b64encode(("bob:" + value("basic", 12)).encode()).decode()
    word = "s3" + "cr3t!" + value("pw", 6)
    phrase = " ".join("".join(body(f"w{n}", 5, "abcdefghijklmnopqrstuvwxyz")) for n in range(12))
    made = [
        ("url-password", word, f"postgres://app:{word}@db.internal:5432/main"),
        ("url-password", word + "y", f"git clone https://bob:{word}y@git.example/x.git"),
        ("url-password", word + "z", f"redis://:{word}z@cache:6379/0"),
        ("authorization", value("b1"), f"curl -H 'Authorization: Bearer {value('b1')}' https://x.test"),
        ("authorization", pair, f'"Authorization": "Basic {pair}"'),
        ("authorization", value("b2"), f"send Bearer {value('b2')} with it"),
        ("cookie", value("c1"), f"Cookie: theme=dark; sid={value('c1')}; lang=en"),
        ("cookie", value("c2"), f"Set-Cookie: session={value('c2')}; Path=/; HttpOnly"),
        ("cookie", value("c3"), f"GET /x;PHPSESSID={value('c3')} HTTP/1.1"),
        ("password", word + "1", f'{{"password": "{word}1"}}'),
        ("password", "hunter" + "2", "DB_PASSWORD=hunter" + "2\nPORT=1"),
        ("password", value("p64", 18) + "==", f"  password: {value('p64', 18)}==\n"),
        ("password", word + "3", f"password: {word}3\nuser: bob"),
        ("password", word + "4", f"conn(passwd='{word}4')"),
        ("password", word + "5", f"Server=db;User Id=sa;Password={word}5;Encrypt=true"),
        ("password", "correct-" + "horse-battery-staple", 'passphrase = "correct-' + 'horse-battery-staple"'),
        ("named-secret", value("n1", 40, BASE64), f"aws_secret_access_key = {value('n1', 40, BASE64)}\n"),
        ("named-secret", value("n2", 40, BASE64), f'"SecretAccessKey": "{value("n2", 40, BASE64)}"'),
        ("named-secret", value("n3", 32, HEX), f"DD_API_KEY={value('n3', 32, HEX)}\nDD_SITE=x"),
        ("named-secret", value("n4"), f"const apiKey: string = '{value('n4')}';"),
        ("named-secret", value("n5"), f"CLOUDFLARE_API_TOKEN: {value('n5')}\n"),
        ("named-secret", value("n6"), f"config['client_secret'] => '{value('n6')}',"),
        ("named-secret", value("n7"), f"//registry.x.test/:_authToken={value('n7')}\n"),
        ("named-secret", "0x" + value("n8", 64, HEX), f'PRIVATE_KEY="0x{value("n8", 64, HEX)}"'),
        ("named-secret", pair, f'{{"auths":{{"x":{{"auth":"{pair}"}}}}}}'),
        ("named-secret", value("n10", 300) + "==", f"aws_session_token = {value('n10', 300)}==\n"),
        ("named-secret", value("n9"), f"X-Api-Key: {value('n9')}\r\n"),
        ("command-line", word + "6", f"tool --user bob --password {word}6 --verbose"),
        ("command-line", value("f1"), f'spawn(["tool","--api-key","{value("f1")}"])'),
        ("command-line", word + "7", f"curl -s -u bob:{word}7 https://x.test"),
        ("command-line", word + "8", f"sshpass -p {word}8 ssh host"),
        ("command-line", word + "f", f"cd /srv\necho {word}f | sudo -S ls"),
        ("command-line", word + "9", f"mysql -h db -u root -p{word}9 main"),
        ("name-value-pair", word + "a", f"- name: DB_PASSWORD\n  value: {word}a\n"),
        ("name-value-pair", value("p1"), f'{{"name":"API_TOKEN","value":"{value("p1")}"}}'),
        ("told-in-prose", word + "e", f"log in, the password is {word}e, then go on"),
        ("markup", word + "b", f"<server><password>{word}b</password></server>"),
        ("netrc", word + "c", f"machine x.test login bob password {word}c\n"),
        ("pgpass", word + "d", f"db.internal:5432:main:app:{word}d\n"),
        ("seed-phrase", phrase, f'mnemonic = "{phrase}"'),
    ]
    return [Seed(rule, secret, text) for rule, secret, text in made]


SEEDS: list[Seed] = [*_prefixed(), *_shaped(), *_private_keys(), *_in_context()]
SEEDED: dict[str, list[str]] = {}
for _seed in SEEDS:
    SEEDED.setdefault(_seed.rule, []).append(_seed.secret)


def lines_with(text: str, session_id: str = "7d0f7c1e-0c62-4f1b-9b5e-0a4a5f7f1c11") -> dict[str, dict[str, Any]]:
    """Return a log line per place in which `text` stands, by the place's name."""
    common = {
        "parentUuid": None,
        "isSidechain": False,
        "userType": "external",
        "cwd": "/srv/app",
        "sessionId": session_id,
        "version": "2.1.100",
        "gitBranch": "main",
        "timestamp": "2026-03-01T10:00:00.000Z",
    }

    def user(content: object, **more: object) -> dict[str, Any]:
        return {**common, "type": "user", "message": {"role": "user", "content": content}, **more}

    def assistant(*blocks: object) -> dict[str, Any]:
        usage = {"input_tokens": 5, "output_tokens": 7, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}
        message = {
            "id": "msg_" + hashlib.sha256(repr(blocks).encode()).hexdigest()[:20],
            "type": "message",
            "role": "assistant",
            "model": "claude-sonnet-4-5-20250929",
            "content": list(blocks),
            "stop_reason": "end_turn",
            "usage": usage,
        }
        return {**common, "type": "assistant", "requestId": "req_011", "message": message}

    def nested(depth: int) -> str:
        inner = text
        for _ in range(depth):
            inner = json.dumps({"stdout": inner})
        return inner

    result = {"type": "tool_result", "tool_use_id": "toolu_01"}
    attachment = {"type": "hook_success", "hookName": "x", "stdout": text, "content": [text]}
    lines = {
        "prompt": user(text),
        "prompt block": user([{"type": "text", "text": text}]),
        "text": assistant({"type": "text", "text": text}),
        "thinking": assistant({"type": "thinking", "thinking": text, "signature": "EqQBCkgIARABGAIi"}),
        "tool input": assistant({"type": "tool_use", "id": "toolu_01", "name": "Bash", "input": {"command": text}}),
        "tool input deep": assistant({"type": "tool_use", "id": "t", "name": "X", "input": {"a": [{"b": [text]}]}}),
        "tool result": user([{**result, "content": text}], toolUseResult={"stdout": text, "stderr": text}),
        "tool result blocks": user([{**result, "content": [{"type": "text", "text": text}]}]),
        "file read": user([{**result, "content": "x"}], toolUseResult={"file": {"content": text, "filePath": "/a"}}),
        "file edit": user(
            [{**result, "content": "x"}],
            toolUseResult={"oldString": text, "newString": "", "originalFile": text, "structuredPatch": []},
        ),
        "file snapshot": {
            "type": "file-history-snapshot",
            "messageId": "m",
            "snapshot": {"messageId": "m", "trackedFileBackups": {"a": {"content": text}}, "timestamp": "2026-03-01"},
            "isSnapshotUpdate": False,
        },
        "ai title": {"type": "ai-title", "aiTitle": text, "sessionId": session_id},
        "custom title": {"type": "custom-title", "customTitle": text, "sessionId": session_id},
        "summary": {"type": "summary", "summary": text, "leafUuid": "00000000-0000-4000-8000-000000000001"},
        "last prompt": {"type": "last-prompt", "lastPrompt": text, "sessionId": session_id},
        "queued prompt": {"type": "queue-operation", "operation": "enqueue", "content": text, "sessionId": session_id},
        "system": {**common, "type": "system", "subtype": "informational", "content": text},
        "attachment": {**common, "type": "attachment", "attachment": attachment},
        "progress": {**common, "type": "progress", "data": {"type": "bash_progress", "output": text}},
        "unknown type": {**common, "type": "kind-of-tomorrow", "body": {"deep": [text]}},
        "key": {**common, "type": "attachment", "attachment": {"type": "x", "content": {text: 1}}},
        "unknown field": {**common, "type": "kind-of-tomorrow", text: 1},
        "branch": {**user("hello"), "gitBranch": text},
        "folder": {**user("hello"), "cwd": text},
        "nested once": user([{**result, "content": nested(1)}]),
        "nested twice": user([{**result, "content": nested(2)}]),
        "nested thrice": user([{**result, "content": nested(3)}]),
    }
    for index, line in enumerate(lines.values()):
        if "parentUuid" in line:
            line["uuid"] = f"00000000-0000-4000-8000-{index:012d}"
    return lines
