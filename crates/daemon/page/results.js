// Signatures that were made, and proofs that signers broke the protocol: to read and to copy.

import { at, copier, list, make, strange } from './elements.js';
import { clipped, message, short } from './text.js';

/** The signatures of complete sessions, and of results that no program has noted, each once. */
export function signatures(sessions, results) {
  const found = new Map(results.map((result) => [result.request, { ...result, noted: false }]));
  for (const session of sessions.filter(({ signatures }) => signatures)) {
    if (found.has(session.request)) continue;
    const items = session.items.map((item, index) => ({ ...item, signature: session.signatures[index] }));
    found.set(session.request, { request: session.request, items, noted: true });
  }
  return [...found.values()].flatMap(({ request, items, noted }) =>
    items.map((item, index) => ({ ...item, request, noted, key: `${request}-${index}` })));
}

export function showResults(sessions, results) {
  const all = signatures(sessions, results).reverse();
  list(at('results-list'), all, (item) => item.key, (item) => make('li', { class: 'card result' },
    make('p', { class: 'head' }, strange(clipped(message(item.message))), ' ', make('span', { class: 'aside' }, `request ${short(item.request)}`)),
    make('dl', { class: 'facts digits' },
      make('dt', {}, 'signature'), make('dd', {}, make('code', {}, item.signature)),
      make('dt', {}, 'key'), make('dd', {}, make('code', {}, item.aggregate_key))),
    make('div', { class: 'buttons' },
      copier('Copy the signature', () => item.signature), copier('Copy the key', () => item.aggregate_key),
      copier('Copy as JSON', () => JSON.stringify({ message: item.message, aggregate_key: item.aggregate_key, signature: item.signature })))));
  at('results-none').hidden = all.length > 0;
}

export function showEvidence(proofs, people) {
  at('evidence').hidden = proofs.length === 0;
  list(at('evidence-list'), proofs, (proof) => `${proof.request}-${proof.signer}-${proof.charge}`, (proof) => make('li', { class: 'card' },
    make('p', {}, make('strong', {}, proof.charge.replaceAll('_', ' ')), ' · ', ...people.shown(proof.signer)),
    make('p', { class: 'meta' }, proof.request ? `in request ${short(proof.request)}, ` : '', `${proof.evidence.length / 2} bytes`),
    make('div', { class: 'buttons' }, copier('Copy the proof', () => proof.evidence))));
}
