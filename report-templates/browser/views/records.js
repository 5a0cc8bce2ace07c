// Records: the list of all evidence, and one record.

function viewRecords(route) {
  const { evidence } = world;
  const place = element("div", {});
  let found = [];
  const draw = (query) => drawPages(place, found, {
    query, noun: ["record", "records"], table: recordTable, go: (next) => {
      keepRoute(routeTo("records", [], next));
      announce(draw(next));
    },
  });
  const search = (query) => {
    found = matching(evidence, query, RECORD_TESTS);
    return draw(query);
  };
  search(route.query);
  return {
    title: "Records",
    content: [
      element("h1", { tabindex: "-1" }, "Records"),
      filters({
        label: "Filter records", placeholder: "Id, service, operation, parameters", query: route.query,
        fields: [
          { name: "status", label: "Answer", options: options(Object.keys(RECORD_STATUS), (one) => RECORD_STATUS[one].word) },
          { name: "kind", label: "Kind", options: options(valuesOf(evidence, (one) => one.kind), (one) => RECORD_KIND[one] ?? one) },
          { name: "account", label: "Account", options: options(valuesOf(evidence, (one) => one.account)) },
          { name: "region", label: "Region", options: options(valuesOf(evidence, (one) => one.region)) },
          { name: "service", label: "Service", options: options(valuesOf(evidence, (one) => one.service)) },
        ],
        changed: (query) => {
          keepRoute(routeTo("records", [], query));
          announce(search(query));
        },
      }),
      place,
    ],
  };
}

function recordTable(items) {
  return tableOf("Records", [
    { title: "Answer", class: "status", cell: (entry) => statusBadge(RECORD_STATUS, entry.status) },
    { title: "Record", cell: (entry) => [
      element("a", { class: "row-link", href: routeTo("record", [entry.id]) }, value(`${entry.service} ${entry.operation}`)),
      (entry.about || entry.error) && element("span", { class: "row-text" }, value([entry.error, entry.about].filter(Boolean).join(", ")))] },
    { title: "Account", class: "mono", cell: (entry) => value(entry.account) },
    { title: "Region", class: "mono", cell: (entry) => value(entry.region) },
    { title: "Obtained", class: "time", cell: (entry) => timeOf(entry.at) },
    { title: "Id", class: "mono", cell: (entry) => shortId(entry.id) },
  ], items);
}

function viewRecord(route) {
  const entry = world.byId.get(route.rest[0]);
  if (entry === undefined) return viewNothing("There is no such record in this package.");
  const resting = world.ordered.filter((one) => one.proof.includes(entry.number));
  const place = element("div", {});
  const draw = (query) => drawPages(place, resting, {
    query, noun: ["finding rests on it", "findings rest on it"], table: findingTable, go: (next) => announce(draw(next)),
  });
  draw({});
  return {
    title: `Record ${shortId(entry.id)}`,
    content: [
      trail([["Records", routeTo("records")], [shortId(entry.id)]]),
      element("h1", { tabindex: "-1" }, "Record ", element("span", { class: "mono" }, shortId(entry.id))),
      recordSection(entry),
      element("section", {}, element("h2", {}, "Findings"),
        resting.length === 0 ? element("p", {}, "No finding rests on this record.") : place),
    ],
  };
}
