// Calls of the API, and its stream of events. The token is in the storage of this tab, and nowhere else.

const KEPT = 'motet.token';
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15000;
/** The daemon says something every 15 seconds; a stream that is silent for longer is dead. */
const SILENCE = 40000;

/** An answer that is no success: its code, its status, and its text with the next step. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.hint ? `${problem.message}. ${problem.hint}` : problem.message);
    this.status = status;
    this.code = problem.code;
  }
}

export const token = {
  get: () => sessionStorage.getItem(KEPT),
  set: (text) => sessionStorage.setItem(KEPT, text),
  forget: () => sessionStorage.removeItem(KEPT),
};

/** Takes the token out of the address, if it is there, so that it is neither shown nor kept in the history. */
export function takeTokenFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given === null) return;
  history.replaceState(null, '', location.pathname);
  token.set(given.trim());
}

async function send(path, options = {}) {
  const headers = { ...options.headers };
  const shown = token.get();
  if (shown) headers.Authorization = `Bearer ${shown}`;
  const answer = await fetch(path, { ...options, headers, cache: 'no-store', credentials: 'omit', redirect: 'error' });
  if (answer.ok) return answer;
  let problem = { code: 'strange', message: `the answer is none of this API (status ${answer.status})` };
  try {
    problem = (await answer.json()).error ?? problem;
  } catch { /* It has no body of this API. */ }
  throw new Refused(answer.status, problem);
}

export async function get(path) {
  return (await send(path)).json();
}

export async function post(path, body = {}) {
  const headers = { 'Content-Type': 'application/json' };
  return (await send(path, { method: 'POST', headers, body: JSON.stringify(body) })).json();
}

/** Reads one stream of events to its end. */
async function read(after, onOpen, onEvent) {
  const stop = new AbortController();
  let watchdog;
  const alive = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => stop.abort(), SILENCE);
  };
  try {
    alive();
    const answer = await send(`/v1/events?after=${encodeURIComponent(after)}`, { signal: stop.signal });
    onOpen();
    const reader = answer.body.getReader();
    const decoder = new TextDecoder();
    let rest = '';
    let begun = { id: '', event: '', data: '' };
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      alive();
      const ended = (rest + decoder.decode(value, { stream: true })).split('\n');
      rest = ended.pop();
      for (const line of ended) {
        const [, field, said] = /^([^:]*):? ?(.*?)\r?$/.exec(line) ?? [];
        if (field) {
          if (field in begun) begun[field] = said;
        } else if (line.trim() === '') {
          if (begun.id || begun.data) onEvent({ ...begun });
          begun = { id: begun.id, event: '', data: '' };
        }
      }
    }
  } finally {
    clearTimeout(watchdog);
    stop.abort();
  }
}

/**
 * Follows the events after a place for as long as the page is open. After a gap it goes on where it was; a daemon that does not keep that
 * place any more says `lost`, with the place from which it goes on.
 */
export async function follow(after, { onState, onEvent, onRefused }) {
  let pause = FIRST_PAUSE;
  let place = after;
  for (;;) {
    try {
      await read(place, () => {
        pause = FIRST_PAUSE;
        onState('on');
      }, (event) => {
        if (event.id) place = event.id;
        if (event.data) onEvent(event.event, JSON.parse(event.data));
      });
    } catch (error) {
      if (error instanceof Refused && error.status === 401) {
        onRefused(error);
        return;
      }
    }
    onState('waiting');
    await new Promise((resolve) => { setTimeout(resolve, pause); });
    pause = Math.min(pause * 2, LONGEST_PAUSE);
  }
}
