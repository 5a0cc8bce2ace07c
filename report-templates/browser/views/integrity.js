// What the page can check by itself, and what it cannot.

function viewIntegrity() {
  const { bundle } = world.overview;
  const result = element("div", { class: "result" });
  const progress = element("p", { class: "quiet" });
  const start = button(`Check all ${countOf(world.evidence.length, "record", "records")}`, async () => {
    start.disabled = true;
    replaceChildren(result);
    try {
      await checkAll(result, progress);
    } catch (error) {
      replaceChildren(result, problem(error.message));
    }
    progress.textContent = "";
    start.disabled = false;
  }, { class: "primary", disabled: !canHash });
  return {
    title: "Integrity",
    content: [
      element("h1", { tabindex: "-1" }, "Integrity"),
      element("p", { class: "lead" },
        "A record’s id is the SHA-256 of its line, and the ids are the leaves of a Merkle tree whose root is signed and printed on the report. This page can compute both again."),
      facts([
        ["Merkle root", value(bundle["merkle-root"], "mono")],
        ["SHA-256 of the manifest", value(bundle["manifest-sha256"], "mono")],
        ["SHA-256 of the catalog", value(world.overview["catalog-sha256"], "mono")],
        ["Sealed by", value(`${world.overview["sealed-by"].name} ${world.overview["sealed-by"].version}`)],
      ]),
      !canHash && problem("This browser offers no WebCrypto here, so nothing can be computed."),
      element("p", {}, start), progress, result,
      element("section", {}, element("h2", {}, "What this does not show"),
        element("p", { class: "prose" },
          "A page can be altered together with its data, and then shows what it was made to show. Compare the Merkle root with the one on the signed report, and check the package itself: VERIFY.md in this folder says how with common tools, and “proofpack verify” does all of it, this page included."),
        element("p", { class: "prose" }, "The evidence shows what AWS answered at the times given. It does not prove legal compliance.")),
    ],
  };
}

async function checkAll(result, progress) {
  const wrong = [];
  const unshown = world.evidence.filter((entry) => entry.place === null);
  const byFile = Map.groupBy
    ? Map.groupBy(world.evidence.filter((entry) => entry.place !== null), (entry) => entry.place[0])
    : grouped(world.evidence.filter((entry) => entry.place !== null));
  let done = 0;
  for (const [, entries] of byFile) {
    await Promise.all(entries.map(async (entry) => {
      const { line } = await recordLine(entry);
      if (await sha256OfText(line) !== entry.id) wrong.push(entry);
    }));
    done += entries.length;
    progress.textContent = `${done.toLocaleString("en")} of ${world.evidence.length.toLocaleString("en")} records …`;
  }
  const { bundle } = world.overview;
  const root = await merkleRoot(world.evidence.map((entry) => entry.id));
  const rootHolds = root === bundle["merkle-root"] && world.evidence.length === bundle.records;
  const line = (good, text) => element("li", {}, badge(good
    ? { word: "Holds", tone: "good", shape: "check" }
    : { word: "Does not hold", tone: "bad", shape: "cross" }), " ", text);
  replaceChildren(result, element("ul", { class: "plain-list" },
    line(wrong.length === 0, wrong.length === 0
      ? `The hashes of ${countOf(done, "record", "records")} are their ids.`
      : [`Not what their ids say: ${countOf(wrong.length, "record", "records")} of ${done.toLocaleString("en")}. `,
        wrong.slice(0, 50).map((entry) => [element("a", { class: "mono", href: routeTo("record", [entry.id]) }, shortId(entry.id)), " "])]),
    line(rootHolds, rootHolds
      ? "The Merkle root over all ids is the one that the manifest states."
      : ["The Merkle root over all ids is ", element("span", { class: "mono" }, root), ", which is not the one that is stated."]),
    unshown.length > 0 && element("li", {}, badge({ word: "Not checked", tone: "warn", shape: "question" }),
      ` ${countOf(unshown.length, "record is", "records are")} too long for this page.`)));
  announce(wrong.length === 0 && rootHolds ? "All hashes hold" : "Some hashes do not hold");
}

function grouped(entries) {
  const groups = new Map();
  entries.forEach((entry) => {
    const file = entry.place[0];
    if (!groups.has(file)) groups.set(file, []);
    groups.get(file).push(entry);
  });
  return groups;
}
