// data_visualization as SVG: line, area, bar and pie, each with its numbers for those who cannot see it.

import { h, svg } from "./dom.js";

const WIDTH = 400;
const HEIGHT = 170;
const PAD = { left: 38, right: 12, top: 10, bottom: 24 };

/** A chart block. */
export function chart(block) {
  const drawn = block.chart?.type === "pie" ? pie(block.chart) : plot(block.chart ?? {});
  const names = (block.chart?.series ?? block.chart?.segments ?? []).map((one) => one.name ?? one.label);
  const legend = names.map((name, n) => h("span", { class: `legend series-${n % 6}` }, name));
  return h("figure", { class: "b-chart" }, h("figcaption", {}, block.title), drawn, h("div", { class: "legends" }, legend));
}

function plot(chart) {
  const series = chart.series ?? [];
  const labels = chart.axis_config?.categories ?? series[0]?.data?.map((point) => point.label) ?? [];
  const values = series.flatMap((one) => one.data.map((point) => point.value));
  const top = nice(Math.max(...values, 0));
  const bottom = Math.min(0, ...values);
  const step = (WIDTH - PAD.left - PAD.right) / Math.max(1, chart.type === "bar" ? labels.length : labels.length - 1);
  const x = (n) => PAD.left + step * (chart.type === "bar" ? n + 0.5 : n);
  const y = (value) => PAD.top + (HEIGHT - PAD.top - PAD.bottom) * (1 - (value - bottom) / (top - bottom || 1));
  const marks = chart.type === "bar" ? bars(series, x, y, step) : series.map((one, n) => line(one, n, x, y, chart.type === "area", bottom));
  return svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": spoken(series) }, grid(bottom, top, y), axis(labels, x), marks);
}

function line(one, n, x, y, filled, bottom) {
  const points = one.data.map((point, i) => `${x(i)},${y(point.value)}`);
  const area = `${x(0)},${y(bottom)} ${points.join(" ")} ${x(one.data.length - 1)},${y(bottom)}`;
  const dots = one.data.map((point, i) => svg("circle", { cx: x(i), cy: y(point.value), r: 2.5 }, svg("title", {}, `${point.label}: ${point.value}`)));
  return svg("g", { class: `series-${n % 6}` }, filled ? svg("polygon", { points: area, class: "fill" }) : null, svg("polyline", { points: points.join(" "), class: "stroke" }), one.data.length > 30 ? null : dots);
}

function bars(series, x, y, step) {
  const width = (step * 0.7) / Math.max(1, series.length);
  return series.map((one, n) =>
    svg("g", { class: `series-${n % 6}` }, one.data.map((point, i) => svg("rect", { x: x(i) - step * 0.35 + n * width, y: Math.min(y(point.value), y(0)), width, height: Math.abs(y(0) - y(point.value)), rx: 2 }, svg("title", {}, `${one.name} ${point.label}: ${point.value}`)))),
  );
}

function grid(bottom, top, y) {
  return [0, 0.5, 1].map((share) => {
    const value = bottom + (top - bottom) * share;
    return svg("g", { class: "grid" }, svg("line", { x1: PAD.left, x2: WIDTH - PAD.right, y1: y(value), y2: y(value) }), svg("text", { x: PAD.left - 6, y: y(value) + 4, "text-anchor": "end" }, String(Number(value.toPrecision(3)))));
  });
}

function axis(labels, x) {
  const every = Math.ceil(labels.length / 8);
  return labels.map((label, n) => (n % every ? null : svg("text", { class: "tick", x: x(n), y: HEIGHT - 6, "text-anchor": "middle" }, String(label))));
}

function pie(chart) {
  const total = chart.segments.reduce((sum, one) => sum + one.value, 0) || 1;
  let turned = 0;
  const slices = chart.segments.map((one, n) => {
    const share = one.value / total;
    const slice = svg("circle", { r: 40, cx: 100, cy: 95, class: `slice series-${n % 6}`, "stroke-dasharray": `${share * 251.33} 251.33`, transform: `rotate(${turned * 360 - 90} 100 95)` }, svg("title", {}, `${one.label}: ${one.value}`));
    turned += share;
    return slice;
  });
  return svg("svg", { viewBox: "0 0 200 190", class: "pie", role: "img", "aria-label": chart.segments.map((one) => `${one.label} ${one.value}`).join(", ") }, slices);
}

const spoken = (series) => series.map((one) => `${one.name}: ${one.data.map((point) => `${point.label} ${point.value}`).join(", ")}`).join("; ");

function nice(value) {
  if (value <= 0) return 1;
  const size = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((n) => n * size).find((mark) => mark >= value);
}
