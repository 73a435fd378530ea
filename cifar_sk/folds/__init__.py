"""Folds as data: splits, out-of-fold predictions, and the progress of a fit."""
