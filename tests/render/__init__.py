from importlib.metadata import version

OLD_RICH = tuple(map(int, version("rich").split(".")[:2])) < (14, 3)
