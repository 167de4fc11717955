"""PocketSphinx's C interface (pocketsphinx.h, version 5), out of the wheel's own extension.

The wheel's Python classes hold the global lock while they decode; ctypes lets go of it. Nothing
else here knows of pointers, and what the library refuses is a RecogniserError.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from screener.errors import RecogniserError

_POINTER = ctypes.c_void_p
_TEXT = ctypes.c_char_p
_INT = ctypes.c_int
_INT_OUT = ctypes.POINTER(ctypes.c_int)

_FUNCTIONS: Mapping[str, tuple[Any, tuple[Any, ...]]] = {
    "ps_config_init": (_POINTER, (_POINTER,)),
    "ps_config_set_str": (_POINTER, (_POINTER, _TEXT, _TEXT)),
    "ps_config_str": (_TEXT, (_POINTER, _TEXT)),
    "ps_config_free": (_INT, (_POINTER,)),
    "ps_get_config": (_POINTER, (_POINTER,)),
    "ps_init": (_POINTER, (_POINTER,)),
    "ps_free": (_INT, (_POINTER,)),
    "ps_add_word": (_INT, (_POINTER, _TEXT, _TEXT, _INT)),
    "ps_add_lm_file": (_INT, (_POINTER, _TEXT, _TEXT)),
    "ps_add_jsgf_string": (_INT, (_POINTER, _TEXT, _TEXT)),
    "ps_activate_search": (_INT, (_POINTER, _TEXT)),
    "ps_get_cmn": (_TEXT, (_POINTER, _INT)),
    "ps_set_cmn": (_INT, (_POINTER, _TEXT)),
    "ps_start_stream": (_INT, (_POINTER,)),
    "ps_start_utt": (_INT, (_POINTER,)),
    "ps_process_raw": (_INT, (_POINTER, _TEXT, ctypes.c_size_t, _INT, _INT)),
    "ps_end_utt": (_INT, (_POINTER,)),
    "ps_get_hyp": (_TEXT, (_POINTER, _POINTER)),
    "ps_seg_iter": (_POINTER, (_POINTER,)),
    "ps_seg_next": (_POINTER, (_POINTER,)),
    "ps_seg_word": (_TEXT, (_POINTER,)),
    "ps_seg_frames": (None, (_POINTER, _INT_OUT, _INT_OUT)),
    "ps_seg_prob": (ctypes.c_int32, (_POINTER, _INT_OUT, _INT_OUT, _INT_OUT)),
    "logmath_init": (_POINTER, (ctypes.c_double, _INT, _INT)),
    "logmath_free": (_INT, (_POINTER,)),
    "ngram_model_read": (_POINTER, (_POINTER, _TEXT, _INT, _POINTER)),
    "ngram_model_write": (_INT, (_POINTER, _TEXT, _INT)),
    "ngram_model_free": (_INT, (_POINTER,)),
}
# These are over in less time than it takes another thread to take over the global lock.
_SHORT = ("ps_get_hyp", "ps_seg_iter", "ps_seg_next", "ps_seg_word", "ps_seg_frames", "ps_seg_prob")
_ARPA, _BINARY = 1, 2  # ngram_file_type_t
_LOG_BASE = 1.0001  # PocketSphinx's own (config_params, logbase)
_SEARCH = b"search"


@cache
def _library() -> ctypes.CDLL:
    from pocketsphinx import _pocketsphinx  # noqa: PLC0415 - not needed where Vosk listens

    library = ctypes.CDLL(_pocketsphinx.__file__)
    keeping = ctypes.PyDLL(_pocketsphinx.__file__)  # the global lock
    for name, (result, arguments) in _FUNCTIONS.items():
        try:
            function = getattr(keeping if name in _SHORT else library, name)
        except AttributeError:
            raise RecogniserError(
                f"this build of PocketSphinx {version('pocketsphinx')} does not export {name}:"
                " install the pocketsphinx wheel that requirements.txt names"
            ) from None
        function.restype, function.argtypes = result, arguments
        setattr(library, name, function)
    return library


@dataclass(frozen=True, slots=True)
class Segment:
    """One word of the best path. `start` and `end` are its first and last frame; a frame is 10 ms.

    `order` is how many words, this one with those before it, the language model knew as a row:
    1 to 3. Silences and noises are words, too: "<sil>".
    """

    word: str
    start: int
    end: int
    order: int


class PocketSphinx:
    """One decoder of the library; for one thread at a time. Raises RecogniserError.

    `options` are the library's own (config_params), `words` pronunciations as in cmudict that
    options["dict"] does not have. It listens for one of `model` (a language model's file) and
    `grammar` (a JSGF text).
    """

    def __init__(
        self,
        options: Mapping[str, str],
        words: Iterable[tuple[str, str]] = (),
        *,
        model: Path | None = None,
        grammar: str = "",
    ) -> None:
        self._library = library = _library()
        config = library.ps_config_init(None)
        for name, value in options.items():
            library.ps_config_set_str(config, name.encode(), value.encode())
        self._decoder: int | None = library.ps_init(config)
        library.ps_config_free(config)
        if not self._decoder:
            raise RecogniserError(
                f"PocketSphinx cannot use the acoustic model {options['hmm']}: reinstall it"
            )
        for word, phones in words:
            library.ps_add_word(self._decoder, word.encode(), phones.encode(), 0)
        if model is not None:
            failed = library.ps_add_lm_file(self._decoder, _SEARCH, bytes(model))
        else:
            failed = library.ps_add_jsgf_string(self._decoder, _SEARCH, grammar.encode())
        if failed or library.ps_activate_search(self._decoder, _SEARCH):
            self.close()
            raise RecogniserError(f"PocketSphinx refuses {model or grammar}")
        self._begun = False
        # What a new line's means are taken for; to ask a model without any for them is a crash.
        kind = library.ps_config_str(library.ps_get_config(self._decoder), b"cmn")
        self._means = b"" if kind == b"none" else library.ps_get_cmn(self._decoder, 0)

    def start(self, *, stream: bool = False) -> None:
        """Begin an utterance; `stream`: on a line that was not heard before."""
        if stream and self._decoder:
            if self._begun:
                self.end()
            # It fails where a model has no noise removal, and so nothing of the line to forget.
            self._library.ps_start_stream(self._decoder)
            if self._means:
                self._library.ps_set_cmn(self._decoder, self._means)
        self._do("ps_start_utt")
        self._begun = True

    def process(self, pcm: bytes, *, whole: bool = False) -> None:
        """Decode 16-bit PCM at the model's rate; `whole`: all of the utterance at once."""
        self._do("ps_process_raw", pcm, len(pcm) // 2, 0, int(whole))

    def end(self) -> None:
        """The utterance is over."""
        self._do("ps_end_utt")
        self._begun = False

    def words(self) -> str:
        """The best words so far."""
        found = self._library.ps_get_hyp(self._decoder, None)
        return found.decode(errors="replace") if found else ""

    def segments(self) -> list[Segment]:
        """The best words so far with their times, silences and noises among them."""
        library = self._library
        start, end, acoustic, language, order = (ctypes.c_int() for _ in range(5))
        found = []
        at = library.ps_seg_iter(self._decoder) if self._decoder else None
        while at:  # ps_seg_next frees the iterator behind the last word
            word = library.ps_seg_word(at).decode(errors="replace")
            library.ps_seg_frames(at, start, end)
            library.ps_seg_prob(at, acoustic, language, order)
            found.append(Segment(word, start.value, end.value, order.value))
            at = library.ps_seg_next(at)
        return found

    def close(self) -> None:
        decoder, self._decoder = self._decoder, None
        if decoder:
            self._library.ps_free(decoder)

    def _do(self, function: str, *arguments: object) -> None:
        if not self._decoder or getattr(self._library, function)(self._decoder, *arguments) < 0:
            raise RecogniserError(
                f"PocketSphinx could not decode a call ({function} failed); it goes on by keys"
            )


def release_memory() -> None:
    """Give memory that decoders have freed back to the system, as far as it can be.

    glibc keeps most of it, in small pieces: of 16 decoders 90 MB. It takes 12 ms.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def write_binary(arpa: Path, binary: Path) -> None:
    """A language model in ARPA's text as PocketSphinx's binary, read in a tenth of the time."""
    library = _library()
    logarithms = library.logmath_init(_LOG_BASE, 0, 0)
    model = library.ngram_model_read(None, bytes(arpa), _ARPA, logarithms)
    written = model and library.ngram_model_write(model, bytes(binary), _BINARY) == 0
    if model:
        library.ngram_model_free(model)
    library.logmath_free(logarithms)
    if not written:
        raise RecogniserError(f"PocketSphinx cannot make {binary} of {arpa}")
