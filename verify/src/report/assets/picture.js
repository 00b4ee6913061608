"use strict";
// Pictures to scale: one for each figure, of the rows of its table.
const all = (query, at = document) => [...at.querySelectorAll(query)];
const hex = number => "0x" + number.toString(16);
const WHOLE = 1n << 64n;
const pictures = [];

/// An element of a drawing.
function shape(name, attributes, parent, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  parent?.append(element);
  return element;
}

/// An element of the page.
function part(name, attributes, parent, text) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  parent?.append(element);
  return element;
}

/// Bytes in a unit that makes them short.
function bytes(number) {
  for (const [shift, unit] of [[60n, "EiB"], [50n, "PiB"], [40n, "TiB"], [30n, "GiB"], [20n, "MiB"], [10n, "KiB"]]) {
    if (number >> shift) return Number(number * 10n >> shift) / 10 + " " + unit;
  }
  return number + " bytes";
}

class Picture {
  constructor(figure) {
    this.figure = figure;
    this.total = BigInt(figure.dataset.total);
    this.lower = BigInt(figure.dataset.lower);
    const rows = all("tr.region", document.getElementById(figure.dataset.rows));
    this.items = rows.map(row => this.item(row)).sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0));
    this.from = 0n;
    this.size = this.total;
    this.noun = figure.dataset.rows === "physical" ? "ranges" : "regions";
    this.chosen = null;
    this.tools();
    this.live = shape("svg", { class: "live", tabindex: 0, role: "group", "aria-label": `${figure.dataset.name}, to scale; arrows move, plus and minus zoom, 0 shows all` }, null);
    figure.prepend(this.bar, this.live);
    this.card = part("div", { class: "card", "aria-live": "polite", hidden: "" }, figure);
    this.mode(false);
    this.listen();
  }

  /// A row as something to draw.
  item(row) {
    const at = BigInt(row.dataset.at), size = BigInt(row.dataset.size);
    const class_ = row.className.replace("region", "").trim();
    const text = query => row.querySelector(query)?.textContent.trim() ?? "";
    const guard = side => BigInt(row.dataset[side] ?? 0);
    const from = this.position(at);
    const seen = all(".seen", row).map(cell => `${cell.dataset.space} ${cell.textContent}`);
    return { row, at, size, from, to: from + size, class: class_, name: text(".name"), rights: text(".rights") || seen.join(", "),
      below: guard("below"), above: guard("above"), memory: text(".memory"), pages: text(".pages summary"), phys: row.dataset.phys };
  }

  /// How many addresses of the picture come before this one, and back.
  position(address) { return address <= this.lower ? address : address - (WHOLE - this.total); }
  address(position) { return position < this.lower ? position : position + (WHOLE - this.total); }

  tools() {
    this.bar = part("div", { class: "tools", role: "toolbar", "aria-label": "Picture" });
    const button = (text, title, act) => {
      const made = part("button", { type: "button", title, "aria-label": title }, this.bar, text);
      made.addEventListener("click", act);
      return made;
    };
    this.buttons = [
      button("+", "Zoom in", () => this.zoom(0.5)),
      button("−", "Zoom out", () => this.zoom(2)),
      button("↑", "To lower addresses", () => this.move(-0.5)),
      button("↓", "To higher addresses", () => this.move(0.5)),
      button("All", "Show all", () => this.show(0n, this.total)),
    ];
    this.fold = button("Collapse gaps", "Show every region, and not the gaps between them", () => this.mode(!this.folded));
    this.output = part("output", {}, this.bar);
  }

  /// To scale, or with gaps collapsed: then the drawing is that of the page without scripts.
  mode(folded) {
    this.folded = folded;
    this.fold.setAttribute("aria-pressed", folded);
    this.fold.textContent = folded ? "To scale" : "Collapse gaps";
    this.figure.querySelector(".still").hidden = !folded;
    this.live.toggleAttribute("hidden", folded);
    for (const button of this.buttons) button.hidden = folded;
    if (folded) this.output.textContent = "gaps collapsed: heights say nothing";
    else this.draw();
  }

  /// Shows these addresses, as far as there are such.
  show(from, size) {
    const least = 256n;
    this.size = size < least ? least : size > this.total ? this.total : size;
    const last = this.total - this.size;
    this.from = from < 0n ? 0n : from > last ? last : from;
    this.draw();
  }

  zoom(factor, at = 0.5) {
    const size = BigInt(Math.round(Math.max(Number(this.size) * factor, 256)));
    const fixed = this.from + this.part(this.size, at);
    this.show(fixed - this.part(size, at), size);
  }

  move(share) { this.show(this.from + this.part(this.size, share), this.size); }
  part(size, share) { return size * BigInt(Math.round(share * 65536)) / 65536n; }

  /// Shows some regions with a margin.
  focus(from, to) {
    const size = to - from > 0n ? to - from : 1n;
    this.show(from - size / 5n, size + 2n * (size / 5n));
  }

  /// Chooses a region, and says all about it.
  choose(item) {
    this.chosen = item;
    this.card.hidden = !item;
    this.card.replaceChildren();
    for (const row of all("tr.on")) row.classList.remove("on");
    if (item) {
      item.row.classList.add("on");
      part("h3", {}, this.card, item.row.cells[0].textContent);
      const zoom = part("button", { type: "button" }, this.card, "Zoom to it");
      zoom.addEventListener("click", () => this.focus(item.from, item.to));
      const pairs = part("dl", { class: "pairs" }, this.card);
      const heads = all("th", item.row.closest("table").tHead);
      for (const cell of [...item.row.cells].slice(1)) {
        if (!cell.textContent.trim()) continue;
        part("dt", {}, pairs, heads[cell.cellIndex].textContent);
        const copy = part("dd", { class: cell.className }, pairs);
        copy.append(...cell.cloneNode(true).childNodes);
        for (const more of all("details", copy)) more.open = more.querySelectorAll("li").length < 20;
      }
    }
    this.draw();
  }

  /// Chooses a region from elsewhere: it is shown large, in view.
  visit(item) {
    if (this.folded) this.mode(false);
    this.focus(item.from, item.to);
    this.choose(item);
    this.figure.scrollIntoView({ block: "start" });
  }

  listen() {
    // It says the width without a new layout for each picture; where it is not shown, there is none, and nothing is drawn.
    new ResizeObserver(([entry]) => {
      const width = Math.floor(entry.contentRect.width);
      if (width < 100 || width === this.width) return;
      this.width = width;
      this.draw();
    }).observe(this.live);
    this.live.addEventListener("keydown", event => {
      const act = { "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2), ArrowUp: () => this.move(-0.1),
        ArrowDown: () => this.move(0.1), PageUp: () => this.move(-0.9), PageDown: () => this.move(0.9),
        0: () => this.show(0n, this.total), Escape: () => this.choose(null) }[event.key];
      if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      act();
    });
    // The wheel belongs to the page until the picture has been chosen, or the control key is down.
    this.live.addEventListener("wheel", event => {
      if (!event.ctrlKey && document.activeElement !== this.live) return;
      event.preventDefault();
      this.zoom(event.deltaY < 0 ? 0.8 : 1.25, event.offsetY / this.height);
    }, { passive: false });
    this.drag();
  }

  /// Drags the addresses with one finger, stretches them with two.
  drag() {
    const down = new Map();
    this.live.addEventListener("pointerdown", event => {
      if (!event.target.closest(".hand")) return;
      down.set(event.pointerId, event.clientY);
      this.live.focus({ preventScroll: true });
    });
    addEventListener("pointermove", event => {
      const before = down.get(event.pointerId);
      if (before === undefined || event.clientY === before) return;
      const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
      down.set(event.pointerId, event.clientY);
      if (other === undefined) return this.move((before - event.clientY) / this.height);
      const wide = y => Math.max(Math.abs(y - other), 8);
      this.zoom(wide(before) / wide(event.clientY), 0.5);
    });
    for (const end of ["pointerup", "pointercancel"]) addEventListener(end, event => down.delete(event.pointerId));
  }
}
