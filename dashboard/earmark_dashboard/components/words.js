// Words and marks for what a row holds. Colour is never the only sign.

const TILES = {
  mastodon: ["M", "#5b3fd6"], bluesky: ["B", "#0a60c2"], reddit: ["r", "#b93a0a"],
  hackernews: ["Y", "#c04a00"], feed: ["F", "#0f6b62"], news: ["N", "#1d4f91"],
  googlenews: ["N", "#1d4f91"], appstore: ["A", "#0a5fae"], playstore: ["P", "#0b7a43"],
  trustpilot: ["★", "#067647"], reviews: ["★", "#067647"], youtube: ["▶", "#b3191f"],
  email: ["@", "#4338ca"], lemmy: ["L", "#00695c"], import: ["I", "#475467"],
};
const SPARE = ["#4338ca", "#0e7490", "#9d174d", "#92400e", "#3f6212", "#334155"];

function tile(channel) {
  const sum = [...channel].reduce((total, letter) => total + letter.codePointAt(0), 0);
  const [letter, colour] = TILES[channel] ?? [channel.slice(0, 1) || "?", SPARE[sum % SPARE.length]];
  const element = h("span", { class: "tile", "aria-hidden": "true" }, letter);
  element.style.background = colour;
  return element;
}

const LABELS = { negative: "▼ Negative", neutral: "● Neutral", positive: "▲ Positive" };

function labelChip(label) {
  return h("span", { class: `chip ${label ?? "unscored"}` }, LABELS[label] ?? "Not scored");
}

const DELIVERY = {
  draft: "draft", awaiting_approval: "awaiting approval", approved: "on its way",
  scheduled: "scheduled", sending: "being sent", sent: "sent, not confirmed yet",
  confirmed: "delivered", failed: "not sent", unknown: "may have arrived, being checked",
  needs_human: "needs a person", cancelled: "cancelled",
};
const TROUBLE = ["failed", "unknown", "needs_human"];

function span(milliseconds) {
  const minutes = Math.floor(Math.abs(milliseconds) / 60000);
  if (minutes < 60) return `${minutes}m`;
  if (minutes < 60 * 48) return `${Math.floor(minutes / 60)}h`;
  return `${Math.floor(minutes / 1440)}d`;
}

function ago(iso) {
  if (!iso) return "";
  const passed = Date.now() - Date.parse(iso);
  return Math.abs(passed) < 60000 ? "now" : passed < 0 ? `in ${span(passed)}` : `${span(passed)} ago`;
}

function exact(iso) {
  return iso ? new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }) : "";
}

function when(iso) {
  return h("time", { datetime: iso, title: exact(iso), "data-ago": iso }, ago(iso));
}

// How long is left, or how late it is: only while somebody waits for us.
function due(row) {
  if (row.status === "snoozed") return ["Snoozed", "calm"];
  if (row.status === "resolved") return ["Resolved", "calm"];
  if (row.status === "dismissed") return ["Dismissed", "calm"];
  if (row.status === "waiting") return ["Waiting", "calm"];
  if (!row.due) return [ago(row.at), "calm"];
  const left = Date.parse(row.due) - Date.now();
  if (Math.abs(left) < 60000) return ["Due now", "late"];
  return left < 0 ? [`Late ${span(left)}`, "late"] : [`Due ${span(left)}`, left < 15 * 60000 ? "soon" : "calm"];
}

function chipsOf(row) {
  const chips = [labelChip(row.label)];
  if (TROUBLE.includes(row.reply)) chips.push(h("span", { class: "chip negative" }, "Not sent"));
  if (row.reply === "awaiting_approval") chips.push(h("span", { class: "chip warning" }, "To approve"));
  if (row.copies) chips.push(h("span", { class: "chip quiet" }, `+${row.copies} ${row.copies === 1 ? "copy" : "copies"}`));
  if (row.priority === "urgent") chips.push(h("span", { class: "chip warning" }, "Urgent"));
  if (row.priority === "high") chips.push(h("span", { class: "chip quiet" }, "High"));
  if (row.mentions > 1) chips.push(h("span", { class: "chip quiet" }, `${row.mentions} mentions`));
  return chips.slice(0, row.copies ? 4 : 3);
}
