// PSNR against cost: circles whose area is the number of parameters.

const kSmallestRadius = 2;  // in CSS pixels
// That of the most parameters.
const largestRadius = width => Math.min(36, Math.max(22, 0.034 * width));

/** Where a name is written beside its circle: the place that hides least of `taken`, boxes of [left, top, right, bottom]. */
function placeName(x, y, radius, width, frame, taken) {
  const height = 13;
  const gap = radius + 4;
  const right = dy => ['start', x + gap, y + dy, [x + gap, y + dy - height / 2, x + gap + width, y + dy + height / 2]];
  const left = dy => ['end', x - gap, y + dy, [x - gap - width, y + dy - height / 2, x - gap, y + dy + height / 2]];
  const middle = dy => ['middle', x, y + dy, [x - width / 2, y + dy - height / 2, x + width / 2, y + dy + height / 2]];
  const places = [right(0), left(0), middle(-gap - height / 2), middle(gap + height / 2),
    ...[-1, 1, -2, 2].flatMap(row => [right(row * height), left(row * height)])];
  const shared = (a, b) => Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0])) * Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  const cost = box => taken.reduce((sum, other) => sum + shared(box, other), 0) +
    10 * height * (Math.max(0, frame.left - box[0]) + Math.max(0, box[2] - frame.width)) +
    10 * width * (Math.max(0, -box[1]) + Math.max(0, box[3] - frame.bottom));
  return places.map(place => [...place, cost(place[3])]).reduce((a, b) => b[4] < a[4] ? b : a);
}

function startCost(figure) {
  const plot = JSON.parse(figure.querySelector('script').textContent);
  const tip = makeTip(figure);
  const most = Math.max(...plot.points.map(({parameters}) => parameters));
  const radiusOf = (parameters, width) => Math.max(kSmallestRadius, largestRadius(width) * Math.sqrt(parameters / most));
  let axis = plot.axes[0];

  const draw = width => {
    tip.hide();
    const frame = makeDrawing(plot.title, width, 0.5, 300, 460);
    const points = plot.points.filter(point => canShow(point[axis.key], true) && canShow(point.psnr, false));
    const extent = extentOf(points.map(point => point[axis.key]));
    const heights = extentOf(points.map(({psnr}) => psnr));
    if (extent === null || heights === null) {
      frame.svg.append(drawn('text', {class: 'empty', x: width / 2, y: frame.height / 2, 'text-anchor': 'middle'}, 'no values'));
      return frame.svg;
    }
    const across = makeAxis(extent.low / 1.8, extent.high * 1.8, true);
    drawFrame(frame, across, airyAxis(heights, false), axis.label);
    // Large circles first, so that none hides another.
    const circles = points.sort((a, b) => b.parameters - a.parameters).map(point => {
      const x = frame.x(point[axis.key]);
      const y = frame.y(point.psnr);
      return {point, x, y, radius: radiusOf(point.parameters, width)};
    });
    const taken = circles.map(({x, y, radius}) => [x - radius, y - radius, x + radius, y + radius]);
    const names = [];
    for (const {point, x, y, radius} of circles) {
      const circle = drawn('circle', {
        class: point.published ? 'cost published' : 'cost', cx: at(x), cy: at(y), r: radius.toFixed(2), style: colourOf(point.colour),
        tabindex: 0, role: 'img', 'aria-label': `${point.name}: ${point.psnr.toFixed(2)} dB`,
      });
      const show = () => tip.show(frame.svg, x + radius, height => Math.max(4, y - height / 2), point.name, [
        [null, 'PSNR', `${point.psnr.toFixed(2)} dB`],
        [null, 'parameters', point.parameters.toLocaleString('en')],
        [null, 'MultiAdds, paper', shortNumber(point.paper)],
        [null, 'MultiAdds, computed', shortNumber(point.exact)],
        ...(point.ms === null ? [] : [[null, 'time', `${point.ms.toFixed(1)} ms`]]),
      ]);
      circle.addEventListener('pointerenter', show);
      circle.addEventListener('focus', show);
      circle.addEventListener('pointerleave', tip.hide);
      circle.addEventListener('blur', tip.hide);
      frame.svg.append(circle);
      const [anchor, textX, textY, box] = placeName(x, y, radius, 6.3 * point.name.length, frame, taken);
      taken.push(box);
      names.push(drawn('text', {class: point.published ? 'name published' : 'name', x: at(textX), y: at(textY), dy: '0.35em', 'text-anchor': anchor, style: colourOf(point.colour)}, point.name));
    }
    frame.svg.append(...names);
    return frame.svg;
  };

  // What areas mean: those of round numbers of parameters up to the most.
  const legend = element('ul', {class: 'legend sizes'});
  const drawLegend = width => legend.replaceChildren(...[1e4, 1e5, 1e6].filter(size => size <= most).map(size => {
    const radius = radiusOf(size, width);
    const side = Math.ceil(2 * radius) + 2;
    return element('li', {}, drawn('svg', {class: 'plot size', width: side, height: side, viewBox: `0 0 ${side} ${side}`, 'aria-hidden': true},
      drawn('circle', {class: 'cost published', cx: side / 2, cy: side / 2, r: radius})), `${shortNumber(size)} parameters`);
  }));

  startFigure(figure, {
    title: plot.title, unit: plot.y, axesName: 'Horizontal axis', axes: plot.axes,
    choose: key => { axis = plot.axes.find(other => other.key === key); },
    draw: width => {
      drawLegend(width);
      return draw(width);
    },
  });
  figure.append(legend);
}
