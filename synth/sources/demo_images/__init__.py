"""`--images demo`: an annotated pool of photographs of people who were never there, made and read like others."""
