// Copies of what a case is about: one line, and behind it each of them, to be read and answered.

function oneCopy(copy, ctx) {
  const chosen = ctx.aimed === copy.id;
  const answer = ctx.may.act && !copy.gone
    ? button(chosen ? "Being answered" : "Answer this one", () => ctx.aim(chosen ? null : copy), "link", { "data-keep": `copy ${copy.id}`, "aria-pressed": String(chosen) })
    : null;
  return h(
    "li", { "data-copy": copy.id },
    h("div", { class: "meta" }, copy.who || "Somebody", " · ", copy.channel, " · ", when(copy.at)),
    h("div", { class: "words" }, copy.gone ? h("em", { class: "gone" }, "Deleted by its author.") : copy.text || "No words"),
    h("div", { class: "under" }, answer, outside(copy.url, "Open on", "open")),
  );
}

function drawCopies(copies, ctx) {
  const many = (number, one, more) => `${number.toLocaleString()} ${number === 1 ? one : more}`;
  const rest = copies.n - copies.rows.length;
  return h(
    "details", { class: "copies", open: ctx.unfolded, ontoggle: (event) => ctx.unfold(event.currentTarget.open) },
    h("summary", { "data-keep": "copies" }, `${many(copies.n, "copy", "copies")}, ${many(copies.authors, "author", "authors")}, first `, when(copies.first), ", last ", when(copies.last)),
    h("ol", {}, copies.rows.map((copy) => oneCopy(copy, ctx))),
    rest > 0 ? h("p", { class: "quiet-words" }, `${many(rest, "more is", "more are")} on the page Mentions.`) : null,
  );
}
