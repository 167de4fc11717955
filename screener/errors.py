"""Every error that screener raises on purpose, drawn once.

    ScreenerError
    ├── SetupError              what must be there before anything starts is not
    │   ├── ConfigError         screener.toml or a rule file is wrong: every mistake with its place
    │   ├── InstallError        an Asterisk, a sound or a model could not be installed or started
    │   ├── PromptMissing       a prompt has no sound
    │   └── RecogniserError     an engine or its model could not be loaded
    ├── AriError                Asterisk did not do what was asked
    │   ├── AriDown             it cannot be reached, or the connection was lost
    │   ├── AriRefused          it does not let us in, or refuses the request (400, 401, 403, 5xx)
    │   ├── AriGone             the channel, bridge, playback or recording is no more (404)
    │   └── AriNotInStasis      the channel is there but not ours, or not fit (409, 412, 422)
    ├── StuckError              a call makes no progress: the phones ring without us
    ├── RulesError              a rule file was not changed: it is as it was
    ├── StoreError              the database cannot be read or written
    ├── ListError               a number list cannot be imported, opened or found
    ├── CampaignError           what is known of campaigns cannot be read, changed or imported
    ├── RecordingError          a recording is not fit to be a prompt, or could not be kept
    ├── EncodingError           a recording could not be encoded
    ├── ClipError               a sound file cannot be heard
    ├── ManifestError           the manifest of an evaluation is wrong: every mistake with its place
    ├── LinkError               what links of mails and feeds need cannot be read or written
    ├── ReportError             nobody gets a report, or what was reported last is not known
    ├── DiskError               a file or folder that no other of these is about cannot be used
    ├── MailError               mail cannot be handed over as it is set up
    └── OutboxError             the outbox cannot be used: what was to be kept is not
        └── MessageError        a message is not there, or not fit for what is asked of it

Only `core.script.CallerGone` stands outside: it is what a call script is told, not a failure.
"""

from collections.abc import Sequence


class ScreenerError(Exception):
    """The root: what a user is shown as one sentence and exit status 1."""


class SetupError(ScreenerError):
    """What must be there before anything starts is not."""


class ConfigError(SetupError):
    """Settings or rules are wrong. `mistakes` are whole sentences, all that were found at once."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(self.mistakes))


class InstallError(SetupError):
    """An Asterisk, a sound or a model could not be installed or started; says what to do."""


class PromptMissing(SetupError):
    """A prompt that a call would need has no sound and could not be rendered."""


class RecogniserError(SetupError):
    """A speech recogniser or its model could not be loaded."""


class AriError(ScreenerError):
    """Asterisk did not do what was asked of it through ARI."""


class AriDown(AriError):
    """Asterisk cannot be reached, or the connection was lost while waiting."""


class AriRefused(AriError):
    """Asterisk does not let us in, or does not accept the request."""


class AriGone(AriError):
    """The channel, bridge, playback or recording is no more (HTTP 404)."""


class AriNotInStasis(AriError):
    """The channel is there, but not under our control or not fit for this (HTTP 409, 412, 422)."""


class StuckError(ScreenerError):
    """A call makes no progress: something of ours does not end, and the phones are to ring."""


class RulesError(ScreenerError):
    """A rule file was not changed, and is as it was; says why and what to do."""


class StoreError(ScreenerError):
    """The database cannot be read or written."""


class ListError(ScreenerError):
    """A number list cannot be imported, opened or found; says which and what to do."""


class LinkError(ScreenerError):
    """The key of the links in mails, the record of those used, or of the addresses of feeds,
    cannot be read or written."""


class ReportError(ScreenerError):
    """Nobody gets a report, or which week was reported last cannot be read or written down; says
    what to do."""


class CampaignError(ScreenerError):
    """What is known of campaigns cannot be read, changed or imported; says what to do."""


class DiskError(ScreenerError):
    """A file or folder that no other of these errors is about cannot be used; says what to do."""


class MailError(ScreenerError):
    """Mail cannot be handed over as it is set up: the server, sendmail or the sender's address."""


class OutboxError(ScreenerError):
    """The outbox cannot be used: what was to be kept is not; says what to do."""


class MessageError(OutboxError):
    """A message is not there, or not fit for what is asked of it; it is what it was."""


class RecordingError(ScreenerError):
    """A recording of the owner's is not fit to be a prompt, or could not be kept; says why."""


class EncodingError(ScreenerError):
    """A recording could not be encoded; says why."""


class ClipError(ScreenerError):
    """A sound file cannot be heard; says which and why."""


class ManifestError(ScreenerError):
    """The manifest of an evaluation is wrong. `mistakes` are whole sentences, all at once."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(self.mistakes))
