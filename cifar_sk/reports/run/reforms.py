"""The items of REFORMS, a list of what a study that learns from data should report.

Kapoor et al. (2024), REFORMS: Consensus-based recommendations for machine-learning-based science,
Science Advances 10, https://doi.org/10.1126/sciadv.adk3452; numbers and modules are theirs, the
words are ours.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["MODULES", "Item"]


class Item(NamedTuple):
    """A number such as "2a", what it is about, and what is asked of the authors."""

    number: str
    topic: str
    question: str


MODULES: dict[str, tuple[Item, ...]] = {
    "1. Goals of the study": (
        Item("1a", "Population", "For which images, from where and when, is the claim made?"),
        Item("1b", "Reason for the population", "Why are these the images of interest?"),
        Item(
            "1c",
            "Reason for machine learning",
            "Why is a model learned for it?",
        ),
    ),
    "2. Repeating the computation": (
        Item(
            "2a",
            "Data set",
            "Under which DOI or link is this version found?",
        ),
        Item("2b", "Code", "Under which DOI, or commit of which repository, is it found?"),
        Item(
            "2c",
            "Machine and software",
            "How much memory and disk are needed?",
        ),
        Item("2d", "Instructions", "Which README leads from data and code to the results?"),
        Item("2e", "Script", "Which script makes every result that is reported?"),
    ),
    "3. Quality of the data": (
        Item(
            "3a",
            "Origin of images and labels",
            "Who collected the images, when and where, and who labelled them by which rules?",
        ),
        Item("3b", "Sampling frame", "From which larger set were the images drawn, and how?"),
        Item("3c", "Fitness of the data", "Why do these data suit the question?"),
        Item("3d", "Target", "What exactly makes an image belong to a class?"),
        Item(
            "3e",
            "Size",
            "How many different subjects, scenes or patients do the images show?",
        ),
        Item(
            "3f",
            "Missing data",
            "Which share of images or labels is missing, in all and in each class?",
        ),
        Item(
            "3g",
            "Representativeness",
            "Why does the sampling frame (3b) stand for the population of the claim (1a)?",
        ),
    ),
    "4. Preparation of the data": (
        Item("4a", "Exclusions", "Which images were left out before the run, and why?"),
        Item("4b", "Damaged data", "How were unreadable or impossible images found, and treated?"),
        Item(
            "4c",
            "Transformations",
            "What was done to the images before the run read them (cropped, resized, compressed)?",
        ),
    ),
    "5. Modelling": (
        Item(
            "5a",
            "Models",
            "Which other models were trained in the study, and which loss did each minimise?",
        ),
        Item("5b", "Reason for the models", "Why were these kinds of models chosen?"),
        Item(
            "5c",
            "Evaluation",
            "Were images evaluated in another way, too, such as by a split of your own?",
        ),
        Item("5d", "Selection of the model", "By which scores was the reported model chosen?"),
        Item(
            "5e",
            "Tuning",
            "Which values were tried of which parameters, and on which data were they compared?",
        ),
        Item(
            "5f",
            "Baselines",
            "With which simpler methods is the model compared, and were they tuned alike?",
        ),
    ),
    "6. Leaks": (
        Item(
            "6a",
            "Training data only",
            "Was anything computed from all images before the run, such as their mean?",
        ),
        Item(
            "6b",
            "Dependent images and copies",
            "Which images depend on each other or are copies, and were they kept on one side?",
        ),
        Item(
            "6c",
            "Legitimate inputs",
            "Could the pixels give the class away (a watermark, a ruler, a camera)?",
        ),
    ),
    "7. Metrics and uncertainty": (
        Item("7a", "Metrics", "Why do the metrics of the claim suit the question?"),
        Item("7b", "Uncertainty", "Why is this interval right for the claim: what varies in it?"),
        Item(
            "7c",
            "Statistical tests",
            "Which tests were used, why these, and do their assumptions hold?",
        ),
    ),
    "8. Generality and limits": (
        Item(
            "8a",
            "Evidence beyond the data",
            "What shows that the result holds for other images than those of this source?",
        ),
        Item("8b", "Limits", "For which images is the result not expected to hold?"),
    ),
}
