// Search: an address finds the regions and frames that hold it, and where it goes; any other text finds rows.

/// A number in hexadecimal: with 0x, or at least four digits of which one is a decimal one.
function number(text) {
  const plain = text.replace(/[_\s]/g, "").toLowerCase();
  if (!/^(0x[0-9a-f]+|(?=.*[0-9])[0-9a-f]{4,})$/.test(plain)) return null;
  const value = BigInt(plain.startsWith("0x") ? plain : "0x" + plain);
  return value < WHOLE ? value : null;
}

/// Lines about an address: [text, item, picture].
function lookUp(address) {
  return pictures.flatMap(picture => {
    const name = picture.figure.dataset.name;
    const items = picture.items.toSorted((a, b) => (a.at < b.at ? -1 : 1));
    const within = items.filter(item => item.at <= address && address < item.at + item.size);
    if (within.length) return within.map(item => [`${name}: ${item.name}${offset(item, address)}`, item, picture]);
    if (picture.figure.dataset.rows === "physical") return [];
    const guard = items.find(item => (address < item.at && item.at - item.below <= address)
      || (address >= item.at + item.size && address < item.at + item.size + item.above));
    if (guard) return [[`${name}: guard of ${guard.name}`, guard, picture]];
    const before = items.findLast(item => item.at <= address), behind = items.find(item => item.at > address);
    const near = [before && `behind ${before.name}`, behind && `before ${behind.name}`].filter(Boolean).join(", ");
    return [[`${name}: not mapped; ${near}`, null, picture]];
  });
}

/// How far an address is in a region, and what physical address it is there.
function offset(item, address) {
  const far = address - item.at;
  const phys = item.row.dataset.phys;
  return ` + ${hex(far)}` + (phys ? ` → physical ${hex(BigInt(phys) + far)}` : "") + (item.rights ? `, ${item.rights}` : "");
}

/// Hides the rows of all tables that do not contain `words`, and returns the others.
function filter(words) {
  const fits = row => words.every(word => row.textContent.toLowerCase().includes(word));
  const found = [];
  for (const row of all("table.find-in > tbody > tr")) {
    row.hidden = words.length > 0 && !fits(row);
    if (words.length && !row.hidden) found.push(row);
  }
  return found;
}

/// What a row is called in the list of what was found.
function title(row) {
  const section = row.closest("section").querySelector("h2").textContent;
  return `${section}: ${row.cells[0].textContent} ${row.cells[1]?.textContent ?? ""}`;
}

function search(text) {
  const found = document.getElementById("found");
  const address = number(text);
  const words = address === null ? text.toLowerCase().split(/\s+/).filter(Boolean) : [];
  const rows = filter(words);
  found.replaceChildren();
  found.hidden = address === null && !words.length;
  if (found.hidden) return;
  const list = part("ul", {}, found);
  const add = (label, item, row) => {
    const line = part("li", {}, list);
    if (!item && !row) return void (line.textContent = label);
    const link = part("a", { href: "#" + (row ?? item.row).id }, line, label);
    link.addEventListener("click", event => { event.preventDefault(); go(row ?? item.row); });
  };
  if (address !== null) for (const [label, item] of lookUp(address)) add(label, item);
  for (const row of rows.slice(0, 60)) add(title(row), null, row);
  if (rows.length > 60) add(`and ${rows.length - 60} more: the tables show only what was found`);
  if (!list.children.length) add("nothing found");
}

/// Goes to a row: if a picture has it, to the picture.
function go(row) {
  for (const picture of pictures) {
    const item = picture.items.find(item => item.row === row);
    if (item) return picture.visit(item);
  }
  all("tr.on").forEach(other => other.classList.remove("on"));
  row.classList.add("on");
  row.closest("details")?.setAttribute("open", "");
  row.scrollIntoView({ block: "center" });
}
