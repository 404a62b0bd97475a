"""`expctl train`: train one model and record it. Owns its arguments and both streams."""

from __future__ import annotations

from expctl.cli.inputs import put_together
from expctl.cli.options import common, training
from expctl.cli.options.common import read_format
from expctl.cli.streams import Streams, stdout_is_ours, tell_page
from expctl.settings import load_settings
from expctl.training.models.configure import configure


def train(
    data: training.Data = None,
    text_column: training.TextColumn = None,
    label_column: training.LabelColumn = None,
    encoding: training.Encoding = None,
    test_size: training.TestSize = None,
    test_data: training.TestData = None,
    split_column: training.SplitColumn = None,
    stratify: training.Stratify = None,
    dedupe: training.Dedupe = None,
    strict: training.Strict = None,
    random_state: training.RandomState = None,
    model: training.Model = None,
    c: training.C = None,
    max_features: training.MaxFeatures = None,
    max_iter: training.MaxIter = None,
    param: training.Param = None,
    cv: training.Cv = None,
    config: training.Config = None,
    run_name: training.RunName = None,
    tag: training.Tag = None,
    note: training.Note = None,
    data_version: training.DataVersion = None,
    autolog: training.Autolog = None,
    experiment: common.Experiment = None,
    tracking_uri: common.TrackingUri = None,
    format: common.FormatOption = "table",
    verbose: common.Verbose = False,
    quiet: common.Quiet = False,
) -> None:
    """Train a model, test it, record everything about it as a run."""
    chosen_format = read_format(format, common.ALL_FORMATS)
    streams = Streams(quiet=quiet)
    flags = {
        "data": data, "text_column": text_column, "label_column": label_column, "encoding": encoding,
        "test_size": test_size, "test_data": test_data, "split_column": split_column, "stratify": stratify,
        "dedupe": dedupe, "random_state": random_state, "model": model, "c": c, "max_features": max_features,
        "max_iter": max_iter, "cv": cv, "run_name": run_name, "note": note, "data_version": data_version,
        "autolog": autolog, "strict": strict, "experiment": experiment,
    }  # fmt: skip
    asked = put_together(flags, param, tag, config)
    said = asked.said
    settings = load_settings(experiment=said["experiment"], tracking_uri=tracking_uri)
    recipe = configure({"data": settings.data, **asked.recipe})

    from expctl.tracking import uris
    from expctl.tracking.runs.metadata import RunMetadata, check_labels, check_recipe, with_data_version
    from expctl.tracking.store import open_store
    from expctl.workflows.train import record_training

    labels = RunMetadata(said["run_name"], asked.tags, said["note"], said["data_version"])
    check_labels(labels)
    check_recipe(recipe)
    uris.check(settings.tracking_uri, create=True)

    from expctl.training.data.checks import raise_if_strict
    from expctl.training.data.dataset import load_split
    from expctl.training.fit.trainer import check_fit
    from expctl.training.models.families import is_factory
    from expctl.training.models.pipeline import build_pipeline

    with stdout_is_ours(), streams.stages() as stage:
        stage("reading " + recipe.data)
        split = load_split(recipe, all_columns=is_factory(recipe.model))
        pipeline = build_pipeline(recipe)
        labels = with_data_version(labels, recipe.data)
        if said["strict"]:
            raise_if_strict(split.data_issues)
        check_fit(recipe, pipeline, split)
        stage("opening the store")
        store = open_store(settings, create=True, verbose=verbose)
        run, result = record_training(
            store, recipe, split, pipeline, labels,
            autolog=bool(said["autolog"]), strict=bool(said["strict"]), progress=stage,
        )  # fmt: skip
        store.refresh_planner_stats()

    from expctl.data_issues import messages
    from expctl.render.views import trained_sheet

    for line in [*messages(result.data_issues), *result.warnings]:
        streams.note(f"warning: {line}")
    streams.write(trained_sheet(run), chosen_format, settings)
    tell_page(store, streams, run.experiment_id, run.run_id)
    streams.note(f"next: expctl show {run.run_id[:8]}, or expctl compare {run.run_id[:8]} RUN")
