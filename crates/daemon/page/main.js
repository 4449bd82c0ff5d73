// The page: the token, the state that is read, and the events that make it be read again.

import { Refused, follow, get, takeTokenFromAddress, token } from './api.js';
import { at, list, make, say } from './elements.js';
import { clock, short } from './text.js';
import { countDown, showWaiting, subject } from './waiting.js';
import { hasEnded, sentence, showSessions } from './sessions.js';
import { showEvidence, showResults } from './results.js';
import { showIdentity, showNode, showPeers } from './network.js';
import { People, listenToSearch, showSigners } from './signers.js';
import { missing, record, unknown } from './activity.js';

const SAMPLED = 5000;
const SOON = 120;
const EVENTS_SHOWN = 60;
/** Sessions whose timelines are read: those that go on, and the newest that have ended. */
const ENDED_SHOWN = 8;
const LINK = { on: 'live', waiting: 'connects again…', off: 'not connected' };

const people = new People();
const state = { status: null, requests: [], sessions: [], results: [], proofs: [], events: new Map(), happened: [] };
const dirty = new Set();
let planned = null;
let searched = false;

function link(name) {
  at('link').dataset.state = name;
  say(at('link'), LINK[name]);
}

function askToken(problem = '') {
  at('board').hidden = true;
  at('leave').hidden = true;
  at('login').hidden = false;
  link('off');
  say(at('login-problem'), problem);
  at('token').value = '';
  at('token').focus();
}

function leave(problem = '') {
  token.forget();
  // Nothing of what was shown stays in the document.
  sessionStorage.setItem('motet.problem', problem);
  location.reload();
}

/** The parts of the state, and how each is read and shown. */
const PARTS = {
  status: async () => {
    state.status = await get('/v1/status');
    people.own(state.status.signers);
    showIdentity(state.status, people);
    showNode(state.status);
  },
  peers: async () => showPeers((await get('/v1/peers')).peers),
  offers: async () => {
    const { signers } = await get('/v1/signers?known=true');
    people.learn(signers);
    people.own(state.status?.signers ?? []);
    if (!searched) showSigners(signers);
    showAll();
  },
  requests: async () => {
    const before = new Set(state.requests.map(({ request, signer }) => request + signer));
    state.requests = (await get('/v1/requests')).requests;
    showAll();
    for (const request of state.requests.filter(({ request, signer }) => !before.has(request + signer))) {
      say(at('said'), `A request waits for your approval: ${subject(request)}`);
    }
    const learned = await Promise.all(state.requests.map(({ creator }) => people.ask(creator)));
    if (learned.includes(true)) showAll();
  },
  sessions: async () => {
    const before = new Map(state.sessions.map((session) => [session.request, session]));
    state.sessions = (await get('/v1/sessions')).sessions;
    people.seat(state.sessions);
    const ended = state.sessions.filter(hasEnded).slice(-ENDED_SHOWN);
    const read = state.sessions.filter((session) => !hasEnded(session) || ended.includes(session));
    await Promise.all(read.map(async ({ request, revision }) => {
      if (before.get(request)?.revision === revision && state.events.has(request)) return;
      state.events.set(request, (await get(`/v1/sessions/${request}/events`)).events);
    }));
    for (const request of state.events.keys()) if (!read.some((session) => session.request === request)) state.events.delete(request);
    for (const session of state.sessions.filter(hasEnded)) {
      if (before.has(session.request) && !hasEnded(before.get(session.request))) {
        say(at('said'), `Request ${short(session.request)}: ${session.phase === 'complete' ? 'signed' : 'ended without signatures'}`);
      }
    }
    showAll();
  },
  results: async () => {
    state.results = (await get('/v1/results')).results;
    showAll();
  },
  evidence: async () => {
    state.proofs = (await get('/v1/evidence')).proofs;
    showEvidence(state.proofs, people);
  },
};

function showAll() {
  showWaiting(state.requests, people);
  showSessions(state.sessions, state.events, people);
  showResults(state.sessions, state.results);
  showHappened();
  countDown(Date.now());
  const own = state.status ? people.name(state.status.signers[0] ?? '') : '';
  document.title = `${state.requests.length ? `(${state.requests.length}) ` : ''}Motet${own && own !== 'you' ? ` ${own}` : ''}`;
}

/** The parts that an event may change. */
function touched(name, event) {
  if (name.startsWith('Approval')) return ['requests'];
  if (name === 'MisbehaviourProven') return ['evidence', 'sessions'];
  if (event.request) return name === 'SessionComplete' ? ['sessions', 'results', 'status'] : ['sessions'];
  if (name.startsWith('Signer')) return ['offers'];
  return ['status', 'peers'];
}

async function refresh() {
  planned = null;
  const parts = [...dirty];
  dirty.clear();
  const read = await Promise.allSettled(parts.map((part) => PARTS[part]()));
  const refused = read.find(({ reason }) => reason instanceof Refused && reason.status === 401);
  if (refused) leave(refused.reason.message);
  // A part that could not be read is read again when the stream is back.
}

function want(...parts) {
  parts.forEach((part) => dirty.add(part));
  planned ??= setTimeout(refresh, SOON);
}

function happened(name, event) {
  state.happened.unshift({ key: String(state.happened.length ? state.happened[0].key * 1 + 1 : 1), at: Date.now(), event });
  state.happened.length = Math.min(state.happened.length, EVENTS_SHOWN);
  at('events-none').hidden = true;
  showHappened();
}

function showHappened() {
  list(at('events-list'), state.happened, ({ key }) => key, () => make('li'), (element, { at: time, event }) => {
    // Names are learned later than events.
    const line = make('li', {}, make('time', {}, clock(time)), ' ', ...sentence(event, people), event.request ? ` ${short(event.request)}` : '');
    if (line.textContent !== element.textContent) element.replaceChildren(...line.childNodes);
  });
}

function onEvent(name, event) {
  happened(name, event);
  if (name === 'lost') want(...Object.keys(PARTS));
  else want(...touched(name, event));
}

async function sample() {
  try {
    record(await get(missing(Date.now())));
  } catch (error) {
    unknown(error);
  }
  want('status');
}

async function open() {
  const status = await get('/v1/status');
  at('login').hidden = true;
  at('board').hidden = false;
  at('leave').hidden = token.get() === null;
  want(...Object.keys(PARTS));
  sample();
  setInterval(sample, SAMPLED);
  setInterval(() => countDown(Date.now()), 1000);
  let gap = false;
  follow(status.cursor, {
    onState: (name) => {
      // What happened in a gap is read from the stream; what could not be read meanwhile is read again.
      if (name === 'on' && gap) want(...Object.keys(PARTS));
      gap = name !== 'on';
      link(name);
    },
    onEvent,
    onRefused: (error) => leave(error.message),
  });
}

async function start() {
  takeTokenFromAddress();
  const problem = sessionStorage.getItem('motet.problem') ?? '';
  sessionStorage.removeItem('motet.problem');
  try {
    await open();
  } catch (error) {
    if (error instanceof Refused && error.status === 401) {
      const wrong = token.get() !== null;
      token.forget();
      askToken(wrong ? 'This is not the token of this signer.' : problem);
    } else {
      askToken(error instanceof Refused ? error.message : 'The signer does not answer.');
    }
  }
}

at('token-form').addEventListener('submit', (event) => {
  event.preventDefault();
  token.set(at('token').value.trim());
  start();
});
at('leave').addEventListener('click', () => leave());
listenToSearch((offers) => {
  searched = true;
  people.learn(offers);
  people.own(state.status?.signers ?? []);
  showSigners(offers);
  showAll();
});
// A link to the page with a token opens it also when the page is there already.
window.addEventListener('hashchange', () => {
  if (location.hash.startsWith('#token=')) {
    takeTokenFromAddress();
    location.reload();
  }
});
start();
