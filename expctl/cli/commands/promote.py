"""`expctl promote`: the model of a run into MLflow's registry, and an alias moved to it. Owns arguments and streams."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from expctl.cli.commands.gate import JUDGE, OUTCOMES
from expctl.cli.options import common, completion
from expctl.cli.options.common import Entry
from expctl.cli.streams import Streams, opened, stdout_is_ours
from expctl.errors import UsageError
from expctl.settings import load_settings

if TYPE_CHECKING:
    from expctl.tracking.store import Store
    from expctl.workflows.promote import Promotion


def promote(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="The run whose model is registered. See expctl show --help.",
            autocompletion=completion.runs,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="The registered model, created if missing.", autocompletion=completion.registered
        ),
    ] = None,
    alias: Annotated[
        str, typer.Option(metavar="ALIAS", help="The alias to set.", autocompletion=completion.alias_names)
    ] = "champion",
    better_than: Annotated[
        str | None,
        typer.Option(
            "--if-better-than",
            metavar="[NAME@]ALIAS",
            help="Only if it is significantly better than that.",
            autocompletion=completion.alias_names,
        ),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh-data", help="Its test rows have decided nothing yet: begin the risk anew.")
    ] = False,
    metric: Annotated[
        str | None,
        typer.Option(parser=JUDGE, metavar="M", help=f"The metric to decide by, and to show.{common.BY_TASK}"),
    ] = None,
    note: Annotated[str | None, typer.Option(metavar="TEXT", help="Why.")] = None,
    versions_of: Annotated[
        str | None,
        typer.Option("--list", metavar="NAME", help="Show the versions of NAME.", autocompletion=completion.registered),
    ] = None,
    remove: Annotated[
        str | None,
        typer.Option(
            "--remove",
            metavar="NAME@ALIAS",
            help="Take an alias away; its version stays.",
            autocompletion=completion.aliases,
        ),
    ] = None,
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    format: common.FormatOption = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """Register a run's model as NAME, point an alias at it. NAME@champion then stands for the run."""
    _check_given(run, name, versions_of, remove, better_than, fresh=fresh)
    settings = load_settings(experiment=experiment, tracking_uri=tracking_uri)

    from expctl.render.registered import promotion_sheet, versions_sheet
    from expctl.tracking.models import registry
    from expctl.tracking.names import ALIAS
    from expctl.tracking.runs.metadata import RunMetadata, check_labels
    from expctl.tracking.runs.provenance import developer
    from expctl.workflows.promote import Promotion, promote

    streams = Streams(quiet=quiet)
    elsewhere = [] if tracking_uri is None else ["--tracking-uri", tracking_uri]
    if versions_of is not None:
        store = opened(settings, streams, verbose=verbose)
        model = registry.known(store, versions_of)
        streams.write(versions_sheet(model, registry.runs_of(store, model), metric), format, settings)
        return
    if remove is not None:
        named = ALIAS.fullmatch(remove)
        if named is None:
            raise UsageError(f"--remove {remove!r} is not NAME@ALIAS", hint="for example --remove reviews@champion")
        number = registry.remove_alias(opened(settings, streams, verbose=verbose), named["name"], named["alias"])
        done = Promotion(named["name"], named["alias"], None, None, number, None, None)
        streams.write(promotion_sheet(done, metric or "f1_score"), format, settings)
        streams.note(f"undo: {shlex.join(registry.move_command(done.name, number, done.alias) + elsewhere)}")
        return
    registry.check_name(name or "")
    better_than = None if better_than is None else _alias_of(name or "", better_than)
    for one in (alias, better_than):
        if one is not None:
            registry.check_alias(one)
    check_labels(RunMetadata(note=note))
    with stdout_is_ours(), streams.stages() as stage:
        stage("opening the store")
        store = opened(settings, streams, verbose=verbose)
        done = promote(
            store, run or "", name or "", alias, better_than=better_than, metric=metric,
            who=developer(settings.developer), note=note, fresh=fresh, progress=stage,
        )  # fmt: skip
    streams.write(promotion_sheet(done, metric or done.usual_metric), format, settings)
    if better_than is not None and done.decision is None and done.version != done.before:
        streams.note(f"{done.name} has no alias {better_than} yet: there is nothing to compare with")
    _tell_budget(done, store, streams)
    _tell(done, elsewhere, streams)
    if done.decision is not None:
        raise typer.Exit(OUTCOMES[done.decision.outcome])


def _alias_of(name: str, text: str) -> str:
    """The alias of `ALIAS`, or of `NAME@ALIAS` as a RUN is written elsewhere. Raises UsageError for another model's."""
    from expctl.tracking.names import ALIAS

    named = ALIAS.fullmatch(text)
    if named is None:
        return text
    if named["name"] != name:
        raise UsageError(
            f"--if-better-than {text!r} is of another model than {name!r}", hint=f"an alias of {name!r}, or expctl gate"
        )
    return named["alias"]


def _check_given(
    run: str | None,
    name: str | None,
    versions_of: str | None,
    remove: str | None,
    better_than: str | None,
    *,
    fresh: bool,
) -> None:
    """Raise UsageError unless exactly one thing is asked for."""
    if versions_of is not None or remove is not None:
        other = "--list" if versions_of is not None else "--remove"
        if run is not None or better_than is not None or fresh or (versions_of is not None and remove is not None):
            raise UsageError(f"{other} promotes nothing", hint=f"expctl promote {other} alone")
    elif run is None or name is None:
        raise UsageError("promote needs a run and a model name", hint="expctl promote RUN NAME")
    elif fresh and better_than is None:
        raise UsageError("--fresh-data goes with --if-better-than", hint="--if-better-than champion --fresh-data")


def _tell(done: Promotion, elsewhere: list[str], streams: Streams) -> None:
    """What the alias pointed at, and the command that takes it back."""
    from expctl.tracking.models.registry import move_command

    pointer = f"{done.name}@{done.alias}"
    maker = f" ({done.before_run.label}, {done.before_run.run_id[:8]})" if done.before_run is not None else ""
    before = f"version {done.before}{maker}"
    if done.version is None:
        streams.note("nothing is registered" + ("" if done.before is None else f": {pointer} stays {before}"))
    elif done.version == done.before:
        streams.note(f"{pointer} is {before} already")
    else:
        streams.note(f"{pointer} is new" if done.before is None else f"{pointer} was {before}")
        gone = ["expctl", "promote", "--remove", pointer]
        back = gone if done.before is None else move_command(done.name, done.before, done.alias)
        streams.note(f"undo: {shlex.join(back + elsewhere)}")


def _tell_budget(done: Promotion, store: Store, streams: Streams) -> None:
    """What risk of a false promotion the history of the alias has left, in plain words, and how worn its rows are."""
    from expctl.analysis.promotion_budget import RISK, percent
    from expctl.workflows.wear import wear_of

    budget = None if done.judged is None else done.judged.budget
    if done.judged is None or done.run is None or budget is None:
        return
    streams.note(
        f"decision {budget.decisions:,} about {done.name}@{done.alias}: of the {percent(RISK)} risk of a false"
        f" promotion {percent(budget.left)} is left, and the next needs p below {budget.next_p_value:.2g}"
    )
    if done.judged.other_rows:
        streams.note("the decisions before were made on other test rows: --fresh-data begins anew with these")
    if worn := str(wear_of(store, done.run) or ""):
        streams.note(worn)


COMMANDS = [Entry("promote", promote, topic="promote")]
