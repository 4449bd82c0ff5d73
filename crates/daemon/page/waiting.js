// The requests that wait for an approval, and the two answers. What is shown is what the API gives as what is signed; an approval
// names the digest of exactly that.

import { ask, at, lines, list, make, say, strange } from './elements.js';
import { post } from './api.js';
import { clipped, duration, message, number, quoted, short } from './text.js';

const REASON_BYTES = 256;

/** The order in which requests came to this page: one that waits does not move when another comes. */
const places = new Map();

const key = (request) => `${request.request} ${request.signer} ${request.digest}`;

export function showWaiting(requests, people) {
  for (const request of requests) if (!places.has(key(request))) places.set(key(request), places.size);
  const ordered = [...requests].sort((one, other) => places.get(key(one)) - places.get(key(other)));
  list(at('waiting-list'), ordered, key, card, (element, request) => update(element, request, people));
  at('waiting-none').hidden = requests.length > 0;
  at('waiting-count').hidden = requests.length === 0;
  say(at('waiting-count'), String(requests.length));
}

/** The heading of a request: the money that leaves, or the message. */
export function subject(request) {
  const { verified, items } = request;
  if (verified && verified.signed_message === null) {
    return `Payment: ${number(verified.outflow.value)} sat leave the group ${quoted(verified.group.name)}`;
  }
  if (items.length > 1) return `${items.length} messages`;
  return `Message ${clipped(message(items[0]?.message ?? ''))}`;
}

function warnings(request) {
  const told = (request.verified?.warnings ?? []).map(({ severity, text }) => ({ severity, text }));
  if (!request.verified && request.transaction) {
    told.push({ severity: 'warning', text: 'A transaction came with this request, and nothing here has verified it.' });
  }
  return told.filter(({ severity }) => severity !== 'notice');
}

function card(request) {
  const id = `request-${request.request}-${request.signer}`;
  const shown = request.text;
  const digest = request.digest;
  return make('article', { class: 'card ask', 'aria-labelledby': id },
    make('h3', { id }, strange(subject(request))),
    make('p', { class: 'meta' },
      'asked by ', make('span', { class: 'asker' }), ' · ', make('span', { class: 'score' }), ' · ',
      make('span', {}, `${request.signers.length} signers`), ' · ', make('span', { class: 'left', 'data-until': request.expires_ms })),
    request.description ? make('p', { class: 'claim' }, 'they say ', strange(quoted(request.description)),
      make('span', { class: 'aside' }, ' (nothing ties this to what is signed)')) : null,
    ...warnings(request).map(({ severity, text }) => make('p', { class: severity }, text)),
    make('div', { class: 'lines-of-text', tabindex: '0', role: 'group', 'aria-label': 'What is signed' }, ...lines(shown)),
    make('p', { class: 'digest' }, 'digest ', make('code', {}, digest)),
    make('div', { class: 'buttons' },
      make('button', { type: 'button', class: 'quiet', 'aria-describedby': id, click: () => decline(request) }, 'Decline…'),
      make('button', { type: 'button', class: 'primary', 'aria-describedby': id, click: () => approve(request, shown, digest) },
        'Approve…')));
}

function update(element, request, people) {
  const asker = element.querySelector('.asker');
  const name = people.name(request.creator);
  if (asker.dataset.name !== name) {
    asker.dataset.name = name;
    asker.replaceChildren(...people.shown(request.creator));
  }
  const score = people.score(request.creator);
  say(element.querySelector('.score'), score === undefined ? 'score unknown' : `score ${score}`);
}

/** Shows how much time each request has left, by this machine's clock. */
export function countDown(now) {
  for (const left of document.querySelectorAll('[data-until]')) {
    const ms = Number(left.dataset.until) - now;
    say(left, ms > 0 ? `${duration(ms)} left` : 'its time is up');
  }
}

function approve(request, shown, digest) {
  at('approve-lines').replaceChildren(...lines(shown));
  say(at('approve-digest'), digest);
  ask(at('approve-dialog'), () => post(`/v1/requests/${request.request}/approve`, { digest, signer: request.signer }));
}

function decline(request) {
  askReason(`Decline request ${short(request.request)}`, subject(request), 'Decline', 'declined', (reason) =>
    post(`/v1/requests/${request.request}/decline`, { reason, signer: request.signer }));
}

/** Asks for a reason, which the other signers get, and acts with it. */
export function askReason(title, about, verb, usual, act) {
  say(at('reason-title'), title);
  at('reason-about').replaceChildren(strange(about));
  say(at('reason-submit'), verb);
  at('reason').value = usual;
  ask(at('reason-dialog'), async () => {
    const reason = at('reason').value.trim();
    if (new TextEncoder().encode(reason).length > REASON_BYTES) throw new Error(`a reason has ${REASON_BYTES} bytes at most`);
    await act(reason || usual);
  });
  at('reason').select();
}
