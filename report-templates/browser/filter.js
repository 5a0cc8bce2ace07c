// What is shown of a list: every filter that is set must hold, and every word of the search must be there.

function matching(items, query, tests) {
  const words = (query.q ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const set = Object.entries(tests).filter(([name]) => query[name]);
  return items.filter((item) =>
    set.every(([name, test]) => test(item, query[name])) && words.every((word) => item.text.includes(word)));
}

const FINDING_TESTS = {
  status: (finding, wanted) => finding.status === wanted,
  severity: (finding, wanted) => finding.check.severity === wanted,
  framework: (finding, wanted) => finding.check.controls.some((entry) => entry.framework.reference.id === wanted),
  control: (finding, wanted) =>
    finding.check.controls.some((entry) => `${entry.framework.reference.id} ${entry.control.id}` === wanted),
  account: (finding, wanted) => finding.account === wanted,
  region: (finding, wanted) => finding.region === wanted,
  check: (finding, wanted) => finding.check.id === wanted,
};

const RECORD_TESTS = {
  status: (entry, wanted) => entry.status === wanted,
  kind: (entry, wanted) => entry.kind === wanted,
  account: (entry, wanted) => entry.account === wanted,
  region: (entry, wanted) => entry.region === wanted,
  service: (entry, wanted) => entry.service === wanted,
};

// The values that a member has in a list, sorted.
function valuesOf(items, member) {
  return [...new Set(items.map(member))].filter((one) => one !== "").sort();
}
