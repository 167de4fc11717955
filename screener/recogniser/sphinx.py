"""PocketSphinx: the embedded default, whose wheel carries an English model.

It is good for small grammars and for key phrases, not for transcripts. The wheel's Python class
holds Python's global lock while it decodes; its C interface (pocketsphinx.h, version 5), which the
same shared library exports, does not, and is what is used here.
"""

from __future__ import annotations

import ctypes
import io
import re
import threading
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from screener.config import Settings
from screener.core.audio import RATE
from screener.core.grammar import Answers, spoken
from screener.core.jsgf import written
from screener.core.transcript import Transcript
from screener.core.words import normal
from screener.errors import RecogniserError
from screener.recogniser.files import phrase_classes, text_of
from screener.recogniser.trial import try_out
from screener.recogniser.upsampling import Upsampling

WORDS = "words.dict"
"""In the grammars folder: how words sound that the dictionary lacks, "smythe S M AY DH"."""

SENTENCES = "sentences.txt"
"""In the grammars folder: what callers and recordings say; the language model is made of it."""


class _Library:
    """PocketSphinx's C interface (pocketsphinx.h, version 5), out of the wheel's own extension."""

    _FUNCTIONS: Mapping[str, tuple[Any, tuple[Any, ...]]] = {
        "ps_config_init": (ctypes.c_void_p, (ctypes.c_void_p,)),
        "ps_config_set_str": (ctypes.c_void_p, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p)),
        "ps_config_free": (ctypes.c_int, (ctypes.c_void_p,)),
        "ps_init": (ctypes.c_void_p, (ctypes.c_void_p,)),
        "ps_free": (ctypes.c_int, (ctypes.c_void_p,)),
        "ps_add_word": (
            ctypes.c_int,
            (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_int),
        ),
        "ps_add_lm_file": (ctypes.c_int, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p)),
        "ps_add_jsgf_string": (ctypes.c_int, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p)),
        "ps_activate_search": (ctypes.c_int, (ctypes.c_void_p, ctypes.c_char_p)),
        "ps_start_stream": (ctypes.c_int, (ctypes.c_void_p,)),
        "ps_start_utt": (ctypes.c_int, (ctypes.c_void_p,)),
        "ps_process_raw": (
            ctypes.c_int,
            (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int),
        ),
        "ps_end_utt": (ctypes.c_int, (ctypes.c_void_p,)),
        "ps_get_hyp": (ctypes.c_char_p, (ctypes.c_void_p, ctypes.c_void_p)),
    }

    def __init__(self) -> None:
        from pocketsphinx import _pocketsphinx  # noqa: PLC0415 - not needed where Vosk listens

        library = ctypes.CDLL(_pocketsphinx.__file__)
        for name, (result, arguments) in self._FUNCTIONS.items():
            try:
                function = getattr(library, name)
            except AttributeError:
                raise RecogniserError(
                    f"this build of PocketSphinx {version('pocketsphinx')} does not export {name}:"
                    " install the pocketsphinx wheel that requirements.txt names"
                ) from None
            function.restype, function.argtypes = result, arguments
            setattr(self, name, function)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


class SphinxDecoder:
    """One PocketSphinx decoder, some 8 MB; used by one thread at a time.

    `options` are PocketSphinx's own (config_params); `words` are pronunciations as in cmudict;
    one of `arpa` (a language model's file) and `jsgf` (a grammar's text) says what it listens for.
    """

    def __init__(
        self,
        library: _Library,
        options: Mapping[str, str],
        words: Iterable[tuple[str, str]],
        *,
        arpa: Path | None = None,
        jsgf: str = "",
    ) -> None:
        self._library = library
        self._upsampling = Upsampling(int(options["samprate"]))
        self._started = False
        config = library.ps_config_init(None)
        for name, value in options.items():
            library.ps_config_set_str(config, name.encode(), value.encode())
        self._decoder = library.ps_init(config)
        library.ps_config_free(config)
        if not self._decoder:
            raise RecogniserError(
                f"PocketSphinx cannot use the acoustic model {options['hmm']}: reinstall it"
            )
        for word, phones in words:
            library.ps_add_word(self._decoder, word.encode(), phones.encode(), 0)
        if arpa is not None:
            failed = library.ps_add_lm_file(self._decoder, b"search", bytes(arpa))
        else:
            failed = library.ps_add_jsgf_string(self._decoder, b"search", jsgf.encode())
        if failed or library.ps_activate_search(self._decoder, b"search"):
            self.close()
            raise RecogniserError(f"PocketSphinx refuses {arpa or jsgf}")

    def hear(self, pcm: bytes) -> str:
        """Take some 8 kHz PCM; the words so far."""
        if not self._started:
            self._library.ps_start_utt(self._decoder)
            self._started = True
        self._process(pcm, whole=False)
        return self._words()

    def hear_whole(self, pcm: bytes) -> str:
        """The words of an utterance that is all there: its channel is evened out over all of it."""
        self._library.ps_start_stream(self._decoder)
        self._library.ps_start_utt(self._decoder)
        self._process(pcm, whole=True)
        self._library.ps_end_utt(self._decoder)
        return self._words()

    def transcript(self) -> Transcript:
        return Transcript()

    def close(self) -> None:
        decoder, self._decoder = self._decoder, None
        if decoder:
            self._library.ps_free(decoder)

    def _process(self, pcm: bytes, *, whole: bool) -> None:
        wide = self._upsampling(pcm)
        self._library.ps_process_raw(self._decoder, wide, len(wide) // 2, 0, int(whole))

    def _words(self) -> str:
        found = self._library.ps_get_hyp(self._decoder, None)
        return found.decode(errors="replace") if found else ""


class Pronunciations:
    """How words sound: the owner's words.dict first, then the wheel's cmudict, read when needed.

    The whole dictionary would be 30 MB in memory; only words that were asked for are kept.
    """

    def __init__(self, own: Path, dictionary: Path) -> None:
        self._dictionary = dictionary
        self._lock = threading.Lock()
        self._known: dict[str, tuple[str, ...]] = {}
        if own.exists():
            self._known |= _sounds(text_of(own).splitlines(), None)

    def learn(self, phrases: Iterable[str]) -> None:
        """Look up the words of phrases that are not known yet."""
        with self._lock:
            missing = {w for phrase in phrases for w in phrase.split()} - self._known.keys()
            if missing:
                with self._dictionary.open(encoding="utf-8") as lines:
                    found = _sounds(lines, missing)
                self._known |= {word: found.get(word, ()) for word in missing}

    def unknown(self, phrases: Iterable[str]) -> tuple[str, ...]:
        """The words that no dictionary has."""
        phrases = list(phrases)
        self.learn(phrases)
        words = dict.fromkeys(word for phrase in phrases for word in phrase.split())
        return tuple(word for word in words if not self._known[word])

    def of(self, phrases: Iterable[str]) -> list[tuple[str, str]]:
        """(word, phones) for a decoder; a word's further pronunciations as "word(2)"."""
        phrases = list(phrases)
        self.learn(phrases)
        return [
            (word if n == 1 else f"{word}({n})", phones)
            for word in sorted({word for phrase in phrases for word in phrase.split()})
            for n, phones in enumerate(self._known[word], 1)
        ]


def _sounds(lines: Iterable[str], wanted: Collection[str] | None) -> dict[str, tuple[str, ...]]:
    """Lines of a dictionary, "word(2) W ER D" -> each word's pronunciations."""
    found: dict[str, tuple[str, ...]] = {}
    for line in lines:
        word, _, phones = line.strip().partition(" ")
        word = word.partition("(")[0]
        if phones and not word.startswith("#") and (wanted is None or word in wanted):
            found[word] = (*found.get(word, ()), phones.strip())
    return found


class Sphinx:
    """The embedded default: PocketSphinx with the wheel's English model, or another of its kind."""

    # Some for callers who answer at the same time; the rest are made anew, in 30 ms.
    _IDLE = 4

    def __init__(self, settings: Settings, answers: Answers, model: Path | None) -> None:
        import pocketsphinx  # noqa: PLC0415 - not needed where Vosk listens

        bundled = Path(pocketsphinx.get_model_path("en-us"))
        hmm = model or bundled / "en-us"
        self.name = f"PocketSphinx {version('pocketsphinx')}, " + (
            model.name if model else "bundled English"
        )
        self._library = _Library()
        self._options = _options(hmm)
        if model is not None:
            prove(model)
        self._talk_options = {**self._options, **_TALK}
        self._answers = answers
        grammars = settings.grammars
        self._pronunciations = Pronunciations(grammars / WORDS, bundled / "cmudict-en-us.dict")
        self._idle: deque[tuple[frozenset[str], SphinxDecoder]] = deque()
        expected = {p for door in settings.doors.values() for p in spoken(door.extensions)}
        sentences = _sentences(grammars)
        self._pronunciations.learn([*sentences, *answers.wordings(expected), *answers.other])
        self._sentences = self._heard(sentences)
        self._arpa = _write(settings.data / "recogniser" / "robocalls.arpa", _arpa(self._sentences))
        self._talk_words = self._pronunciations.of(self._sentences)
        self.decoder().close()  # what is wrong is told now, not during a call

    def unknown_words(self, phrases: Iterable[str]) -> tuple[str, ...]:
        return self._pronunciations.unknown(phrases)

    def answer(self, utterance: bytes, expected: frozenset[str]) -> str:
        decoder = self._take_idle(expected) or self._answer_decoder(expected)
        if decoder is None:
            return ""
        words = decoder.hear_whole(utterance)
        self._idle.append((expected, decoder))
        while len(self._idle) > self._IDLE:
            self._idle.popleft()[1].close()
        return self._answers.understood(words, expected)

    def _take_idle(self, expected: frozenset[str]) -> SphinxDecoder | None:
        for _ in range(len(self._idle)):
            try:
                candidate = self._idle.popleft()
            except IndexError:  # another thread was quicker
                break
            if candidate[0] == expected:
                return candidate[1]
            self._idle.append(candidate)
        return None

    def _answer_decoder(self, expected: frozenset[str]) -> SphinxDecoder | None:
        """One that tells the expected phrases from each other and from what is no answer."""
        right = self._heard(self._answers.wordings(expected))
        if not right:
            return None
        other = self._heard(p for p in self._answers.not_expected() if p not in right)
        words = self._pronunciations.of([*right, *other])
        jsgf = written("answer", {"answer": [*right, *other]})
        return SphinxDecoder(self._library, self._options, words, jsgf=jsgf)

    def decoder(self) -> SphinxDecoder:
        return SphinxDecoder(self._library, self._talk_options, self._talk_words, arpa=self._arpa)

    def _heard(self, phrases: Iterable[str]) -> list[str]:
        """The phrases all of whose words have a sound."""
        phrases = list(phrases)
        unknown = set(self._pronunciations.unknown(phrases))
        return [phrase for phrase in phrases if unknown.isdisjoint(phrase.split())]


# What an acoustic model's folder holds at the least; its densities are in one of two forms.
_MODEL_FILES = ("mdef", "feat.params", "means", "variances", "transition_matrices")
_DENSITIES = ("sendump", "mixture_weights")


def _options(hmm: Path) -> dict[str, str]:
    """PocketSphinx's settings for an acoustic model folder."""
    missing = [name for name in _MODEL_FILES if not _holds(hmm / name)]
    if not any(_holds(hmm / name) for name in _DENSITIES):
        missing.append("sendump")
    if missing:  # PocketSphinx never comes back from an empty mdef
        raise RecogniserError(
            f"{hmm} is not a whole PocketSphinx model, {', '.join(missing)} is missing or empty:"
            " unpack the model again, or take speech.model out of screener.toml"
        )
    features = text_of(hmm / "feat.params")
    upper = re.search(r"-upperf\s+([0-9.]+)", features)
    narrow = upper is not None and float(upper[1]) <= RATE / 2
    return {
        "hmm": str(hmm),
        "loglevel": "FATAL",
        "samprate": str(RATE if narrow else 2 * RATE),
        # Words come of the first pass while they are spoken; the further two come after the end.
        "fwdflat": "no",
        "bestpath": "no",
        **({} if narrow else {"cmninit": _TELEPHONE_MEANS}),
    }


def prove(model: Path) -> None:
    """Have PocketSphinx load a model, in another process. Raises RecogniserError."""
    try_out("PocketSphinx", model, _TRIAL, _options(model)["samprate"])


_TRIAL = """
import sys, pocketsphinx
model, rate = sys.argv[1], int(sys.argv[2])
pocketsphinx.Decoder(hmm=model, samprate=rate, lm=None, dict=None, loglevel="FATAL")
"""


def _holds(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


# The bundled model's features (MFCCs) have these means on telephone speech brought to 16 kHz; it
# begins a stream with them, and goes on to learn the line's own.
_TELEPHONE_MEANS = "43,20,-25,30,-20,4,-5,-8,-4,-9,-1,-6,0"


# For talk of minutes: every other frame is scored, by the two likeliest densities. Half the work,
# and as many robocalls found. An answer of a second has all there is.
_TALK = {"ds": "2", "topn": "2"}


def _sentences(grammars: Path) -> list[str]:
    """What the language model is made of: sentences.txt, and classes' phrases with new words."""
    lines = text_of(grammars / SENTENCES).splitlines()
    sentences = [normal(line) for line in lines if line.strip() and not line.startswith("#")]
    known = {word for sentence in sentences for word in sentence.split()}
    for each in phrase_classes(grammars):
        sentences += [
            " ".join(words) for words in sorted(each.phrases) if not known.issuperset(words)
        ]
    return sentences


def _arpa(sentences: Iterable[str]) -> str:
    """A small language model (trigrams, ARPA's format), by the wheel's own builder."""
    from pocketsphinx.lm import ArpaBoLM  # noqa: PLC0415 - not needed where Vosk listens

    model = ArpaBoLM(text="\n".join(sentences), add_start=True)
    model.compute()
    text = io.StringIO()
    model.write(text)
    return text.getvalue()


def _write(path: Path, text: str) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".new")
        temporary.write_text(text, encoding="utf-8")
        return temporary.replace(path)
    except OSError as error:
        raise RecogniserError(f"{path} cannot be written: {error.strerror}") from None
