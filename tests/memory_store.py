"""A store of folds that keeps them in memory."""


class Store:
    """Keeps folds in memory."""

    def __init__(self):
        self.folds, self.begun, self.ended = {}, None, None

    def begin(self, evaluation):
        self.begun = evaluation

    def completed(self):
        return dict(self.folds)

    def commit(self, result):
        self.folds[result.index] = result

    def end(self, result):
        self.ended = result
