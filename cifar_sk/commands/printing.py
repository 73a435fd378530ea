"""Tables on the terminal, as the commands end with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["print_table", "wide_console"]


def wide_console(width: int) -> Console:
    """Make a console, which is `width` columns wide where the output is no terminal."""
    from rich.console import Console

    return Console(width=None if Console().is_terminal else width, highlight=False)


def print_table(console: Console, rows: Sequence[Sequence[str]], title: str | None = None) -> None:
    """Print headings and rows."""
    from rich.table import Table
    from rich.text import Text

    # Text, for a name with square brackets would be read as markup.
    headings, *body = [[Text(cell) for cell in row] for row in rows]
    table = Table(title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading)
    for row in body:
        table.add_row(*row)
    console.print(table)
