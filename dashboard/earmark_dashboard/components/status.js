// What is known of a mention's tone, and who says so, in words. Not knowing is never neutral.

const UNSURE = 0.6;
const TONGUES = new Intl.DisplayNames(["en"], { type: "language" });

function tongue(code) {
  try {
    return TONGUES.of(code);
  } catch {
    return code;
  }
}

function percent(share) {
  if (share >= 0.995) return "over 99\u00a0%";
  return share < 0.005 ? "under 1\u00a0%" : `${Math.round(share * 100)}\u00a0%`;
}

// Why there is no score, for a mention that has none.
function whyUnscored(entry) {
  if (entry.status === "unscored_empty") return "no words";
  if (entry.status === "error") return "could not be scored";
  if (entry.status !== "unscored_language") return "its turn is still to come";
  if (!entry.lang) return "the language is not clear";
  const sure = entry.langSure === null ? "" : ` (${percent(entry.langSure)})`;
  return `${entry.langSure >= 0.5 ? "seems to be" : "perhaps"} ${tongue(entry.lang)}${sure}`;
}

function isScored(entry) {
  return entry.status === "scored";
}

function isRated(entry) {
  return isScored(entry) && entry.rating > 0 && entry.rating <= 5;
}

// Who or what gave the label, to stand beside it.
function whoSays(entry) {
  const machine = isScored(entry) ? `machine: ${entry.label}` : `not scored: ${whyUnscored(entry)}`;
  if (entry.human) return entry.human === entry.label ? "confirmed by a person" : `corrected by a person (${machine})`;
  if (!isScored(entry)) return whyUnscored(entry);
  if (isRated(entry)) return "by its stars, which outrank the words";
  if (entry.sure === null) return "";
  return entry.sure < UNSURE ? `unsure (${percent(entry.sure)})` : `${percent(entry.sure)} sure`;
}

function starsChip(entry) {
  return entry.rating === null ? null : h("span", { class: "chip quiet" }, `${entry.rating} of 5 stars`);
}

function conflictChip(entry) {
  const stars = `${entry.rating} ${entry.rating === 1 ? "star" : "stars"}`;
  const words = entry.label === "negative" ? "friendly" : "unhappy";
  return h("span", { class: "chip warning" }, `${stars}, but the words are ${words}`);
}

// What people said beside the tone; nothing where nobody did.
function saidChips(entry) {
  return [
    entry.relevant ? null : h("span", { class: "chip quiet", title: "A person said so. It counts in no figure." }, "Not about us"),
    entry.needs === null ? null : h("span", { class: "chip quiet", title: "A person said so." }, entry.needs ? "Needs an answer" : "Needs no answer"),
  ];
}
