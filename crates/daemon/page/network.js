// The node's place in the network: its connections, its part in the DHT, and what is wrong there.

import { at, list, make, say } from './elements.js';
import { duration, escaped, number, short } from './text.js';

export function showNode(status) {
  const { connections, dht } = status;
  const facts = [
    ['peers', `${connections.peers} (${connections.inbound} in, ${connections.outbound} out)`],
    ['networks', `${connections.networks}${connections.diversity_fell ? ', fewer than before' : ''}`],
    ['reachable', connections.reachability],
    ['DHT', `${dht.state}${dht.server ? ', serves' : ''}, ${dht.peers} peers, ${number(dht.records)} records`],
    ['blocked', connections.blocked === 0 ? 'no peer' : connections.blocked === 1 ? '1 peer' : `${connections.blocked} peers`],
    ...connections.named.map((named) => ['named', `${escaped(named.address)} ${named.contact}${named.reason ? `: ${escaped(named.reason)}` : ''}`]),
    ['peer id', status.peer],
    ['version', `${status.version}, up for ${duration(status.uptime_ms)}`],
  ];
  list(at('node-facts'), facts.map(([name, value], index) => ({ name, value, key: `${index} ${name}` })), ({ key }) => key,
    ({ name }) => make('div', {}, make('dt', {}, name), make('dd', {})),
    (element, { value }) => say(element.lastElementChild, value));
  const warning = at('node-warning');
  const alone = connections.peers === 0;
  warning.hidden = !(alone || connections.diversity_fell);
  say(warning, alone ? 'No peer is connected: nobody can ask, and nobody can be asked.'
    : 'The peers are in far fewer networks than before: this node may be cut off from honest nodes.');
}

export function showPeers(peers) {
  say(at('peers').querySelector('summary'), `Connections, ${peers.length}`);
  list(at('peers-list'), peers, (peer) => `${peer.peer} ${peer.address}`, (peer) => make('li', {},
    make('code', { title: peer.peer }, `…${peer.peer.slice(-8)}`), ` ${peer.direction}${peer.relayed ? ', through a relay' : ''} `,
    make('span', { class: 'aside' }, escaped(peer.address))));
}

export function showIdentity(status, people) {
  const own = status.signers.map((signer) => `${people.name(signer)} ${short(signer)}`).join(', ');
  say(at('identity'), own ? `${own} on ${status.network}` : `on ${status.network}`);
}
