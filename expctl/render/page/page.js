// The charts of a report: drawn in the page's colours, one run standing out in all of them. No text is read as markup.
"use strict";
(() => {
  const specs = JSON.parse(document.getElementById("charts").textContent);
  const tip = document.getElementById("tip");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const views = new Map();
  let pinned = "";
  let metric = 0;

  const colours = () => {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(`--${name}`).trim();
    const plain = ["ink", "soft", "faint", "paper", "panel", "accent", "pick"].map((name) => ({ name, value: of(name) }));
    return [...plain, { name: "series", value: of("series").split(/\s+/) }];
  };

  const config = (ink, faint) => ({
    background: null,
    font: "system-ui, sans-serif",
    view: { stroke: null },
    axis: { labelColor: ink, titleColor: ink, gridColor: faint, tickColor: faint, domainColor: faint,
            labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal" },
    legend: { labelColor: ink, titleColor: ink, labelFontSize: 12, symbolStrokeWidth: 3 },
    text: { fontSize: 11 },
  });

  function show(_, event, __, value) {
    tip.hidden = typeof value !== "string" || value === "";
    if (tip.hidden) return;
    tip.textContent = value;
    const { clientWidth, clientHeight } = document.documentElement;
    tip.style.left = `${Math.max(4, Math.min(event.clientX + 12, clientWidth - tip.offsetWidth - 4))}px`;
    tip.style.top = `${Math.max(4, Math.min(event.clientY + 12, clientHeight - tip.offsetHeight - 4))}px`;
  }

  function stand(run) {
    for (const view of views.values()) view.signal("picked", run).runAsync();
  }

  function pin(run) {
    pinned = run === pinned ? "" : run;
    for (const button of document.querySelectorAll("button[data-run]"))
      button.setAttribute("aria-pressed", String(button.dataset.run === pinned));
    stand(pinned);
  }

  async function draw(place) {
    const spec = structuredClone(specs[place.dataset.chart]);
    const theme = colours();
    const value = (name) => theme.find((one) => one.name === name).value;
    spec.params = [...(spec.params ?? []), ...theme, { name: "picked", value: pinned }];
    for (const one of spec.params) if (one.name === "metric") one.value = metric;
    place.style.minWidth = `${spec.usermeta.least}px`;
    const compiled = charts.compile(spec, { config: config(value("ink"), value("faint")) }).spec;
    views.get(place)?.finalize();
    const view = new charts.View(charts.parse(compiled, null, { ast: true }), {
      container: place, expr: charts.expressionInterpreter, renderer: "svg", hover: true, logLevel: charts.Warn, tooltip: show,
    });
    views.set(place, view);
    view.addEventListener("mouseover", (_, item) => { if (item?.datum?.run && !pinned) stand(item.datum.run); });
    view.addEventListener("mouseout", (_, item) => { if (item?.datum?.run && !pinned) stand(""); });
    view.addEventListener("click", (_, item) => { if (item?.datum?.run) pin(item.datum.run); });
    await view.runAsync();
  }

  async function drawAll() {
    for (const place of document.querySelectorAll("[data-chart]")) await draw(place);
    document.documentElement.dataset.drawn = String(views.size);
  }

  for (const button of document.querySelectorAll("button[data-run]"))
    button.addEventListener("click", () => pin(button.dataset.run));
  document.getElementById("metric")?.addEventListener("change", (event) => {
    metric = Number(event.target.value);
    for (const [place, view] of views)
      if (specs[place.dataset.chart].params?.some((one) => one.name === "metric")) view.signal("metric", metric).runAsync();
  });
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    tip.hidden = true;
    if (pinned) pin(pinned);
  });
  dark.addEventListener("change", drawAll);
  drawAll();
})();
