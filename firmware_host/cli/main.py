"""The command line's entry: global options, the list of commands, and what errors become."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from types import FrameType
from typing import Any

import click

from firmware_host.announce import listen
from firmware_host.cli.context import Context
from firmware_host.cli.groups import Group
from firmware_host.cli.usage import Misuse
from firmware_host.errors import BoardAmbiguous, WirqError

#: Commands: where each lives, and its line in the help. They are imported when they are called, not before.
COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("firmware_host.cli.run:command", "Run a C file or a module on a board."),
    "call": ("firmware_host.cli.call:command", "Call one export of a module and print its results."),
    "ls": ("firmware_host.cli.files:ls", "List the files on a board."),
    "put": ("firmware_host.cli.files:put", "Write files into a board's store."),
    "get": ("firmware_host.cli.files:get", "Read a file from a board."),
    "rm": ("firmware_host.cli.files:rm", "Remove files from a board's store."),
    "df": ("firmware_host.cli.files:df", "Show how much room a board's store has."),
    "sync": ("firmware_host.cli.files:sync", "Bring a board's files up to date with a directory."),
    "autostart": ("firmware_host.cli.files:autostart", "Show or set what a board starts when it boots."),
    "irq": ("firmware_host.cli.irq:command", "List and raise a board's interrupt sources."),
    "inspect": ("firmware_host.cli.inspect:command", "Show what a module consists of, needs and becomes on a board."),
    "shrink": ("firmware_host.cli.shrink:command", "Rewrite a module's memory to the bytes it uses."),
    "instrument": ("firmware_host.cli.instrument:command", "Rewrite a module: its safe points call an import."),
    "log": ("firmware_host.cli.log:command", "Show what a board prints."),
    "trace": ("firmware_host.cli.trace:command", "Run an app and write a timeline of its interrupts."),
    "repl": ("firmware_host.cli.repl:command", "Type to a board's console."),
    "info": ("firmware_host.cli.info:command", "Tell what a board is and which features it has."),
    "boards": ("firmware_host.cli.boards:command", "List attached boards, or all that are supported."),
    "sim": ("firmware_host.cli.sim:command", "Keep a simulated board running."),
    "build": ("firmware_host.cli.build:command", "Build a board's firmware."),
    "flash": ("firmware_host.cli.flash:command", "Bring firmware onto a board."),
    "size": ("firmware_host.cli.size:command", "Print what flash and RAM are used for."),
    "crash": ("firmware_host.cli.crash:command", "Show a trap report again, with source lines."),
    "wast": ("firmware_host.cli.wast:command", "Run WebAssembly specification scripts on a board."),
    "bench": ("firmware_host.cli.bench:command", "Count executed instructions of a module's load and call."),
    "test": ("firmware_host.cli.test:command", "Run Robot and pytest suites on boards and emulators."),
    "completion": ("firmware_host.cli.completion:command", "Print the completion script of a shell."),
    "doctor": ("firmware_host.cli.doctor:command", "Check toolchains, emulators, permissions and versions."),
}

_EXAMPLES = """\b
Examples:
  wirq run examples/forced/forced.c --raise button@200us
  wirq -b qemu:stm32f4 run app.wasm
  wirq call fib.wasm fib 20
  wirq irq list -b port:/dev/ttyACM0
  wirq boards --known

\b
BOARD is one of: host, qemu:NAME, renode:NAME, port:DEVICE, id:SERIAL, tcp:HOST:PORT, or a name
from wirq.toml. Without it: WIRQ_BOARD, the project's default, the only attached board, else host.
Global options may stand before or after the command.
"""

_HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}


def _set(field: str) -> Any:
    """A callback that writes a global option, if given, into the run's Context."""

    def callback(ctx: click.Context, _: click.Parameter, value: Any) -> None:
        if value is not None and value is not False and value != 0:
            shared = ctx.ensure_object(Context)
            setattr(shared, field, not value if field == "reset" else value)

    return callback


def _louder(sign: int) -> Any:
    def callback(ctx: click.Context, _: click.Parameter, value: int) -> None:
        ctx.ensure_object(Context).verbosity += sign * value

    return callback


def _boards(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    from firmware_host.cli.completion import boards

    return boards(ctx, parameter, incomplete)


def global_options() -> list[click.Option]:
    """The options that every command takes, before or after its name."""
    shared: dict[str, Any] = {"expose_value": False}
    return [
        click.Option(
            ["-b", "--board"],
            metavar="BOARD",
            callback=_set("board_selector"),
            help="The board to talk to.",
            shell_complete=_boards,
            **shared,
        ),
        click.Option(["--json"], is_flag=True, callback=_set("json"), help="Print JSON, one object a line.", **shared),
        click.Option(["-v", "--verbose"], count=True, callback=_louder(1), help="Say more.", **shared),
        click.Option(["-q", "--quiet"], count=True, callback=_louder(-1), help="Say less.", **shared),
        click.Option(
            ["--timeout"],
            type=click.FloatRange(min=0, min_open=True),
            metavar="SECONDS",
            callback=_set("timeout"),
            help="How long to wait for a board's answer (5).",
            **shared,
        ),
        click.Option(
            ["--no-reset"], is_flag=True, callback=_set("reset"), help="Leave the port's DTR and RTS alone.", **shared
        ),
    ]


class LazyGroup(Group):
    """Knows its commands by name and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        row = COMMANDS.get(cmd_name)
        if row is None:
            return None
        module, _, attribute = row[0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        command.context_settings = {**_HELP_OPTIONS, **command.context_settings}
        add_global_options(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_) for name, (_, help_) in COMMANDS.items()])


def add_global_options(command: click.Command) -> None:
    """Lets a command, and the commands below it, take the global options too, but for names it uses itself."""
    taken = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    command.params += [option for option in global_options() if not taken.intersection(option.opts)]
    if isinstance(command, click.Group):
        for below in command.commands.values():
            below.context_settings = {**_HELP_OPTIONS, **below.context_settings}
            add_global_options(below)


def _print_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        from firmware_host.build.generate import package_version

        version = package_version()
        ctx.ensure_object(Context).result(f"wirq {version}", version=version)
        ctx.exit()


cli = LazyGroup(
    "wirq",
    params=[
        *global_options(),
        click.Option(
            ["--version"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_print_version,
            help="Print the version.",
        ),
    ],
    help="WebAssembly on microcontrollers, interrupted while it runs.",
    epilog=_EXAMPLES,
    context_settings=_HELP_OPTIONS,
)


def run(arguments: list[str]) -> int:
    """Runs one command and returns its exit code. All errors end here."""
    try:
        return _run(arguments)
    except BrokenPipeError:
        # Whoever read our output has gone. Nothing can be told; keep Python from trying once more at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(arguments: list[str]) -> int:
    context = Context(json="--json" in arguments)
    listen(context.note if sys.stderr.isatty() and not context.json else context.detail)
    try:
        code = cli.main(args=arguments, prog_name="wirq", standalone_mode=False, obj=context)
        return code if isinstance(code, int) else 0
    except WirqError as error:
        context.error(error, error.exit_code, _hint(error, arguments, context.verbosity), **error.details)
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        if context.json:
            context.error(click.UsageError("no command was given"), 2, "try: wirq --help")
        else:
            click.echo(error.format_message(), err=True)
        return 2
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "wirq"
        shown = click.UsageError(error.format_message())
        context.error(shown, 2, error.hint if isinstance(error, Misuse) else f"try: {where} --help")
        return 2
    except click.ClickException as error:
        context.error(click.UsageError(error.format_message()), error.exit_code)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        if not context.finished:
            context.error(KeyboardInterrupt("interrupted"), 130)
        return 130
    except SystemExit as end:  # told to end by a signal
        if not context.finished and isinstance(end.code, int) and end.code > 128:
            context.error(Terminated(f"ended by {signal.Signals(end.code - 128).name}"), end.code)
        raise


class Terminated(Exception):
    """What a run that another process ended says of it; nothing raises it."""


def _hint(error: WirqError, arguments: list[str], verbosity: int) -> str:
    """The way out; where a board is to be chosen, as the very command to type. With -v also the command of the compiler
    that failed."""
    if verbosity > 0 and "tool_command" in error.details:
        return "\n".join(filter(None, (error.hint, f"it was: {error.details['tool_command']}")))
    if not isinstance(error, BoardAmbiguous):
        return error.hint
    import shlex

    from firmware_host.selector import ANY_COMMAND

    return error.hint.replace(ANY_COMMAND, shlex.join(arguments))


def _terminated(number: int, _: FrameType | None) -> None:
    # Unwinds like an error, so that emulators and ports are released.
    sys.exit(128 + number)


def main() -> None:
    """Entry point of the installed command."""
    signal.signal(signal.SIGTERM, _terminated)
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
