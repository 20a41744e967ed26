"""What others recorded, read from their own formats into `MotionClip` and `AnnotatedImages`."""
