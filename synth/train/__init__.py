"""Training on stores: torch datasets, tasks, the loop; with `synth.nets`, all that imports torch."""
