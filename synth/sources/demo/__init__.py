"""Motion that nobody recorded: seeded clips of procedural people, as Acclaim files (`--mocap demo`)."""
