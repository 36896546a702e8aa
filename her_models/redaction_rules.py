"""The rules of redaction: which secrets are known, and by what they are found.

What belongs here: names, titles, and what each rule looks for. What does not: how a finding is confirmed and
replaced (`redaction`). Adding a provider is one line of `_token`, a seeded secret in `tests/seeded_secrets.py`
and a line in `docs/redaction.md`.

A rule has *heads*: patterns that a multi-pattern engine looks for, all in one pass. A head says where to look; the
confirmation in `redaction` says what the secret is. So that two engines see the same, a head is either of one fixed
width, or ends in a character that cannot stand in its middle: then the positions where it ends do not depend on
who looks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Raise it whenever a head changes: compiled heads are kept on disk under this number and their own hash.
RULES_VERSION = 1

LETTERS_DIGITS = "[A-Za-z0-9]"
WORD = "[A-Za-z0-9_]"
WORD_DASH = "[A-Za-z0-9_-]"
HEX = "[0-9a-f]"
BASE64 = "[A-Za-z0-9+/=]"


@dataclass(frozen=True)
class Head:
    """What the engine looks for. `width` is its length in bytes, None if it varies.

    One of `keywords` (in lower case if caseless) begins in every match, at most `lead` bytes after its start.
    """

    pattern: str
    width: int | None = None
    is_caseless: bool = False
    keywords: tuple[str, ...] = ()
    lead: int = 0


@dataclass(frozen=True)
class Rule:
    """One kind of secret.

    `kind` names the confirmation. For a token, the secret is the head and whatever `tail` matches after it (and
    `back` before it); `is_checked` asks for a digit and a letter, where the prefix alone says little.
    """

    name: str
    title: str
    kind: str
    heads: tuple[Head, ...]
    tail: str = ""
    back: str = ""
    is_checked: bool = False


def _token(
    name: str,
    title: str,
    prefixes: str,
    body: str,
    least: int,
    *,
    tail: str | None = None,
    is_checked: bool = False,
) -> Rule:
    """A prefix (several, apart by spaces), then at least `least` characters of `body`."""
    heads = tuple(
        Head(f"{re.escape(prefix)}{body}{{{least}}}", len(prefix) + least, keywords=(prefix,))
        for prefix in prefixes.split()
    )
    return Rule(name, title, "token", heads, f"{body}{{0,4096}}" if tail is None else tail, is_checked=is_checked)


def _shaped(
    name: str,
    title: str,
    pattern: str,
    width: int,
    keyword: str,
    *,
    tail: str = "",
    back: str = "",
    is_checked: bool = False,
    lead: int = 0,
) -> Rule:
    """A pattern of one width that is no prefix and body."""
    head = Head(pattern, width, keywords=(keyword,), lead=lead)
    return Rule(name, title, "token", (head,), tail, back, is_checked)


def _found_by(name: str, title: str, kind: str, *heads: Head) -> Rule:
    return Rule(name, title, kind, heads)


PROVIDER_RULES: tuple[Rule, ...] = (
    # Model providers
    _token("anthropic", "Anthropic API, admin and OAuth keys", "sk-ant-", WORD_DASH, 24),
    _token("openrouter", "OpenRouter keys", "sk-or-v1-", HEX, 32),
    _token("langfuse", "Langfuse secret keys", "sk-lf-", "[0-9a-f-]", 32),
    _token(
        "openai", "OpenAI project, service and admin keys", "sk-proj- sk-svcacct- sk-admin- sk-None-", WORD_DASH, 20
    ),
    _token(
        "openai-legacy",
        "OpenAI user keys, and keys of services shaped like them",
        "sk-",
        LETTERS_DIGITS,
        32,
        is_checked=True,
    ),
    _token("google-api", "Google API keys (Gemini, Maps, Firebase)", "AIza", WORD_DASH, 33, is_checked=True),
    _token("huggingface", "Hugging Face tokens", "hf_ api_org_", LETTERS_DIGITS, 30, is_checked=True),
    _token("replicate", "Replicate tokens", "r8_", LETTERS_DIGITS, 36, is_checked=True),
    _token("groq", "Groq keys", "gsk_", LETTERS_DIGITS, 40),
    _token("xai", "xAI keys", "xai-", LETTERS_DIGITS, 60),
    _token("perplexity", "Perplexity keys", "pplx-", LETTERS_DIGITS, 40),
    _token("cerebras", "Cerebras keys", "csk-", LETTERS_DIGITS, 40),
    _token("fireworks", "Fireworks keys", "fw_", LETTERS_DIGITS, 22, is_checked=True),
    _token("nvidia", "NVIDIA API keys", "nvapi-", WORD_DASH, 50),
    _token("langsmith", "LangSmith keys", "lsv2_pt_ lsv2_sk_", HEX, 32, tail=f"{HEX}*(?:_{HEX}{{6,}})?"),
    _token("pinecone", "Pinecone keys", "pcsk_", WORD, 40),
    _token("tavily", "Tavily keys", "tvly-", WORD_DASH, 24),
    _token("firecrawl", "Firecrawl keys", "fc-", HEX, 32, is_checked=True),
    _token("elevenlabs", "ElevenLabs keys", "sk_", HEX, 48),
    _token("e2b", "E2B keys", "e2b_", HEX, 40),
    # Clouds
    _token("aws-access-key-id", "AWS access key ids", "AKIA ASIA ABIA ACCA", "[A-Z2-7]", 16, tail=""),
    _token("google-oauth-secret", "Google OAuth client secrets", "GOCSPX-", WORD_DASH, 20),
    _token("google-oauth", "Google OAuth access tokens", "ya29.", WORD_DASH, 20),
    _token("google-refresh", "Google OAuth refresh tokens", "1//0", WORD_DASH, 30, is_checked=True),
    _found_by(
        "google-key-id",
        "private_key_id of a Google service account",
        "hex-value",
        Head(r'private_key_id\\*"[ ]{0,4}:', keywords=("private_key_id",)),
    ),
    _shaped(
        "azure-client-secret",
        "Microsoft Entra client secrets",
        r"[0-9]Q~[A-Za-z0-9_~.-]{31}",
        34,
        "Q~",
        tail="[A-Za-z0-9_~.-]{0,6}",
        back="[A-Za-z0-9_~.-]{3}",
        lead=1,
    ),
    _found_by(
        "azure-storage",
        "Azure storage, bus and Cosmos account keys",
        "equals",
        Head(
            "(?:accountkey|sharedaccesskey|sharedsecretvalue)=",
            None,
            True,
            ("accountkey=", "sharedaccesskey=", "sharedsecretvalue="),
        ),
    ),
    _found_by(
        "azure-sas",
        "Signatures of shared access URLs",
        "equals",
        Head(r"[?&;]sig=", 5, False, ("?sig=", "&sig=", ";sig=")),
    ),
    _token("digitalocean", "DigitalOcean tokens", "dop_v1_ doo_v1_ dor_v1_", HEX, 60),
    _token("heroku", "Heroku keys", "HRKU-", WORD_DASH, 30),
    _token("fly", "Fly.io tokens", "fo1_", WORD_DASH, 40),
    _token("fly-macaroon", "Fly.io macaroons", "fm1r_ fm2_ fm1a_", "[A-Za-z0-9+/=,_-]", 60),
    _token("cloudflare-origin", "Cloudflare origin CA keys", "v1.0-", HEX, 24, tail=f"-{HEX}{{100,}}"),
    _token("cloudflare", "Cloudflare user and account tokens", "cfut_ cfat_ cfk_", WORD_DASH, 36),
    _token("vercel", "Vercel tokens", "vcp_ vci_ vca_ vcr_ vck_", LETTERS_DIGITS, 40),
    _token("netlify", "Netlify tokens", "nfp_ nfc_ nfu_ nfb_", LETTERS_DIGITS, 36),
    _token("render", "Render keys", "rnd_", LETTERS_DIGITS, 28, is_checked=True),
    _token("supabase", "Supabase tokens and secret keys", "sbp_ sb_secret_", WORD_DASH, 28),
    _token(
        "planetscale", "PlanetScale tokens and passwords", "pscale_tkn_ pscale_pw_ pscale_oauth_", "[A-Za-z0-9_.=-]", 32
    ),
    _token("neon", "Neon keys", "napi_", LETTERS_DIGITS, 40),
    _token("databricks", "Databricks tokens", "dapi", HEX, 32, tail="(?:-[0-9])?"),
    # Code hosts, registries, builds
    _token(
        "github",
        "GitHub personal, OAuth, user, server and refresh tokens",
        "ghp_ gho_ ghu_ ghs_ ghr_",
        LETTERS_DIGITS,
        36,
    ),
    _token("github-fine-grained", "GitHub fine-grained tokens", "github_pat_", WORD, 36),
    _token(
        "gitlab",
        "GitLab tokens",
        "glpat- gldt- glrt- glptt- glsoat- glagent- glft- glimt- glcbt- gloas-",
        "[A-Za-z0-9_.-]",
        20,
    ),
    _token("bitbucket", "Bitbucket app passwords", "ATBB", LETTERS_DIGITS, 28, is_checked=True),
    _token("atlassian", "Atlassian tokens", "ATATT3 ATCTT3", "[A-Za-z0-9_=-]", 40),
    _token("npm", "npm tokens", "npm_", LETTERS_DIGITS, 36),
    _token("pypi", "PyPI tokens", "pypi-AgE", WORD_DASH, 30),
    _token("rubygems", "RubyGems keys", "rubygems_", HEX, 48),
    _token("crates-io", "crates.io tokens", "cio", LETTERS_DIGITS, 32, tail="", is_checked=True),
    _token("nuget", "NuGet keys", "oy2", "[a-z0-9]", 43, tail="", is_checked=True),
    _token("docker", "Docker Hub tokens", "dckr_pat_ dckr_oat_", WORD_DASH, 20),
    _token("sourcegraph", "Sourcegraph tokens", "sgp_", WORD, 40),
    _token("circleci", "CircleCI tokens", "CCIPAT_", WORD, 30),
    _token("buildkite", "Buildkite tokens", "bkua_", HEX, 40),
    _token("sonar", "SonarQube tokens", "sqp_ squ_ sqa_", HEX, 40),
    _token("pulumi", "Pulumi tokens", "pul-", HEX, 40),
    _shaped(
        "terraform",
        "Terraform Cloud tokens",
        r"\.atlasv1\.[A-Za-z0-9_=-]{50}",
        59,
        ".atlasv1.",
        tail="[A-Za-z0-9_=-]*",
        back="[A-Za-z0-9]{14}",
    ),
    _token("vault", "HashiCorp Vault tokens", "hvs. hvb. hvr.", WORD_DASH, 24),
    _token("doppler", "Doppler tokens", "dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit.", "[A-Za-z0-9_.]", 40),
    _token("onepassword", "1Password service tokens", "ops_eyJ", "[A-Za-z0-9_=-]", 60),
    _token("age", "age identities", "AGE-SECRET-KEY-1", "[A-Z0-9]", 50),
    # Talk, mail, payment, work
    _token(
        "slack",
        "Slack tokens",
        "xoxa- xoxb- xoxc- xoxd- xoxe- xoxo- xoxp- xoxr- xoxs- xapp-",
        "[A-Za-z0-9%-]",
        12,
        tail="[A-Za-z0-9%/+=.-]*",
        is_checked=True,
    ),
    _token(
        "slack-webhook",
        "Slack webhooks",
        "hooks.slack.com/services/ hooks.slack.com/workflows/ hooks.slack.com/triggers/",
        "[A-Za-z0-9/]",
        24,
    ),
    _found_by(
        "discord-webhook", "Discord webhooks", "path", Head("/api/webhooks/[0-9]{6}", 20, False, ("/api/webhooks/",))
    ),
    _shaped(
        "telegram",
        "Telegram bot tokens",
        ":AA[A-Za-z0-9_-]{32}",
        35,
        ":AA",
        tail=f"{WORD_DASH}{{0,4}}",
        back="[0-9]{7,11}",
    ),
    _token("twilio", "Twilio keys and account ids", "SK AC", HEX, 32, tail="", is_checked=True),
    _token("sendgrid", "SendGrid keys", "SG.", WORD_DASH, 16, tail=rf"{WORD_DASH}{{0,10}}\.{WORD_DASH}{{30,60}}"),
    _token("mailgun", "Mailgun keys", "key-", HEX, 32, tail="", is_checked=True),
    _shaped("mailchimp", "Mailchimp keys", f"{HEX}{{32}}-us[0-9]", 36, "-us", tail="[0-9]?", is_checked=True, lead=32),
    _token("brevo", "Brevo keys", "xkeysib- xsmtpsib-", HEX, 60, tail=f"{HEX}*-[A-Za-z0-9]{{12,20}}"),
    _token("stripe", "Stripe secret and restricted keys", "sk_live_ sk_test_ rk_live_ rk_test_", LETTERS_DIGITS, 16),
    _token("stripe-webhook", "Webhook signing secrets", "whsec_", "[A-Za-z0-9+/=]", 24),
    _token("square", "Square tokens", "sq0atp- sq0csp- sq0idp-", WORD_DASH, 22),
    _token("shopify", "Shopify tokens", "shpat_ shpca_ shppa_ shpss_", "[0-9a-fA-F]", 32),
    _token("easypost", "EasyPost keys", "EZAK EZTK", LETTERS_DIGITS, 54, tail="", is_checked=True),
    _token("linear", "Linear keys", "lin_api_ lin_oauth_", LETTERS_DIGITS, 32),
    _token("notion", "Notion tokens", "ntn_ secret_", LETTERS_DIGITS, 40, is_checked=True),
    _shaped("airtable", "Airtable tokens", f"pat[A-Za-z0-9]{{14}}\\.{HEX}{{60}}", 78, "pat", tail=f"{HEX}*"),
    _token("figma", "Figma tokens", "figd_", WORD_DASH, 36),
    _token("postman", "Postman keys", "PMAK-", HEX, 24, tail=f"-{HEX}{{30,40}}"),
    _token("contentful", "Contentful tokens", "CFPAT-", WORD_DASH, 40),
    _token("tailscale", "Tailscale keys", "tskey-", WORD_DASH, 24, is_checked=True),
    _token("dropbox", "Dropbox tokens", "sl.", WORD_DASH, 100),
    # Watching
    _token("new-relic", "New Relic keys", "NRAK- NRII- NRIQ- NRAA-", "[A-Za-z0-9_-]", 27),
    _token("sentry", "Sentry tokens", "sntrys_ sntryu_", "[A-Za-z0-9+/=_-]", 40),
    _token("grafana", "Grafana service and cloud tokens", "glsa_ glc_", "[A-Za-z0-9+/=_]", 32),
    _token("posthog", "PostHog personal keys", "phx_", LETTERS_DIGITS, 40),
    # Shapes
    _token(
        "jwt",
        "JSON web tokens",
        "eyJ",
        WORD_DASH,
        8,
        tail=rf"{WORD_DASH}{{0,4000}}\.{WORD_DASH}{{8,16000}}\.{WORD_DASH}{{0,2000}}",
    ),
    _found_by(
        "private-key",
        "Private keys in PEM, OpenSSH, PGP and PuTTY form",
        "pem",
        Head("BEGIN [A-Z0-9 ]{0,24}PRIVATE KEY", keywords=("BEGIN ",)),
        Head("END [A-Z0-9 ]{0,24}PRIVATE KEY", keywords=("END ",)),
        Head("Private-Lines: [0-9]", 16, keywords=("Private-Lines:",)),
    ),
    _token(
        "password-hash", "Hashes of passwords (bcrypt, crypt, argon2)", "$2a$ $2b$ $2y$", "[0-9$./A-Za-z]", 56, tail=""
    ),
    _token("password-hash-crypt", "Hashes of passwords in shadow files", "$6$ $5$ $y$", "[A-Za-z0-9./$=]", 44),
)

# What follows a name before its value: quotes at any depth of JSON, a bracket, blanks.
_CLOSE = r"""(?:\\*["'`])?\]?[ ]{0,8}"""
# What may follow the tell-tale word in a name. No plural: `input_tokens` stands on every other line.
_SUFFIX = r"(?:[0-9]{1,3}|str(?:ing)?|[_.-]?[a-rt-z][a-z0-9]{0,14}(?:[_.-][a-z0-9]{1,12}){0,2}|[_.-]s[a-z0-9]{1,12})?"
_SECRET_WORDS = (
    "secret", "token", "credentials?", "api[ _.-]?key", "access[ _.-]?key", "private[_.-]?key", "auth[_.-]?key",
    "account[_.-]?key", "encryption[_.-]?key", "signing[_.-]?key", "master[_.-]?key", "license[_.-]?key",
    "app(?:lication)?[_.-]?key", "service[_.-]?key", "storage[_.-]?key", "subscription[_.-]?key", "server[_.-]?key",
    "shared[_.-]?key", "deploy[_.-]?key", "session[_.-]?key", "webhook[_.-]?key", "[_-]key",
)  # fmt: skip
_PASSWORD_WORDS = ("passw(?:or)?d", "passwd", "passphrase", "passcode", "passwort", "pswd", "pwd", "_pw")
_FLAG_WORDS = "password|passwd|passphrase|pass|pwd|token|secret|api-?key|access-?key|secret-?key|auth-?key|credentials?"
_PASSWORD_KEYWORDS = ("pass", "pswd", "pwd", "_pw")
_SECRET_KEYWORDS = tuple(dict.fromkeys(re.split(r"[\[(]|s\?", word)[0] or word[-3:] for word in _SECRET_WORDS))

CONTEXT_RULES: tuple[Rule, ...] = (
    _found_by("url-password", "Passwords in URLs", "url",
              Head(r"""://[^\s"'\\/@:<>]*:[^\s"/@<>]+@""", keywords=("://",))),
    _found_by("authorization", "Authorization headers, bearer tokens and basic credentials", "authorization",
              Head(rf"authorization{_CLOSE}[:=]", None, True, ("authorization",)),
              Head(r"bearer [a-z0-9._~+/-]{12}", 19, True, ("bearer ",)),
              Head(r"bot [a-z0-9._-]{24}", 28, True, ("bot ",)),
              Head(r"basic [a-z0-9+/]{8}", 14, True, ("basic ",))),
    _found_by("cookie", "Cookies and session ids", "cookie",
              Head(rf"cookie{_CLOSE}[:=]", None, True, ("cookie",)),
              Head(r"(?:sessid|sessionid|session_id|connect\.sid|session[_-]token|_session)=", None, True,
                   ("sessid=", "sessionid=", "session_id=", "connect.sid=", "session_token=", "session-token=",
                    "_session="))),
    _found_by("password", "Passwords behind a tell-tale name", "assignment",
              Head(rf"(?:{'|'.join(_PASSWORD_WORDS)}){_SUFFIX}{_CLOSE}[:=]", None, True, _PASSWORD_KEYWORDS),
              Head(rf"pass{_CLOSE}[:=]", None, True, ("pass",))),
    _found_by("named-secret", "Keys, tokens and secrets behind a tell-tale name", "assignment",
              Head(rf"(?:{'|'.join(_SECRET_WORDS)}){_SUFFIX}{_CLOSE}[:=]", None, True, _SECRET_KEYWORDS, lead=1),
              Head(rf"""[_"']auth{_CLOSE}[:=]""", None, True, ("_auth", '"auth', "'auth"))),
    _found_by("command-line", "Secrets given as command-line options", "flag",
              Head(rf"""--(?:[a-z]{{1,16}}-){{0,3}}(?:{_FLAG_WORDS})(?:-[a-z]{{1,12}})?(?: |\\*["'],)""", None, True,
                   ("--",)),
              Head(r"sshpass -p", 10, False, ("sshpass -p",)),
              Head(r"(?:mysql[a-z]{0,8}|docker login|redis-cli) ", None, False, ("mysql", "docker login", "redis-cli")),
              Head(r"sudo -S", 7, False, ("sudo -S",)),
              Head(r"(?:-u|--user|--proxy-user) ", None, False, ("-u ", "--user ", "--proxy-user "))),
    _found_by("name-value-pair", "Secrets in name and value pairs, as in Kubernetes", "pair",
              Head(rf"(?:passw(?:or)?d|secret|token|api_?key|access_?key)(?:_[a-z0-9]{{1,12}})?"
                   rf"""(?:\\*["'])?,?(?:[ ]|\\+[nrt])*(?:-[ ])?(?:\\*["'])?value{_CLOSE}[:=]""",
                   None, True, ("passw", "secret", "token", "api", "access"))),
    _found_by("told-in-prose", "Secrets told in a sentence: the password is ...", "prose",
              Head(r"(?:password|passphrase|api[ _-]?key|token|secret)(?: key)? (?:is|was):? ", None, True,
                   ("password", "passphrase", "api", "token", "secret"))),
    _found_by("markup", "Secrets as the text of an XML element", "markup",
              Head(r"<[a-z0-9_.:-]{0,24}(?:password|passwd|secret|token|api-?key)>", None, True,
                   ("password>", "passwd>", "secret>", "token>", "apikey>", "api-key>"), lead=25)),
    _found_by("netrc", "Passwords in .netrc", "bare-word",
              Head(r"login(?: |\\+[nt])[^\s\"\\]{1,80}(?: |\\+[nt])(?: |\\+[nt])*password ", None, False, ("login",))),
    _found_by("pgpass", "Passwords in .pgpass", "bare-word",
              Head(r":(?:54[0-9][0-9]|6432|\*):[a-z0-9_*-]{1,63}:[a-z0-9_.-]{1,63}:", None, True,
                   (":54", ":6432", ":*"))),
    _found_by("seed-phrase", "Seed phrases of wallets", "phrase",
              Head(rf"(?:mnemonic|(?:seed|recovery|secret)[_ -]?phrase|seed[_ -]?words){_CLOSE}[:=]",
                   None, True, ("mnemonic", "seed", "recovery", "secret"))),
)  # fmt: skip

RULES: tuple[Rule, ...] = PROVIDER_RULES + CONTEXT_RULES

HOME_RULE = _found_by(
    "home", "User names in home folders", "home",
    Head(r"/home/", 6, False, ("/home/",)),
    Head(r"/Users/", 7, False, ("/Users/",)),
    Head(r"[A-Za-z]:\\+[Uu]sers\\+[^\\]", None, False, (":\\",), lead=1),
    Head(r"-(?:Users|home)-", None, False, ("-Users-", "-home-")),
)  # fmt: skip

# Printable characters written as \u00XX, and slashes written as \/: the line is looked at a second time, decoded.
ESCAPE_HEADS: tuple[Head, ...] = (
    Head(r"\\u00[2-7][0-9a-fA-F]", 6, False, ("\\u00",)),
    Head(r":\\+/\\+/", None, False, (":\\",)),
    Head(r"[A-Za-z0-9+]\\{1,8}/[A-Za-z0-9+]", None, False, ("\\/",), lead=8),
)
