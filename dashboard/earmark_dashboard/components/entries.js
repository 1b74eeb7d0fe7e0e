// What happened on a case, oldest first: their words left, ours right, notes apart, events small.

function tone(entry, ctx) {
  if (ctx.may.act) return toneMenu(entry, ctx);
  return labelChip(entry.human ?? entry.label);
}

// The tone with who says so, then stars, then what can be asked and said about it.
function under(entry, ctx) {
  const opened = ctx.receipt?.mention === entry.id;
  const why = isScored(entry) && entry.compound !== null
    ? button(opened ? "Hide the words" : "Why?", () => ctx.act({ action: "explain", mention: entry.id }), "link", { "data-keep": `why ${entry.id}`, "aria-expanded": String(opened) })
    : null;
  const says = whoSays(entry);
  return h(
    "div", { class: "under" },
    tone(entry, ctx), says ? h("span", { class: "who-says" }, says) : null,
    entry.conflict ? conflictChip(entry) : starsChip(entry), saidChips(entry),
    why, ctx.may.act ? correctMenu(entry, ctx) : null, entry.aspects.length ? null : addTopic(entry, ctx),
    entry.revision > 1 ? h("span", { class: "quiet-words" }, "edited") : null, outside(entry.url, "Open on", "open"),
  );
}

function mention(entry, ctx) {
  return h(
    "article", { class: "said theirs", "data-mention": entry.id },
    h("div", { class: "meta" }, entry.who, " · ", when(entry.at)),
    h("div", { class: "bubble" }, entry.title ? h("strong", { class: "title" }, entry.title) : null, entry.gone ? h("em", { class: "gone" }, "Deleted by its author. ") : null, entry.text || (entry.title ? "" : "No words")),
    under(entry, ctx),
    drawAspects(entry, ctx),
    ctx.copies?.of === entry.id ? drawCopies(ctx.copies, ctx) : null,
    ctx.receipt?.mention === entry.id ? drawReceipt(ctx.receipt, entry) : null,
  );
}

function replyButtons(entry, ctx) {
  const act = (action, words, kind) => button(words, () => ctx.act({ action, reply: entry.id }), kind ?? "link");
  const made = [];
  if (entry.state === "awaiting_approval" && ctx.may.approve) made.push(act("approve", "Approve", "small primary"));
  if (["failed", "needs_human"].includes(entry.state) && ctx.may.act) {
    made.push(act("retry", "Try again", "small"), act("confirm", "It is there after all"));
  }
  if (["awaiting_approval", "approved", "scheduled", "failed", "needs_human"].includes(entry.state) && ctx.may.act) made.push(act("cancel", "Cancel"));
  return made;
}

function ours(entry, ctx) {
  const bad = TROUBLE.includes(entry.state);
  const words = [entry.error, entry.hint].filter(Boolean).join(" ");
  return h(
    "article", { class: `said ours ${bad ? "bad" : ""} ${entry.state ?? ""}`, "data-reply": entry.id },
    h("div", { class: "meta" }, entry.who, " · ", h("span", { class: "state" }, DELIVERY[entry.state] ?? entry.state ?? ""), " · ", when(entry.at)),
    h("div", { class: "bubble" }, entry.text),
    words ? h("div", { class: "trouble" }, words) : null,
    h("div", { class: "under" }, replyButtons(entry, ctx), outside(entry.url, "Open on", "open")),
  );
}

function note(entry) {
  return h("article", { class: "note" }, h("div", { class: "meta" }, "Internal note · ", entry.who, " · ", when(entry.at)), h("div", { class: "words" }, entry.text));
}

function happened(entry) {
  return h("p", { class: "event", title: entry.text }, entry.text.length > 110 ? `${entry.text.slice(0, 110)}…` : entry.text, entry.who ? ` · ${entry.who}` : "", " · ", when(entry.at));
}

function drawEntry(entry, ctx) {
  if (entry.kind === "mention") return mention(entry, ctx);
  if (entry.kind === "reply") return ours(entry, ctx);
  return entry.kind === "note" ? note(entry) : happened(entry);
}

const CUES = {
  complaint: "Complaint", question: "Question", request: "Request", praise: "Praise", lead: "May buy",
  safety: "Safety", legal: "Legal", money: "Money", churn: "Leaving", outage: "Outage", press: "Press",
};

// Why this is in the queue at all, in words first, then the words that gave it away.
function drawWhy(data) {
  const reasons = [...new Set([...data.why, ...data.priority_reasons])];
  const seen = new Set();
  const cues = data.entries.flatMap((entry) => entry.cues ?? []).filter((cue) => {
    const key = `${cue.kind} ${cue.words}`;
    const said = reasons.some((reason) => reason.toLowerCase().includes(cue.words.toLowerCase()));
    return !said && !seen.has(key) && seen.add(key);
  });
  if (!reasons.length && !cues.length) return null;
  return h(
    "section", { class: "why", "aria-label": "Why it is here" },
    h("h3", {}, "Why it is here"),
    h("ul", {}, reasons.map((reason) => h("li", {}, reason))),
    cues.length ? h("div", { class: "cues" }, cues.slice(0, 6).map((cue) => h("span", { class: "chip quiet" }, `${CUES[cue.kind] ?? cue.kind}: “${cue.words}”`))) : null,
  );
}

function drawRail(data) {
  const { contact, case: row } = data;
  const fact = (name, value, tone) => value ? [h("dt", {}, name), h("dd", { class: tone ?? "" }, value)] : null;
  const [dueWords, dueTone] = due(row);
  const chips = [
    contact.vip ? h("span", { class: "chip accent" }, "VIP") : null,
    contact.followers === null ? null : h("span", { class: "chip quiet" }, `${contact.followers.toLocaleString()} followers`),
  ];
  const { history } = contact;
  return [
    h("section", { class: "card" },
      h("h3", {}, "Customer"),
      h("p", { class: "who" }, contact.name || contact.handle, contact.handle ? h("span", { class: "quiet-words" }, ` @${contact.handle.replace(/^@/, "")}`) : null),
      chips.some(Boolean) ? h("div", { class: "chips" }, chips) : null, outside(contact.url, "Profile on", "open")),
    h("section", { class: "card" },
      h("h3", {}, "Case"),
      h("dl", {}, fact("Answer", dueWords, dueTone), fact("Status", row.status), fact("Owner", row.owner ? `@${row.owner}` : "nobody yet"), fact("Wakes", data.wake ? ago(data.wake) : ""), fact("Opened", ago(row.opened)), fact("Heard by", data.source))),
    h("section", { class: "card" },
      h("h3", {}, history.length ? `History (${history.length})` : "History"),
      history.length
        ? history.map((entry) => h("div", { class: "past" }, h("div", { class: "meta" }, LABELS[entry.label] ?? "Not scored", " · ", when(entry.at)), h("div", { class: "words" }, entry.text)))
        : h("p", { class: "quiet-words" }, "First time we hear from them.")),
  ];
}
