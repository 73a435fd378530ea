"use strict";
// Tables that sort: by a cell's data-sort, else by the number that each text of a column begins
// with, else as text. What is missing (an empty key, a dash) stays last.
(() => {
  const collator = new Intl.Collator("en", { numeric: true });
  const isMissing = (text) => text === "" || text === "–";

  const leadingNumber = (text) => {
    // A whole word that is a number: "2026-01-02-cnn", "3x3" and "1e5ab" are names.
    const found = /^[<>±]?\s*([+−-]?(?:\d[\d,]*)?\.?\d*(?:e[+-]?\d+)?)(?=$|[\s%])/.exec(text);
    return found && /\d/.test(found[1]) ? Number(found[1].replace("−", "-").replaceAll(",", "")) : NaN;
  };

  const keysOf = (cells) => {
    const texts = cells.map((cell) => cell.dataset.sort ?? cell.textContent.trim());
    const numbers = texts.map(leadingNumber);
    const isNumeric = texts.every((text, place) => isMissing(text) || !Number.isNaN(numbers[place]));
    return texts.map((text, place) => (isMissing(text) ? null : isNumeric ? numbers[place] : text));
  };

  const compare = (a, b) => (typeof a === "number" ? a - b : collator.compare(a, b));

  const sortRows = (table, column, sign) => {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const keys = keysOf(rows.map((row) => row.cells[column]));
    const order = rows.map((row, place) => place).sort((first, second) => {
      const [a, b] = [keys[first], keys[second]];
      if (a === null || b === null) return (a === null) - (b === null);
      return sign * compare(a, b);
    });
    body.append(...order.map((place) => rows[place]));
  };

  const makeSortable = (table) => {
    const headings = [...table.tHead.rows[0].querySelectorAll("th")];
    for (const heading of headings) {
      const button = document.createElement("button");
      button.className = "sort";
      button.type = "button";
      button.textContent = heading.textContent;
      heading.replaceChildren(button);
      button.addEventListener("click", () => {
        const ascending = heading.getAttribute("aria-sort") !== "ascending";
        for (const other of headings) other.removeAttribute("aria-sort");
        heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
        sortRows(table, heading.cellIndex, ascending ? 1 : -1);
      });
    }
  };

  document.querySelectorAll("table.sortable").forEach(makeSortable);
})();
