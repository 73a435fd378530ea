"""The run folder: written fold by fold, and read again."""
