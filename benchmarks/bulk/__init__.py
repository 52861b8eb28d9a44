"""Many rows from a source to the marts: this project beside the engine alone and beside the fastest chain of other tools."""
