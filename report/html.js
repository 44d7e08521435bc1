"use strict";
(() => {
  const bar = document.getElementById("bar");
  if (!bar) return;
  const text = document.getElementById("text");
  const rule = document.getElementById("rule");
  const suppressed = document.getElementById("suppressed");
  const tiles = [...document.querySelectorAll(".tile")];
  const files = [...document.querySelectorAll(".file")].map((el) => ({
    el,
    count: el.querySelector("h2 small"),
    blocks: [...el.querySelectorAll(".block")].map((b) => ({ el: b, items: [...b.querySelectorAll("article")] })),
  }));
  const filter = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = new Set(tiles.filter((t) => t.getAttribute("aria-pressed") === "true").map((t) => t.dataset.severity));
    let shown = 0;
    for (const file of files) {
      let inFile = 0;
      for (const block of file.blocks) {
        let inBlock = 0;
        for (const item of block.items) {
          const d = item.dataset;
          const fits = (!wanted.size || wanted.has(d.severity)) && (!rule.value || rule.value === d.rule) &&
            (d.suppressed === undefined || (suppressed && suppressed.checked)) && words.every((w) => d.text.includes(w));
          item.hidden = !fits;
          if (fits) inBlock++;
        }
        block.el.hidden = !inBlock;
        inFile += inBlock;
      }
      file.el.hidden = !inFile;
      file.count.textContent = inFile;
      shown += inFile;
    }
    document.getElementById("shown").value = shown + (shown === 1 ? " place" : " places");
    document.getElementById("none").hidden = shown > 0;
  };
  for (const t of tiles) {
    t.addEventListener("click", () => {
      t.setAttribute("aria-pressed", String(t.getAttribute("aria-pressed") !== "true"));
      filter();
    });
  }
  for (const el of [text, rule, suppressed]) if (el) el.addEventListener("input", filter);
  bar.addEventListener("submit", (e) => e.preventDefault());
  bar.hidden = false;
  filter();
})();
