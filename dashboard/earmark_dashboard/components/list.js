// The case list: paints a choice at once, owns the keys, never moves rows under the pointer.

const EMPTY = {
  needs_reply: ["All caught up", "New mentions that need an answer appear here on their own."],
  mine: ["Nothing is assigned to you", "Take a case with the key A, or from Unassigned."],
  approval: ["Nothing waits for approval", "Replies that need a second look appear here."],
};

class CaseList {
  constructor(root) {
    this.root = root;
    this.ears = new Ears();
    this.line = new Line(this.ears);
    this.rows = [];
    this.leaving = new Set();
    this.selected = null;
    this.held = null;
    this.typedAt = 0;
    this.printed = "";
    this.build();
    this.listen();
  }

  build() {
    this.title = h("h2", {}, "Inbox");
    this.count = h("span", { class: "count" });
    this.views = h("select", { class: "views", "aria-label": "View", onchange: () => this.line.say({ action: "view", view: this.views.value }) });
    const keys = ["J", "K"].map((key) => h("kbd", {}, key));
    const help = h("span", { class: "keys", "aria-hidden": "true" }, keys, " move ", h("kbd", {}, "E"), " resolve");
    this.search = h("input", { type: "search", class: "search", placeholder: "Search", "aria-label": "Search cases", maxlength: 200, oninput: () => this.searched() });
    this.brand = h("select", { "aria-label": "Brand", onchange: () => this.filtered() });
    this.channel = h("select", { "aria-label": "Channel", onchange: () => this.filtered() });
    this.pill = button("", () => this.release(), "pill", { hidden: true });
    this.box = h("div", { class: "rows", role: "listbox", tabindex: "0", "aria-label": "Cases" });
    this.foot = h("div", { class: "foot" });
    fill(
      this.root,
      h("div", { class: "head" }, this.title, this.views, this.count, h("span", { class: "spring" }), help),
      h("div", { class: "filters" }, this.search, this.brand, this.channel),
      (this.area = h("div", { class: "area" }, this.pill, this.box)),
      this.foot,
    );
  }

  listen() {
    const { ears } = this;
    ears.on(window, "keydown", (event) => this.key(event), true);
    ears.on(window, "resize", () => fit(this.root));
    ears.on(this.area, "pointerleave", () => this.release());
    ears.hear("opened", ({ id }) => this.mark(id));
    ears.hear("leaving", (detail) => this.leave(detail));
    ears.hear("ack", ({ kind }) => { if (kind && kind !== "done" && this.leaving.size) { this.leaving.clear(); this.draw(); } });
    ears.hear("typed", () => { this.typedAt = performance.now(); });
    ears.hear("pane", () => requestAnimationFrame(() => fit(this.root)));
    ears.every(4000, () => { if (document.visibilityState === "visible") this.line.beat(); });
    ears.every(30000, () => this.times());
    tell("asking"); // a case may have been opened before this list was there to hear of it
  }

  update(data) {
    markMode(this.root);
    requestAnimationFrame(() => fit(this.root));
    const printed = JSON.stringify(data);
    if (printed === this.printed) return;
    const turned = !this.data || ["view", "page", "search", "brand", "channel"].some((name) => data[name] !== this.data[name]);
    this.printed = printed;
    this.data = data;
    tell("counts", data);
    this.header();
    const known = new Set(this.rows.map((row) => row.id));
    const fresh = data.rows.filter((row) => !known.has(row.id)).length;
    const busy = this.area.matches(":hover") || this.box.scrollTop > 20;
    if (!turned && fresh && busy && this.rows.length) {
      this.held = data.rows;
      this.refreshInPlace(data.rows);
      this.pill.textContent = `${fresh} new`;
      this.pill.hidden = false;
      return;
    }
    this.take(data.rows);
    if (turned) this.box.scrollTop = 0;
  }

  refreshInPlace(rows) {
    const byId = new Map(rows.map((row) => [row.id, row]));
    this.rows = this.rows.map((row) => byId.get(row.id) ?? row);
    this.draw();
  }

  release() {
    if (!this.held) return;
    const rows = this.held;
    this.held = null;
    this.pill.hidden = true;
    this.take(rows);
  }

  take(rows) {
    this.held = null;
    this.pill.hidden = true;
    const here = new Set(rows.map((row) => row.id));
    for (const id of this.leaving) if (!here.has(id)) this.leaving.delete(id);
    this.rows = rows;
    this.draw();
  }

  header() {
    const { data } = this;
    const view = data.views.find((one) => one.id === data.view) ?? data.views[0];
    this.title.textContent = view.name;
    this.count.textContent = view.count;
    fill(this.views, data.views.map((one) => h("option", { value: one.id }, `${one.name} (${one.count})`)));
    this.views.value = data.view;
    if (this.root.getRootNode().activeElement !== this.search) this.search.value = data.search;
    this.options(this.brand, "All brands", data.brands.map((one) => [one.id, one.name]), data.brand ?? "");
    this.options(this.channel, "All channels", data.channels.map((one) => [one, one]), data.channel);
    this.brand.hidden = data.brands.length < 2;
  }

  options(select, all, pairs, value) {
    fill(select, h("option", { value: "" }, all), pairs.map(([id, name]) => h("option", { value: id }, name)));
    select.value = String(value);
  }

  draw() {
    const top = this.box.scrollTop;
    fill(this.box, this.rows.length ? this.rows.map((row) => this.row(row)) : this.empty());
    this.box.setAttribute("role", this.rows.length ? "listbox" : "group");
    this.box.scrollTop = top;
    const { next, page } = this.data;
    const newer = page > 1 ? button("← Newer", () => this.line.say({ action: "newer" }), "ghost") : null;
    const older = next ? button("Older →", () => this.line.say({ action: "older", after: next }), "ghost") : null;
    fill(this.foot, newer, h("span", { class: "spring" }), older);
    this.foot.hidden = !newer && !older;
    this.mark(this.selected);
  }

  empty() {
    const filtered = this.data.search || this.data.channel || this.data.brand;
    const [title, words] = filtered
      ? ["Nothing matches", "Clear the search or the filters to see more."]
      : EMPTY[this.data.view] ?? ["Nothing here", "Cases appear here on their own."];
    return h("div", { class: "empty" }, h("strong", {}, title), h("p", {}, words));
  }

  row(row) {
    const [words, tone] = due(row);
    const owner = row.owner ? `@${row.owner}` : "Unassigned";
    return h(
      "div",
      {
        class: `row ${this.leaving.has(row.id) ? "going" : ""}`, role: "option", id: `row-${row.id}`,
        "data-id": row.id, "aria-selected": "false", onclick: () => this.choose(row.id),
      },
      tile(row.channel),
      h(
        "div", { class: "what" },
        h("div", { class: "first" }, h("span", { class: "name" }, row.name || "Somebody"), h("span", { class: `due ${tone}`, title: exact(row.due ?? row.at) }, words)),
        h("div", { class: "snippet" }, row.headline || "No words"),
        h("div", { class: "chips" }, chipsOf(row), h("span", { class: "owner" }, owner)),
      ),
    );
  }

  times() {
    for (const row of this.rows) {
      const place = this.box.querySelector(`[data-id="${row.id}"] .due`);
      if (place) [place.textContent] = due(row);
    }
  }

  mark(id) {
    this.selected = id;
    for (const element of this.box.querySelectorAll(".row")) {
      const chosen = Number(element.dataset.id) === id;
      element.classList.toggle("chosen", chosen);
      element.setAttribute("aria-selected", String(chosen));
    }
    const present = this.rows.some((row) => row.id === id);
    if (present) this.box.setAttribute("aria-activedescendant", `row-${id}`);
    else this.box.removeAttribute("aria-activedescendant");
  }

  choose(id, wait) {
    const row = this.rows.find((one) => one.id === id);
    if (!row) return;
    this.mark(id);
    tell("select", row);
    clearTimeout(this.later);
    this.later = setTimeout(() => this.line.say({ action: "pick", id }), wait ?? 0);
  }

  step(by) {
    const stay = this.rows.filter((row) => !this.leaving.has(row.id));
    if (!stay.length) return;
    const at = stay.findIndex((row) => row.id === this.selected);
    const row = stay[Math.min(stay.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
    this.choose(row.id, 90);
    this.box.querySelector(`[data-id="${row.id}"]`)?.scrollIntoView({ block: "nearest" });
  }

  // The thread ends a case: its row goes grey now, and the one below is next.
  leave(detail) {
    const at = this.rows.findIndex((row) => row.id === detail.id);
    if (at < 0) return;
    this.leaving.add(detail.id);
    this.box.querySelector(`[data-id="${detail.id}"]`)?.classList.add("going");
    const stay = (row) => row && !this.leaving.has(row.id);
    const next = this.rows.slice(at + 1).find(stay) ?? this.rows.slice(0, at).findLast(stay);
    detail.then = next ? next.id : null;
    if (!next) return;
    this.mark(next.id);
    tell("select", next);
  }

  searched() {
    clearTimeout(this.searching);
    this.searching = setTimeout(() => this.filtered(), 300);
  }

  filtered() {
    const brand = this.brand.value ? Number(this.brand.value) : null;
    this.line.say({ action: "filter", brand, channel: this.channel.value, search: this.search.value });
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const from = event.composedPath()[0];
    if (from instanceof Element && from.closest("input, textarea, select, [contenteditable]")) return;
    if (openMenu || document.querySelector("[role=dialog]")) return;
    const inBox = from === this.box;
    const name = inBox && event.key === "ArrowDown" ? "j" : inBox && event.key === "ArrowUp" ? "k" : event.key;
    if (!["j", "k", "r", "e", "a", "n"].includes(name)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (name === "j" || name === "k") return this.step(name === "j" ? 1 : -1);
    const justTyped = performance.now() - this.typedAt < 1000 && this.typedAt > 0;
    if ((name === "e" || name === "a") && (justTyped || event.repeat)) return;
    tell("do", { r: "reply", n: "note", e: "resolve", a: "claim" }[name]);
  }

  close() {
    this.ears.close();
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root");
  let list = live.get(root);
  if (!list) live.set(root, (list = new CaseList(root)));
  list.line.emit = (payload) => setTriggerValue("act", payload);
  list.update(data);
  return () => {
    list.close();
    live.delete(root);
  };
}
