// What a person can say of one mention: its tone, what it finds of a topic, whose it is, who answers.

const TONES = ["negative", "neutral", "positive"];
const SIGNS = { negative: "−", neutral: "·", positive: "+" };
const NO_TONE = "none";

// Choices of a menu under a small heading.
function choiceGroup(title, choices) {
  return { node: h("div", { role: "group", "aria-label": title }, h("div", { class: "menu-title", "aria-hidden": "true" }, title), choices.map(choiceItem)) };
}

function toneMenu(entry, ctx) {
  const label = entry.human ?? entry.label;
  const choices = () => TONES.map((one) => ({
    words: LABELS[one], current: one === label, run: () => ctx.act({ action: "correct", mention: entry.id, label: one }),
  }));
  const attributes = { title: "Correct the tone", "data-keep": `tone ${entry.id}` };
  return menu(label ? LABELS[label] : "Not scored", choices, { class: `chip as-button ${label ?? "unscored"}`, attributes });
}

function correctMenu(entry, ctx) {
  const say = (payload) => () => ctx.act({ mention: entry.id, ...payload });
  const choices = () => [
    choiceGroup(`About ${ctx.brand}?`, [
      { words: "About us", current: entry.relevant, run: say({ action: "relevance", relevant: true }) },
      { words: "Not about us", current: !entry.relevant, run: say({ action: "relevance", relevant: false }) },
    ]),
    choiceGroup("Should somebody answer?", [
      { words: "Needs an answer", current: entry.needs === true, run: say({ action: "needs_answer", needs: true }) },
      { words: "Needs no answer", current: entry.needs === false, run: say({ action: "needs_answer", needs: false }) },
    ]),
  ];
  return menu("Correct", choices, { class: "link", attributes: { title: "About us or not, needs an answer or not", "data-keep": `correct ${entry.id}` } });
}

function aspectTones(entry, ctx, aspect) {
  const label = aspect.human ?? aspect.label;
  const say = (one) => () => ctx.act({ action: "aspect", mention: entry.id, area: aspect.area, topic: aspect.topic, label: one });
  return choiceGroup(aspect.topic, [
    ...TONES.map((one) => ({ words: LABELS[one], current: one === label, run: say(one) })),
    ...(aspect.isNew ? [] : [{ words: `Not about ${aspect.topic}`, current: label === NO_TONE, run: say(NO_TONE) }]),
  ]);
}

function aspectChip(entry, ctx, aspect) {
  const label = aspect.human ?? aspect.label;
  const denied = label === NO_TONE;
  const words = denied ? aspect.topic : `${SIGNS[label] ?? "?"} ${aspect.topic}`;
  const machine = aspect.label ? `machine: ${aspect.label}` : aspect.words ? "not scored" : "not found by the machine";
  const who = aspect.human ? `${denied ? "not about it, says a person" : `${label}, says a person`} (${machine})` : label ?? "not scored";
  const quoted = aspect.words ? ` · “${aspect.words}”` : "";
  const title = `${aspect.area} · ${aspect.topic}: ${who}${quoted}`;
  const tone = TONES.includes(label) ? label : denied ? "denied" : "unscored";
  const props = { class: `chip aspect ${tone}`, title };
  if (!ctx.may.act) return h("span", props, words);
  const attributes = { title, "data-keep": `aspect ${entry.id} ${aspect.area} ${aspect.topic}` };
  return menu(words, () => [aspectTones(entry, ctx, aspect)], { class: `${props.class} as-button`, attributes });
}

// A topic that the machine did not find: first which, then what is found of it.
function addTopic(entry, ctx) {
  const known = new Set(entry.aspects.map((one) => `${one.area} ${one.topic}`));
  const areas = ctx.topics.map(([area, names]) => [area, names.filter((name) => !known.has(`${area} ${name}`))]).filter(([, names]) => names.length);
  if (!ctx.may.act || !areas.length) return null;
  const choices = (again) => areas.map(([area, names]) => choiceGroup(area, names.map((topic) => ({
    words: topic, stays: true, run: () => again([aspectTones(entry, ctx, { area, topic, isNew: true })]),
  }))));
  return menu("Add a topic", choices, { class: "link", attributes: { "data-keep": `topic ${entry.id}` } });
}

function drawAspects(entry, ctx) {
  if (!entry.aspects.length) return null;
  const chips = entry.aspects.map((aspect) => aspectChip(entry, ctx, aspect));
  return h("div", { class: "under aspects", role: "group", "aria-label": "Topics" }, chips, addTopic(entry, ctx));
}
