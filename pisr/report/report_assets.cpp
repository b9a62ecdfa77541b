#include "pisr/report/report_assets.h"

namespace pisr {

const char* const kReportStyle = R"css(
:root {
  color-scheme: light dark;
  --ground: #f4f5f7; --card: #ffffff; --ink: #14181f; --soft: #4c5564; --faint: #7b8494;
  --rule: #dfe3e8; --hover: #eef1f4; --good: #0b7a55; --bad: #b3361f; --shade: #0f172a14;
  --series-0: #d4480b; --series-1: #6d4bd0; --series-2: #1f6feb; --series-3: #0f8f86;
  --series-4: #b5179e; --series-5: #8a6d00; --series-6: #475569; --series-7: #be123c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0e1116; --card: #161b22; --ink: #e8ecf1; --soft: #a9b3c1; --faint: #7d8796;
    --rule: #2a313b; --hover: #1d242d; --good: #4cc38a; --bad: #ff8a6b; --shade: #00000066;
    --series-0: #ff8a4c; --series-1: #a891ff; --series-2: #6cacff; --series-3: #3fc9bd;
    --series-4: #f078dc; --series-5: #e0bd45; --series-6: #9fb0c6; --series-7: #ff7a93;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums;
}
main { max-width: 1120px; margin: 0 auto; padding: clamp(1.25rem, 4vw, 3.5rem) clamp(1rem, 4vw, 2.5rem) 4rem; }
.eyebrow { margin: 0; color: var(--faint); font-size: .8rem; letter-spacing: .08em; text-transform: uppercase; }
h1 { margin: .35rem 0 .6rem; font-size: clamp(1.7rem, 5vw, 2.6rem); line-height: 1.12; letter-spacing: -.022em; font-weight: 680; overflow-wrap: anywhere; }
h2 { margin: 3.2rem 0 .3rem; font-size: 1.3rem; letter-spacing: -.012em; font-weight: 650; }
h3 { margin: 0; font-size: 1rem; font-weight: 620; }
p.lead { margin: 0; max-width: 62ch; color: var(--soft); font-size: 1.06rem; }
p.about { margin: 0 0 1.1rem; max-width: 70ch; color: var(--soft); font-size: .93rem; }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: 12px; }

.heroes { display: grid; gap: .9rem; margin-top: 1.8rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr)); }
.hero { padding: 1.1rem 1.25rem 1.15rem; }
.hero .set { color: var(--soft); font-size: .9rem; }
.hero .value { font-size: 2.5rem; line-height: 1.15; font-weight: 660; letter-spacing: -.03em; }
.hero .value small { margin-left: .3rem; font-size: 1rem; font-weight: 500; letter-spacing: 0; color: var(--soft); }
.hero dl { display: grid; grid-template-columns: 1fr auto; gap: .1rem .8rem; margin: .55rem 0 0; font-size: .88rem; color: var(--soft); }
.hero dt, .hero dd { margin: 0; }
.hero dd { text-align: right; font-weight: 600; color: var(--ink); }
.up { color: var(--good) !important; } .down { color: var(--bad) !important; }

.comparisons { display: grid; gap: 1.1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 28rem), 1fr)); }
.comparison { margin: 0; padding: 1rem; min-width: 0; }
.comparison header { display: flex; align-items: center; gap: .9rem; margin-bottom: .8rem; min-height: 52px; }
.comparison header p { margin: 0; font-size: .85rem; color: var(--soft); }
.overview { position: relative; flex: none; line-height: 0; }
.overview img { max-width: 84px; max-height: 52px; border-radius: 4px; }
.overview i { position: absolute; border: 1.5px solid #fff; outline: 1px solid #000a; border-radius: 1px; }
.stage { position: relative; overflow: hidden; border-radius: 8px; cursor: ew-resize; touch-action: pan-y; user-select: none; -webkit-user-select: none; background: var(--rule); }
.stage[hidden] { display: none; }
.stage img { position: absolute; inset: 0; width: 100%; height: 100%; image-rendering: pixelated; pointer-events: none; }
.stage .left { clip-path: inset(0 calc(100% - var(--split)) 0 0); }
.stage .divider { position: absolute; top: 0; bottom: 0; left: var(--split); width: 2px; margin-left: -1px; background: #fff; box-shadow: 0 0 0 1px #0006; pointer-events: none; }
.stage .divider::after { content: "\2194"; position: absolute; top: 50%; left: 50%; width: 38px; height: 38px; margin: -19px 0 0 -19px; border-radius: 50%; background: #fff; color: #14181f; font: 600 19px/38px system-ui, sans-serif; text-align: center; box-shadow: 0 1px 6px #0008; }
.stage input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0; pointer-events: none; }
.stage:has(input:focus-visible) { outline: 3px solid var(--series-2); outline-offset: 2px; }
.stage select { position: absolute; top: 10px; max-width: 46%; field-sizing: content; padding: .28rem 1.5rem .28rem .65rem; border: 0; border-radius: 99px; font: 600 .8rem/1.3 system-ui, sans-serif; color: #fff; background: #0b0f15c9; background-image: linear-gradient(45deg, transparent 50%, #fff 50%), linear-gradient(135deg, #fff 50%, transparent 50%); background-repeat: no-repeat; background-size: 5px 5px; background-position: right 14px center, right 9px center; appearance: none; -webkit-appearance: none; cursor: pointer; text-overflow: ellipsis; }
.stage select option { color: #14181f; background: #fff; }
.stage select.a { left: 10px; } .stage select.b { right: 10px; }
.strip { display: grid; gap: .55rem; margin-top: .8rem; grid-template-columns: repeat(auto-fit, minmax(84px, 1fr)); }
.strip figure { margin: 0; min-width: 0; }
.strip img { display: block; width: 100%; border-radius: 4px; image-rendering: pixelated; }
.strip figcaption { margin-top: .3rem; font-size: .78rem; line-height: 1.35; color: var(--soft); overflow-wrap: anywhere; }
.strip b { display: block; color: var(--ink); font-weight: 600; }

.scroll { overflow-x: auto; -webkit-overflow-scrolling: touch; }
table { width: 100%; border-collapse: collapse; font-size: .93rem; }
th, td { padding: .62rem .95rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--rule); }
th:first-child, td:first-child { text-align: left; }
tbody tr:last-child > * { border-bottom: 0; }
thead th { font-size: .82rem; font-weight: 600; color: var(--soft); vertical-align: bottom; }
tbody th { font-weight: 600; }
tbody th small { display: block; font-weight: 400; color: var(--faint); white-space: normal; min-width: 12ch; max-width: 34ch; }
td small { display: block; color: var(--faint); }
tr.main > * { background: color-mix(in srgb, var(--series-0) 9%, transparent); }
tr.truth td { color: var(--faint); }
td.best { font-weight: 720; }
.key { display: inline-block; width: .68rem; height: .68rem; margin-right: .5rem; border-radius: 3px; background: var(--c); vertical-align: -.02em; }
details { margin-top: .8rem; }
summary { padding: .6rem .95rem; cursor: pointer; font-weight: 600; font-size: .93rem; }
details td, details th { padding-block: .35rem; font-size: .87rem; }

.plots { display: grid; gap: 1.1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
.chart { position: relative; margin: 0; padding: 1rem 1rem .8rem; min-width: 0; }
.chart header { display: flex; justify-content: space-between; align-items: baseline; gap: 1rem; margin-bottom: .35rem; }
.chart header span { display: block; font-size: .82rem; color: var(--faint); font-weight: 400; }
.scales { flex: none; display: inline-flex; border: 1px solid var(--rule); border-radius: 7px; overflow: hidden; }
.scales button { padding: .16rem .6rem; border: 0; background: none; font: inherit; font-size: .78rem; color: var(--soft); cursor: pointer; }
.scales button[aria-pressed=true] { background: var(--hover); color: var(--ink); font-weight: 600; }
svg.plot { display: block; width: 100%; height: auto; overflow: visible; border-radius: 6px; }
svg.plot[hidden] { display: none; }
.plot text { font: 11.5px system-ui, sans-serif; font-variant-numeric: tabular-nums; fill: var(--faint); }
.plot text.label { fill: var(--soft); }
.plot text.empty { font-size: 14px; }
.plot .grid { stroke: var(--rule); stroke-width: 1; vector-effect: non-scaling-stroke; }
.plot .axis, .plot .notch { stroke: var(--faint); stroke-width: 1; vector-effect: non-scaling-stroke; }
.plot .reference { stroke: var(--soft); stroke-width: 1.5; stroke-dasharray: 5 4; vector-effect: non-scaling-stroke; }
.plot .line { fill: none; stroke: var(--c); stroke-width: 2; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
.plot .band { fill: var(--c); opacity: .16; }
.plot circle { fill: var(--c); stroke: var(--card); stroke-width: 1.5; }
.plot .cursor line { stroke: var(--faint); stroke-width: 1; vector-effect: non-scaling-stroke; }
.plot .curve.off { display: none; }
.legend { display: flex; flex-wrap: wrap; gap: .1rem .3rem; margin: .4rem 0 0 -.4rem; padding: 0; list-style: none; }
.legend button { padding: .2rem .45rem; border: 0; border-radius: 6px; background: none; font: inherit; font-size: .84rem; color: var(--ink); cursor: pointer; }
.legend button:hover { background: var(--hover); }
.legend button[aria-pressed=false] { opacity: .42; text-decoration: line-through; }
.tip { position: absolute; z-index: 2; padding: .5rem .7rem; border: 1px solid var(--rule); border-radius: 8px; background: var(--card); box-shadow: 0 6px 22px var(--shade); font-size: .82rem; line-height: 1.5; pointer-events: none; white-space: nowrap; }
.tip b { display: block; font-weight: 600; color: var(--soft); }
.tip div { display: flex; justify-content: space-between; gap: 1.4rem; }
button:focus-visible, select:focus-visible, summary:focus-visible, svg:focus-visible { outline: 3px solid var(--series-2); outline-offset: 1px; }

.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); column-gap: 2.2rem; margin: 0; padding: .4rem 1.25rem; }
.facts div { display: flex; justify-content: space-between; gap: 1.2rem; padding: .5rem 0; border-bottom: 1px solid var(--rule); font-size: .93rem; }
.facts dt { color: var(--soft); flex: none; } .facts dd { margin: 0; text-align: right; overflow-wrap: anywhere; }
ul.notes { margin: 1rem 0 0; padding-left: 1.1rem; max-width: 72ch; color: var(--soft); font-size: .93rem; }
@media print { body { background: #fff; } .scales, .divider { display: none; } .card { break-inside: avoid; } }
)css";

const char* const kReportScript = R"js(
'use strict';
for (const box of document.querySelectorAll('.comparison')) {
  const stage = box.querySelector('.stage');
  const range = stage.querySelector('input');
  const pictures = [...box.querySelectorAll('.strip img')];
  stage.hidden = false;
  const put = percent => {
    const split = Math.min(100, Math.max(0, percent));
    stage.style.setProperty('--split', split + '%');
    range.value = split;
  };
  range.addEventListener('input', () => put(Number(range.value)));
  const follow = event => {
    const frame = stage.getBoundingClientRect();
    put(100 * (event.clientX - frame.left) / frame.width);
  };
  stage.addEventListener('pointerdown', event => {
    if (event.target.closest('select')) return;
    stage.setPointerCapture(event.pointerId);
    follow(event);
    range.focus({preventScroll: true, focusVisible: false});
    event.preventDefault();
  });
  stage.addEventListener('pointermove', event => {
    if (stage.hasPointerCapture(event.pointerId)) follow(event);
  });
  for (const [choice, side] of [['.a', '.left'], ['.b', '.right']]) {
    const select = stage.querySelector(choice);
    const choose = () => { stage.querySelector(side).src = pictures[select.selectedIndex].src; };
    select.addEventListener('change', choose);
    choose();
  }
}

const shown = value => {
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString('en');
  return size !== 0 && size < 0.001 ? value.toExponential(2) : value.toPrecision(4);
};
for (const chart of document.querySelectorAll('.chart')) {
  const curves = JSON.parse(chart.dataset.curves);
  const plots = [...chart.querySelectorAll('svg.plot')];
  const off = new Set();
  const tip = document.createElement('div');
  tip.className = 'tip';
  tip.hidden = true;
  chart.append(tip);
  const numbers = (svg, key) => svg.dataset[key].split(' ').map(Number);
  const hide = () => {
    tip.hidden = true;
    for (const svg of plots) svg.querySelector('.cursor')?.replaceChildren();
  };
  const show = (svg, part) => {
    const cursor = svg.querySelector('.cursor');
    if (!cursor) return;
    const [x0, y0, x1, y1] = numbers(svg, 'frame');
    const [xLow, xHigh] = numbers(svg, 'x');
    const log = svg.dataset.log === '1';
    const [yLow, yHigh] = numbers(svg, 'y').map(v => log ? Math.log10(v) : v);
    const x = xLow + Math.min(1, Math.max(0, part)) * (xHigh - xLow);
    const make = (name, attributes) => {
      const node = document.createElementNS(svg.namespaceURI, name);
      for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
      return node;
    };
    const near = [];
    curves.forEach((curve, index) => {
      if (off.has(index) || curve.points.length === 0) return;
      let best = curve.points[0];
      for (const point of curve.points) if (Math.abs(point[0] - x) < Math.abs(best[0] - x)) best = point;
      if (Math.abs(best[0] - x) <= 0.06 * (xHigh - xLow)) near.push({curve, point: best});
    });
    if (near.length === 0) { hide(); return; }
    const at = near.reduce((a, b) => Math.abs(b.point[0] - x) < Math.abs(a.point[0] - x) ? b : a).point[0];
    const px = x0 + (at - xLow) / (xHigh - xLow) * (x1 - x0);
    cursor.removeAttribute('hidden');
    cursor.replaceChildren(make('line', {x1: px, x2: px, y1: y0, y2: y1}));
    tip.replaceChildren();
    let heights = 0;
    const head = document.createElement('b');
    head.textContent = chart.dataset.xLabel + ' ' + Math.round(at).toLocaleString('en');
    tip.append(head);
    for (const {curve, point} of near) {
      const y = log ? Math.log10(point[1]) : point[1];
      const py = y1 - (y - yLow) / (yHigh - yLow) * (y1 - y0);
      heights += Math.min(y1, Math.max(y0, py)) / near.length;
      if (py >= y0 - 4 && py <= y1 + 4) {
        cursor.append(make('circle', {cx: x0 + (point[0] - xLow) / (xHigh - xLow) * (x1 - x0), cy: py, r: 4,
                                      style: `--c:var(--series-${curve.colour})`}));
      }
      const row = document.createElement('div');
      const key = document.createElement('span');
      const dot = document.createElement('i');
      dot.className = 'key';
      dot.style.setProperty('--c', `var(--series-${curve.colour})`);
      key.append(dot, curve.name);
      const value = document.createElement('span');
      value.textContent = shown(point[1]);
      row.append(key, value);
      tip.append(row);
    }
    tip.hidden = false;
    const frame = svg.getBoundingClientRect();
    const outer = chart.getBoundingClientRect();
    const zoom = frame.width / svg.viewBox.baseVal.width;
    const left = frame.left - outer.left + px * zoom;
    const right = left + 14 + tip.offsetWidth > outer.width;
    tip.style.left = Math.max(4, right ? left - 14 - tip.offsetWidth : left + 14) + 'px';
    // Away from the curves: below them where they run high.
    const below = heights < (y0 + y1) / 2;
    tip.style.top = frame.top - outer.top + (below ? y1 * zoom - tip.offsetHeight - 8 : y0 * zoom + 4) + 'px';
  };
  for (const svg of plots) {
    let part = 1;
    svg.tabIndex = 0;
    const move = event => {
      const frame = svg.getBoundingClientRect();
      const [x0, , x1] = numbers(svg, 'frame');
      const x = (event.clientX - frame.left) * svg.viewBox.baseVal.width / frame.width;
      part = (x - x0) / (x1 - x0);
      show(svg, part);
    };
    svg.addEventListener('pointermove', move);
    svg.addEventListener('pointerdown', move);
    svg.addEventListener('pointerleave', hide);
    svg.addEventListener('blur', hide);
    svg.addEventListener('keydown', event => {
      const step = {ArrowLeft: -0.01, ArrowRight: 0.01, Home: -1, End: 1}[event.key];
      if (step === undefined) return;
      event.preventDefault();
      part = Math.min(1, Math.max(0, part + step));
      show(svg, part);
    });
  }
  const scales = [...chart.querySelectorAll('.scales button')];
  for (const button of scales) {
    button.addEventListener('click', () => {
      hide();
      for (const other of scales) other.setAttribute('aria-pressed', other === button);
      for (const svg of plots) svg.toggleAttribute('hidden', svg.dataset.log !== button.value);
    });
  }
  chart.querySelectorAll('.legend button').forEach((button, index) => {
    button.addEventListener('click', () => {
      const visible = button.getAttribute('aria-pressed') !== 'true';
      button.setAttribute('aria-pressed', visible);
      if (visible) off.delete(index); else off.add(index);
      for (const svg of plots) {
        svg.querySelectorAll('.curve')[index]?.classList.toggle('off', !visible);
      }
    });
  });
}
)js";

}  // namespace pisr
