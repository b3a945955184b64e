"""The options of the file source and sink."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from wye.options import Bytes, Options, Positive, Seconds
from wye_plugins.file.template import PathTemplate

PathPattern = Annotated[str, Meta(min_length=1)]


class FileSourceOptions(Options, frozen=True, kw_only=True):
    """Reads JSON lines from files; what ends in `.gz` or `.zst` is decompressed."""

    path: Annotated[
        PathPattern | Annotated[list[PathPattern], Meta(min_length=1)],
        Meta(
            description="A file, or a pattern with `*`, `?`, `[…]` and `**` (any depth), or a list of them. They are read in "
            "the order of the list, the matches of a pattern sorted."
        ),
    ]
    follow: Annotated[
        bool,
        Meta(
            description="Keep reading as files grow, appear, are rotated or truncated. A last line waits for its newline. "
            "Otherwise every file is read once and the source ends. Compressed files are read once in either case."
        ),
    ] = False
    max_line_bytes: Annotated[
        Bytes, Meta(description="A longer line is not decoded; its first bytes go to the dead letters. Bounds the memory.")
    ] = 1_048_576
    # With 256 KiB, a batch's events would not stay in the processor's cache until they are encoded.
    chunk_bytes: Annotated[Bytes, Meta(description="How much is read at a time; the whole lines in it go on as one batch.")] = (
        65_536
    )
    poll_secs: Annotated[Positive, Meta(description="With `follow`, how often to look for new lines and new files.")] = 0.5
    checkpoint: Annotated[
        bool,
        Meta(
            description="Remember in `data_dir` how far everything before was safe, and go on from there after a restart. "
            "Without `follow` only an interrupted run is continued: one that read everything to the end and had it settled "
            "removes its checkpoint, so that the next run reads everything again."
        ),
    ] = True
    checkpoint_secs: Annotated[
        Seconds, Meta(description="The checkpoint is written at most this often. What a crash repeats is what came since.")
    ] = 1.0


class FileSinkOptions(Options, frozen=True, kw_only=True):
    """Appends one document a line. A path that ends in `.gz` is compressed, one gzip member a batch.

    When wye opens a file whose last line a crash left unfinished, it moves that fragment to `<path>.partial`. A file can be
    written by one process at a time; it is locked. One that was moved or removed by others is made anew.
    """

    path: Annotated[
        str,
        Meta(
            min_length=1,
            description="The file. `{date}` (YYYY-MM-DD) and `{hour}` (HH) are the event's own time in UTC, `unknown` where it "
            "lies before 1970 or after 9999; `{sink}` is the sink's name, `{worker}` the worker's number, which has to be "
            "there with several `workers`. Missing directories are made.",
        ),
    ]
    fsync: Annotated[
        bool,
        Meta(
            description="Sync before an event counts as delivered, so that it survives a power cut. Without it, it survives a "
            "crash of wye only."
        ),
    ] = True
    max_file_bytes: Annotated[
        Bytes | None,
        Meta(
            description="A file that would grow larger is renamed to `<stem>.<UTC time>-<n><suffixes>` first. A single batch "
            "may be larger. With `.gz`, compressed bytes."
        ),
    ] = None
    max_file_secs: Annotated[
        Positive | None,
        Meta(description="A file that is not empty is renamed likewise so long after this process opened it."),
    ] = None

    def __post_init__(self) -> None:
        try:
            PathTemplate(self.path, "sink")
        except ValueError as error:
            raise ValueError(f"`path` is {self.path!r}: {error}") from None
