"""What kind of file a checkpoint is, and what lies in it, read without running anything that it holds.

Zip, legacy and TorchScript files of torch, safetensors, and the constants of frozen TensorFlow graphs (without
TensorFlow); what is none of these is refused in one line that says what the file is.
"""

from __future__ import annotations

import io
import json
import pickletools
import re
import warnings
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

from tk_tools.errors import WeightsError

if TYPE_CHECKING:
    from torch import Tensor

INERT_MODULES = (
    "omegaconf.",
    "deepspeech_pytorch.",
    "pytorch_lightning.",
    "argparse.Namespace",
    "typing.",
    "_operator.getitem",  # List[str] is made by it
    "pathlib.",
    "numpy.",
    "torch.nn.modules.",
)
"""Configuration that published checkpoints pickle beside their tensors: read as empty objects, no code runs."""

PLAIN_TYPES = ("list", "dict", "int", "float", "str", "slice", "bool", "tuple", "type", "long", "unicode")
LEGACY_MAGIC = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19"
_GRAPH_HEAD = re.compile(rb"\x0a[\x80-\xff]{0,4}[\x00-\x7f]\x0a[\x00-\x7f][\w.]", re.DOTALL)  # a node, its name first


def read_tree(path: Path, form: str) -> tuple[Any, Any]:
    """The content of a checkpoint of that form (see file_form), and the configuration kept with it, None without one.

    The content is what the file holds: tensors by key, or dicts of them in any nesting. WeightsError: cut short,
    damaged, or it would run code.
    """
    if form == "safetensors":
        return _read_safetensors(path)
    read = {"torchscript": _read_torchscript, "graph": _read_graph}.get(form)
    tree = read(path) if read else _read_pickled(path, form)
    return tree, tree.get("config") if isinstance(tree, Mapping) else None


def check_sums(path: Path) -> None:
    """WeightsError: a zip checkpoint is cut short, or a part differs from its check sum, which torch never reads."""
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError) as error:
        raise WeightsError("is cut short or damaged", path=path) from error
    if damaged:
        raise WeightsError(f"is damaged ({damaged} differs from its check sum)", path=path)


def file_form(path: Path) -> str:
    """Which kind of checkpoint lies at `path`, from its first bytes: "zip", "legacy", "torchscript", "safetensors" or
    "graph". WeightsError says what else it is."""
    try:
        with open(path, "rb") as file:
            head = file.read(2048)
    except FileNotFoundError as error:
        raise WeightsError(
            "no such file; `tk-weights list` shows which are known and where they lie", path=path
        ) from error
    except IsADirectoryError as error:
        raise WeightsError("is a folder, not a file of weights", path=path) from error
    except OSError as error:
        raise WeightsError(f"cannot be read: {error.strerror}", path=path) from error
    refuse_text(head, path)
    if head.startswith(b"PK\x03\x04"):
        return _zip_form(path)
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 100_000_000:
        return "safetensors"
    if _GRAPH_HEAD.match(head):
        return "graph"
    if head[:1] == b"\x80" and (LEGACY_MAGIC in head[:32] or len(head) < 16):
        return "legacy"
    if head[257:262] == b"ustar":
        raise WeightsError(
            "is a tar archive (of torch before 0.2, or of other files); unpack it or save it anew", path=path
        )
    if head[:1] == b"\x80":
        _refuse_code(path, "legacy")
        raise WeightsError("is a Python pickle but no torch checkpoint", path=path)
    raise WeightsError("is not a checkpoint: neither a torch file nor safetensors", path=path)


def refuse_text(head: bytes, path: Path) -> None:
    """WeightsError: a file that begins with `head` is no weights but what a failed download leaves."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not head:
        raise WeightsError("is empty; fetch it again", path=path)
    if text.startswith(b"version https://git-lfs"):
        raise WeightsError(
            "is a Git-LFS pointer, not the weights; run `git lfs pull` or download the file itself", path=path
        )
    if text.startswith((b"<!doctype", b"<html", b"<head", b"<?xml")) or b"<html" in text:
        raise WeightsError(
            "is a web page saved under the name of weights; download the file itself, not its page", path=path
        )


def _zip_form(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            inner = [name.partition("/")[2] for name in names]
            if "data.pkl" not in inner:
                raise WeightsError(
                    f"is a zip archive without weights ({', '.join(names[:3])}); unpack it first", path=path
                )
            if "constants.pkl" not in inner and not any(name.startswith("code/") for name in inner):
                return "zip"
            for name in names:
                if name.endswith(".py") and b"__setstate__" in archive.read(name):
                    raise WeightsError(
                        f"is a TorchScript archive that runs code when loaded ({name}); refused", path=path
                    )
            return "torchscript"
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, OSError) as error:
        raise WeightsError("is cut short or damaged; fetch it again", path=path) from error


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
            tree = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (a handle, not a dict)
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError("is cut short or no safetensors file; fetch it again", path=path) from error
    try:
        config = json.loads(metadata.get("config", "{}"))
    except ValueError as error:
        raise WeightsError("holds a config that is not JSON", path=path) from error
    return tree, config


def _read_torchscript(path: Path) -> dict[str, Tensor]:
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the files exist, whatever the form's future
            return dict(torch.jit.load(str(path), map_location="cpu").state_dict())
    except Exception as error:  # its reader is as free in what it raises
        raise WeightsError("is a damaged TorchScript archive; fetch it again", path=path) from error


def _read_graph(path: Path) -> dict[str, Tensor]:
    """The float constants of a frozen TensorFlow graph by the names of their nodes, single numbers left out."""
    import torch
    from google.protobuf.message import DecodeError
    from tensorboard.compat.proto import graph_pb2, types_pb2

    state = {}
    try:
        graph = graph_pb2.GraphDef.FromString(path.read_bytes())
        for node in graph.node:
            constant = node.attr["value"].tensor
            if node.op != "Const" or constant.dtype != types_pb2.DT_FLOAT or not constant.tensor_content:
                continue
            shape = [axis.size for axis in constant.tensor_shape.dim]
            if shape:
                state[node.name] = torch.frombuffer(bytearray(constant.tensor_content), dtype=torch.float32).view(shape)
    except (DecodeError, RuntimeError, ValueError) as error:
        raise WeightsError("is cut short or no TensorFlow graph; fetch it again", path=path) from error
    return state


class _Inert:
    """Stands in for a configuration class: takes whatever the pickle gives it and does nothing."""

    def __init__(self, *args, **kwargs):
        pass

    def __setstate__(self, state):
        pass


def _read_pickled(path: Path, form: str) -> Any:
    import torch

    allowed = _harmless()
    for _ in range(200):
        try:
            with warnings.catch_warnings(), torch.serialization.safe_globals(allowed):
                warnings.simplefilter("ignore")
                return torch.load(path, map_location="cpu", weights_only=True, mmap=form == "zip")
        except UnpicklingError as error:
            name = _refused_global(error)
            if name is None or not name.startswith(INERT_MODULES):
                _refuse_code(path, form, name)
                foreign = [found for found in _globals(path, form) if found.startswith(INERT_MODULES)]
                fault = "is cut short or damaged; fetch it again"
                if foreign:
                    fault = f"pickles objects of {foreign[0]} that need their code; save its state dict alone"
                raise WeightsError(fault, path=path) from None
            allowed.append((type(name, (_Inert,), {}), name))
        except Exception as error:  # a damaged pickle raises whatever its bytes happen to mean
            _refuse_code(path, form)
            raise WeightsError("is cut short or damaged; fetch it again", path=path) from error
    raise WeightsError("pickles too many kinds of objects to be a checkpoint", path=path)


def _harmless() -> list:
    """Names that checkpoints use beside tensors and torch does not allow by itself; what they make is not looked at."""
    types = [(type(name, (_Inert,), {}), f"builtins.{name}") for name in PLAIN_TYPES]
    return [*types, (_plain_dict, "collections.defaultdict")]


def _plain_dict(*default) -> OrderedDict:
    return OrderedDict()


def _refused_global(error: Exception) -> str | None:
    match = re.search(r"GLOBAL (\S+)", str(error))
    return match[1] if match else None


SAFE_GLOBALS = (
    "torch.",
    "collections.",
    *(f"{module}.{name}" for module in ("builtins", "__builtin__") for name in PLAIN_TYPES),
    "_codecs.encode",
    *INERT_MODULES,
)


def _refuse_code(path: Path, form: str, name: str | None = None) -> None:
    """Raise when the pickle names something (`name`, if known) that a checkpoint of tensors has no use for."""
    found = _globals(path, form)
    if name is None:
        name = next((candidate for candidate in found if not candidate.startswith(SAFE_GLOBALS)), None)
    elif not any(candidate.endswith(name) for candidate in found):
        return  # the file is cut in the middle of this name
    if name is not None:
        raise WeightsError(f"would run code: its pickle asks for {name}; refused, nothing of it was run", path=path)


def _globals(path: Path, form: str) -> list[str]:
    """The names that the pickles of a file import, as far as they can be read."""
    names, strings = [], []
    try:
        if form == "zip":
            with zipfile.ZipFile(path) as archive:
                pickles = [archive.read(name) for name in archive.namelist() if name.endswith("/data.pkl")]
        else:
            with open(path, "rb") as file:
                pickles = [file.read(1 << 24)]
        for data in pickles:
            stream = io.BytesIO(data)
            while stream.tell() < len(data):
                for opcode, argument, _ in pickletools.genops(stream):
                    if opcode.name in ("GLOBAL", "INST"):
                        names.append(argument.replace(" ", "."))
                    elif opcode.name == "STACK_GLOBAL" and len(strings) > 1:
                        names.append(f"{strings[-2]}.{strings[-1]}")
                    elif isinstance(argument, str):
                        strings.append(argument)
    except (ValueError, KeyError, IndexError, EOFError, OSError, zlib.error, zipfile.BadZipFile):
        pass  # a cut or foreign file: what was named before the cut is enough
    return names
