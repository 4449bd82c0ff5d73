// Signers that are on offer, the search for them, and the names and scores by which this page calls them.

import { at, code, list, make, say, strange } from './elements.js';
import { get } from './api.js';
import { duration, number, quoted, short } from './text.js';

const ANY = '18446744073709551615';
/** Amounts go up to 2^64 - 1, which JavaScript's numbers cannot hold: those above are shown as such. */
const exact = (value) => (Number.isSafeInteger(value) ? number(value) : `about ${value.toExponential(2)}`);

/** Names and scores of signers. A name proves nothing, so the key stands beside it wherever it counts. */
export class People {
  #names = new Map();
  #scores = new Map();
  #asked = new Set();
  #places = new Map();

  learn(offers) {
    for (const { signer, nickname, score } of offers) {
      if (nickname) this.#names.set(signer, quoted(nickname));
      this.#scores.set(signer, score);
    }
  }

  own(signers) {
    for (const signer of signers) this.#names.set(signer, 'you');
  }

  /** Takes in the places of signers in their sessions. */
  seat(sessions) {
    for (const { request, signers } of sessions) this.#places.set(request, signers);
  }

  /** The signer with this place in a session, if it is known. */
  at(request, index) {
    return this.#places.get(request)?.[index];
  }

  name(signer) {
    return this.#names.get(signer) ?? short(signer);
  }

  /** A signer's name beside the beginning of its key; the key alone, if it has no name. */
  shown(signer) {
    const key = code(short(signer), signer);
    return this.#names.has(signer) ? [strange(this.name(signer)), ' ', key] : [key];
  }

  score(signer) {
    return this.#scores.get(signer);
  }

  /** Asks for the score of a signer once. */
  async ask(signer) {
    if (this.#scores.has(signer) || this.#asked.has(signer)) return false;
    this.#asked.add(signer);
    this.#scores.set(signer, (await get(`/v1/signers/${signer}/reputation`)).score);
    return true;
  }
}

export function showSigners(offers) {
  list(at('signers-list'), offers, (offer) => offer.signer, () => make('li', {}), (element, offer) => {
    const most = offer.max_amount >= Number(ANY) ? 'any amount' : `${exact(offer.min_amount)} to ${exact(offer.max_amount)}`;
    element.replaceChildren(
      strange(offer.nickname ? quoted(offer.nickname) : 'no name'), ' ', code(short(offer.signer), offer.signer),
      make('span', { class: 'score' }, ` score ${offer.score}`),
      make('div', { class: 'aside' },
        offer.types.length ? offer.types.map((type) => quoted(type)).join(', ') : 'any type', ` · ${most}`,
        offer.fee ? ` · fee ${exact(offer.fee)}` : '', ` · ${duration(offer.age_ms)} old`,
        ...(offer.description ? [' · ', strange(quoted(offer.description))] : [])));
  });
}

/** Lets the form search the network. `found` gets the offers. */
export function listenToSearch(found) {
  const form = at('signers-form');
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const given = [...new FormData(form)].filter(([, value]) => value.trim() !== '');
    const button = form.querySelector('button');
    button.disabled = true;
    say(at('signers-state'), 'asks the network…');
    try {
      const { signers } = await get(`/v1/signers?${new URLSearchParams(given)}`);
      found(signers);
      say(at('signers-state'), signers.length === 1 ? '1 signer fits' : `${signers.length} signers fit`);
    } catch (error) {
      say(at('signers-state'), error.message);
    } finally {
      button.disabled = false;
    }
  });
}
