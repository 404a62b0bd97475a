"""`expctl train`: train one model and record it. Owns its arguments and both streams."""

from __future__ import annotations

from expctl.cli import options, recipe_options
from expctl.cli.asked import put_together
from expctl.cli.opening import tell_page
from expctl.cli.options import read_format
from expctl.cli.streams import Streams, stdout_is_ours
from expctl.settings import load_settings
from expctl.training.configure import configure


def train(
    data: recipe_options.Data = None,
    text_column: recipe_options.TextColumn = None,
    label_column: recipe_options.LabelColumn = None,
    encoding: recipe_options.Encoding = None,
    test_size: recipe_options.TestSize = None,
    test_data: recipe_options.TestData = None,
    split_column: recipe_options.SplitColumn = None,
    stratify: recipe_options.Stratify = None,
    dedupe: recipe_options.Dedupe = None,
    strict: recipe_options.Strict = None,
    random_state: recipe_options.RandomState = None,
    model: recipe_options.Model = None,
    c: recipe_options.C = None,
    max_features: recipe_options.MaxFeatures = None,
    max_iter: recipe_options.MaxIter = None,
    param: recipe_options.Param = None,
    cv: recipe_options.Cv = None,
    config: recipe_options.Config = None,
    run_name: recipe_options.RunName = None,
    tag: recipe_options.Tag = None,
    note: recipe_options.Note = None,
    data_version: recipe_options.DataVersion = None,
    autolog: recipe_options.Autolog = None,
    experiment: options.Experiment = None,
    tracking_uri: options.TrackingUri = None,
    format: options.FormatOption = "table",
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a model, test it, record everything about it as a run."""
    chosen_format = read_format(format, options.ALL_FORMATS)
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

    from expctl.tracking import reachable
    from expctl.tracking.labels import Labels, check_labels, check_recipe, with_data_version
    from expctl.tracking.recording import record_training
    from expctl.tracking.store import open_store

    labels = Labels(said["run_name"], asked.tags, said["note"], said["data_version"])
    check_labels(labels)
    check_recipe(recipe)
    reachable.check(settings.tracking_uri, create=True)

    from expctl.training.core import check_text
    from expctl.training.dataset import load_split
    from expctl.training.families import is_factory
    from expctl.training.guard import refuse
    from expctl.training.pipeline import build_pipeline

    with stdout_is_ours(), streams.stages() as stage:
        stage("reading " + recipe.data)
        split = load_split(recipe, all_columns=is_factory(recipe.model))
        pipeline = build_pipeline(recipe)
        labels = with_data_version(labels, recipe.data)
        if said["strict"]:
            refuse(split.findings)
        check_text(pipeline, split)
        stage("opening the store")
        store = open_store(settings, create=True, verbose=verbose)
        run, result = record_training(
            store, recipe, split, pipeline, labels,
            autolog=bool(said["autolog"]), strict=bool(said["strict"]), progress=stage,
        )  # fmt: skip
        store.keep_statistics()

    from expctl.findings import told
    from expctl.render.views import trained_sheet

    for line in [*told(result.findings), *result.warnings]:
        streams.note(f"warning: {line}")
    streams.write(trained_sheet(run), chosen_format, settings)
    tell_page(store, streams, run.experiment_id, run.run_id)
    streams.note(f"next: expctl show {run.run_id[:8]}, or expctl compare {run.run_id[:8]} RUN")
