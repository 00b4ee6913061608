// What the tests ask a page, whatever its own scripts say.

// Where an element is in the page: left, top, width, height.
function box(element) {
  const { x, y, width, height } = element.getBoundingClientRect();
  return [x + scrollX, y + scrollY, width, height];
}

// A colour as the browser has it: red, green, blue.
const colour = (element, what) => getComputedStyle(element)[what].match(/\d+/g).slice(0, 3).map(Number);

// The rectangle of a region in the picture to scale.
const drawn = id => document.querySelector(`.live .hand rect[data-id="${id}"]`);

// All rectangles of the picture of a space.
const drawnIn = figure => Object.fromEntries(
  [...figure.querySelectorAll(".hand rect[data-id]")].map(rect => [rect.dataset.id, box(rect)]));

// All rectangles of pictures that stand still, with their colour and the place of their picture.
function stills() {
  const groups = [...document.querySelectorAll("g[data-id]")].map(group => [group, group.querySelector("rect")]);
  return Object.fromEntries(groups.map(([group, rect]) =>
    [group.dataset.id, [...box(rect), ...colour(rect, "fill"), ...box(rect.closest("svg"))]]));
}

// Until what changed is laid out: one frame finds out that it is in sight, the next one lays it out and draws it.
async function settled() {
  for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
}

// Reads the page to its end until all has its place: what is out of sight is as high as it was when it was in sight.
async function read() {
  for (let before = 0, high; (high = document.documentElement.scrollHeight) !== before; before = high) {
    for (const part of document.querySelectorAll("figure, table")) {
      part.scrollIntoView();
      await settled();
    }
  }
  scrollTo(0, 0);
  await settled();
}

// How many pictures are drawn.
const drawnPictures = () => document.querySelectorAll(".live .hand").length;

// Whether an element is in view.
function inView(element) {
  const { top, bottom } = element.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
}

// Follows the link to a region.
async function go_to(id) {
  await new Promise(done => { addEventListener("hashchange", done, { once: true }); location.hash = id; });
  await settled();
}

// Shows a region large, and chooses nothing.
async function visit(id) {
  const picture = pictures.find(picture => picture.items.some(item => item.row.id === id));
  picture.visit(picture.items.find(item => item.row.id === id));
  picture.choose(null);
  await settled();
}

// What is known of a region: where it is, how high its picture is, the legend's colour of a class, names, whether it is seen.
function known(id, class_) {
  const rect = drawn(id), svg = rect.closest("svg");
  return {
    area: box(rect), high: box(svg)[3], legend: colour(document.querySelector(`.legend .${class_}`), "backgroundColor"),
    names: [...svg.querySelectorAll("a .name")].map(name => name.textContent).join("\n"), seen: inView(rect),
  };
}

// How many rows of the physical view hold an address and name a region.
const rows = (id, phys) => [...document.querySelectorAll("#physical tr.region")].filter(row =>
  BigInt(row.dataset.at) <= phys && phys < BigInt(row.dataset.at) + BigInt(row.dataset.size)
  && row.querySelector(`a[href="#${id}"]`)).length;

// The middle of an element in the window, after it was scrolled there.
function middle(query) {
  const element = document.querySelector(query);
  element.scrollIntoView({ block: "center" });
  const { x, y, width, height } = element.getBoundingClientRect();
  return [x + width / 2, y + height / 2];
}

// What is said of the region that was chosen.
const card = id => drawn(id).closest("figure").querySelector(".card:not([hidden])")?.textContent;

// Classes of the elements that are shown.
const shown = query => [...document.querySelectorAll(query)].filter(element => element.checkVisibility()).map(element => element.className);
