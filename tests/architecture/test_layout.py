"""The layout of docs/decisions/0001-layout.md, held."""

import ast
import queue
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

SOURCE_ROOTS = ("config", "core", "dashboard", "listeners", "queue", "sentiment")
VAGUE_NAMES = {"base", "common", "helper", "helpers", "manager", "misc", "util", "utils"}
LONGEST_MODULE, LONGEST_PAGE, LONGEST_FUNCTION = 300, 120, 40
# Written by Alembic once and never edited again.
MIGRATIONS = "core/earmark_core/migrations/versions/"


def stray_modules(root: Path) -> list[str]:
    """Finds Python files that lie in a source root, outside its package."""
    return [str(path) for name in SOURCE_ROOTS for path in (root / name).glob("*.py")]


def test_no_python_file_lies_in_a_source_root(root: Path) -> None:
    assert [name for name in SOURCE_ROOTS if not (root / name).is_dir()] == []
    assert stray_modules(root) == []


def test_queue_is_the_standard_librarys() -> None:
    assert Path(queue.__file__).parent == Path(sysconfig.get_path("stdlib"))


def test_a_planted_package_file_is_seen_and_would_shadow_the_standard_library(
    tmp_path: Path,
) -> None:
    """The harm that the guard is there for is real, and the guard sees it."""
    (tmp_path / "queue").mkdir()
    code = "import queue; print(hasattr(queue, 'SimpleQueue'))"

    def has_the_real_one() -> str:
        run = [sys.executable, "-c", code]
        return subprocess.run(
            run, cwd=tmp_path, capture_output=True, text=True, check=False
        ).stdout.strip()

    assert has_the_real_one() == "True"
    (tmp_path / "queue" / "__init__.py").touch()
    assert len(stray_modules(tmp_path)) == 1
    assert has_the_real_one() == "False"


def test_every_source_root_holds_one_package_and_all_are_configured(root, packages, project):
    folders = {str(path.parent.relative_to(root)) for path in root.glob("*/*/__init__.py")
               if path.parent.parent.name in SOURCE_ROOTS}  # fmt: skip
    assert folders | {"earmark"} == set(packages)
    names = {Path(package).name for package in packages}
    assert set(project["tool"]["mypy"]["packages"]) == names
    assert set(project["tool"]["importlinter"]["root_packages"]) == names
    paths = set(project["tool"]["pytest"]["ini_options"]["pythonpath"])
    assert paths == {".", *SOURCE_ROOTS}
    sdist = project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert {"earmark", *SOURCE_ROOTS} <= set(sdist)


def test_every_package_says_that_it_is_typed(root, packages) -> None:
    assert [package for package in packages if not (root / package / "py.typed").is_file()] == []


def test_every_folder_of_modules_is_a_package(root, modules) -> None:
    folders = {Path(name).parent for name in modules if not name.startswith(MIGRATIONS)}
    assert [str(f) for f in folders if not (root / f / "__init__.py").is_file()] == []


def test_exported_names_exist(modules) -> None:
    """That they are sorted is ruff's rule RUF022."""
    wrong = []
    for name, tree in modules.items():
        for node in tree.body:
            is_all = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
            if not is_all:
                continue
            exported = ast.literal_eval(node.value)
            if len(exported) != len(set(exported)) or not set(exported) <= _defined(tree):
                wrong.append(name)
    assert wrong == []


def _defined(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


def test_module_names_say_what_is_inside(modules) -> None:
    stems = {name: Path(name).stem for name in modules}
    assert [name for name, stem in stems.items() if stem in VAGUE_NAMES] == []
    assert [name for name, stem in stems.items() if stem in sys.stdlib_module_names] == []
    unplain = [
        name
        for name, stem in stems.items()
        if not name.startswith(MIGRATIONS) and not re.fullmatch(r"[a-z][a-z0-9_]*|__\w+__", stem)
    ]
    assert unplain == []


def test_every_module_says_what_belongs_there(modules) -> None:
    assert [name for name, tree in modules.items() if not ast.get_docstring(tree)] == []


def test_modules_and_pages_stay_short(root, modules) -> None:
    too_long = {}
    for name in modules:
        if name.startswith(MIGRATIONS):
            continue
        length = len((root / name).read_text(encoding="utf-8").splitlines())
        is_page = name.startswith("dashboard/earmark_dashboard/pages/")
        if length > (LONGEST_PAGE if is_page else LONGEST_MODULE):
            too_long[name] = length
    assert too_long == {}


def test_functions_stay_short(modules) -> None:
    too_long = {
        f"{name}: {node.name}": length
        for name, tree in modules.items()
        if not name.startswith(MIGRATIONS)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := _length(node)) > LONGEST_FUNCTION
    }
    assert too_long == {}


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Counts a function's lines without its docstring, which tells and does not do."""
    length = (node.end_lineno or node.lineno) - node.lineno + 1
    if ast.get_docstring(node) is not None:
        docstring = node.body[0]
        length -= (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1
    return length


def test_test_folders_are_no_packages(root: Path) -> None:
    """In importlib mode a package in tests/ would only make two tests of one name collide."""
    assert list((root / "tests").rglob("__init__.py")) == []


@pytest.mark.parametrize("name", ["queue/__init__.py", "core/__init__.py"])
def test_the_shadowing_files_are_not_there(root: Path, name: str) -> None:
    assert not (root / name).exists()
