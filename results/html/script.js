"use strict";
/* Sorting and filtering of tables, and everything opened for the printer. Without this the page is whole, only still. */
(() => {
  const sortValue = (cell) => {
    if (cell.dataset.v !== undefined) return Number(cell.dataset.v);
    return cell.textContent.trim().toLowerCase();
  };
  const compare = (a, b) => {
    if (a === "" || b === "") return (a === "") - (b === "");
    if (typeof a === "number" && typeof b === "number") return a - b;
    if (typeof a === typeof b) return a < b ? -1 : a > b ? 1 : 0;
    return typeof a === "number" ? -1 : 1;
  };
  const sortBy = (table, column, heading) => {
    const down = heading.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row, place) => ({ row, place, key: sortValue(row.cells[column]) }));
    rows.sort((a, b) => {
      const empty = (a.key === "") - (b.key === "");
      return empty || (down ? -1 : 1) * compare(a.key, b.key) || a.place - b.place;
    });
    body.append(...rows.map((entry) => entry.row));
  };
  const addSorting = (table) => {
    [...table.tHead.rows[0].cells].forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => sortBy(table, column, heading));
    });
  };
  const addFilter = (table, number) => {
    const body = table.tBodies[0];
    if (body.rows.length < 6) return;
    const label = document.createElement("label");
    const input = document.createElement("input");
    const told = document.createElement("output");
    label.textContent = "Filter: ";
    label.className = "filter";
    input.type = "search";
    input.id = `filter-${number}`;
    input.setAttribute("aria-label", `Filter the table ${table.caption.textContent}`);
    told.htmlFor.add(input.id);
    const filter = () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of body.rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        shown += !row.hidden;
      }
      told.textContent = words.length ? ` ${shown} of ${body.rows.length} rows` : "";
    };
    input.addEventListener("input", filter);
    label.append(input, told);
    table.closest(".frame").before(label);
  };
  document.querySelectorAll("table.sorts").forEach((table, number) => {
    addSorting(table);
    addFilter(table, number);
  });

  const openAround = () => {
    let node = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const target = node;
    for (; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
    if (target) target.scrollIntoView();
  };
  window.addEventListener("hashchange", openAround);
  openAround();

  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("main details:not([open]):not(.numbers)")];
    for (const one of opened) one.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const one of opened) one.open = false;
  });
})();
