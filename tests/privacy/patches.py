"""For a runner's process (see harness.Pipeline, `patch`): other sources, and a fault that quotes a row."""


def only(folder: str) -> None:
    """The declared sources are those of a folder."""
    from pathlib import Path

    import dlt_sources.door as door
    from settings import TOOLS

    TOOLS.add("ELT_PRIVATE_QUERY")  # the folder's sources refer to it
    original = door.load_sources
    door.load_sources = lambda place=Path(folder): original(place)


def and_fail(folder: str) -> None:
    """The same, and silver fails with an error that quotes a row."""
    only(folder)
    from dlt_sources._steps.silver.silver import Silver

    def write(*args: object) -> None:
        raise ValueError("could not convert " + "".join(("mk", "row")))

    Silver.write = write
