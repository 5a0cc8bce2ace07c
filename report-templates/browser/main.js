// Starts the page: loads the data, then draws whatever the address names.

const VIEWS = {
  "": { draw: viewOverview, part: "" },
  "controls": { draw: viewControls, part: "controls" },
  "control": { draw: viewControl, part: "controls" },
  "findings": { draw: viewFindings, part: "findings" },
  "finding": { draw: viewFinding, part: "findings" },
  "records": { draw: viewRecords, part: "records" },
  "record": { draw: viewRecord, part: "records" },
  "integrity": { draw: viewIntegrity, part: "integrity" },
};

const NAVIGATION = [["", "Overview"], ["controls", "Controls"], ["findings", "Findings"], ["records", "Records"], ["integrity", "Integrity"]];

function viewNothing(text) {
  return {
    title: "Not found",
    content: [element("h1", { tabindex: "-1" }, "Not found"), element("p", {}, text),
      element("p", {}, element("a", { href: routeTo("") }, "To the overview"))],
  };
}

// Draws the view of the current address; a person who came by a link starts reading at its heading.
function draw(first) {
  const route = parseRoute(location.hash);
  const view = Object.hasOwn(VIEWS, route.view) ? VIEWS[route.view] : null;
  const { title, content } = view === null ? viewNothing("There is no such page here.") : view.draw(route);
  replaceChildren(document.getElementById("main"), content);
  document.title = `${plain(title)} – Evidence browser`;
  for (const link of document.querySelectorAll("#navigation a")) {
    if (link.dataset.part === view?.part) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (first) return;
  window.scrollTo({ top: 0 });
  document.querySelector("main h1").focus({ preventScroll: true });
}

function drawFrame() {
  const { bundle } = world.overview;
  const { accounts, period } = bundle.scope;
  const named = accounts.length === 1 ? ["Account ", value(accounts[0])] : countOf(accounts.length, "account", "accounts");
  replaceChildren(document.getElementById("scope"), named, ", ", period.start.slice(0, 10), " to ", lastDay(period.end));
  replaceChildren(document.getElementById("navigation"), NAVIGATION.map(([part, title]) =>
    element("li", {}, element("a", { href: routeTo(part), "data-part": part }, title))));
  replaceChildren(document.getElementById("bottom"),
    element("p", {}, "States evidence, never legal compliance. Merkle root ",
      element("span", { class: "mono" }, value(bundle["merkle-root"]))));
}

// A period ends before its end: the last day is that of the second before.
function lastDay(end) {
  return new Date(Date.parse(end) - 1000).toISOString().slice(0, 10);
}

async function start() {
  const main = document.getElementById("main");
  replaceChildren(main, element("p", { class: "quiet", role: "status" }, "Loading …"));
  try {
    await loadWorld();
    drawFrame();
    draw(true);
  } catch (error) {
    replaceChildren(main, element("h1", { tabindex: "-1" }, "The data cannot be read"), problem(plain(error.message)));
    return;
  }
  window.addEventListener("hashchange", () => draw(false));
  document.querySelector(".skip").addEventListener("click", (event) => {
    // The address names the view: the link must not change it.
    event.preventDefault();
    main.focus();
  });
}

start();
