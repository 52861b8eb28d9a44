"""How the project's models are loaded."""

from sqlmesh.core import analytics, context

from sqlmesh_project import loading

MEASURED = [
    name
    for name, method in vars(context.GenericContext).items()
    if getattr(method, "__code__", None) and method.__code__.co_filename == analytics.__file__
]


def test_no_method_goes_through_sqlmesh_s_analytics():
    """They are turned off, and import IPython and read the source of every caller all the same: a second of CPU each."""
    assert {"run", "plan", "plan_builder"} <= set(MEASURED)
    ours = loading._context()
    left = [name for name in MEASURED if getattr(ours, name).__code__.co_filename == analytics.__file__]
    assert left == [] and issubclass(ours, context.GenericContext)
