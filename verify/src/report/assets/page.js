// What happens when the page is opened.
for (const figure of all("figure.picture")) pictures.push(new Picture(figure));

const field = document.getElementById("find");
field.parentElement.hidden = false;
field.addEventListener("input", () => search(field.value.trim()));
field.addEventListener("keydown", event => {
  if (event.key === "Enter") document.querySelector("#found a")?.click();
  if (event.key === "Escape") { field.value = ""; search(""); }
  if (event.key === "ArrowDown") { event.preventDefault(); document.querySelector("#found a")?.focus(); }
});
document.getElementById("found").addEventListener("keydown", event => {
  const links = all("#found a"), at = links.indexOf(document.activeElement);
  const next = { ArrowDown: links[at + 1], ArrowUp: links[at - 1] ?? field, Escape: field }[event.key];
  if (next) { event.preventDefault(); next.focus(); }
});
addEventListener("keydown", event => {
  if (event.key === "/" && !/^(INPUT|TEXTAREA)$/.test(event.target.tagName)) { event.preventDefault(); field.focus(); }
});

// The theme: the system's, or the one that was chosen before. A page without storage forgets.
const theme = document.getElementById("theme");
const names = { "light dark": "as the system", light: "light", dark: "dark" };
function setTheme(scheme) {
  document.documentElement.style.colorScheme = scheme;
  theme.title = `Theme: ${names[scheme]}`;
  theme.setAttribute("aria-label", theme.title);
}
const stored = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
let scheme = names[stored()] ? stored() : "light dark";
setTheme(scheme);
theme.addEventListener("click", () => {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const order = dark ? ["light dark", "light", "dark"] : ["light dark", "dark", "light"];
  scheme = order[(order.indexOf(scheme) + 1) % 3];
  setTheme(scheme);
  try { localStorage.setItem("theme", scheme); } catch { /* forgotten */ }
});

// Links to regions lead to their pictures.
function follow() {
  const row = document.getElementById(location.hash.slice(1));
  if (row?.matches("tr.region")) go(row);
}
addEventListener("hashchange", follow);
follow();
