"""The errors that Millrace raises on purpose, and the exit code of each.

Each class is defined beside what raises it::

    MillraceError
    ├── SettingsError (2)           the environment
    ├── DeclarationError (2)        source.yml, contract.py, extract.py
    ├── ContractChangedError (2)    a contract that staging cannot follow by itself
    ├── SpectrumError (2)           staging that Redshift is to read from silver, and cannot
    ├── ModelError (2)              the SQLMesh project
    ├── DashboardError (2)          Superset
    ├── CheckError (2), ChartError (2)    a check or chart that `new` cannot make
    ├── SamplesError (2)            samples that cannot be removed as things are
    ├── NothingToReplayError (2)   no landed load to judge again
    ├── QueryError (2)              a question that `sql` or `preview` cannot ask
    ├── UnknownRunError (2)        no such run in the record
    ├── SampleError (2)             a sample that `new` can make no source of
    ├── SourceError (3)             a source that could not be reached or did not answer as declared
    │   └── RefusedError (2)        ... and will not before a person has done something
    ├── StoreError (4)              the lake or the warehouse could not be written
    │   └── SilverError (4)
    ├── LandedFileError (4)         a landed file is missing or damaged
    ├── WarehouseError (4)          the warehouse could not be opened or written
    │   ├── HeldError (4)           another program has it open
    │   └── RunInProgressError (5)
    ├── AwsError (4)                AWS refused, or could not be reached
    │   └── SecretError (2)         a secret that a setting names
    ├── PlaceError (4), FolderError (4)    the data folder
    ├── LockError (4)               the Postgres that holds the lock
    ├── StoppedError (4)            a thread whose run has ended
    ├── LockedError (5)             another run is in progress
    └── DemoRunningError (5)

Any other exception is a bug in Millrace (70), unless it comes from a store or a disk (see foundation/exits.py).
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """How a command ends; a signal ends it with 128 and its number, as shells do."""

    OK = 0
    CHECK_FAILED = 1
    CONFIGURATION = 2
    SOURCE = 3
    STORE = 4
    LOCKED = 5
    BUG = 70


class MillraceError(Exception):
    """An error that says what went wrong, why, and what to do next.

    Attributes:
        exit_code: how the command ends that meets it.
        names_store: whether it says which file of ours cannot be written, so that no cause behind it needs to be looked for.
    """

    exit_code: ClassVar[ExitCode]
    names_store: ClassVar[bool] = False
