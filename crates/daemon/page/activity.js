// Two small graphs of the node's metrics since the page was opened: open sessions, and messages that were rejected or accepted.

import { at, draw, make, say } from './elements.js';
import { clock, number } from './text.js';

const KEPT = 240;
const WIDTH = 320;
const HEIGHT = 56;

const samples = [];

/** The sum of the samples of one metric in an OpenMetrics text. */
export function total(metrics, name) {
  let sum = 0;
  for (const line of metrics.split('\n')) {
    if (line.startsWith(name) && '{ '.includes(line[name.length])) sum += Number(line.slice(line.lastIndexOf(' ') + 1));
  }
  return sum;
}

export function record(metrics, now) {
  const accepted = total(metrics, 'motet_accepted_total');
  const rejected = total(metrics, 'motet_rejected_total');
  const last = samples.at(-1);
  // A restart counts from zero again.
  const since = (count, before) => (last && count >= before ? count - before : 0);
  samples.push({
    at: now, sessions: total(metrics, 'motet_sessions'), accepted, rejected,
    newlyAccepted: since(accepted, last?.accepted), newlyRejected: since(rejected, last?.rejected),
  });
  if (samples.length > KEPT) samples.shift();
  show();
}

function graph(title, told, parts, largest) {
  const figure = make('figure', {},
    make('figcaption', {}, make('span', {}, title), make('span', { class: 'aside' }, told)));
  const drawing = draw('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': `${title}: ${told}` });
  for (const line of [0.5, HEIGHT / 2, HEIGHT - 0.5]) drawing.append(draw('line', { class: 'rule', x1: 0, x2: WIDTH, y1: line, y2: line }));
  const step = WIDTH / Math.max(1, Math.max(samples.length, 60) - 1);
  const x = (index) => WIDTH - (samples.length - 1 - index) * step;
  const y = (value) => HEIGHT - 1 - (value / Math.max(1, largest)) * (HEIGHT - 6);
  for (const { kind, value } of parts) {
    const points = samples.map((sample, index) => `${x(index).toFixed(1)},${y(value(sample)).toFixed(1)}`);
    drawing.append(draw('polygon', { class: `area ${kind}`, points: `${x(0)},${HEIGHT} ${points.join(' ')} ${WIDTH},${HEIGHT}` }));
    drawing.append(draw('polyline', { class: `trace ${kind}`, points: points.join(' ') }));
  }
  figure.append(drawing);
  return figure;
}

function show() {
  const last = samples.at(-1);
  const since = clock(samples[0].at);
  const most = (value) => Math.max(...samples.map(value));
  const refused = samples.reduce((sum, sample) => sum + sample.newlyRejected, 0);
  const taken = samples.reduce((sum, sample) => sum + sample.newlyAccepted, 0);
  const largest = Math.max(most((sample) => sample.newlyAccepted), most((sample) => sample.newlyRejected));
  at('activity').replaceChildren(
    graph('Open sessions', `${last.sessions} now, ${most((sample) => sample.sessions)} at most`,
      [{ kind: 'one', value: (sample) => sample.sessions }], most((sample) => sample.sessions)),
    graph('Messages', `${number(taken)} accepted, ${number(refused)} rejected`,
      [{ kind: 'one', value: (sample) => sample.newlyAccepted }, { kind: 'bad', value: (sample) => sample.newlyRejected }], largest),
    make('p', { class: 'aside' }, `since ${since}, every 5 seconds`));
}

export function unknown(error) {
  const place = at('activity');
  if (place.childElementCount === 0) place.append(make('p', { class: 'empty' }, ''));
  if (samples.length === 0) say(place.firstElementChild, error.message);
}
