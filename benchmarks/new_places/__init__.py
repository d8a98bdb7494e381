"""Files that an editor opens, and holes in them at which it asks without notice."""
