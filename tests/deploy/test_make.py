"""`make` on machines that lack things: what it installs, from where, and what it says when it cannot. Real make, other tools."""

import hashlib
import io
import os
import shutil
import subprocess
import sys
import zipfile
from contextlib import contextmanager

import pytest

from tests import needs
from tests.harness import ROOT, run_pytest
from tests.superset import browser
from tests.superset.site import reading
from tests.web import serve

pytestmark = pytest.mark.slow

STARTS = "#!/bin/sh\necho Chromium 1.0\n"
HINT = "#!/bin/sh\necho 'this package is another one now' >&2\nexit 1\n"
NOWHERE = {"PLAYWRIGHT_DOWNLOAD_HOST": "http://127.0.0.1:9"}


class Machine:
    """A folder that is all of PATH, and real make.

    Args:
        folder: an empty folder.
    """

    def __init__(self, folder):
        self.bin, self.folder = folder / "bin", folder
        self.bin.mkdir()
        self.log = folder / "log"
        self.log.touch()
        for name in ("make", "uv", "python3", "sh", "uname", "cat", "chmod", "grep", "sed"):
            if path := shutil.which(name):
                (self.bin / name).symlink_to(path)

    def has(self, name, script):
        """Put a program on PATH."""
        path = self.bin / name
        path.write_text(script)
        path.chmod(0o755)

    def installs(self, name, program="chromium", script=STARTS):
        """Put an installer on PATH that writes down how it is called, and makes a program."""
        made = self.folder / "made"
        made.write_text(script)
        made.chmod(0o755)
        link = f'case "$*" in *install*) ln -sf {made} {self.bin}/{program};; esac'
        self.has(name, f'#!/bin/sh\nPATH=/bin:/usr/bin\necho "{name} $*" >>{self.log}\n{link}\n')

    def make(self, *arguments, **environment):
        """``make ARGUMENTS``, as if everything was set up."""
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "SSL_CERT_FILE") if name in os.environ}
        path = {"PATH": str(self.bin), "PLAYWRIGHT_BROWSERS_PATH": str(self.folder / "browsers")}
        return subprocess.run(
            ["make", "-o", ".venv/.ready", *arguments],
            cwd=ROOT,
            env=kept | path | environment,
            capture_output=True,
            text=True,
            timeout=300,
        )


@pytest.fixture(scope="module")
def driver():
    """What drives browsers runs on this machine; without it no browser is taken for one."""
    if not browser.ask_playwright():
        needs.lack(f"{browser.LACK}, nor what drives it", browser.COMMAND, strict=True)


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


root = pytest.mark.skipif(os.geteuid() != 0, reason=f"apt-get is called as root{needs.TO_RUN}sudo make test")
linux = pytest.mark.skipif(
    browser.MACOS, reason=f"a browser of /Applications would be found{needs.TO_RUN}make test on Linux"
)


@linux
@root
@pytest.mark.usefixtures("driver")
def test_the_system_s_chromium_is_installed_where_there_is_no_browser(machine):
    machine.installs("apt-get")
    done = machine.make("browser", **NOWHERE)
    assert done.returncode == 0 and "installing the system's Chromium" in done.stdout, done.stdout + done.stderr
    assert machine.log.read_text().splitlines() == [
        "apt-get update -qq",
        "apt-get install -y -qq --no-install-recommends chromium libatomic1",
    ]


@pytest.mark.usefixtures("driver")
@pytest.mark.parametrize("name", browser.NAMES)
def test_a_browser_that_is_there_is_used(machine, name):
    machine.has(name, STARTS)
    machine.installs("apt-get")
    done = machine.make("browser", CI="true")
    assert (done.returncode, done.stdout, machine.log.read_text()) == (0, "", ""), done.stderr


@linux
@pytest.mark.parametrize("ci", ["", "true"])
def test_without_any_browser_one_line_says_so_and_only_ci_fails(machine, ci):
    machine.has("chromium", HINT)
    done = machine.make("browser", **NOWHERE, CI=ci)
    last = done.stdout.splitlines()[-1]
    assert done.returncode == (2 if ci else 0), done.stdout + done.stderr
    assert last.startswith(browser.LACK) and last.endswith(f"to run them: {browser.COMMAND}")
    assert "installing the system's" not in done.stdout and "installing Playwright's" in done.stdout


@linux
@root
def test_a_package_that_brings_no_browser_is_not_taken_for_one(machine):
    machine.installs("apt-get", script=HINT)
    done = machine.make("browser", **NOWHERE)
    assert done.returncode == 0 and done.stdout.splitlines()[-1].startswith(browser.LACK), done.stdout + done.stderr


@linux
@pytest.mark.usefixtures("driver")
def test_playwright_s_own_is_the_next_choice(machine):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for folder in ("chrome-linux64", "chrome-linux"):
            info = zipfile.ZipInfo(f"{folder}/chrome")
            info.external_attr = 0o755 << 16
            file.writestr(info, STARTS)
        file.writestr("ffmpeg-linux", "")
    with serving({"": archive.getvalue()}) as (url, asked):
        done = machine.make("browser", PLAYWRIGHT_DOWNLOAD_HOST=url, CI="true")
    assert done.returncode == 0 and asked, done.stdout + done.stderr
    assert "installing Playwright's Chromium" in done.stdout and browser.LACK not in done.stdout


@pytest.mark.parametrize(
    ("macos", "user", "tools", "expected"),
    [
        (False, 0, ["apt-get"], "apt-get update"),
        (False, 1000, ["apt-get", "sudo"], "sudo -n apt-get update"),
        (False, 1000, ["apt-get"], "playwright install"),  # may not
        (False, 0, ["dnf"], "playwright install"),
        (True, 501, ["brew"], "brew install --quiet --cask chromium"),
        (True, 501, [], "playwright install"),
    ],
)
def test_who_may_install_what(machine, monkeypatch, macos, user, tools, expected):
    for name in tools:
        machine.has(name, "#!/bin/sh\n")
    monkeypatch.setenv("PATH", str(machine.bin))
    monkeypatch.setattr(browser, "MACOS", macos)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    _, commands = next(browser.attempts())
    assert " ".join(commands[0]).removeprefix(f"{sys.executable} -m ").startswith(expected)


@pytest.mark.parametrize("ci", [False, True])
def test_a_test_that_needs_a_browser_skips_without_one_but_in_ci_it_fails(monkeypatch, ci):
    monkeypatch.setattr(browser, "find", lambda: None)
    monkeypatch.setenv("CI", "true" if ci else "")
    with pytest.raises(pytest.fail.Exception if ci else pytest.skip.Exception) as ended, reading("http://127.0.0.1:9"):
        pass
    assert str(ended.value) == f"{browser.LACK}{needs.TO_RUN}{browser.COMMAND}"


@pytest.mark.parametrize("reports", [[], ["a; to run them: b", "c", "a; to run them: b"]], ids=["none", "two reasons"])
def test_the_end_of_a_run_says_each_reason_once(tmp_path, reports):
    body = "".join(f"def test_{n}():\n    pytest.skip({reason!r})\n" for n, reason in enumerate(reports))
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "test_x.py").write_text(f"import pytest\n{body}def test_good():\n    pass\n")
    hook = "from tests.conftest import pytest_terminal_summary"
    (folder / "conftest.py").write_text(f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{hook}\n")
    done = run_pytest(tmp_path, "-n", "1", "-c", ROOT / "pyproject.toml", "--rootdir", tmp_path, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    expected = ["2 tests: a; to run them: b", "1 test: c"] if reports else []
    *above, _ = done.stdout.splitlines()  # the very last line counts
    assert above[len(above) - len(expected) :] == [f"Not run here: {line}" for line in expected]
    assert done.stdout.count("Not run here") == len(expected)


# -- uv, where there is no pip ----------------------------------------------------------------------------------------------


@contextmanager
def serving(answers):
    """A web server with fixed answers: of its paths, or of "" for any other; (its address, what it was asked)."""
    asked = []

    def answer(request):
        asked.append((request.path, request.headers.get("Authorization", "")))
        content = answers.get(request.path, answers.get(""))
        return (404, {}, b"") if content is None else (200, {}, content)

    with serve(answer) as url:
        yield url, asked


def wheel():
    """A pip that says how it was called."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("pip/__init__.py", "")
        file.writestr("pip/__main__.py", "import sys\nprint('pip', *sys.argv[1:])\n")
    return archive.getvalue()


def index(content, announced):
    """An index with several pips, of which 24.10 is the newest that may be used."""
    line = '<a data-requires-python="&gt;=3.8" href="../files/{}#sha256={}"{}>x</a>\n'
    names = [
        "pip-9.0.3-py2.py3-none-any.whl",
        "pip-24.9-py3-none-any.whl",
        "pip-24.10-py3-none-any.whl",
        "pip-24.10.tar.gz",
    ]
    page = "".join(line.format(name, announced, "") for name in names)
    page += line.format("pip-25.0-py3-none-any.whl", announced, ' data-yanked="broken"')
    return {"/simple/pip/": page.encode(), "/simple/files/pip-24.10-py3-none-any.whl": content}


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory):
    """A Python without pip, as Debian's python3."""
    folder = tmp_path_factory.mktemp("python")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder / "bin" / "python"


def get_uv(python, home, **environment):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    return subprocess.run(
        [python, ROOT / ".ci" / "get_uv.py", home / "uv"],
        capture_output=True,
        text=True,
        timeout=120,
        env=kept | {"HOME": str(home)} | environment,
    )


@pytest.mark.parametrize("by", ["environment", "file"])
def test_pip_is_fetched_from_the_index_that_pip_would_ask(bare_python, tmp_path, by):
    content = wheel()
    with serving(index(content, hashlib.sha256(content).hexdigest())) as (url, asked):
        address = f"{url.replace('//', '//me:pa%40ss@')}/simple/"
        (tmp_path / "pip.conf").write_text(
            f"[global]\nindex-url = {address if by == 'file' else 'http://127.0.0.1:9/'}\n"
        )
        environment = {"PIP_CONFIG_FILE": str(tmp_path / "pip.conf")}
        done = get_uv(
            bare_python, tmp_path, **environment | ({"PIP_INDEX_URL": address} if by == "environment" else {})
        )
    assert done.returncode == 0 and done.stdout.startswith("pip install") and "--require-hashes" in done.stdout, done
    assert [path for path, _ in asked] == ["/simple/pip/", "/simple/files/pip-24.10-py3-none-any.whl"]
    assert asked[0][1] == "Basic bWU6cGFAc3M="


@pytest.mark.parametrize("trouble", ["another file", "no pip", "no index"])
def test_a_pip_that_cannot_be_had_is_said_in_two_lines(bare_python, tmp_path, trouble):
    pages = {"another file": index(wheel(), "0" * 64), "no pip": {"": b"<html></html>"}, "no index": {}}[trouble]
    with serving(pages) as (url, _):
        done = get_uv(bare_python, tmp_path, PIP_INDEX_URL=f"{url}/simple")
    assert done.returncode == 1 and done.stdout == "" and "apt-get install python3-pip" in done.stderr
    assert len(done.stderr.splitlines()) == 2 and not (tmp_path / "uv").exists()
