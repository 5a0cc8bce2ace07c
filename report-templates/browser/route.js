// Addresses inside the page: `#/findings?status=fail&q=bucket`, `#/record/<id>`.

function parseRoute(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?");
  const parts = path.split("/").filter(Boolean).map(decode);
  return { view: parts[0] ?? "", rest: parts.slice(1), query: Object.fromEntries(new URLSearchParams(query)) };
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function routeTo(view, rest = [], query = {}) {
  const path = [view, ...rest].map(encodeURIComponent).join("/");
  const set = Object.entries(query).filter(([, one]) => one !== "" && one !== undefined && one !== null);
  const search = new URLSearchParams(set).toString();
  return `#/${path}${search ? `?${search}` : ""}`;
}

// Keeps the address in step with the filters, so that it can be gone back to, without a new page.
function keepRoute(hash) {
  history.replaceState(null, "", hash);
}
