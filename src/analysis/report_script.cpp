#include "analysis/report_script.hpp"

namespace haven::report {

const char* page_script() {
  return R"JS(
(() => {
'use strict';
const ns = 'http://www.w3.org/2000/svg';
const make = (name, attributes, parent) => {
  const element = document.createElementNS(ns, name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  return parent.appendChild(element);
};
const minus = text => text.replace('-', '\u2212');
const number = (value, digits = 4) => {
  const size = Math.abs(value);
  if (size === 0 || (size >= 1e-3 && size < 1e5)) return minus(String(+value.toPrecision(digits)));
  const e = Math.floor(Math.log10(size));
  return minus((value / 10 ** e).toFixed(Math.min(digits, 3) - 1)) + ' \u00d7 10<sup>' + minus(String(e)) + '</sup>';
};
const markup = text => text.replace(/&/g, '&amp;').replace(/</g, '&lt;')
  .replace(/\^\{([^}]*)\}/g, '<sup>$1</sup>').replace(/_\{([^}]*)\}/g, '<sub>$1</sub>');
// Position of a value on an axis [low, high, logarithmic] between two pixels, and back.
const place = (value, [low, high, log], from, to) =>
  from + (to - from) * (log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low));
const value_at = (pixel, [low, high, log], from, to) => {
  const share = (pixel - from) / (to - from);
  return log ? low * (high / low) ** share : low + (high - low) * share;
};
const nearest = (x, at, axis) => {
  let best = -1, distance = Infinity;
  x.forEach((value, k) => {
    const away = value === null ? Infinity : Math.abs(place(value, axis, 0, 1) - place(at, axis, 0, 1));
    if (away < distance) distance = away, best = k;
  });
  return distance < 0.04 ? best : -1;
};

const tip = document.createElement('div');
tip.className = 'tip';
tip.hidden = true;
document.body.append(tip);

// One row for each colour: its curve or points, and the interval at the same place.
const rows_at = (plot, hidden, at) => {
  const rows = [];
  for (const one of plot.series) {
    if (one.kind === 'interval' || hidden.has(one.colour)) continue;
    const k = nearest(one.x, at, plot.x);
    if (k < 0 || one.y[k] === null || (plot.y[2] && one.y[k] <= 0)) continue;  // not on a logarithmic axis
    const row = {name: one.name, colour: one.colour, x: one.x[k], y: one.y[k], bound: one.kind === 'bounds'};
    for (const range of plot.series) {
      if (range.kind !== 'interval' || range.colour !== one.colour) continue;
      const j = range.x.indexOf(one.x[k]);
      if (j >= 0 && range.y[j] !== null) row.low = range.y[j], row.high = range.high[j];
    }
    rows.push(row);
  }
  return rows;
};

const read_out = (svg, plot, hidden) => {
  const [left, top, right, bottom] = plot.frame, [width, height] = [svg.viewBox.baseVal.width, svg.viewBox.baseVal.height];
  const layer = make('g', {'pointer-events': 'none', visibility: 'hidden'}, svg);
  const line = make('line', {y1: top, y2: bottom, stroke: '#888', 'stroke-dasharray': '3 3'}, layer);
  const dots = make('g', {}, layer);
  const hide = () => { tip.hidden = true; layer.setAttribute('visibility', 'hidden'); };
  svg.addEventListener('pointerleave', hide);
  svg.addEventListener('pointermove', event => {
    const box = svg.getBoundingClientRect();
    const px = (event.clientX - box.left) / box.width * width, py = (event.clientY - box.top) / box.height * height;
    if (px < left || px > right || py < top || py > bottom) return hide();
    const rows = rows_at(plot, hidden, value_at(px, plot.x, left, right));
    if (rows.length === 0) return hide();
    const x = rows[0].x, at = place(x, plot.x, left, right);
    layer.setAttribute('visibility', 'visible');
    line.setAttribute('x1', at), line.setAttribute('x2', at);
    dots.replaceChildren();
    for (const row of rows)
      make('circle', {cx: place(row.x, plot.x, left, right), cy: place(row.y, plot.y, bottom, top), r: 4, fill: 'none',
                      stroke: row.colour, 'stroke-width': 2}, dots);
    const kelvin = plot.label[0].startsWith('1000 / T') ? ' (' + number(1000 / x) + ' K)' : '';
    tip.innerHTML = '<b>' + markup(plot.label[0]) + ' = ' + number(x) + kelvin + '</b>' + rows.map(row =>
      '<div><i style="background:' + row.colour + '"></i>' + markup(row.name) + ': ' + (row.bound ? '&lt; ' : '') +
      number(row.y) + (row.low === undefined ? '' : ' <span>[' + number(row.low) + ', ' + number(row.high) + ']</span>') +
      '</div>').join('') + '<small>' + markup(plot.label[1]) + '</small>';
    tip.hidden = false;
    const beside = event.clientX + 18 + tip.offsetWidth > innerWidth ? event.clientX - 18 - tip.offsetWidth : event.clientX + 18;
    tip.style.left = Math.max(4, beside) + scrollX + 'px';
    tip.style.top = event.clientY + scrollY + 14 + 'px';
  });
};

const legend = (svg, hidden) => {
  for (const key of svg.querySelectorAll('[data-key]')) {
    key.setAttribute('role', 'button');
    key.setAttribute('tabindex', '0');
    const toggle = () => {
      const colour = key.dataset.key, hide = !hidden.has(colour);
      if (hide) hidden.add(colour); else hidden.delete(colour);
      for (const mark of svg.querySelectorAll('[data-mark]'))
        if (mark.dataset.mark === colour) mark.setAttribute('visibility', hide ? 'hidden' : 'visible');
      for (const other of svg.querySelectorAll('[data-key]'))
        if (other.dataset.key === colour) other.setAttribute('opacity', hide ? 0.35 : 1);
    };
    key.addEventListener('click', toggle);
    key.addEventListener('keydown', event => {
      if (event.key === 'Enter' || event.key === ' ') event.preventDefault(), toggle();
    });
  }
};

const saving = (figure, svg) => {
  const link = document.createElement('a');
  link.className = 'save';
  link.textContent = 'SVG';
  link.title = 'save this figure';
  link.download = figure.id.replace('fig-', '') + '.svg';
  link.href = '#';
  const text = new XMLSerializer().serializeToString(svg);
  link.addEventListener('click', () => {
    link.href = URL.createObjectURL(new Blob([text], {type: 'image/svg+xml'}));
    setTimeout(() => { URL.revokeObjectURL(link.href); link.href = '#'; }, 1000);
  });
  figure.append(link);
};

// Between the points of a curve, straight in ln y.
const interpolated = (x, y, asked) => {
  const at = Math.min(Math.max(asked, Math.min(...x)), Math.max(...x));
  for (let k = 0; k + 1 < x.length; ++k)
    if ((x[k] - at) * (x[k + 1] - at) <= 0 && x[k] !== x[k + 1]) {
      const share = (at - x[k]) / (x[k + 1] - x[k]);
      return Math.exp(Math.log(y[k]) * (1 - share) + Math.log(y[k + 1]) * share);
    }
  return NaN;
};

const dial = element => {
  const svg = document.querySelector('#' + element.dataset.figure + ' svg');
  if (!svg) return;
  const plot = JSON.parse(svg.dataset.plot), line = plot.series.find(one => one.kind === 'line');
  const band = line && plot.series.find(one => one.kind === 'interval' && one.colour === line.colour);
  if (!band) return;
  const [left, top, right, bottom] = plot.frame;
  const input = element.querySelector('input'), output = element.querySelector('output');
  // The ends of the band are rounded: a tenth of a kelvin is nothing.
  input.min = Math.ceil(1000 / Math.max(...line.x) - 0.1), input.max = Math.floor(1000 / Math.min(...line.x) + 0.1);
  input.value = element.dataset.target;
  const mark = make('line', {y1: top, y2: bottom, stroke: '#0b5fa5', 'stroke-width': 1.5, 'pointer-events': 'none'}, svg);
  const show = () => {
    const t = Number(input.value), x = 1000 / t, at = place(x, plot.x, left, right);
    mark.setAttribute('x1', at), mark.setAttribute('x2', at);
    const [mid, low, high] = [interpolated(line.x, line.y, x), interpolated(band.x, band.y, x), interpolated(band.x, band.high, x)]
      .map(value => value / t);
    output.innerHTML = '\u03c3(' + t + ' K) = ' + number(mid, 2) + ' S/cm, 95 % interval ' + number(low, 2) + ' \u2026 ' + number(high, 2) + ' S/cm';
  };
  input.addEventListener('input', show);
  show();
  element.hidden = false;
};

for (const figure of document.querySelectorAll('figure')) {
  const svg = figure.querySelector('svg[data-plot]');
  if (!svg) continue;
  const hidden = new Set();
  saving(figure, svg);
  legend(svg, hidden);
  read_out(svg, JSON.parse(svg.dataset.plot), hidden);
}
document.querySelectorAll('.dial').forEach(dial);
document.documentElement.dataset.ready = '1';
})();
)JS";
}

}  // namespace haven::report
