'use strict';

// Axes of drawings: which values they show, where these lie, and how numbers are written on them.

/** A number in few characters: 5000 -> "5k", 0.001 -> "0.001", 1e-7 -> "1e-7". */
function shortNumber(value) {
  const size = Math.abs(value);
  const [divisor, unit] = size >= 1e12 ? [1e12, 'T'] : size >= 1e9 ? [1e9, 'G'] : size >= 1e6 ? [1e6, 'M'] : size >= 1e3 ? [1e3, 'k'] : [1, ''];
  const text = String(Number((value / divisor).toPrecision(4)));
  return text.replace('e+', 'e') + unit;
}

/** A value as a reader wants to know it: with four digits, or as a whole number. */
function exactNumber(value) {
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString('en');
  return size !== 0 && size < 0.001 ? value.toExponential(2) : value.toPrecision(4);
}

/** An axis from `low` to `high`. */
function makeAxis(low, high, log) {
  const scaled = value => log ? Math.log10(value) : value;
  const from = scaled(low);
  const length = scaled(high) - from;
  return {low, high, log, place: value => (scaled(value) - from) / length};  // 0 at low, 1 at high
}

/** Whether an axis can show a value. */
const canShow = (value, log) => value !== null && Number.isFinite(value) && (!log || value > 0);

/** Least and largest of some numbers; null of none. */
function extentOf(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low <= high ? {low, high} : null;
}

/** Multiples of 1, 2 or 5 times a power of ten inside an axis, as near to `wanted` of them as there is. */
function linearTicks(low, high, wanted) {
  const raw = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const farness = factor => Math.abs(Math.log(factor * power / raw));
  const step = power * [1, 2, 5, 10].reduce((a, b) => farness(b) < farness(a) ? b : a);
  const ticks = [];
  const first = Math.ceil(low / step - 1e-9);
  for (let i = 0; i < 20 && (first + i) * step <= high + 1e-9 * step; ++i) {
    ticks.push(Number(((first + i) * step).toPrecision(12)));
  }
  return ticks;
}

/** Powers of ten inside an axis; where these are few, 2 and 5 times them as well. */
function logTicks(low, high) {
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  const multiples = (factors, stride) => {
    const ticks = [];
    for (let power = first; power <= last; power += stride) {
      for (const factor of factors) {
        const tick = Number(`${factor}e${power}`);
        if (tick >= low && tick <= high) ticks.push(tick);
      }
    }
    return ticks;
  };
  const powers = multiples([1], Math.max(1, Math.floor((last - first) / 6)));
  if (powers.length >= 3) return powers;
  const more = multiples([1, 2, 5], 1);
  return more.length >= 3 ? more : linearTicks(low, high, 6);
}

const ticksOf = (axis, wanted) =>
  axis.log ? logTicks(axis.low, axis.high) : linearTicks(axis.low, axis.high, wanted);

/** An axis with some air at both ends. */
function airyAxis(extent, log) {
  if (log) {
    const factor = Math.max(1.1, (extent.high / extent.low) ** 0.06);
    return makeAxis(extent.low / factor, extent.high * factor, true);
  }
  const margin = 0.06 * (extent.high - extent.low) || Math.max(1e-12, 0.05 * Math.abs(extent.high));
  return makeAxis(extent.low - margin, extent.high + margin, false);
}

/** The horizontal axis of curves. One that starts near zero starts at zero. */
function curvesAcross(curves) {
  const extent = extentOf(curves.flatMap(curve => curve.points.map(point => point[0])));
  if (extent === null) return makeAxis(0, 1, false);
  if (extent.low === extent.high) return makeAxis(extent.low - 1, extent.high + 1, false);
  const nearZero = extent.low > 0 && extent.low < 0.1 * extent.high;
  return makeAxis(nearZero ? 0 : extent.low, extent.high, false);
}

/**
 * The vertical axis of curves. A start far off must not flatten the rest: where the range of all values is more than twice
 * that of the values behind the first fifth of each curve, it is the latter's. Null where there is nothing to show.
 */
function curvesUp(curves, references, log) {
  const all = [];
  const settled = [];
  for (const {points} of curves) {
    if (points.length === 0) continue;
    const start = points[0][0];
    const startOver = start + 0.2 * (points[points.length - 1][0] - start);
    for (const [x, y] of points) {
      if (!canShow(y, log)) continue;
      all.push(y);
      if (x >= startOver) settled.push(y);
    }
  }
  if (all.length === 0) return null;
  for (const {y} of references) {
    if (canShow(y, log)) {
      all.push(y);
      settled.push(y);
    }
  }
  const whole = extentOf(all);
  const rest = extentOf(settled);
  const length = extent => log ? Math.log(extent.high / extent.low) : extent.high - extent.low;
  return airyAxis(rest !== null && length(whole) > 2 * length(rest) ? rest : whole, log);
}
