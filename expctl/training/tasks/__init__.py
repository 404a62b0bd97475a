"""The table of tasks: what a model is to learn. Names only; imports nothing heavy.

To add one: a module here with what `protocol.Task` lists, and one entry in the table. Whoever reads data, trains or
records asks `task_of(recipe)`, and knows no task itself.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from expctl.recipe import Recipe
    from expctl.training.tasks.protocol import Task

TASKS: Final = {
    "classification": "expctl.training.tasks.classification",
    "regression": "expctl.training.tasks.regression",
}


def task_name(recipe: Recipe) -> str:
    """The task of a recipe: classification, where it says nothing of it."""
    return recipe.task or "classification"


def load_task(name: str) -> Task:
    """The module of a task of the table."""
    return cast("Task", importlib.import_module(TASKS[name]))


def task_of(recipe: Recipe) -> Task:
    """The module that knows a recipe's task."""
    return load_task(task_name(recipe))
