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

function drawReceipt(receipt) {
  if (!receipt.parts) return h("div", { class: "receipt" }, "There is no score to explain here.");
  const moved = receipt.parts.filter((part) => part.value !== 0);
  const rules = moved.filter((part) => part.rules.length).map((part) =>
    h("li", {}, h("b", {}, part.word), ` counts ${signed(part.value)}: ${part.rules.join(", ")}`));
  const sum = moved.length
    ? `The words add up to ${signed(receipt.total)}, which is ${signed(receipt.compound)} on a scale from −1 to +1.`
    : "No word of this text carries a tone by itself.";
  return h("div", { class: "receipt" }, h("p", { class: "words" }, painted(receipt)), rules.length ? h("ul", {}, rules) : null, h("p", { class: "sum" }, sum));
}
