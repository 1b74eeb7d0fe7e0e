// What a label stands on: the shares in the logit of “negative” as signed bars, adding up.

const GROUPS = {
  word: "Words", number: "The text as a whole", brand: "Learned for this brand", base: "Where every text starts",
};

function hundredths(value) {
  return signed(value / 100);
}

function bar(value, most) {
  const part = h("span", { class: value > 0 ? "part against" : "part for" });
  part.style.width = `${(50 * Math.abs(value)) / most}%`;
  return h("span", { class: "share" }, part);
}

function shareRow(name, value, most, props) {
  return h("tr", props, h("th", { scope: "row" }, name), h("td", { "aria-hidden": "true" }, bar(value, most)), h("td", { class: "figure" }, hundredths(value)));
}

// The lighter shares of a group behind one line with their sum.
function foldedRows(group, most) {
  const [count, rest] = group.small;
  const many = group.more.length + count;
  if (!many) return [];
  const sum = group.more.reduce((total, [, value]) => total + value, rest);
  const hidden = group.more.map(([name, value]) => shareRow(name, value, most, { class: "folded", hidden: true }));
  if (count) hidden.push(shareRow(`${count} that weigh less`, rest, most, { class: "folded", hidden: true }));
  const open = button(`${many} more`, () => {
    const opened = open.getAttribute("aria-expanded") === "false";
    open.setAttribute("aria-expanded", String(opened));
    for (const row of hidden) row.hidden = !opened;
  }, "link", { "aria-expanded": "false" });
  return [shareRow(open, sum, most, { class: "more" }), hidden];
}

function groupRows(group, most) {
  const head = h("tr", { class: "group" }, h("th", { scope: "row", colspan: "2" }, GROUPS[group.kind] ?? group.kind), h("td", { class: "figure" }, hundredths(group.value)));
  if (group.kind === "base") return h("tbody", {}, head);
  const lines = group.lines.map(([name, value]) => shareRow(name, value, most));
  return h("tbody", {}, head, lines, foldedRows(group, most));
}

function drawStanding(receipt, entry) {
  const { stands } = receipt;
  if (!stands) return null;
  const values = stands.groups.flatMap((group) => [...group.lines, ...group.more].map(([, value]) => Math.abs(value)));
  const most = Math.max(1, ...values);
  const stars = isRated(entry) ? " by the words alone; the stars outrank them" : "";
  return h(
    "section", { class: "standing" },
    h("h4", {}, "What the label stands on"),
    h("p", { class: "sum" }, `Probability of negative: ${percent(stands.probability)}${stars}. What has a + speaks for negative, what has a − against it; the sum is the logit of that probability.`),
    h("table", {}, h("colgroup", {}, h("col"), h("col", { class: "bars" }), h("col", { class: "figures" })), stands.groups.map((group) => groupRows(group, most)),
      h("tfoot", {}, h("tr", {}, h("th", { scope: "row", colspan: "2" }, "Sum"), h("td", { class: "figure" }, hundredths(stands.logit))))),
  );
}
