// Curves over one axis, which Plot of plot.h describes.

/** The path of a curve, that of the band between the least and the largest of its bins, and points without neighbours. */
function curveParts(points, frame, log) {
  const parts = {line: '', band: '', dots: []};
  const shown = points.map(([, y]) => canShow(y, log));
  for (let first = 0; first < points.length;) {
    let last = first;
    while (last < points.length && shown[last]) ++last;
    const run = points.slice(first, last);
    const path = part => run.map((point, i) => `${i === 0 ? 'M' : 'L'}${at(frame.x(point[0]))} ${at(frame.y(point[part]))}`).join('');
    if (run.length === 1) parts.dots.push(run[0]);
    if (run.length > 1) {
      parts.line += path(1);
      if (run.every(point => point.length === 4)) {
        const back = run.map(point => `L${at(frame.x(point[0]))} ${at(frame.y(point[2]))}`).reverse().join('');
        parts.band += `${path(3)}${back}Z`;
      }
    }
    first = Math.max(last, first + 1);
  }
  return parts;
}

function startPlot(figure, number) {
  const plot = JSON.parse(figure.querySelector('script').textContent);
  const off = new Set();
  const tip = makeTip(figure);
  let log = plot.axes[0] === 'log';
  let across;
  let frame;
  let cursor;

  const hide = () => {
    tip.hide();
    cursor?.replaceChildren();
  };
  // The values nearest to `part` of the axis from left to right.
  const show = part => {
    const x = across.low + Math.min(1, Math.max(0, part)) * (across.high - across.low);
    const near = [];
    plot.curves.forEach((curve, index) => {
      if (off.has(index)) return;
      const points = curve.points.filter(([, y]) => canShow(y, log));
      if (points.length === 0) return;
      const point = points.reduce((a, b) => Math.abs(b[0] - x) < Math.abs(a[0] - x) ? b : a);
      if (Math.abs(point[0] - x) <= 0.06 * (across.high - across.low)) near.push({curve, point});
    });
    if (near.length === 0) return hide();
    const nearest = near.reduce((a, b) => Math.abs(b.point[0] - x) < Math.abs(a.point[0] - x) ? b : a).point[0];
    const px = frame.x(nearest);
    cursor.replaceChildren(drawn('line', {x1: px, x2: px, y1: frame.top, y2: frame.bottom}));
    let middle = 0;
    for (const {curve, point} of near) {
      const py = frame.y(point[1]);
      middle += Math.min(frame.bottom, Math.max(frame.top, py)) / near.length;
      if (py >= frame.top - 4 && py <= frame.bottom + 4) {
        cursor.append(drawn('circle', {cx: frame.x(point[0]), cy: py, r: 4, style: colourOf(curve.colour)}));
      }
    }
    // Away from the curves: below them where they run high.
    const below = middle < (frame.top + frame.bottom) / 2;
    tip.show(frame.svg, px, height => below ? frame.bottom - height - 8 : frame.top + 4, `${plot.x} ${exactNumber(nearest)}`,
      near.map(({curve, point}) => [curve.colour, curve.name, exactNumber(point[1])]));
  };

  const follow = svg => {
    let part = 1;
    svg.tabIndex = 0;
    const move = event => {
      part = (event.clientX - svg.getBoundingClientRect().left - frame.left) / (frame.right - frame.left);
      show(part);
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
      show(part);
    });
  };

  const draw = width => {
    tip.hide();
    frame = makeDrawing(plot.title, width, 0.6, 230, 330);
    const up = curvesUp(plot.curves, plot.references, log);
    across = curvesAcross(plot.curves);
    const {svg, left, right, top, bottom} = frame;
    cursor = drawn('g', {class: 'cursor'});
    if (up === null) {
      svg.append(drawn('text', {class: 'empty', x: width / 2, y: frame.height / 2, 'text-anchor': 'middle'}, 'no values yet'));
      return svg;
    }
    drawFrame(frame, across, up, plot.x);
    for (const line of plot.references.filter(({y}) => canShow(y, log))) {
      const y = at(frame.y(line.y));
      svg.append(drawn('line', {class: 'reference', x1: left, x2: right, y1: y, y2: y}),
        drawn('text', {class: 'label', x: right, y, dy: '-0.4em', 'text-anchor': 'end'}, line.name));
    }
    const clip = `clip-${number}`;
    svg.append(drawn('clipPath', {id: clip},
      drawn('rect', {x: left, y: top - 4, width: right - left + 4, height: bottom - top + 8})));
    const curves = drawn('g', {'clip-path': `url(#${clip})`});
    plot.curves.forEach((curve, index) => {
      const parts = curveParts(curve.points, frame, log);
      const group = drawn('g', {class: off.has(index) ? 'curve off' : 'curve', style: colourOf(curve.colour)});
      if (parts.band !== '') group.append(drawn('path', {class: 'band', d: parts.band}));
      if (parts.line !== '') group.append(drawn('path', {class: 'line', d: parts.line}));
      group.append(...parts.dots.map(([x, y]) => drawn('circle', {cx: at(frame.x(x)), cy: at(frame.y(y)), r: 3})));
      curves.append(group);
    });
    svg.append(curves, cursor);
    follow(svg);
    return svg;
  };

  startFigure(figure, {
    title: plot.title, unit: plot.y, axesName: 'Vertical axis', axes: plot.axes.map(name => ({key: name, name})),
    choose: key => { log = key === 'log'; },
    draw,
  });
  figure.append(element('ul', {class: 'legend'}, ...plot.curves.map((curve, index) => {
    const button = element('button', {type: 'button', 'aria-pressed': true}, colourKey(curve.colour), curve.name);
    button.addEventListener('click', () => {
      const shown = off.delete(index);
      if (!shown) off.add(index);
      button.setAttribute('aria-pressed', shown);
      figure.querySelectorAll('.curve')[index]?.classList.toggle('off', !shown);
    });
    return element('li', {}, button);
  })));
}
