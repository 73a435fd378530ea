"""``python -m cifar_sk.explain``: show why a run's models predict what they do."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from cifar_sk.commands.options import DataHome, Dataset, Limit, open_dataset
from cifar_sk.commands.running import run_command
from cifar_sk.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from cifar_sk.commands.explanation import Predictions

__all__ = ["app", "main"]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_EXAMPLES = (
    "Examples:",
    "python -m cifar_sk.explain results/cnn-cifar10",
    "python -m cifar_sk.explain results/cnn-cifar10 --samples 3,17 --method grad-cam,occlusion",
    "python -m cifar_sk.explain results/cnn-cifar10 --fold 0 --n 4 --class true",
    "python -m cifar_sk.explain my/saved_model --dataset my/pets",
    "Methods: saliency, smooth-grad, integrated-gradients, grad-cam, occlusion; also maximisation",
    "(of every class and of some filters) and filters (of the first layer).",
)


@app.command(epilog="\n\n".join(_EXAMPLES))
def explain(
    path: Annotated[
        Path,
        Argument(metavar="RUN", help="Run made with --save-models, or a saved model's folder."),
    ],
    fold: Annotated[
        int | None, Option(min=0, help="Keep to this fold's samples and model.")
    ] = None,
    samples: Annotated[
        str | None, Option(help="Samples to explain, such as 3,17. Unset: by confidence.")
    ] = None,
    n: Annotated[int, Option(min=1, help="So many right and so many wrong predictions.")] = 8,
    method: Annotated[
        str | None, Option(help="A list of methods, see below. Unset: all that apply.")
    ] = None,
    explained: Annotated[
        str, Option("--class", help="Which class to explain: predicted or true.")
    ] = "predicted",
    dataset: Dataset = None,
    data_home: DataHome = None,
    limit: Limit = None,
    output: Annotated[
        Path | None, Option(help="Folder of the files. Unset: explain/ within RUN.")
    ] = None,
    seed: Annotated[int, Option(min=0, help="Seed of noise and of start images.")] = 0,
) -> None:
    """Show why a run's models predict what they do.

    A sample of a run is explained by the model of the fold that held it out: the explanation is
    of the very prediction that the run reports, by a model that never trained on the sample.
    Maps are of the logit, which the softmax is computed from.
    """
    if explained not in {"predicted", "true"}:
        raise InputError(f"--class must be predicted or true, got {explained!r}.")
    listed, methods = _numbers(samples), _methods(method)
    predictions = _predictions(path, fold, dataset, data_home, limit, seed)
    from cifar_sk.commands.explanation import choose_samples, write_explanation

    folder = output or path / "explain"
    chosen = choose_samples(predictions.table, listed, n)
    written = write_explanation(predictions, chosen, folder, methods, explained, seed, typer.echo)
    typer.echo(f"{', '.join(written)} are in {folder}")


def _numbers(samples: str | None) -> list[int] | None:
    if samples is None:
        return None
    parts = samples.replace(",", " ").split()
    if not parts or not all(part.isdecimal() for part in parts):
        raise InputError(f"--samples must be numbers from 0, such as 3,17; got {samples!r}.")
    return list(dict.fromkeys(int(part) for part in parts))


def _methods(method: str | None) -> list[str] | None:
    if method is None:
        return None
    from cifar_sk.commands.explanation import MAPS, OF_THE_MODEL

    known = (*MAPS, *OF_THE_MODEL)
    names = method.replace("-", "_").replace(",", " ").split()
    for name in names:
        if name not in known:
            raise InputError(f"--method: there is no {name!r}{did_you_mean(name, known)}.")
    if not names:
        raise InputError(f"--method must name a method{did_you_mean('', known)}.")
    return list(dict.fromkeys(names))


def _predictions(
    path: Path,
    fold: int | None,
    dataset: str | None,
    data_home: Path | None,
    limit: int | None,
    seed: int,
) -> Predictions:
    from cifar_sk.commands.explanation import model_predictions, run_predictions

    if not (path / "classifier.json").exists():
        from cifar_sk.runs.reading import read_run, run_dataset

        if limit is not None:
            raise InputError("--limit is for saved models; a run says how many images it has.")
        run = read_run(path)
        bunch = run_dataset(run, dataset, data_home)
        return run_predictions(run, bunch, fold)
    if fold is not None:
        raise InputError(f"--fold is for runs, but {path} is a saved model.")
    bunch = open_dataset(dataset, data_home, limit, seed=seed)
    typer.echo(f"{path} belongs to no run: it may have trained on these images.")
    return model_predictions(path, bunch)


main = partial(run_command, app, "cifar_sk.explain")


if __name__ == "__main__":
    main()
