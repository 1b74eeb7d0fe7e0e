// One case: who, why it is here, what was said, what can be done, and who the customer is.

class CaseThread {
  constructor(root) {
    this.root = root;
    this.ears = new Ears();
    this.line = new Line(this.ears);
    this.composer = new Composer((payload) => this.line.say(payload), () => this.draw());
    this.data = null;
    this.expected = undefined;
    this.printed = "";
    this.outcomeNonce = "";
    this.build();
    this.listen();
  }

  build() {
    this.back = button("← Back to inbox", () => this.leave(), "back ghost");
    this.head = h("div", { class: "head" });
    this.tools = h("div", { class: "tools" });
    this.banner = h("div", { class: "banner", role: "alert", hidden: true });
    this.body = h("div", { class: "body", tabindex: "0", role: "region", "aria-label": "Thread" });
    this.flash = h("div", { class: "flash", role: "status", "aria-live": "polite", hidden: true });
    this.nothing = h("div", { class: "nothing" }, h("strong", {}, "No case is open"), h("p", {}, "Choose one on the left, or press J."));
    this.pane = h("div", { class: "pane", hidden: true }, this.head, this.tools, this.banner, this.body, this.flash, this.composer.el);
    this.rail = h("aside", { class: "rail", "aria-label": "Customer" });
    fill(this.root, this.back, h("div", { class: "frame" }, this.pane, this.nothing, this.rail));
  }

  listen() {
    const { ears } = this;
    closesMenus(ears);
    ears.on(window, "resize", () => fit(this.root));
    ears.hear("select", (row) => this.paint(row));
    ears.hear("do", (name) => this.key(name));
    ears.hear("asking", () => { if (this.data) tell("opened", { id: this.data.case?.id ?? null }); });
    ears.hear("pane", () => requestAnimationFrame(() => fit(this.root)));
    ears.every(30000, () => {
      for (const time of this.root.querySelectorAll("[data-ago]")) time.textContent = ago(time.dataset.ago);
    });
  }

  // Draws a case from its row in the list, before the server has said anything.
  paint(row) {
    this.pane_(true);
    if (this.data?.case?.id === row.id) { this.expected = undefined; this.draw(); return; }
    this.expected = row.id;
    this.pressed = null;
    this.root.dataset.ackId = "";
    this.pane.hidden = false;
    this.nothing.hidden = true;
    this.banner.hidden = true;
    this.drawHead(row);
    fill(this.tools);
    fill(this.rail);
    fill(this.body, h("article", { class: "said theirs" }, h("div", { class: "meta" }, row.name), h("div", { class: "bubble" }, row.headline)));
    this.composer.show(row.id, null);
    clearTimeout(this.giveUp);
    this.giveUp = setTimeout(() => { this.expected = undefined; this.printed = ""; this.draw(); }, 6000);
  }

  pane_(open) {
    const name = open ? "thread" : "list";
    if (document.documentElement.dataset.earmarkPane === name) return;
    document.documentElement.dataset.earmarkPane = name;
    tell("pane", name);
  }

  leave() {
    this.pane_(false);
  }

  update(data) {
    markMode(this.root);
    requestAnimationFrame(() => fit(this.root));
    const first = this.data === null;
    this.data = data;
    const { outcome } = data;
    const fresh = outcome && outcome.nonce !== this.outcomeNonce && !first;
    if (outcome) this.outcomeNonce = outcome.nonce;
    if (first && data.case) this.pane_(true);
    if (first && !data.case) this.pane_(false);
    tell("ack", { nonce: data.ack, kind: fresh ? outcome.kind : null });
    const id = data.case?.id ?? null;
    if (this.expected !== undefined && id !== this.expected && !(fresh && outcome.kind !== "done")) return;
    this.expected = undefined;
    clearTimeout(this.giveUp);
    this.draw();
    if (fresh) this.answered(outcome);
    const pressed = this.pressed;
    this.pressed = null;
    if (pressed && data.case) this.key(pressed);
  }

  draw() {
    const { data } = this;
    if (!data) return;
    const id = data.case?.id ?? null;
    tell("opened", { id });
    this.root.dataset.ackId = id ?? "none";
    this.pane.hidden = !data.case;
    this.nothing.hidden = Boolean(data.case);
    if (data.problem) fill(this.nothing, h("strong", {}, "This case cannot be shown"), h("p", {}, data.problem));
    if (!data.case) { fill(this.rail); this.printed = ""; if (!data.problem) this.pane_(false); return; }
    this.composer.show(id, data);
    const printed = JSON.stringify([data.case, data.why, data.entries, data.contact, data.receipt, data.people, data.wake, data.topics, data.copies, this.composer.aimed?.id]);
    if (printed === this.printed) return;
    const moved = this.drawn !== id;
    if (moved) this.unfolded = false;
    this.printed = printed;
    this.drawn = id;
    this.drawHead(data.case);
    this.drawTools(data);
    this.drawBody(data, moved);
    fill(this.rail, drawRail(data));
  }

  drawHead(row) {
    const priority = row.priority === "urgent" || row.priority === "high"
      ? h("span", { class: row.priority === "urgent" ? "chip warning" : "chip quiet" }, row.priority === "urgent" ? "Urgent" : "High")
      : null;
    const facts = [row.handle ? `@${row.handle.replace(/^@/, "")}` : "", row.channel, row.brand, `#${row.id}`].filter(Boolean);
    const [words, tone] = due(row);
    fill(
      this.head, tile(row.channel),
      h("div", { class: "who" }, h("h2", {}, row.name || "Somebody"), h("div", { class: "facts" }, facts.join(" · "))),
      h("div", { class: "chips" }, labelChip(row.label), priority, h("span", { class: `due ${tone}`, title: exact(row.due) }, words)),
    );
  }

  drawTools(data) {
    if (!data.may.act) { fill(this.tools); return; }
    const row = data.case;
    const ended = row.status === "resolved" || row.status === "dismissed";
    const mine = data.me.name === row.owner;
    const act = (payload) => this.act(payload);
    const people = () => [
      ...data.people.map((one) => ({ words: one.name, current: one.name === row.owner, run: () => act({ action: "assign", person: one.id }) })),
      { words: "Nobody", current: !row.owner, run: () => act({ action: "assign", person: null }) },
    ];
    const priorities = () => ["urgent", "high", "normal", "low"].map((one) => ({
      words: one[0].toUpperCase() + one.slice(1), current: one === row.priority, run: () => act({ action: "priority", priority: one }),
    }));
    const reasons = () => ["Needs no answer", "Not about us", "Spam or an advert", "Answered elsewhere"].map((reason) => ({
      words: reason, run: () => this.end({ action: "dismiss", reason }),
    }));
    fill(
      this.tools,
      mine || ended ? null : button("Claim", () => act({ action: "claim" }), "ghost", { title: "Key A" }),
      menu("Assign", people), menu("Priority", priorities),
      ended ? null : menu("Snooze", () => this.snoozes()), ended ? null : menu("Dismiss", reasons),
      h("span", { class: "spring" }),
      ended ? button("Reopen", () => act({ action: "reopen" }), "second") : button("Resolve", () => this.end({ action: "resolve" }), "second", { title: "Key E" }),
    );
  }

  snoozes() {
    const at = (days, hour) => { const day = new Date(); day.setDate(day.getDate() + days); day.setHours(hour, 0, 0, 0); return day; };
    const monday = (8 - new Date().getDay()) % 7 || 7;
    const until = (day) => this.end({ action: "snooze", until: day.toISOString() });
    const own = h("input", { type: "datetime-local", "aria-label": "Until" });
    const go = button("Set", () => { if (own.value) { closeMenu(); until(new Date(own.value)); } }, "second");
    return [
      { words: "1 hour", run: () => until(new Date(Date.now() + 3600000)) },
      { words: "3 hours", run: () => until(new Date(Date.now() + 3 * 3600000)) },
      { words: "Tomorrow 09:00", run: () => until(at(1, 9)) },
      { words: "Monday 09:00", run: () => until(at(monday, 9)) },
      { node: h("div", { class: "own" }, own, go) },
    ];
  }

  drawBody(data, moved) {
    const top = this.body.scrollTop;
    const low = this.body.scrollHeight - this.body.clientHeight - top < 40;
    const ctx = {
      may: data.may, receipt: data.receipt, brand: data.case.brand, topics: data.topics, act: (payload) => this.act(payload),
      copies: data.copies, unfolded: this.unfolded, unfold: (open) => { this.unfolded = open; },
      aimed: this.composer.aimed?.id ?? null, aim: (copy) => this.composer.aim(copy),
    };
    const stands = data.entries.some((entry) => entry.kind === "mention" && entry.id === data.copies?.of);
    const kept = this.root.getRootNode().activeElement?.dataset.keep;
    fill(this.body, drawWhy(data), data.copies && !stands ? drawCopies(data.copies, ctx) : null, data.entries.map((entry) => drawEntry(entry, ctx)));
    if (moved) this.body.scrollTop = data.entries.length > 4 ? this.body.scrollHeight : 0;
    else this.body.scrollTop = low && !data.receipt ? this.body.scrollHeight : top;
    if (kept) this.refocus(kept);
    if (!moved && data.receipt && this.explained !== data.receipt.mention) this.reveal();
    this.explained = data.receipt?.mention;
  }

  // A receipt that opened below the edge comes up, as far as its beginning stays in sight.
  reveal() {
    const receipt = this.body.querySelector(".receipt")?.getBoundingClientRect();
    const seen = this.body.getBoundingClientRect();
    if (!receipt || receipt.bottom <= seen.bottom) return;
    this.body.scrollTop += Math.min(receipt.bottom - seen.bottom, receipt.top - seen.top - 40);
  }

  // What was pressed is drawn anew; the keyboard stays on it.
  refocus(kept) {
    const same = [...this.body.querySelectorAll("[data-keep]")].find((one) => one.dataset.keep === kept);
    same?.focus({ preventScroll: true });
  }

  act(payload) {
    const row = this.data?.case;
    if (!row || this.expected !== undefined) return;
    this.banner.hidden = true;
    this.line.say({ id: row.id, version: row.version, ...payload });
  }

  // Ends the case: its row goes grey, the next is painted, and the server is asked.
  end(payload) {
    const row = this.data?.case;
    if (!row || this.expected !== undefined) return;
    const detail = { id: row.id, then: null };
    this.composer.flush();
    tell("leaving", detail);
    this.line.say({ id: row.id, version: row.version, then: detail.then, ...payload });
  }

  // A key pressed before the server has confirmed the case, or the last change of it, waits.
  key(name) {
    if (this.expected !== undefined) { this.pressed = name; return; }
    const row = this.data?.case;
    if (!row || !this.data.may.act) return;
    if (name === "reply" || name === "note") { this.composer.turn(name); return; }
    if (this.line.flying) { this.pressed = name; return; }
    const ended = row.status === "resolved" || row.status === "dismissed";
    if (name === "resolve" && !ended) this.end({ action: "resolve" });
    if (name === "claim" && !ended) this.act({ action: "claim" });
  }

  answered(outcome) {
    this.composer.answered(outcome);
    if (outcome.kind === "done") { this.flashed(outcome); return; }
    const words = [outcome.message, outcome.hint].filter(Boolean).join(" ");
    const look = button("Got it", () => { this.banner.hidden = true; }, "link");
    fill(this.banner, h("span", {}, words), look);
    this.banner.className = `banner ${outcome.kind}`;
    this.banner.hidden = false;
  }

  flashed(outcome) {
    clearTimeout(this.fading);
    const undo = outcome.undo === null || outcome.undo === undefined ? null : button("Undo", () => {
      this.flash.hidden = true;
      this.line.say({ action: "reopen", id: outcome.undo });
    }, "link");
    fill(this.flash, outcome.message, " ", undo);
    this.flash.hidden = false;
    (this.data?.case ? this.pane : this.nothing).append(this.flash);
    this.fading = setTimeout(() => { this.flash.hidden = true; }, undo ? 10000 : 3500);
  }

  close() {
    this.composer.flush();
    this.ears.close();
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root");
  let thread = live.get(root);
  if (!thread) live.set(root, (thread = new CaseThread(root)));
  thread.line.emit = (payload) => setTriggerValue("act", payload);
  thread.update(data);
  return () => {
    thread.close();
    live.delete(root);
  };
}
