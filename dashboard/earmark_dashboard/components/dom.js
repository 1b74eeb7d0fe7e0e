// What every component shares: making elements from text, sending, fitting, small menus.
// Text reaches the page by textContent only; nothing here reads markup.

const live = new WeakMap();

function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  put(element, children);
  return element;
}

function put(element, children) {
  for (const child of children.flat(3)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

function fill(element, ...children) {
  element.replaceChildren();
  put(element, children);
}

// A link that people wrote: its host is shown, and it is told nothing about this page.
function outside(url, words, className) {
  if (!url) return null;
  let host = "";
  try {
    const parsed = new URL(url);
    if (parsed.protocol !== "https:" && parsed.protocol !== "http:") return null;
    host = parsed.host;
  } catch {
    return null;
  }
  const props = { class: className ?? "open", href: url, target: "_blank" };
  return h("a", { ...props, rel: "noopener noreferrer nofollow", title: url }, `${words} ${host} ↗`);
}

function tell(name, detail) {
  window.dispatchEvent(new CustomEvent(`earmark:${name}`, { detail }));
}

// Listeners of one mounted component, taken off again when it goes.
class Ears {
  constructor() {
    this.off = [];
  }
  on(target, name, run, options) {
    target.addEventListener(name, run, options);
    this.off.push(() => target.removeEventListener(name, run, options));
  }
  hear(name, run) {
    this.on(window, `earmark:${name}`, (event) => run(event.detail));
  }
  every(milliseconds, run) {
    const timer = setInterval(run, milliseconds);
    this.off.push(() => clearInterval(timer));
  }
  close() {
    for (const off of this.off.splice(0)) off();
  }
}

// Sends one thing at a time: a second event before the first is read would replace it.
class Line {
  constructor(ears) {
    this.waiting = [];
    this.flying = null;
    this.timer = 0;
    this.emit = () => {};
    ears.hear("ack", ({ nonce }) => this.landed(nonce));
  }
  say(payload) {
    const nonce = `${Date.now().toString(36)}${Math.random().toString(36).slice(2, 10)}`;
    const same = (one) => one.action === payload.action && ["pick", "filter"].includes(one.action);
    this.waiting = this.waiting.filter((one) => !same(one));
    this.waiting.push({ ...payload, nonce });
    this.next();
    return nonce;
  }
  beat() {
    if (this.flying || this.waiting.length) return;
    this.emit({ action: "beat", nonce: "" });
  }
  next() {
    if (this.flying || !this.waiting.length) return;
    this.flying = this.waiting.shift();
    this.timer = setTimeout(() => this.landed(this.flying?.nonce), 4000);
    this.emit(this.flying);
  }
  landed(nonce) {
    if (!this.flying || this.flying.nonce !== nonce) return;
    clearTimeout(this.timer);
    this.flying = null;
    this.next();
  }
}

// Chips have their own pair of colours for each mode, so the mode is read off the theme.
function markMode(root) {
  const colour = getComputedStyle(root).getPropertyValue("--st-background-color").trim();
  const digits = /^#([0-9a-f]{6})/i.exec(colour);
  const number = digits ? parseInt(digits[1], 16) : 0xffffff;
  const light = ((number >> 16) & 255) + ((number >> 8) & 255) + (number & 255) > 382;
  root.dataset.mode = light ? "light" : "dark";
}

// One scroll area a pane, never the page: the pane ends where the window ends.
function fit(root, least) {
  const top = root.getBoundingClientRect().top;
  if (!root.offsetParent && root.getClientRects().length === 0) return;
  const space = Math.max(least ?? 320, window.innerHeight - Math.max(top, 0) - 12);
  const height = `${Math.floor(space)}px`;
  if (root.style.height !== height) root.style.height = height;
}

function button(words, run, className, props) {
  return h("button", { type: "button", class: className ?? "", onclick: run, ...props }, words);
}

let openMenu = null;

function closeMenu() {
  if (!openMenu) return;
  const { panel, trigger } = openMenu;
  openMenu = null;
  panel.hidden = true;
  trigger.setAttribute("aria-expanded", "false");
}

// One choice of an open menu; `stays` leaves it open for what the choice shows next.
function choiceItem(choice) {
  const run = () => {
    const trigger = openMenu?.trigger;
    if (!choice.stays) { closeMenu(); trigger?.focus(); }
    choice.run();
  };
  return choice.node ?? button(choice.words, run, "item", { role: "menuitem", "aria-current": choice.current ? "true" : null });
}

// A button with a small list of choices below it; Escape or a click elsewhere closes it. The
// choices are made when it opens, and may be replaced by others while it is open.
function menu(words, choices, props) {
  const panel = h("div", { class: "menu", role: "menu", hidden: true });
  const trigger = button(words, () => toggle(), props?.class ?? "ghost", {
    "aria-haspopup": "menu",
    "aria-expanded": "false",
    ...props?.attributes,
  });
  function show(made) {
    fill(panel, made.map(choiceItem));
    panel.scrollTop = 0;
    panel.querySelector("button, input")?.focus({ preventScroll: true });
    panel.classList.toggle("to-left", trigger.getBoundingClientRect().left + panel.offsetWidth > window.innerWidth - 24);
    panel.scrollIntoView({ block: "nearest" });
  }
  function toggle() {
    const wasOpen = openMenu?.panel === panel;
    closeMenu();
    if (wasOpen) return;
    panel.hidden = false;
    trigger.setAttribute("aria-expanded", "true");
    openMenu = { panel, trigger };
    show(choices(show));
  }
  panel.addEventListener("keydown", (event) => {
    const all = [...panel.querySelectorAll("button, input")];
    const at = all.indexOf(event.target);
    if (event.key === "Escape") { closeMenu(); trigger.focus(); event.stopPropagation(); }
    if (event.key === "ArrowDown") { all[(at + 1) % all.length]?.focus(); event.preventDefault(); }
    if (event.key === "ArrowUp") { all.at(at - 1)?.focus(); event.preventDefault(); }
  });
  return h("span", { class: "menu-place" }, trigger, panel);
}

function closesMenus(ears) {
  ears.on(document, "pointerdown", (event) => {
    const path = event.composedPath();
    if (openMenu && !path.includes(openMenu.panel) && !path.includes(openMenu.trigger)) closeMenu();
  }, true);
}
