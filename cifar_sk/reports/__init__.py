"""The files under results/, and the page that shows them."""

from cifar_sk.reports.run.figures import FIGURES, Drawing
from cifar_sk.reports.run.files import summary_table, write_report
from cifar_sk.reports.run.tables import RunTables

__all__ = ["FIGURES", "Drawing", "RunTables", "summary_table", "write_report"]
