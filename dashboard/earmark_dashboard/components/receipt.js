// Why a text was taken as it was: its words painted with what each did to the total.

function signed(value) {
  return `${value > 0 ? "+" : value < 0 ? "−" : ""}${Math.abs(value).toFixed(2)}`;
}

function painted(receipt) {
  const letters = Array.from(receipt.prepared);
  const parts = receipt.parts.filter((part) => part.start >= 0).sort((a, b) => a.start - b.start);
  const pieces = [];
  let at = 0;
  for (const part of parts) {
    if (part.start < at) continue;
    pieces.push(letters.slice(at, part.start).join(""));
    const tone = part.value < 0 ? "bad" : part.value > 0 ? "good" : "none";
    const words = letters.slice(part.start, part.end).join("");
    pieces.push(tone === "none" ? words : h("mark", { class: tone }, words, h("sub", {}, signed(part.value))));
    at = part.end;
  }
  pieces.push(letters.slice(at).join(""));
  return pieces;
}

// The compound of the sentences one by one, for a text of several.
function bySentence(entry) {
  if (!entry.sentences) return null;
  const [lowest, mean, last] = entry.sentences.map(signed);
  return h("p", { class: "sum" }, `Sentence by sentence: the lowest is ${lowest}, the mean ${mean}, the last ${last}.`);
}

function drawHints(hints) {
  if (!hints.length) return null;
  const lines = hints.map((hint) => {
    const [name, ...rest] = hint.split(": ");
    return h("li", {}, h("b", {}, name[0].toUpperCase() + name.slice(1)), rest.length ? `: ${rest.join(": ")}` : "");
  });
  return h("div", { class: "hint" }, h("ul", {}, lines), "Only a hint: it changes no score.");
}

function drawReceipt(receipt, entry) {
  if (!receipt.parts) return h("div", { class: "receipt" }, "This cannot be taken apart any more: names of the brand, or the model, have changed since it was scored.");
  const moved = receipt.parts.filter((part) => part.value !== 0);
  const rules = moved.filter((part) => part.rules.length).map((part) =>
    h("li", {}, h("b", {}, part.word), ` counts ${signed(part.value)}: ${part.rules.join(", ")}`));
  const sum = moved.length
    ? `The words add up to ${signed(receipt.total)}, which is ${signed(receipt.compound)} on a scale from −1 to +1 (VADER).`
    : "No word of this text carries a tone by itself.";
  return h(
    "div", { class: "receipt" },
    drawHints(receipt.hints),
    h("p", { class: "words" }, painted(receipt)),
    rules.length ? h("ul", {}, rules) : null, h("p", { class: "sum" }, sum), bySentence(entry),
    drawStanding(receipt, entry),
    entry.model ? h("p", { class: "model" }, `Scored by ${entry.model}`) : null,
  );
}
