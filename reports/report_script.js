/* Comfort only: the page says everything without it. Tooltips at once, zoom and pan over time. */
(function () {
'use strict';

/* --- tooltips: the <title> of a shape, moved aside so that the browser does not show it too --- */

var tip = document.createElement('div');
tip.className = 'tip';
tip.hidden = true;
document.body.appendChild(tip);
var texts = new WeakMap();

function textOf(shape) {
  if (texts.has(shape)) return texts.get(shape);
  var title = null;
  for (var node = shape.firstElementChild; node; node = node.nextElementSibling)
    if (node.tagName === 'title') title = node;
  var text = title ? title.textContent : '';
  if (title) title.remove();
  texts.set(shape, text);
  return text;
}

document.addEventListener('pointermove', function (event) {
  var shape = event.target instanceof SVGElement ? event.target : null;
  var text = shape && /^(rect|path)$/.test(shape.tagName) ? textOf(shape) : '';
  tip.hidden = !text || event.buttons !== 0;
  if (tip.hidden) return;
  if (tip.textContent !== text) tip.textContent = text;
  var box = tip.getBoundingClientRect();
  var x = event.clientX + 14, y = event.clientY + 16;
  if (x + box.width > innerWidth - 8) x = Math.max(8, event.clientX - box.width - 10);
  if (y + box.height > innerHeight - 8) y = Math.max(8, event.clientY - box.height - 10);
  tip.style.left = x + 'px';
  tip.style.top = y + 'px';
});
document.addEventListener('scroll', function () { tip.hidden = true; }, { passive: true });

/* --- zoom: all charts over time show the same window [from, from + span) of 0..1 ------------- */

var NS = 'http://www.w3.org/2000/svg', LEFT = 150, WIDTH = 1000, AXIS = 24, CLOSEST = 1 / 4096;
var UNITS = [['s', 1e12], ['ms', 1e9], ['µs', 1e6], ['ns', 1e3], ['ps', 1]];
var from = 0, span = 1, asked = false;
var charts = Array.prototype.map.call(document.querySelectorAll('svg.chart'), function (svg) {
  var plot = svg.querySelector('svg.zoom');
  return { svg: svg, plot: plot, axis: svg.querySelector('.axis'), labels: svg.querySelector('.labels'),
           height: plot.viewBox.baseVal.height, ps: Number(svg.dataset.ps), bars: null, kept: null };
});
if (charts.length === 0) return;

function make(parent, tag, attributes, text) {
  var node = document.createElementNS(NS, tag);
  for (var name in attributes) node.setAttribute(name, attributes[name]);
  if (text !== undefined) node.textContent = text;
  parent.appendChild(node);
}

function tickLabel(ps, step, unit) {
  var decimals = Math.max(0, Math.ceil(-Math.log10(step / unit[1]) - 1e-9));
  return (ps / unit[1]).toFixed(decimals) + ' ' + unit[0];
}

function drawAxis(chart) {
  var low = from * chart.ps, high = (from + span) * chart.ps;
  if (!(high > low)) return;
  var raw = (high - low) / 6, base = Math.pow(10, Math.floor(Math.log10(raw)));
  var step = base * 5 <= raw ? base * 5 : base * 2 <= raw ? base * 2 : base;
  var unit = UNITS.find(function (u) { return high >= u[1]; }) || UNITS[4];
  chart.axis.textContent = '';
  for (var tick = Math.ceil(low / step) * step; tick <= high; tick += step) {
    var x = LEFT + WIDTH * (tick - low) / (high - low);
    make(chart.axis, 'path', { d: 'M' + x + ' ' + (AXIS - 6) + 'v' + (chart.height + 6) });
    make(chart.axis, 'text', { 'class': 'tick', x: x, y: 12 }, tickLabel(tick, step, unit));
  }
}

/* Bars in the window that are wide enough get their name, the first line of their tooltip. */
function drawLabels(chart) {
  if (!chart.labels) return;
  if (!chart.bars)
    chart.bars = Array.prototype.filter.call(chart.plot.querySelectorAll('rect[class^="c"]'), function (bar) {
      return bar.height.baseVal.value >= 11;
    });
  if (!chart.kept) chart.kept = chart.labels.innerHTML;
  if (span === 1) {
    chart.labels.innerHTML = chart.kept;
    return;
  }
  chart.labels.textContent = '';
  var count = 0;
  chart.bars.forEach(function (bar) {
    var left = (bar.x.baseVal.value / WIDTH - from) / span * WIDTH;
    var right = left + bar.width.baseVal.value / span;
    left = Math.max(left, 0);
    var room = Math.floor((Math.min(right, WIDTH) - left - 6) / 5.7);
    if (room < 4 || count++ > 400) return;
    var name = textOf(bar).split('\n', 1)[0];
    if (name.length > room) name = name.slice(0, room - 1) + '…';
    make(chart.labels, 'text', { 'class': labelClass(bar), x: LEFT + left + 3,
      y: AXIS + bar.y.baseVal.value + bar.height.baseVal.value / 2 + 3.5 }, name);
  });
}

function labelClass(bar) {
  var rgb = getComputedStyle(bar).fill.match(/\d+/g) || [0, 0, 0];
  return 0.3 * rgb[0] + 0.59 * rgb[1] + 0.11 * rgb[2] < 138 ? 'on-dark' : 'on-light';
}

function show() {
  asked = false;
  charts.forEach(function (chart) {
    chart.plot.setAttribute('viewBox', from * WIDTH + ' 0 ' + span * WIDTH + ' ' + chart.height);
    chart.svg.classList.toggle('zoomed', span !== 1);
    drawAxis(chart);
    drawLabels(chart);
  });
}

function moveTo(newFrom, newSpan) {
  span = Math.min(1, Math.max(CLOSEST, newSpan));
  from = Math.min(1 - span, Math.max(0, newFrom));
  if (!asked) requestAnimationFrame(show);
  asked = true;
}

/* Keep the time under `at` (0..1 of the window) where it is. */
function zoom(factor, at) {
  var closer = Math.min(1, Math.max(CLOSEST, span * factor));
  moveTo(from + at * (span - closer), closer);
}

function place(chart, clientX) {
  var box = chart.svg.getBoundingClientRect(), scale = chart.svg.viewBox.baseVal.width / box.width;
  return ((clientX - box.left) * scale - LEFT) / WIDTH;
}

charts.forEach(function (chart) {
  var grabbed = null;
  chart.svg.addEventListener('wheel', function (event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(Math.exp(event.deltaY * 0.004), Math.min(1, Math.max(0, place(chart, event.clientX))));
  }, { passive: false });
  chart.svg.addEventListener('pointerdown', function (event) {
    if (span === 1 || event.button !== 0) return;
    grabbed = { at: place(chart, event.clientX), from: from };
    chart.svg.setPointerCapture(event.pointerId);
  });
  chart.svg.addEventListener('pointermove', function (event) {
    if (grabbed) moveTo(grabbed.from - (place(chart, event.clientX) - grabbed.at) * span, span);
  });
  ['pointerup', 'pointercancel'].forEach(function (name) {
    chart.svg.addEventListener(name, function () { grabbed = null; });
  });
  chart.svg.addEventListener('dblclick', function (event) { zoom(0.5, place(chart, event.clientX)); });
  chart.svg.setAttribute('tabindex', '0');
  chart.svg.addEventListener('keydown', function (event) {
    var keys = {
      '+': function () { zoom(0.6, 0.5); }, '=': function () { zoom(0.6, 0.5); },
      '-': function () { zoom(1 / 0.6, 0.5); }, '0': function () { moveTo(0, 1); },
      'ArrowLeft': function () { moveTo(from - span / 8, span); },
      'ArrowRight': function () { moveTo(from + span / 8, span); }
    };
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  });
});

function addTools(section) {
  var tools = document.createElement('div');
  tools.className = 'tools';
  [['−', 'Zoom out', function () { zoom(1 / 0.5, 0.5); }], ['+', 'Zoom in', function () { zoom(0.5, 0.5); }],
   ['All', 'Show the whole run', function () { moveTo(0, 1); }]].forEach(function (row) {
    var button = document.createElement('button');
    button.type = 'button';
    button.textContent = row[0];
    button.title = row[1];
    button.addEventListener('click', row[2]);
    tools.appendChild(button);
  });
  var hint = document.createElement('span');
  hint.className = 'hint';
  hint.textContent = 'Ctrl + wheel zooms, drag pans';
  tools.insertBefore(hint, tools.firstChild);
  section.insertBefore(tools, section.firstChild);
}
addTools(charts[0].svg.closest('section'));
})();
