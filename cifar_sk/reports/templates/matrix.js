"use strict";
(() => {
  const element = (name, className, text) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const svg = (name, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const count = (number) => number.toLocaleString("en-US");

  const data = JSON.parse(document.getElementById("data").textContent);
  const { classes, folds, counts, records, thumbs } = data;
  const nClasses = classes.length;
  const matrix = document.getElementById("matrix");
  const cells = [...matrix.tBodies[0].rows].map((row) => [...row.cells].slice(1));
  const state = { rates: false, part: 0, row: 0, column: 0 }; // part 0 is all folds, pooled

  const countAt = (row, column) => counts[state.part][row * nClasses + column];
  const rowTotal = (row) =>
    counts[state.part].slice(row * nClasses, (row + 1) * nClasses).reduce((a, b) => a + b, 0);

  const drawMatrix = () => {
    cells.forEach((line, row) => {
      const total = rowTotal(row);
      line.forEach((cell, column) => {
        const n = countAt(row, column);
        const share = total ? n / total : 0;
        const shade = n ? 1 + data.shades.filter((from) => share > from).length : 0;
        cell.className = `${row === column ? "right" : "wrong"}-${shade}`;
        cell.textContent = state.rates ? (100 * share).toFixed(nClasses > 20 ? 0 : 1) : n;
        cell.setAttribute("aria-selected", row === state.row && column === state.column);
      });
    });
  };

  // As cifar_sk.metrics.wording has it: a probability is never written as 0 or 1.
  const percent = (thousandths) =>
    thousandths <= 0 ? "< 0.1 %" : thousandths >= 1000 ? "> 99.9 %" :
    `${(thousandths / 10).toFixed(1)} %`;

  const probabilities = (record) => {
    const [, , target, predicted, ...pairs] = record;
    const list = element("ul", "probs");
    for (let place = 0; place < pairs.length; place += 2) {
      const [label, thousandths] = [pairs[place], pairs[place + 1]];
      const kind = label === target ? "true" : label === predicted ? "wrong" : "";
      const mark = { true: "✓ ", wrong: "✗ " }[kind] ?? "";
      const item = element("li", kind && `is-${kind}`);
      const bar = svg("svg", {
        class: "bar", viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true",
      });
      bar.append(svg("rect", { class: "track", width: 100, height: 6 }));
      bar.append(svg("rect", { class: "fill", width: thousandths / 10, height: 6 }));
      const value = element("span", "value", percent(thousandths));
      item.append(element("span", "name", mark + classes[label]), " ", value, bar);
      list.append(item);
    }
    return list;
  };

  const tile = (record) => {
    const [sample, fold, target, predicted] = record;
    const item = element("li", "tile");
    if (thumbs[sample]) {
      const image = element("img", data.pixelated ? "thumb pixelated" : "thumb");
      image.src = `data:${data.mime};base64,${thumbs[sample]}`;
      image.alt = `Sample ${sample}, labelled ${classes[target]}, predicted ${classes[predicted]}`;
      item.append(image);
    }
    const line = (term, text) => {
      const paragraph = element("p");
      paragraph.append(element("span", "term", term), ` ${text}`);
      item.append(paragraph);
    };
    item.append(element("p", "term", `sample ${sample}, ${folds[fold]}`));
    line("true", classes[target]);
    line("predicted", classes[predicted]);
    item.append(probabilities(record));
    return item;
  };

  const showCell = () => {
    const { row, column, part } = state;
    const inCell = records.filter(
      ([, fold, target, predicted]) =>
        target === row && predicted === column && (part === 0 || fold === part - 1),
    );
    const shown = part === 0 ? inCell.slice(0, data.per_cell) : inCell;
    const n = countAt(row, column);
    const what = row === column ? `${classes[row]}, predicted right` :
      `${classes[row]} taken for ${classes[column]}`;
    const where = part === 0 ? "all folds" : folds[part - 1];
    document.getElementById("cell-title").textContent = what;
    document.getElementById("cell-note").textContent = n === 0 ?
      `No predictions in ${where}.` :
      `${shown.length === n ? "All" : `${count(shown.length)} of`} ${count(n)} ` +
      `prediction${n === 1 ? "" : "s"} in ${where}, most confident first.`;
    document.getElementById("cell-tiles").replaceChildren(...shown.map(tile));
    document.getElementById("cell").hidden = false;
  };

  const moveTo = (row, column, focus) => {
    cells[state.row][state.column].tabIndex = -1;
    cells[state.row][state.column].setAttribute("aria-selected", "false");
    Object.assign(state, { row, column });
    cells[row][column].tabIndex = 0;
    cells[row][column].setAttribute("aria-selected", "true");
    if (focus) cells[row][column].focus();
  };

  const open = () => {
    showCell();
    const reduced = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const title = document.getElementById("cell-title");
    title.scrollIntoView({ block: "nearest", behavior: reduced ? "auto" : "smooth" });
  };

  const last = nClasses - 1;
  const steps = {
    ArrowLeft: ([row, column]) => [row, Math.max(column - 1, 0)],
    ArrowRight: ([row, column]) => [row, Math.min(column + 1, last)],
    ArrowUp: ([row, column]) => [Math.max(row - 1, 0), column],
    ArrowDown: ([row, column]) => [Math.min(row + 1, last), column],
    Home: ([row]) => [row, 0],
    End: ([row]) => [row, last],
  };

  const onKey = (event) => {
    if (event.target.tagName !== "TD" || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Enter" || event.key === " ") open();
    else if (steps[event.key]) moveTo(...steps[event.key]([state.row, state.column]), true);
    else return;
    event.preventDefault();
  };

  const mostFrequentConfusion = () => {
    let best = [0, 0];
    let most = 0;
    for (let row = 0; row < nClasses; row += 1) {
      for (let column = 0; column < nClasses; column += 1) {
        if (row !== column && countAt(row, column) > most) {
          most = countAt(row, column);
          best = [row, column];
        }
      }
    }
    return best;
  };

  const startMatrix = () => {
    matrix.setAttribute("role", "grid");
    matrix.setAttribute("aria-describedby", "matrix-help");
    cells.forEach((line, row) => line.forEach((cell, column) => {
      cell.setAttribute("role", "gridcell");
      cell.tabIndex = -1;
      cell.addEventListener("click", () => {
        moveTo(row, column, true);
        open();
      });
    }));
    matrix.addEventListener("keydown", onKey);
    for (const input of document.querySelectorAll("input[name=cells]")) {
      input.addEventListener("change", () => {
        state.rates = input.value === "rates" && input.checked;
        drawMatrix();
      });
    }
    document.getElementById("matrix-fold").addEventListener("change", (event) => {
      state.part = Number(event.target.value);
      drawMatrix();
      showCell();
    });
    document.getElementById("matrix-controls").hidden = false;
    moveTo(...mostFrequentConfusion(), false);
    drawMatrix();
    showCell();
  };

  startMatrix();
})();
