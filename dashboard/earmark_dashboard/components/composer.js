// The composer: one text area that stays where it is while all around it changes. What is being
// written is kept per case, in the tab at once and on the server a moment later.

const HOLE = /\{[^{}\n]{1,40}\}/g;

class Composer {
  constructor(say, aimed) {
    this.say = say;
    this.told = aimed;
    this.aimed = null;
    this.caseId = null;
    this.mode = "reply";
    this.seen = null;
    this.data = null;
    this.build();
  }

  build() {
    this.reply = button("Reply", () => this.turn("reply"), "mode");
    this.note = button("Note", () => this.turn("note"), "mode");
    this.first = button("Answer the first instead", () => this.aim(null), "link", { hidden: true });
    this.count = h("span", { class: "count", role: "status" });
    this.warn = h("div", { class: "warn", hidden: true });
    this.area = h("textarea", {
      rows: "3", "aria-label": "Reply", oninput: () => this.typed(), onblur: () => this.left(), onkeydown: (event) => this.key(event),
    });
    this.saved = h("select", { "aria-label": "Saved replies", onchange: () => this.insert() });
    this.url = h("input", { type: "url", class: "url", placeholder: "Link to your answer (optional)", "aria-label": "Link to your answer" });
    this.copy = button("Copy", () => this.copied(), "second");
    this.open = h("span", { class: "open-place" });
    this.main = button("Send", () => this.send(), "primary");
    this.el = h(
      "section", { class: "composer", "aria-label": "Composer" },
      h("div", { class: "top" }, this.reply, this.note, this.first, h("span", { class: "spring" }), this.count),
      this.warn, this.area,
      (this.bar = h("div", { class: "bar" }, this.saved, this.url, h("span", { class: "spring" }), this.open, this.copy, this.main)),
    );
  }

  key(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); this.send(); }
    if (event.key === "Escape") this.area.blur();
  }

  slot() {
    return `earmark.${this.mode === "note" ? "note" : "draft"}.${this.caseId}`;
  }

  kept() {
    const kept = sessionStorage.getItem(this.slot());
    return kept ?? (this.mode === "reply" ? this.data?.draft ?? "" : "");
  }

  // Another case: its own text comes back; nothing of it is ours to throw away.
  show(caseId, data) {
    const moved = caseId !== this.caseId;
    if (moved) this.flush();
    this.data = data;
    if (moved) {
      this.caseId = caseId;
      this.mode = "reply";
      this.pending = null;
      this.aimed = null;
      this.url.value = "";
      this.area.value = this.kept();
      this.seen = this.now();
    } else if (data && !this.area.value && !this.touched && sessionStorage.getItem(this.slot()) === null) {
      this.area.value = this.kept();
    }
    if (moved) this.touched = false;
    if (!this.area.value && !this.pending) this.seen = this.now();
    if (this.seen === null) this.seen = this.now();
    this.paint();
  }

  // Whom the answer goes to: a copy, or with null who said it first.
  aim(copy) {
    this.aimed = copy;
    this.told();
    this.turn("reply");
  }

  rules() {
    return (this.aimed && this.data?.copies?.rules[this.aimed.channel]) || this.data?.rules;
  }

  now() {
    return this.data ? { mention: this.data.last_mention, revision: this.data.last_revision } : null;
  }

  turn(mode) {
    this.mode = mode;
    this.area.value = this.kept();
    this.paint();
    this.area.focus();
    this.area.setSelectionRange(this.area.value.length, this.area.value.length);
  }

  typed() {
    this.touched = true;
    tell("typed");
    sessionStorage.setItem(this.slot(), this.area.value);
    clearTimeout(this.later);
    if (this.mode === "reply") this.later = setTimeout(() => this.flush(), 1200);
    this.paint();
  }

  left() {
    tell("typed");
    this.flush();
  }

  flush() {
    clearTimeout(this.later);
    const { data } = this;
    if (!data || this.mode !== "reply" || !this.touched || this.pending || !data.may.act) return;
    if (this.flushed === `${this.caseId} ${this.area.value}`) return;
    this.flushed = `${this.caseId} ${this.area.value}`;
    this.say({ action: "draft", id: this.caseId, body: this.area.value, channel: this.aimed?.channel ?? data.case.channel });
  }

  length() {
    const text = this.area.value;
    const measured = this.data?.measured;
    return measured && measured[0] === text ? measured[1] : Array.from(text).length;
  }

  insert() {
    const chosen = this.data?.saved.find((one) => String(one.id) === this.saved.value);
    this.saved.value = "";
    if (!chosen) return;
    const { contact, case: row, me } = this.data;
    const name = this.aimed ? this.aimed.who : contact.name || contact.handle;
    const known = { name, first_name: name.split(/\s+/)[0], handle: this.aimed ? name : contact.handle, brand: row.brand, me: me.name, agent: me.name };
    const body = chosen.body.replace(HOLE, (hole) => known[hole.slice(1, -1).trim()] || hole);
    const { area } = this;
    area.setRangeText(body, area.selectionStart, area.selectionEnd, "end");
    this.typed();
    area.focus();
    const hole = body.search(HOLE) < 0 ? null : /\{[^{}\n]{1,40}\}/.exec(area.value);
    if (hole) area.setSelectionRange(hole.index, hole.index + hole[0].length);
  }

  // What stands in the way of sending, in words; nothing if nothing does.
  obstacle() {
    const { data } = this;
    const text = this.area.value;
    if (!data || !data.may.act) return "Your role may read but not answer.";
    if (!text.trim()) return "";
    if (this.mode === "note") return "";
    const holes = text.match(HOLE);
    if (holes) return `Fill in ${holes[0]} before it goes out.`;
    const { max: most, unit } = this.rules();
    if (most && this.length() > most) return `Too long by ${this.length() - most} ${unit}.`;
    return "";
  }

  paint() {
    const { data, mode } = this;
    const note = mode === "note";
    const row = data?.case;
    this.el.classList.toggle("noting", note);
    this.reply.classList.toggle("here", !note);
    this.note.classList.toggle("here", note);
    this.reply.setAttribute("aria-pressed", String(!note));
    this.note.setAttribute("aria-pressed", String(note));
    const whom = this.aimed ? { name: this.aimed.who || "somebody", channel: this.aimed.channel } : row;
    this.reply.textContent = row ? `Reply to ${whom.name} on ${whom.channel}` : "Reply";
    this.first.hidden = !this.aimed || note;
    this.area.setAttribute("aria-label", note ? "Internal note" : this.reply.textContent);
    const hand = data ? !this.rules().can_reply : false;
    this.area.placeholder = note ? "Only your team sees this." : hand ? "Write the answer here, then copy it over. Drafts are kept." : "Write a reply. Drafts are kept.";
    this.tools(note, hand);
    this.meter(note);
    this.warned(note);
    const empty = !this.area.value.trim();
    this.main.disabled = !data || empty || Boolean(this.obstacle()) || Boolean(this.pending);
    const send = hand ? "Mark as posted" : data?.needs_approval ? "Request approval" : "Send";
    this.main.textContent = this.pending ? "Sending…" : note ? "Keep note" : send;
    this.area.readOnly = Boolean(this.pending);
  }

  tools(note, hand) {
    const { data } = this;
    const many = data?.saved ?? [];
    const printed = many.map((one) => `${one.id} ${one.name}`).join("\n");
    if (printed !== this.savedPrinted) {
      this.savedPrinted = printed;
      fill(this.saved, h("option", { value: "" }, "Saved replies…"), many.map((one) => h("option", { value: one.id }, one.name)));
    }
    this.saved.hidden = note || !many.length;
    this.bar.classList.toggle("hand", hand && !note);
    this.url.hidden = note || !hand;
    this.copy.hidden = note || !hand;
    this.open.hidden = note || !hand;
    const target = this.aimed?.url || data?.url || data?.entries.findLast((entry) => entry.url)?.url || "";
    if (target !== this.target) {
      this.target = target;
      fill(this.open, outside(target, "Open", "second"));
    }
  }

  meter(note) {
    const text = this.area.value;
    const most = this.rules()?.max;
    const kept = text && !note ? " · draft kept" : "";
    const figures = note || !text ? "" : most ? `${this.length()} / ${most}` : `${this.length()}`;
    this.count.textContent = figures + kept;
    this.count.classList.toggle("over", Boolean(most) && !note && this.length() > most);
  }

  warned(note) {
    const now = this.now();
    const text = this.area.value.trim();
    const stale = !note && text && this.seen && now && (now.mention !== this.seen.mention || now.revision !== this.seen.revision);
    const words = stale ? "The customer wrote again while you were writing." : this.obstacle();
    const printed = `${stale} ${words}`;
    if (printed === this.warnPrinted) return;
    this.warnPrinted = printed;
    this.warn.hidden = !words;
    const read = stale ? button("I have read it", () => { this.seen = this.now(); this.paint(); this.area.focus(); }, "link") : null;
    fill(this.warn, words, " ", read);
  }

  async copied() {
    try {
      await navigator.clipboard.writeText(this.area.value);
      this.copy.textContent = "Copied";
    } catch {
      this.area.select();
      this.copy.textContent = "Press Ctrl+C";
    }
    setTimeout(() => { this.copy.textContent = "Copy"; }, 2000);
  }

  send() {
    if (this.main.disabled) return;
    clearTimeout(this.later);
    const { data, caseId: id } = this;
    const body = this.area.value;
    const version = data.case.version;
    const payload = this.mode === "note"
      ? { action: "note", id, body }
      : this.rules().can_reply
        ? { action: "send", id, version, body, seen: this.seen?.mention ?? null, copy: this.aimed?.id ?? null }
        : { action: "posted", id, body, url: this.url.value, copy: this.aimed?.id ?? null };
    this.pending = { nonce: this.say(payload), slot: this.slot(), id };
    setTimeout(() => this.free(), 15000);
    this.paint();
  }

  free() {
    if (!this.pending) return;
    this.pending = null;
    this.paint();
  }

  // The server answered: text goes only once it is taken, and stays when it is not.
  answered(outcome) {
    if (!this.pending || this.pending.nonce !== outcome.nonce) return;
    const { slot, id } = this.pending;
    this.pending = null;
    if (outcome.kind === "done") {
      sessionStorage.removeItem(slot);
      this.flushed = `${id} `;
      if (id === this.caseId) {
        this.area.value = "";
        this.url.value = "";
        this.touched = true;
        if (this.mode === "reply" && this.aimed) { this.aimed = null; this.told(); }
        if (this.mode === "note") this.mode = "reply";
        this.area.value = this.mode === "reply" ? sessionStorage.getItem(this.slot()) ?? "" : "";
      }
    }
    this.seen = this.now();
    this.paint();
  }
}
