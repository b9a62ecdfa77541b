// What drawings share: elements, a frame with its ticks, the tip at the pointer, and choices.

/** An HTML element. Children may be texts, which are shown as they are. */
function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

/** An SVG element. */
function drawn(name, attributes = {}, ...children) {
  const node = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

const colourOf = number => `--c:var(--series-${number})`;
const colourKey = number => element('i', {class: 'key', style: colourOf(number)});
// What lies outside is clipped, and browsers cannot draw huge coordinates.
const at = value => Math.min(9999, Math.max(-9999, value)).toFixed(2);

/**
 * Title, unit, buttons for the axes where there are several, and what draw(width) makes for a width in CSS pixels: drawn
 * again where the width changes, and after choose(key) of another axis.
 */
function startFigure(figure, {title, unit, axes, axesName, choose, draw}) {
  const drawing = element('div', {class: 'drawing'});
  let width = 0;
  const redraw = () => {
    width = drawing.clientWidth;
    drawing.replaceChildren(draw(width || 480));
  };
  const header = element('header', {}, element('h3', {}, title, element('span', {}, unit)));
  if (axes.length > 1) {
    const buttons = axes.map(({key, name}, index) => {
      const button = element('button', {type: 'button', value: key, 'aria-pressed': index === 0}, name);
      button.addEventListener('click', () => {
        for (const other of buttons) other.setAttribute('aria-pressed', other === button);
        choose(key);
        redraw();
      });
      return button;
    });
    header.append(element('div', {class: 'scales', role: 'group', 'aria-label': axesName}, ...buttons));
  }
  figure.append(header, drawing);
  figure.hidden = false;
  redraw();
  new ResizeObserver(() => {
    if (drawing.clientWidth !== width && drawing.clientWidth > 0) redraw();
  }).observe(drawing);
}

/** An svg of the page's text size, with the places of its frame; `ratio` is its height over its width. */
function makeDrawing(label, width, ratio, least, most) {
  const height = Math.round(Math.min(most, Math.max(least, ratio * width)));
  const svg = drawn('svg', {class: 'plot', viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': label});
  return {svg, width, height, left: 50, right: width - 14, top: 12, bottom: height - 40};
}

/** Grid, ticks and the label of the horizontal axis. `across` and `up` are axes. */
function drawFrame(frame, across, up, label) {
  const {svg, left, right, top, bottom} = frame;
  frame.x = value => left + across.place(value) * (right - left);
  frame.y = value => bottom - up.place(value) * (bottom - top);
  for (const tick of ticksOf(up, 5)) {
    const y = at(frame.y(tick));
    svg.append(drawn('line', {class: 'grid', x1: left, x2: right, y1: y, y2: y}),
      drawn('text', {class: 'tick', x: left - 7, y, dy: '0.35em', 'text-anchor': 'end'}, shortNumber(tick)));
  }
  for (const tick of ticksOf(across, Math.min(6, Math.max(3, (right - left) / 80)))) {
    const x = at(frame.x(tick));
    svg.append(drawn('line', {class: 'notch', x1: x, x2: x, y1: bottom, y2: bottom + 4}),
      drawn('text', {class: 'tick', x, y: bottom + 17, 'text-anchor': 'middle'}, shortNumber(tick)));
  }
  svg.append(drawn('line', {class: 'axis', x1: left, x2: right, y1: bottom, y2: bottom}),
    drawn('text', {class: 'label', x: right, y: bottom + 35, 'text-anchor': 'end'}, label));
}

/**
 * The box at the pointer: show(svg, x, top, head, rows). It is beside x; top(height) is its upper end. A row is
 * [colour or null, name, value].
 */
function makeTip(figure) {
  const tip = element('div', {class: 'tip'});
  tip.hidden = true;
  figure.append(tip);
  return {
    hide: () => { tip.hidden = true; },
    show: (svg, x, top, head, rows) => {
      tip.replaceChildren(element('b', {}, head), ...rows.map(([colour, name, value]) =>
        element('div', {}, element('span', {}, ...(colour === null ? [] : [colourKey(colour)]), name), element('span', {}, value))));
      tip.hidden = false;
      const inner = svg.getBoundingClientRect();
      const outer = figure.getBoundingClientRect();
      const left = inner.left - outer.left + x;
      const toTheLeft = left + 14 + tip.offsetWidth > outer.width;
      tip.style.left = Math.max(4, toTheLeft ? left - 14 - tip.offsetWidth : left + 14) + 'px';
      tip.style.top = inner.top - outer.top + top(tip.offsetHeight) + 'px';
    },
  };
}
