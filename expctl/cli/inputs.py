"""What a person asks of a training command: flags, `-p` and `-t` pairs, the config file and the settings, as a request.

Whatever is wrong with them is told here, once, before anything heavy is imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from expctl.cli.config_file import RECORD_KEYS, read_config
from expctl.cli.options.common import read_pairs
from expctl.errors import UsageError
from expctl.settings import load_settings
from expctl.training.data.column_kinds import decided
from expctl.training.models.configure import RECIPE_KEYS, configure, without_rival_tests

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from expctl.settings import Settings
    from expctl.tracking.runs.metadata import RunMetadata
    from expctl.workflows.recipe_source import Base
    from expctl.workflows.requests import SweepRequest, TrainingRequest


def training_request(
    flags: Mapping[str, Any],
    tracking_uri: str | None,
    *,
    from_run: str | None = None,
    artifacts: Sequence[Path] = (),
    note: Callable[[str], None],
    verbose: bool,
) -> TrainingRequest:
    """What `train` is asked for by the options that `with_training_options` gives it, --autolog and --experiment.

    What changes of the recipe of `from_run`, a run reference, is told to `note`.
    """
    from expctl.workflows.requests import TrainingRequest

    given = _put_together(flags)
    settings = load_settings(experiment=given.record["experiment"], tracking_uri=tracking_uri)
    base = None if from_run is None else _base(settings, from_run, note, verbose=verbose)
    if base is None:
        recipe = configure(decided({"data": settings.data, **given.recipe}))
    else:
        recipe = base.changed(given.recipe)
        note(base.told(recipe))
    return TrainingRequest(
        recipe=recipe,
        settings=settings,
        metadata=given.metadata(),
        strict=bool(given.record["strict"]),
        autolog=bool(given.record["autolog"]),
        verbose=verbose,
        base=base,
        artifacts=tuple(artifacts),
    )


def sweep_request(
    flags: Mapping[str, Any],
    tracking_uri: str | None,
    *,
    grid: Sequence[str] | None,
    from_run: str | None = None,
    command: Sequence[str] = (),
    of_program: Mapping[str, Any],
    of_model: Mapping[str, Any],
    metrics: Sequence[str] = (),
    note: Callable[[str], None],
    verbose: bool,
    **own: Any,
) -> SweepRequest:
    """What `sweep` is asked for: `own` are the fields of a `SweepRequest` that are options of their own.

    `of_program` and `of_model` are options of sweeps of the one kind only, `metrics` the values of --metric. What
    changes of the recipe of `from_run`, a run reference, is told to `note`.
    """
    from expctl.cli.program_inputs import divided_metrics, program_of, refuse_options

    space = {key.replace("-", "_"): text for key, text in read_pairs(grid or [], "-g").items()}
    name, patterns = divided_metrics(metrics)
    own["metric"] = name
    if command:
        program, flags = program_of(command, flags, patterns, of_program, of_model)
        own |= {"program": program, "prune": of_program["prune"]}
    else:
        refuse_options({**of_program, "metric NAME=REGEX": patterns}, "is for programs", "expctl sweep ... -- PROGRAM")
    given = _put_together(flags)
    settings = load_settings(experiment=given.record["experiment"], tracking_uri=tracking_uri)
    base = None if from_run is None else _base(settings, from_run, note, verbose=verbose)
    return _sweep(given, settings, space, base, note=note, verbose=verbose, **own)


def repeated_request(
    flags: Mapping[str, Any],
    tracking_uri: str | None,
    *,
    repeats: int,
    from_run: str | None = None,
    note: Callable[[str], None],
    verbose: bool,
) -> SweepRequest:
    """What `train --repeats` is asked for: a sweep over so many random states, from that of the recipe on."""
    given = _put_together(flags)
    settings = load_settings(experiment=given.record["experiment"], tracking_uri=tracking_uri)
    base = None if from_run is None else _base(settings, from_run, note, verbose=verbose)
    recipe = configure(decided({"data": settings.data, **given.recipe})) if base is None else base.changed(given.recipe)
    first = recipe.random_state
    given.recipe.pop("random_state", None)
    space = {"random_state": ",".join(str(state) for state in range(first, first + repeats))}
    return _sweep(given, settings, space, base, note=note, verbose=verbose)


def _sweep(
    given: _Given,
    settings: Settings,
    space: Mapping[str, str],
    base: Base | None,
    *,
    note: Callable[[str], None],
    verbose: bool,
    **own: Any,
) -> SweepRequest:
    """A sweep over a space, of what is given or of the recipe of a run, and of what that has otherwise."""
    from expctl.workflows.requests import SweepRequest

    common = given.recipe
    if base is None:
        found = {} if own.get("resume") else decided({"data": settings.data, **common})
        common = found if found.get("columns") is not None else common
    else:
        recipe, common = base.varied(given.recipe, space)
    request = SweepRequest(
        settings=settings,
        space=space,
        given=common,
        metadata=given.metadata(),
        strict=bool(given.record["strict"]),
        verbose=verbose,
        base=base,
        **own,
    )
    if base is not None:
        note(base.told(recipe, space))
    return request


def _base(settings: Settings, reference: str, note: Callable[[str], None], *, verbose: bool) -> Base:
    """The run whose recipe is taken."""
    from expctl.tracking.store import open_store
    from expctl.workflows.recipe_source import base_of

    return base_of(open_store(settings, verbose=verbose, note=note), reference)


@dataclass(frozen=True, slots=True)
class _Given:
    """`recipe`: for `configure`; `record`: the `RECORD_KEYS`, None where nothing was given; `tags`: the user's own."""

    recipe: dict[str, Any]
    record: dict[str, Any]
    tags: dict[str, str]

    def metadata(self) -> RunMetadata:
        """What is given of the run besides its recipe."""
        from expctl.tracking.runs.metadata import RunMetadata

        record = self.record
        return RunMetadata(record["run_name"], self.tags, record["note"], record["data_version"])


def _put_together(flags: Mapping[str, Any]) -> _Given:
    """Flags (None: not given), of which `param` and `tag` are pairs, win over the config file.

    Raises UsageError for a pair that is none, or is given twice or as a flag too, and for a config file that is wrong.
    """
    params: Sequence[str] | None = flags.get("param")
    config: Path | None = flags.get("config")
    apart = ("param", "tag", "config")
    given = {
        key: ",".join(value) if isinstance(value, list) else value  # of an option that is repeatable
        for key, value in flags.items()
        if value not in (None, []) and key not in apart
    }
    pairs = read_pairs(params or [], "-p")
    for key in pairs:
        if key in (*RECIPE_KEYS, *RECORD_KEYS):
            raise UsageError(f"-p {key}: {key} is not a parameter of the model", hint=f"--{key.replace('_', '-')}")
        if key in given:
            raise UsageError(f"{key} is given both as --{key.replace('_', '-')} and with -p", hint="give it once")
    from_file = read_config(config) if config is not None else {}
    tags = {**from_file.pop("tag", {}), **read_pairs(flags.get("tag") or [], "-t")}
    recipe: dict[str, Any] = {**without_rival_tests(from_file, given), **given, **pairs}
    record = {key: recipe.pop(key, None) for key in RECORD_KEYS}
    return _Given(recipe, record, tags)
