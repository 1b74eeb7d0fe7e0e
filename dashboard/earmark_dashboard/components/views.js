// The views with their counts, for the side of the page.

class Views {
  constructor(root) {
    this.root = root;
    this.ears = new Ears();
    this.line = new Line(this.ears);
    this.ears.hear("counts", (data) => this.update(data));
  }

  update(data) {
    markMode(this.root);
    const row = (one) =>
      button(
        [h("span", {}, one.name), h("span", { class: "count" }, one.count === "0" ? "" : one.count)],
        () => { this.update({ ...data, view: one.id }); this.line.say({ action: "view", view: one.id }); },
        one.id === data.view ? "view here" : "view",
        { "aria-current": one.id === data.view ? "true" : null },
      );
    const focused = this.root.getRootNode().activeElement?.dataset?.id;
    fill(this.root, h("div", { class: "title", id: "views-title" }, "Views"), h("div", { role: "group", "aria-labelledby": "views-title" }, data.views.map((one) => { const made = row(one); made.dataset.id = one.id; return made; })));
    if (focused) this.root.querySelector(`[data-id="${focused}"]`)?.focus();
  }

  close() {
    this.ears.close();
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root");
  let views = live.get(root);
  if (!views) live.set(root, (views = new Views(root)));
  views.line.emit = (payload) => setTriggerValue("act", payload);
  views.update(data);
  return () => {
    views.close();
    live.delete(root);
  };
}
