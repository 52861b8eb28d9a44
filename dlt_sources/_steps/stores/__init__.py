"""Where rows and what is known of them lie: the lake's landed loads, ranges read ahead, dlt's pipelines, the engine."""
