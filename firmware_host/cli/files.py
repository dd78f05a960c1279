"""Files on a board: `wirq ls`, `put`, `get`, `rm`, `df`, `sync`, `autostart`."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from firmware_host.board import Board
from firmware_host.cli.context import Context
from firmware_host.cli.output import write_file
from firmware_host.cli.tables import table
from firmware_host.errors import BoardError
from firmware_host.files import FileInfo, Files, Stored, contents
from firmware_host.sim.host import default_store

_SOURCE = click.Path(exists=True, path_type=Path)

_SHOWN = 12  # digits of a hash that people compare


def amount(size: int) -> str:
    """Bytes as people read them: 812 B, 18.4 KiB, 1.2 MiB."""
    for unit, factor in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} B"


def _note_if_volatile(context: Context, board: Board) -> None:
    if board.files.space().lasting:
        return
    flash = default_store() if board.selector == "host" else None
    if flash is not None:  # one process at a time has it
        context.note(f"another host board has {flash} open, so this one's files are in RAM, and gone when it ends")
        context.note(f"  find it with: fuser -v {flash}, and end it")
        return
    context.note("this board has no flash for files: they are in RAM, and gone after a reset")


@click.command("ls")
@click.pass_obj
def ls(context: Context) -> None:
    """List the files on a board, and the modules frozen into its firmware.

    \b
    Examples:
      wirq ls
      wirq -b port:/dev/ttyACM0 ls --json
    """
    with context.connect() as board:
        found = list(board.files)
    rows = [(one.name, f"{one.size}", one.sha256[:_SHOWN], _marks(one)) for one in found]
    text = table(("NAME", "BYTES", "SHA-256", ""), rows, right=(1,)) if rows else "no files"
    context.result(text, files=[asdict(one) for one in found])


def _marks(file: FileInfo) -> str:
    return ", ".join(name for name, on in (("autostart", file.autostart), ("frozen", file.frozen)) if on)


@click.command("put")
@click.argument("sources", metavar="FILE...", nargs=-1, required=True, type=_SOURCE)
@click.option("--name", help="What to call it on the board; with one FILE only.")
@click.option("-r", "--recursive", is_flag=True, help="Take directories, too: the files in them and below.")
@click.option("--force", is_flag=True, help="Write it even if the board has it already, which is removed first.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and send nothing.")
@click.pass_obj
def put(
    context: Context, sources: tuple[Path, ...], name: str | None, recursive: bool, force: bool, dry_run: bool
) -> None:
    """Write files into a board's store. A module goes without its custom sections; C is compiled first.

    A file of the same name is replaced in one step: if the power fails, the board has the old one or the new one. What
    it has already is not sent again, and an upload that was cut off goes on where it stopped.

    \b
    Examples:
      wirq put app.wasm
      wirq put blink.c --name blink.wasm
      wirq put -r modules --dry-run
    """
    sources = tuple(_files(sources, recursive))
    if name is not None and len(sources) > 1:
        raise click.UsageError("--name is for one file")
    with context.connect() as board:
        if dry_run:
            _would_put(context, board.files, sources, name, force)
            return
        results = [_put(context, board.files, source, name, force) for source in sources]
        _note_if_volatile(context, board)
    context.result(files=[_stored(one) for one in results])


def _files(sources: tuple[Path, ...], recursive: bool) -> Iterator[Path]:
    """The files that are meant; hidden ones of directories are not."""
    for source in sources:
        if source.is_file():
            yield source
        elif recursive:
            yield from sorted(one for one in source.rglob("[!.]*") if one.is_file())
        else:
            raise click.UsageError(f"{source} is a directory: -r takes what is in it")


def _would_put(context: Context, files: Files, sources: tuple[Path, ...], name: str | None, force: bool) -> None:
    there = {file.name: file for file in files if not file.frozen}
    planned = []
    for source in sources:
        called, data = contents(source, name)
        known = there.get(called)
        same = known is not None and known.sha256 == hashlib.sha256(data).hexdigest()
        send = force or not same
        planned.append({"name": called, "size": len(data), "send": send})
        context.say(f"{called}  {amount(len(data))}  " + ("would be sent" if send else "is on the board already"))
    context.result("nothing was sent", files=planned, dry_run=True)


def _put(context: Context, files: Files, source: Path, name: str | None, force: bool) -> Stored:
    start = time.monotonic()
    with context.progress(name or source.name, lambda: files.resent) as progress:
        stored = files.put(source, name, progress, force=force)
    file = stored.file
    if not stored.sent:
        context.say(f"{file.name}  {amount(file.size)}  is on the board already")
        return stored
    rate = (file.size - stored.resumed_at) / max(time.monotonic() - start, 1e-3)
    was = f", was {amount(stored.before.size)}" if stored.before else ""
    left = f", {amount(stored.resumed_at)} were there since it was cut off" if stored.resumed_at else ""
    context.say(f"{file.name}  {amount(file.size)}  {amount(int(rate))}/s  {files.resent} frames resent{left}")
    context.say(f"on board: sha256 {file.sha256[:4]}…{file.sha256[-2:]}  checked{was}")
    return stored


def _stored(stored: Stored) -> dict[str, Any]:
    before = asdict(stored.before) if stored.before else None
    return {**asdict(stored.file), "sent": stored.sent, "resumed_at": stored.resumed_at, "before": before}


@click.command("get")
@click.argument("name")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Where to write it (NAME).")
@click.pass_obj
def get(context: Context, name: str, output: Path | None) -> None:
    """Read a file from a board.

    \b
    Examples:
      wirq get app.wasm
      wirq get app.wasm -o from-board.wasm
    """
    output = output or Path(Path(name).name)
    with context.connect() as board, context.progress(name) as progress:
        data = board.files.get(name, progress)
    write_file(output, data)
    context.result(f"{output}  {amount(len(data))}", file=str(output), size=len(data))


@click.command("rm")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--force", is_flag=True, help="Names that are not there are no error.")
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@click.pass_obj
def rm(context: Context, names: tuple[str, ...], force: bool, dry_run: bool) -> None:
    """Remove files from a board's store.

    \b
    Examples:
      wirq rm old.wasm
      wirq rm --force old.wasm older.wasm
    """
    removed = []
    with context.connect() as board:
        there = {file.name for file in board.files if not file.frozen}
        for name in names:
            if name in there or not force:
                if not dry_run:
                    board.files.remove(name)
                elif name not in there:
                    raise BoardError(f"there is no file {name} on the board", hint="wirq ls lists those there are")
                removed.append(name)
    word = "would remove" if dry_run else "removed"
    text = "\n".join(f"{word} {name}" for name in removed) or "nothing was there to remove"
    context.result(text, removed=removed, dry_run=dry_run)


@click.command("df")
@click.pass_obj
def df(context: Context) -> None:
    """Show how much room a board's store has, and whether it survives a reset.

    \b
    Example:
      wirq -b qemu:microbit df
    """
    with context.connect() as board:
        space = board.files.space()
    lasts = "lasting" if space.lasting else "volatile: a reset empties it"
    share = 100 * space.used / space.size if space.size else 0.0
    text = (
        f"store    {space.kind}, {lasts}\n"
        f"size     {space.size:,} bytes\n"
        f"used     {space.used:,} bytes, {share:.0f} %\n"
        f"         of that, lowered code: {space.code:,} bytes (removed when files need room)\n"
        f"largest  {space.largest:,} bytes: the largest file that fits now"
    )
    context.result(text, **asdict(space), lasting=space.lasting)


@click.command("sync")
@click.argument("directory", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("-r", "--recursive", is_flag=True, help="Take the files of directories in DIR, too.")
@click.option("--delete", is_flag=True, help="Remove files from the board that DIR does not have.")
@click.option("--force", is_flag=True, help="Write files that the board has already, too.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.pass_obj
def sync(context: Context, directory: Path, recursive: bool, delete: bool, force: bool, dry_run: bool) -> None:
    """Bring the files on a board up to date with those of a directory.

    \b
    Examples:
      wirq sync modules --dry-run
      wirq sync modules --delete
    """
    sources: dict[str, Path] = {}
    hashes: dict[str, str] = {}
    for path in _files_of(context, directory, recursive):
        name, data = contents(path)
        if name in sources:
            raise BoardError(f"{path} and {sources[name]} would both become {name}; nothing was sent")
        sources[name] = path
        hashes[name] = hashlib.sha256(data).hexdigest()
    with context.connect() as board:
        there = {file.name: file for file in board.files if not file.frozen}
        changed = [name for name in sources if force or name not in there or there[name].sha256 != hashes[name]]
        surplus = [name for name in there if name not in sources] if delete else []
        for name in surplus:
            context.say(f"remove {name}")
            if not dry_run:
                board.files.remove(name)
        for name in changed:
            if dry_run:
                context.say(f"put {name}")
            else:
                _put(context, board.files, sources[name], name, force)
    same = len(sources) - len(changed)
    done = f"{len(changed)} written, {len(surplus)} removed, {same} the same already"
    text = f"nothing was done; it would be: {done}" if dry_run else done
    context.result(text, written=changed, removed=surplus, same=same, dry_run=dry_run)


def _files_of(context: Context, directory: Path, recursive: bool) -> list[Path]:
    """The files of a directory that are not hidden; those in directories of it only if asked for."""
    if recursive:
        return list(_files((directory,), recursive))
    inside = sorted(path for path in directory.iterdir() if not path.name.startswith("."))
    left_out = [f"{path.name}/" for path in inside if path.is_dir()]
    if left_out:
        context.note(f"left out: {', '.join(left_out)}; -r takes what is in it")
    return [path for path in inside if path.is_file()]


@click.command("autostart")
@click.argument("name", required=False)
@click.option("--off", is_flag=True, help="Start nothing at boot, not even a frozen module.")
@click.pass_obj
def autostart(context: Context, name: str | None, off: bool) -> None:
    """Show or set the module that a board starts when it boots.

    A board whose button is held, or that gets a Ctrl-C in the first half second, starts none: safe mode.

    \b
    Examples:
      wirq put app.wasm && wirq autostart app.wasm
      wirq autostart
      wirq autostart --off
    """
    if name is not None and off:
        raise click.UsageError("give a NAME or --off")
    with context.connect() as board:
        if name is not None or off:
            board.files.set_autostart(name)
            _note_if_volatile(context, board)
        current = board.files.autostart
    text = f"starts at boot: {current.name}" if current else "nothing starts at boot"
    context.result(text, autostart=current.name if current else None)
