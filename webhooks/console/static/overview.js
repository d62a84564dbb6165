// Draws the charts of the overview over the plain drawings that stand in the page.
"use strict";

(() => {
  const language = { en: "en-GB" }[document.documentElement.lang] ?? document.documentElement.lang;
  const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", timeZone: "UTC" });
  const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: "UTC" });
  const both = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZone: "UTC" });
  const number = new Intl.NumberFormat(language);
  const HEIGHT = 190;
  const plots = new Map();

  // A canvas understands neither var() nor light-dark(): a probe tells the colour they come to.
  const colour = (name) => {
    const probe = document.createElement("span");
    probe.className = `probe ${name}`;
    document.body.append(probe);
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
  };
  const faint = (value) => value.replace(/^rgb\((.*)\)$/, "rgba($1, 0.12)");

  const options = (data, width) => {
    const text = colour("soft");
    const line = colour("line");
    const span = data.times.at(-1) - data.times[0];
    const short = span <= 2 * 86400;
    const axis = { stroke: text, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, font: "12px system-ui" };
    return {
      width,
      height: HEIGHT,
      tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "UTC"),
      cursor: { drag: { x: true, y: false }, sync: { key: "overview" } },
      scales: { y: { range: (_plot, _low, high) => [0, Math.max(1, high * 1.08)] } },
      axes: [
        { ...axis, space: 70, values: (_plot, ticks) => ticks.map((at) => (short ? clock : day).format(at * 1000)) },
        { ...axis, size: 52, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6], values: (_plot, ticks) => ticks.map((value) => number.format(value)) },
      ],
      series: [
        { label: "UTC", value: (_plot, at) => (at == null ? "–" : both.format(at * 1000)) },
        ...data.lines.map((one, index) => {
          const stroke = colour(one.tone);
          return {
            label: one.label,
            stroke,
            width: 1.5,
            fill: index ? undefined : faint(stroke),
            paths: index || data.times.length > 120 ? undefined : uPlot.paths.bars({ size: [0.9, 60] }),
            points: { show: data.times.length < 3 || one.values.filter((v) => v !== null).length < 3 },
            value: (_plot, value) => (value == null ? "–" : number.format(value)),
          };
        }),
      ],
    };
  };

  const draw = (figure) => {
    const data = JSON.parse(figure.dataset.chart);
    const place = figure.querySelector(".plot");
    plots.get(figure)?.destroy();
    place.replaceChildren();
    const values = [data.times, ...data.lines.map((line) => line.values)];
    plots.set(figure, new uPlot(options(data, place.clientWidth), values, place));
  };

  const drawAll = () => {
    for (const [figure, plot] of plots) if (!figure.isConnected) { plot.destroy(); plots.delete(figure); }
    document.querySelectorAll("figure[data-chart]").forEach((figure) => { if (!plots.has(figure)) draw(figure); });
  };
  const redraw = () => document.querySelectorAll("figure[data-chart]").forEach(draw);

  drawAll();
  document.addEventListener("htmx:afterSettle", drawAll);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  let wait;
  window.addEventListener("resize", () => { clearTimeout(wait); wait = setTimeout(redraw, 150); });
})();
