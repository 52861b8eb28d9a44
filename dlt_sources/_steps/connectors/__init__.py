"""One module per connector; each has `read`, which yields a declared table's raw rows."""
