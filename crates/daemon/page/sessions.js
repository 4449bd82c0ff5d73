// Sessions as live timelines: each signer's way through the rounds, the signers that are awaited, and the end.

import { at, code, list, make, say, strange } from './elements.js';
import { post } from './api.js';
import { askReason } from './waiting.js';
import { clipped, clock, duration, message, quoted, short, words } from './text.js';

const PHASES = ['joining', 'nonce commitments', 'nonces', 'partial signatures', 'complete'];
const ROUNDS = ['joined', 'committed', 'revealed', 'signed'];
const MARKS = { done: '✓', awaited: '…', later: '', none: '–', missing: '×' };
const SAID = { done: 'yes', awaited: 'awaited', later: 'not yet', none: 'not in this session', missing: 'no' };
const DETAILS = ['reason', 'cause', 'detail', 'approved', 'place', 'phase', 'charge'];

export const hasEnded = (session) => session.phase === 'complete' || session.phase === 'aborted';

export function showSessions(sessions, events, people) {
  const going = sessions.filter((session) => !hasEnded(session)).length;
  const ordered = [...sessions].sort((one, other) => hasEnded(one) - hasEnded(other) || number(other.revision) - number(one.revision));
  list(at('sessions-list'), ordered, (session) => session.request, card,
    (element, session) => update(element, session, events.get(session.request) ?? [], people));
  at('sessions-none').hidden = sessions.length > 0;
  at('sessions-count').hidden = going === 0;
  say(at('sessions-count'), String(going));
}

const number = (revision) => Number(revision.split('-')[1]);

function card(session) {
  const id = `session-${session.request}`;
  const title = session.items.length > 1 ? `${session.items.length} messages` : clipped(message(session.items[0]?.message ?? ''));
  return make('article', { class: 'card session', 'aria-labelledby': id },
    make('div', { class: 'head' },
      make('h3', { id }, strange(title)),
      make('span', { class: 'state' })),
    make('p', { class: 'meta' }, 'request ', code(short(session.request), session.request), ' · asked by ',
      make('span', { class: 'asker' }), make('span', { class: 'attempt' })),
    make('p', { class: 'why' }),
    make('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-labelledby': id },
      make('table', { class: 'rounds' },
        make('caption', { class: 'only-read' }, 'Rounds of each signer'),
        make('thead', {}, make('tr', {}, make('th', { scope: 'col' }, 'signer'),
          ...ROUNDS.map((round) => make('th', { scope: 'col' }, round)))),
        make('tbody', {}))),
    make('details', {}, make('summary', {}, 'Timeline'), make('ol', { class: 'plain events' })),
    make('div', { class: 'buttons' }));
}

function update(element, session, events, people) {
  const said = element.querySelector('.state');
  element.dataset.phase = session.phase;
  say(said, session.phase === 'aborted' ? 'ended without signatures' : session.phase);
  element.querySelector('.asker').replaceChildren(strange(people.name(session.creator)));
  say(element.querySelector('.attempt'), session.attempt > 0 ? ` · attempt ${session.attempt + 1} of ${session.max_attempts}` : '');
  const why = element.querySelector('.why');
  why.replaceChildren(...reason(session, people));
  why.hidden = why.childNodes.length === 0;
  rounds(element.querySelector('tbody'), session, events, people);
  timeline(element.querySelector('details'), events, people);
  actions(element.querySelector('.buttons'), session);
}

/** The line about what the session waits for, or why it has ended. */
function reason(session, people) {
  const names = (keys) => keys.flatMap((key, index) => [index ? ', ' : '', strange(people.name(key))]);
  if (!hasEnded(session)) {
    const until = session.phase_ends_in_ms === null ? null : Date.now() + session.phase_ends_in_ms;
    const left = until === null ? [] : [' · ', make('span', { 'data-until': until }, `${duration(session.phase_ends_in_ms)} left`)];
    return session.awaiting.length ? ['waits for ', ...names(session.awaiting), ...left] : left.slice(1);
  }
  const told = [];
  const { end } = session;
  if (end) {
    const by = end.signer ?? end.culprit;
    told.push(words(end.why.replaceAll('_', ' ')));
    if (by) told.push(' · ', strange(people.name(by)));
    if (end.signers) told.push(' · ', ...names(end.signers));
    if (end.charge) told.push(` · ${end.charge}`);
    if (end.detail) told.push(' · ', strange(quoted(end.detail)));
  }
  if (session.may_complete.length) told.push(make('strong', {}, ' It may still be completed by '), ...names(session.may_complete));
  return told;
}

/** The state of each signer in each round, with the time at which it is known to have happened. */
export function progress(session, events) {
  const now = PHASES.indexOf(session.phase);
  const own = (name) => events.filter(({ event }) => event.event === name);
  const ofAttempt = (name) => own(name).filter(({ event }) => event.attempt === session.attempt);
  const committing = ofAttempt('SessionNonceCommitmentsComplete');
  const joins = [...own('ParticipantJoined'), ...own('SigningRequestJoined')];
  const seen = [(index) => joins.find(({ event }) => event.index === index), () => committing[0],
    (index) => ofAttempt('NonceReceived').find(({ event }) => event.index === index),
    (index) => ofAttempt('PartialSigReceived').find(({ event }) => event.index === index)];
  return session.signers.map((signer, index) => ROUNDS.map((_, round) => {
    const happened = seen[round](index);
    let state;
    if (now < 0) state = happened || (round === 0 && signer === session.creator) ? 'done' : 'missing';
    else if (round === 1 && now > 1) state = happened ? 'done' : 'none';
    else if (round < now) state = 'done';
    else if (round > now) state = 'later';
    else state = session.awaiting.includes(signer) ? 'awaited' : 'done';
    return { state, at: state === 'done' ? happened?.at_ms : undefined };
  }));
}

function rounds(body, session, events, people) {
  const states = progress(session, events);
  const rows = session.signers.map((signer, index) => ({ signer, cells: states[index], leads: index === session.coordinator }));
  list(body, rows, (row) => row.signer, ({ signer, cells }) => make('tr', {},
    make('th', { scope: 'row' }), ...cells.map(() => make('td', {}, make('span', { 'aria-hidden': 'true' }), make('span', { class: 'only-read' })))),
  (element, { signer, cells, leads }) => {
    const [head, ...fields] = element.children;
    head.replaceChildren(...people.shown(signer),
      leads ? make('span', { class: 'aside', title: 'the coordinator' }, ' coordinator') : '');
    cells.forEach(({ state, at: time }, round) => {
      const [mark, told] = fields[round].children;
      fields[round].dataset.state = state;
      fields[round].title = time ? clock(time) : '';
      say(mark, MARKS[state]);
      say(told, time ? `${SAID[state]}, ${clock(time)}` : SAID[state]);
    });
  });
}

/** The words of an event: its name, and what it says, with names for keys and quotes for texts of strangers. */
export function sentence(event, people) {
  const told = [make('b', {}, words(event.event))];
  const signer = event.signer ?? people.at(event.request, event.index);
  if (signer) told.push(' ', strange(people.name(signer)));
  if (event.nickname) told.push(' ', strange(quoted(event.nickname)));
  if (event.attempt > 0) told.push(` attempt ${event.attempt + 1}`);
  if (event.channel && event.channel !== 'own') told.push(make('span', { class: 'aside' }, ` (${event.channel})`));
  for (const name of DETAILS) {
    const value = event[name];
    if (value === undefined || value === null || value === '') continue;
    if (typeof value === 'string' && (name === 'reason' || name === 'detail')) told.push(` ${name} `, strange(quoted(value)));
    else if (typeof value === 'object') told.push(` ${words(String(value.why ?? ''))}`);
    else told.push(` ${name} ${value}`);
  }
  return told;
}

function timeline(details, events, people) {
  details.hidden = events.length === 0;
  say(details.querySelector('summary'), `Timeline, ${events.length} events`);
  list(details.querySelector('ol'), events, (event) => event.cursor, (event) =>
    make('li', {}, make('time', {}, clock(event.at_ms)), ' ', ...sentence(event.event, people)));
}

function actions(place, session) {
  const wanted = [hasEnded(session) ? null : 'abort', session.retry ? 'retry' : null].filter(Boolean);
  list(place, wanted, (name) => name, (name) => {
    const act = name === 'abort' ? () => abort(session) : () => retry(session);
    return make('button', { type: 'button', class: 'quiet', click: act }, name === 'abort' ? 'Abort…' : 'Try again');
  });
  place.hidden = wanted.length === 0;
}

function abort(session) {
  askReason(`Abort request ${short(session.request)}`, 'It ends for everybody.', 'Abort', 'given up by its asker', (reason) =>
    post(`/v1/sessions/${session.request}/abort`, { reason }));
}

async function retry(session) {
  try {
    const { request } = await post(`/v1/sessions/${session.request}/retry`);
    say(at('said'), `goes on as request ${short(request)}`);
  } catch (error) {
    say(at('said'), error.message);
    const why = document.getElementById(`session-${session.request}`).closest('article').querySelector('.why');
    why.hidden = false;
    why.replaceChildren(make('span', { class: 'problem' }, error.message));
  }
}
