"""The project's files as these tests read them: modules parsed once, tracked files listed once."""

import ast
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PRODUCT: Final = ("domain", "webhooks", "workers")
PYTHON: Final = (*PRODUCT, "tests", "bench")
IGNORED: Final = {".git", ".venv", "var", "build", "dist", "__pycache__"}

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Function:
    """A function or method and where it stands."""

    module: "Module"
    node: FunctionNode

    @property
    def body(self) -> int:
        """Lines from the first statement after the docstring to the last."""
        statements = self.node.body
        if ast.get_docstring(self.node) is not None:
            statements = statements[1:]
        if not statements:
            return 0
        return (statements[-1].end_lineno or 0) - statements[0].lineno + 1

    def __str__(self) -> str:
        """Return path, line and name."""
        return f"{self.module}:{self.node.lineno} {self.node.name}"


@dataclass(frozen=True)
class Module:
    """A Python file of the project."""

    path: Path

    @cached_property
    def text(self) -> str:
        """The source."""
        return self.path.read_text()

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the syntax tree."""
        return list(ast.walk(self.tree))

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.text, str(self.path))

    @property
    def lines(self) -> int:
        """The number of lines."""
        return len(self.text.splitlines())

    @property
    def is_migration(self) -> bool:
        """Tell whether this is one step of the schema, which is only ever added to."""
        return "versions" in self.path.parts

    def functions(self) -> Iterator[Function]:
        """Yield every function and method, nested ones too."""
        for node in self.nodes:
            if isinstance(node, FunctionNode):
                yield Function(self, node)

    def calls(self) -> Iterator[tuple[int, str]]:
        """Yield line and dotted name of every call."""
        for node in self.nodes:
            if isinstance(node, ast.Call):
                yield node.lineno, dotted(node.func)

    def imports(self) -> Iterator[tuple[int, str]]:
        """Yield line and dotted name of everything imported: `from a import b` gives a.b."""
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield node.lineno, alias.name
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    yield node.lineno, f"{'.' * node.level}{node.module or ''}.{alias.name}"

    def __str__(self) -> str:
        """Return the path from the project's root."""
        return self.path.relative_to(ROOT).as_posix()


def dotted(node: ast.AST) -> str:
    """Return the dotted name of a call's target; what is not a name becomes an empty part."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


@cache
def modules(*packages: str) -> tuple[Module, ...]:
    """Return the Python files under the named top folders."""
    found = (path for package in packages for path in (ROOT / package).rglob("*.py"))
    return tuple(Module(path) for path in sorted(found) if not IGNORED & set(path.parts))


@cache
def committed() -> tuple[Path, ...]:
    """Return the files that git tracks, or in a bare copy of the tree all that are not caches."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode == 0:
        paths: Iterable[Path] = (ROOT / name for name in listed.stdout.split("\0") if name)
    else:
        paths = (path for path in ROOT.rglob("*") if not IGNORED & set(path.parts))
    return tuple(path for path in paths if path.is_file())


def text_of(path: Path) -> str:
    """Return a file's text, or nothing for a binary file."""
    try:
        return path.read_text()
    except UnicodeDecodeError:
        return ""


def providers() -> tuple[str, ...]:
    """Return the names of the providers: each has a folder."""
    folders = (ROOT / "webhooks" / "providers").iterdir()
    return tuple(sorted(path.name for path in folders if (path / "__init__.py").is_file()))
