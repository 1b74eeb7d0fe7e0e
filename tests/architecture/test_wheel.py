"""What a user installs is what git knows: nothing lost, nothing extra."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without asking any index."""
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", target, root]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    (built,) = target.glob("*.whl")
    return built


@pytest.mark.slow
def test_the_wheel_holds_the_packages_as_git_knows_them(wheel, shipped) -> None:
    inside = {
        name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name
    }  # fmt: skip
    assert inside == {_installed(name) for name in shipped}


def _installed(name: str) -> str:
    """Gives where a file of the repository lands: without its source root."""
    return name if name.startswith("earmark/") else name.split("/", 1)[1]


@pytest.mark.slow
def test_the_wheel_carries_what_is_no_code(wheel) -> None:
    inside = zipfile.ZipFile(wheel).namelist()
    for needed in ("earmark_config/starter.toml", "earmark_config/demo.toml"):
        assert needed in inside
    assert any(name.startswith("earmark_core/migrations/versions/0001") for name in inside)
    assert any(name.endswith("licenses/LICENSE") for name in inside)


@pytest.mark.slow
def test_the_wheel_runs_without_the_repository(wheel, tmp_path: Path) -> None:
    """Imported from the wheel itself, in a folder of its own, past the editable installation."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import earmark_config.seeds as seeds; "
        "assert sys.argv[1] in seeds.__file__; seeds.read_seed_text(seeds.starter_text()); "
        "print('fine')"
    )
    command = [sys.executable, "-I", "-c", code, str(wheel)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.stdout.strip() == "fine", run.stderr
