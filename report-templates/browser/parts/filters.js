// A search and a row of choices above a list.

let nextField = 0;

// `fields`: [{ name, label, options: [{ value, label }] }]; `changed(query)` is called whenever something is set.
function filters({ label, placeholder, fields, query, changed }) {
  const current = { ...query };
  const form = element("form", { class: "filters", role: "search", "aria-label": label, onsubmit: (event) => event.preventDefault() });
  const set = (name, chosen) => {
    if (chosen === "") delete current[name];
    else current[name] = chosen;
    delete current.page;
    clear.hidden = !isSet();
    changed({ ...current });
  };
  const names = ["q", "control", ...fields.map((field) => field.name)];
  const isSet = () => names.some((name) => current[name]);
  const clear = button("Clear all", () => {
    names.forEach((name) => delete current[name]);
    form.querySelectorAll("input, select").forEach((field) => { field.value = ""; });
    form.querySelector(".pinned")?.remove();
    set("q", "");
    search.focus();
  }, { class: "plain clear" });

  let wait;
  const search = element("input", {
    type: "search", id: `field-${nextField += 1}`, class: "search", placeholder, autocomplete: "off", spellcheck: "false",
    value: current.q ?? "",
    oninput: () => {
      clearTimeout(wait);
      wait = setTimeout(() => set("q", search.value.trim()), 120);
    },
  });
  append(form, [element("div", { class: "field wide" }, element("label", { for: search.id }, "Search"), search)]);
  for (const { name, label: title, options } of fields) {
    const id = `field-${nextField += 1}`;
    const choice = element("select", { id, onchange: () => set(name, choice.value) },
      element("option", { value: "" }, "All"),
      options.map((option) => element("option", { value: option.value, selected: option.value === current[name] },
        cutTo(plain(option.label), 100))));
    form.append(element("div", { class: "field" }, element("label", { for: id }, title), choice));
  }
  if (current.control) form.append(pinned(current.control, () => set("control", "")));
  clear.hidden = !isSet();
  form.append(clear);
  return form;
}

// A filter that was set by a link and that no choice stands for.
function pinned(control, remove) {
  const entry = world.controls.get(control);
  const place = element("p", { class: "pinned" }, "Only control ", value(entry?.control.id ?? control), " ");
  place.append(button("Remove", () => {
    place.remove();
    remove();
  }));
  return place;
}

function options(values, words) {
  return values.map((one) => ({ value: one, label: words ? words(one) : one }));
}

// `/` goes to the search, as in many programs, where no field takes it as text.
document.addEventListener("keydown", (event) => {
  const typing = event.target instanceof Element && event.target.closest("input, select, textarea");
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const search = document.querySelector(".search");
  if (search === null) return;
  event.preventDefault();
  search.focus();
});
