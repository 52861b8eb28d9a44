"""The warehouse itself: its connection, the pipeline's record of itself (`ops`) and the publish step."""
