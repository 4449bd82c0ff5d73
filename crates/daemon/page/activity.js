// Two small graphs of the last hours, a point for each minute: how sessions ended, and messages that were accepted or rejected. The signer
// keeps the history, so that it is there as soon as the page is opened.

import { at, draw, make, say } from './elements.js';
import { clock, number } from './text.js';

/** Minutes that are shown: four hours. */
const SHOWN = 240;
/** Points that fill the whole width, though there are fewer minutes yet. */
const FEWEST = 60;
/** Milliseconds after which more minutes than the newest two are missing here. */
const GAP = 100000;
const WIDTH = 320;
const HEIGHT = 56;

let minutes = [];

/** The part of the history that is not here yet. */
export function missing(now) {
  const last = minutes.at(-1);
  return `/v1/history?minutes=${last && now - last.at_ms < GAP ? 2 : SHOWN}`;
}

/** Takes in minutes, in the place of what was known of them. */
export function record(history) {
  const known = new Map(minutes.map((minute) => [minute.at_ms, minute]));
  for (const minute of history.minutes) known.set(minute.at_ms, minute);
  minutes = [...known.values()].sort((one, other) => one.at_ms - other.at_ms).slice(-SHOWN);
  show();
}

function graph(title, told, parts) {
  const figure = make('figure', {},
    make('figcaption', {}, make('span', {}, title), make('span', { class: 'aside' }, told)));
  const drawing = draw('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': `${title}: ${told}` });
  for (const line of [0.5, HEIGHT / 2, HEIGHT - 0.5]) drawing.append(draw('line', { class: 'rule', x1: 0, x2: WIDTH, y1: line, y2: line }));
  const largest = Math.max(1, ...minutes.flatMap((minute) => parts.map(({ value }) => value(minute))));
  const step = WIDTH / Math.max(minutes.length, FEWEST);
  const x = (index) => WIDTH - (minutes.length - 1 - index) * step;
  const y = (value) => HEIGHT - 1 - (value / largest) * (HEIGHT - 6);
  for (const { kind, value } of parts) {
    // The first minute begins a step before its point, so that one alone is seen, too.
    const begin = `${x(-1).toFixed(1)},${y(value(minutes[0])).toFixed(1)}`;
    const points = [begin, ...minutes.map((minute, index) => `${x(index).toFixed(1)},${y(value(minute)).toFixed(1)}`)];
    drawing.append(draw('polygon', { class: `area ${kind}`, points: `${x(-1)},${HEIGHT} ${points.join(' ')} ${WIDTH},${HEIGHT}` }));
    drawing.append(draw('polyline', { class: `trace ${kind}`, points: points.join(' ') }));
  }
  figure.append(drawing);
  return figure;
}

function show() {
  const sum = (value) => number(minutes.reduce((total, minute) => total + value(minute), 0));
  const [complete, ended, accepted, rejected] = ['complete', 'ended', 'accepted', 'rejected'].map((name) => (minute) => minute[name]);
  at('activity').replaceChildren(
    graph('Sessions', `${sum(complete)} signed, ${sum(ended)} without signatures`, [{ kind: 'one', value: complete }, { kind: 'bad', value: ended }]),
    graph('Messages', `${sum(accepted)} accepted, ${sum(rejected)} rejected`, [{ kind: 'one', value: accepted }, { kind: 'bad', value: rejected }]),
    make('p', { class: 'aside' }, `since ${clock(minutes[0].at_ms)}, for each minute`));
}

export function unknown(error) {
  const place = at('activity');
  if (place.childElementCount === 0) place.append(make('p', { class: 'empty' }, ''));
  if (minutes.length === 0) say(place.firstElementChild, error.message);
}
