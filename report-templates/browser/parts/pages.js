// A list in pages: ten thousand rows at once would help nobody, least of all a screen reader.

const PAGE_SIZES = [50, 200, 1000];

// Draws the page of `items` that `query` names into `place`. `table(items)` draws the rows, `go(query)` changes the query.
function drawPages(place, items, { query, noun, table, go }) {
  const size = PAGE_SIZES.includes(Number(query.size)) ? Number(query.size) : PAGE_SIZES[0];
  const pages = Math.max(1, Math.ceil(items.length / size));
  const page = Math.min(pages, Math.max(1, Math.trunc(Number(query.page)) || 1));
  const start = (page - 1) * size;
  const shown = items.slice(start, start + size);
  const said = items.length === 0
    ? `No ${noun[1]} match`
    : `${countOf(items.length, noun[0], noun[1])}${pages > 1 ? `, ${(start + 1).toLocaleString("en")} to ${(start + shown.length).toLocaleString("en")} shown` : ""}`;
  const turn = (to) => () => {
    go({ ...query, page: to === 1 ? undefined : String(to) });
    place.querySelector(".said").focus();
    window.scrollTo({ top: 0 });
  };
  const sizes = element("select", {
    "aria-label": "Rows per page", onchange: () => go({ ...query, size: sizes.value, page: undefined }),
  }, PAGE_SIZES.map((one) => element("option", { value: one, selected: one === size }, `${one} rows`)));
  const turner = (label) => (pages === 1 ? null : element("nav", { class: "turner", "aria-label": label },
    button("Previous", turn(page - 1), { disabled: page === 1 }),
    element("span", {}, `Page ${page} of ${pages}`),
    button("Next", turn(page + 1), { disabled: page === pages })));
  replaceChildren(place,
    element("div", { class: "list-head" },
      element("p", { class: "said", tabindex: "-1" }, said),
      items.length > PAGE_SIZES[0] && sizes, turner("Pages")),
    items.length === 0
      ? element("p", { class: "empty" }, "Nothing here fits. Take a filter away, or search for less.")
      : table(shown),
    shown.length > 20 && turner("Pages, below the list"));
  return said;
}

// `columns`: [{ title, class, cell(item) }].
function tableOf(caption, columns, items) {
  return element("table", { class: "list" },
    element("caption", { class: "unseen" }, caption),
    element("thead", {}, element("tr", {}, columns.map((column) =>
      element("th", { scope: "col", class: column.class }, column.title)))),
    element("tbody", {}, items.map((item) => element("tr", {}, columns.map((column) =>
      element("td", { class: column.class, "data-title": column.title }, column.cell(item)))))));
}
