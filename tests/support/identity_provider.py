"""A certified identity provider (npm's `oidc-provider`) in a process of its own, and a browser.

The library is installed once, by npm and its lock file, into the user's cache folder. It is a
tool of the tests: nothing of it is shipped.
"""

import fcntl
import hashlib
import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urljoin

import httpx

from tests.support.demo_process import free_port, until

HERE = Path(__file__).parent / "oidc_provider"
CLIENT, SECRET = "akutoverblik", "a secret between the two of us"
INSTALL_SECONDS = 240
_CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "akutoverblik-tests"
_REDIRECTS = 20


def installed() -> Path:
    """The folder of the library, installed at the first call; several runs may ask at once."""
    lock = HERE / "package-lock.json"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    folder = _CACHE / f"oidc-provider-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / "installed"
    with (folder / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not done.exists():
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / name, folder)
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=folder, check=True, timeout=INSTALL_SECONDS)
            done.touch()
    return folder / "node_modules" / "oidc-provider"


class IdentityProvider:
    """The provider on a port of its own. `home` is the address of the service that it serves."""

    def __init__(self, folder: Path, home: str) -> None:
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self._home = home
        self._folder = folder
        self._log = folder / "provider.log"
        self._users = folder / "users.json"
        self._process: subprocess.Popen[bytes] | None = None
        self.users: dict[str, dict[str, object]] = {}

    def knows(self, login: str, **claims: object) -> None:
        """Let somebody be known, with these claims from now on."""
        self.users[login] = claims
        self._users.write_text(json.dumps(self.users), encoding="utf-8")

    def start(self, kid: str = "first") -> None:
        """Start with new keys under this name; wait until it answers."""
        settings = {
            "port": self.port,
            "home": self._home,
            "client": CLIENT,
            "secret": SECRET,
            "kid": kid,
            "users": str(self._users),
            "library": str(installed() / "lib" / "index.js"),
        }
        config = self._folder / "provider.json"
        config.write_text(json.dumps(settings), encoding="utf-8")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ["node", str(HERE / "provider.mjs"), str(config)], stdout=log, stderr=log
            )
        until(self._answers, f"the provider answers: {self._log}")

    def stop(self) -> None:
        """Stop; whoever was signed in there is forgotten."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()
        try:
            return httpx.get(
                f"{self.issuer}/.well-known/openid-configuration", timeout=30
            ).is_success
        except httpx.HTTPError:
            return False


async def follow(
    browser: httpx.AsyncClient, answer: httpx.Response, *, as_login: str = "", until_at: str = ""
) -> httpx.Response:
    """Go on as a browser with a person would: follow redirects, fill in the provider's forms.

    Stops at the first page without a form of the provider, or before following a redirect to an
    address that holds `until_at`.
    """
    for _ in range(_REDIRECTS):
        if answer.is_redirect:
            target = urljoin(str(answer.url), answer.headers["Location"])
            if until_at and until_at in target:
                return answer
            answer = await browser.get(target)
            continue
        form = re.search(r'<form[^>]*action="([^"]*/(?:interaction|session)/[^"]*)"', answer.text)
        if form is None:
            return answer
        fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', answer.text))
        fields |= {"login": as_login, "password": "any"} if fields.get("prompt") == "login" else {}
        if "xsrf" in fields:
            fields["logout"] = "yes"
        action = urljoin(str(answer.url), html.unescape(form[1]))
        answer = await browser.post(action, data=fields)
    raise AssertionError(f"no end of redirects at {answer.url}")
