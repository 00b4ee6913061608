// How a picture is drawn: the whole to scale at the left, what is shown of it in the middle, names at the right.
const EDGE = 1.5;

Object.assign(Picture.prototype, {
  draw() {
    if (!this.width) return;
    const small = this.width < 620;
    this.step = small ? 48 : 38;
    this.height = this.step * Math.min(Math.max(this.items.length, 9), small ? 14 : 20);
    this.at = { strip: 1, stripWidth: small ? 12 : 20, main: small ? 34 : 186, mainWidth: small ? 52 : 150, small };
    this.at.names = this.at.main + this.at.mainWidth + (small ? 16 : 34);
    this.live.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
    this.live.setAttribute("height", this.height);
    this.live.replaceChildren();
    this.drawStrip();
    this.drawMain();
    const end = this.address(this.from + this.size - 1n);
    this.output.textContent = `${hex(this.address(this.from))} – ${hex(end)}, ${bytes(this.size)}`;
  },

  /// How far down in what is shown.
  y(position) { return Number((position - this.from) * 1048576n / this.size) / 1048576 * this.height; },

  drawStrip() {
    const { strip, stripWidth, main } = this.at;
    const place = position => Number(position * 1048576n / this.total) / 1048576 * this.height;
    shape("rect", { class: "ground", x: strip, y: 0, width: stripWidth, height: this.height }, this.live);
    for (const item of this.items) {
      const y = Math.min(place(item.from), this.height - 1);
      shape("rect", { class: item.class, x: strip, y, width: stripWidth, height: Math.max(place(item.to) - y, 1) }, this.live);
    }
    const top = place(this.from), low = Math.max(place(this.from + this.size), top + 2);
    const right = strip + stripWidth;
    shape("polygon", { class: "beam", points: `${right},${top} ${main},0 ${main},${this.height} ${right},${low}` }, this.live);
    shape("rect", { class: "frame", x: strip, y: 0.5, width: stripWidth, height: this.height - 1 }, this.live);
    shape("rect", { class: "lens", x: strip, y: top, width: stripWidth, height: low - top }, this.live);
  },

  drawMain() {
    const { main, mainWidth, small } = this.at;
    const hand = shape("g", { class: "hand" }, this.live);
    shape("rect", { class: "ground frame", x: main, y: 0.5, width: mainWidth, height: this.height - 1 }, hand);
    const end = this.from + this.size;
    const seen = this.items.filter(item => item.to > this.from && item.from < end);
    for (const item of seen) this.drawRegion(item, hand);
    if (this.lower < this.total && this.lower > this.from && this.lower < end) {
      const y = this.y(this.lower);
      shape("line", { class: "gap", x1: main - 6, x2: main + mainWidth + 6, y1: y, y2: y }, hand);
    }
    if (!small) this.drawTicks();
    this.drawNames(this.clusters(seen, Math.floor(this.height / this.step)));
  },

  drawRegion(item, parent) {
    const { main, mainWidth } = this.at;
    const rect = (from, to, class_, inset) => {
      // What is less than a line is a line, and in the picture.
      const top = Math.min(Math.max(this.y(from), -4), this.height - EDGE), low = Math.min(this.y(to), this.height + 4);
      const attributes = { class: class_, x: main + 1 + inset, y: top, width: mainWidth - 2 - 2 * inset, height: Math.max(low - top, EDGE) };
      return shape("rect", attributes, parent);
    };
    if (item.below) rect(item.from - item.below, item.from, "guard", 8);
    if (item.above) rect(item.to, item.to + item.above, "guard", 8);
    const drawn = rect(item.from, item.to, item.class + (item === this.chosen ? " on" : ""), 0);
    drawn.dataset.id = item.row.id;
    shape("title", {}, drawn, `${item.name} ${hex(item.at)}, ${bytes(item.size)}`);
    drawn.addEventListener("click", () => this.choose(item));
    drawn.addEventListener("dblclick", () => this.focus(item.from, item.to));
  },

  /// Addresses at round numbers.
  drawTicks() {
    let step = 256n;
    while (this.size / step > 10n) step *= 2n;
    for (let at = (this.from + step - 1n) / step * step; at < this.from + this.size; at += step) {
      const y = this.y(at);
      if (y < 6 || y > this.height - 4) continue;
      shape("line", { class: "lead", x1: this.at.main - 5, x2: this.at.main, y1: y, y2: y }, this.live);
      shape("text", { class: "mono dim", x: this.at.main - 8, y: y + 4, "text-anchor": "end" }, this.live, hex(this.address(at)));
    }
  },

  /// Neighbours together where there is no room for a name each.
  clusters(seen, most) {
    const middle = item => Math.min(Math.max((this.y(item.from) + this.y(item.to)) / 2, 0), this.height);
    const marks = seen.map(item => ({ y: middle(item), items: [item] }));
    if (marks.length <= most) return marks;
    const gaps = marks.slice(1).map((mark, index) => [mark.y - marks[index].y, index + 1]);
    const cuts = new Set(gaps.sort((a, b) => b[0] - a[0]).slice(0, most - 1).map(gap => gap[1]));
    const found = [];
    marks.forEach((mark, index) => {
      if (index === 0 || cuts.has(index)) found.push({ y: mark.y, items: [] });
      found.at(-1).items.push(...mark.items);
    });
    for (const mark of found) mark.y = (middle(mark.items[0]) + middle(mark.items.at(-1))) / 2;
    return found;
  },

  drawNames(marks) {
    const { main, mainWidth, names, small } = this.at;
    const high = this.step;
    let floor = 0;
    for (const mark of marks) { mark.top = Math.max(mark.y - high / 2, floor); floor = mark.top + high; }
    let ceiling = this.height;
    for (const mark of marks.toReversed()) { mark.top = Math.min(mark.top, ceiling - high); ceiling = mark.top; }
    const room = Math.floor((this.width - names) / 6.9);
    for (const mark of marks) {
      const y = mark.top + high / 2, right = main + mainWidth;
      shape("polyline", { class: "lead", points: `${right},${mark.y} ${right + 8},${mark.y} ${names - 10},${y} ${names - 4},${y}` }, this.live);
      this.drawName(mark, mark.top + 14, room);
    }
  },

  drawName(mark, y, room) {
    const { names, small } = this.at;
    const [first, last] = [mark.items[0], mark.items.at(-1)];
    const one = mark.items.length === 1;
    const link = shape("a", { href: "#" + first.row.id, class: one ? "one" : "several" }, this.live);
    const range = hex(first.at) + (small ? "" : ` – ${hex(last.at + last.size - 1n)}`)
      + (small || !one || !first.pages ? "" : ` · ${first.pages}`) + (small || !one || !first.phys ? "" : ` → ${first.phys}`);
    const lines = one
      ? [first.name, [first.rights, first.memory, bytes(first.size)].filter(Boolean), range]
      : [`${mark.items.length} ${this.noun}`, [...new Set(mark.items.map(item => item.name))], range];
    const cut = text => (text.length > room ? text.slice(0, room - 1) + "…" : text);
    const second = lines[1].join(one ? " · " : ", ");
    const title = shape("text", { x: names, y, class: "name" }, link, cut(lines[0]));
    if (small) shape("text", { x: names, y: y + 14, class: "dim" }, link, cut(second));
    else shape("tspan", { dx: 8, class: "dim", "font-weight": 400 }, title, cut(second).slice(0, Math.max(room - lines[0].length - 2, 0)));
    shape("text", { x: names, y: y + (small ? 28 : 16), class: "mono" }, link, cut(range));
    link.addEventListener("click", event => {
      event.preventDefault();
      if (one) this.choose(first);
      else this.focus(first.from, last.to);
      this.live.focus({ preventScroll: true });
    });
  },
});
