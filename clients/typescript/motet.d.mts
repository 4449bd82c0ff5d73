// Types of motet.mjs. docs/api.md and GET /openapi.json describe the fields.

/** A failed call: `code` stays the same when the text changes, `status` is that of HTTP, `hint` is the next step. */
export declare class MotetError extends Error {
  status: number;
  code: string;
  hint: string | null;
  constructor(status: number, code: string, message: string, hint?: string | null);
}

export interface Status {
  version: string; network: string; peer: string; signers: string[]; cursor: string; api: string | null;
  uptime_ms: number; questions: number; sessions: number; results: number;
  connections: Record<string, unknown>; dht: Record<string, unknown>;
}
export interface Peer { peer: string; address: string; direction: "inbound" | "outbound"; relayed: boolean }
export interface Item { aggregate_key: string; message: string }
export interface PendingRequest {
  request: string; signer: string; digest: string; text: string; creator: string; signers: string[];
  items: (Item & { message_text: string | null; derivation: Record<string, unknown> })[];
  description: string; type: string; amount: number | null; transaction: string; commitments: boolean; election: string;
  created_ms: number; expires_ms: number; verified: Record<string, unknown> | null;
}
export interface Session {
  request: string; revision: string; creator: string; signers: string[]; awaiting: string[]; items: Item[];
  phase: "joining" | "nonce commitments" | "nonces" | "partial signatures" | "complete" | "aborted";
  signatures: string[] | null; end: { why: string } | null; may_complete: string[]; [more: string]: unknown;
}
export interface Result { request: string; session: string; items: (Item & { signature: string })[] }
export interface Offer {
  signer: string; nickname: string; description: string; fee: number; types: string[]; min_amount: number;
  max_amount: number; peer: string; score: number; age_ms: number; expires_in_ms: number;
}
export interface Wishes { type?: string; amount?: number; nickname?: string; min_score?: number; count?: number; known?: boolean }
export interface SignOptions {
  signer?: string; taproot?: boolean; description?: string; type?: string; amount?: number; transaction?: string;
  private?: boolean; election?: string; commitments?: boolean; join_timeout_ms?: number; despite_open?: boolean;
}
export interface Minute { at_ms: number; open: number; complete: number; ended: number; accepted: number; rejected: number }
export interface FoundRequest { request: string; creator: string; signers: string[]; aggregate_keys: string[]; expires_ms: number }
export interface StreamEvent { id: string | null; event: string; data: Record<string, unknown> }
export interface Done { done: true }

/** A running signer. Without an address it is called over the Unix socket in its data folder. */
export declare class Motet {
  constructor(place?: { data?: string; address?: string; token?: string });
  call(method: string, path: string, more?: { body?: unknown; query?: Record<string, unknown> }): Promise<any>;
  status(): Promise<Status>;
  peers(): Promise<Peer[]>;
  /** The addresses of a peer, as this node or the DHT knows them. */
  addresses(peer: string): Promise<string[]>;
  connect(address: string): Promise<Done>;
  halt(): Promise<Done>;
  /** Takes the key out of memory: nothing is signed until it is unlocked. */
  lock(): Promise<Done>;
  /** Loads the key again; over the Unix socket alone. */
  unlock(passphrase: string): Promise<Done>;
  log(): Promise<string>;
  setLog(filter: string): Promise<unknown>;
  webhooks(): Promise<Record<string, unknown>[]>;
  stats(): Promise<Record<string, unknown>>;
  /** Counts for each minute of the last day, or for the newest minutes. */
  history(minutes?: number): Promise<Minute[]>;
  metrics(): Promise<string>;
  requests(): Promise<PendingRequest[]>;
  request(request: string, signer?: string): Promise<PendingRequest>;
  /** Approves what has this digest, and nothing else. */
  approve(request: string, digest: string, signer?: string): Promise<Done>;
  decline(request: string, reason?: string, signer?: string): Promise<Done>;
  /** Asks other signers, by key, for signatures of texts or bytes. */
  sign(others: string[], messages: (string | Uint8Array)[], more?: SignOptions): Promise<{ request: string; aggregate_keys: string[] }>;
  sessions(): Promise<Session[]>;
  session(request: string, more?: { wait?: string; after?: string; until?: "end" }): Promise<Session>;
  /** Waits for the end of a session: `signatures` is there, or `end` says why not. */
  endOf(request: string, seconds?: number): Promise<Session>;
  /** The events of a session that the journal keeps, the oldest first. */
  timeline(request: string): Promise<Record<string, unknown>[]>;
  abort(request: string, reason?: string): Promise<Done>;
  retry(request: string, replace?: { leaves: string; joins: string }[]): Promise<string>;
  /** Forgets a session, and notes its signatures. */
  close(request: string): Promise<Done>;
  /** The first step of a session with manual rounds; startRound1 and startRound2 follow. */
  startNonceCommitment(request: string): Promise<Done>;
  startRound1(request: string): Promise<Done>;
  startRound2(request: string): Promise<Done>;
  results(): Promise<Result[]>;
  note(request: string): Promise<Done>;
  /** The proofs that signers broke the protocol. */
  evidence(): Promise<Record<string, unknown>[]>;
  signers(wishes?: Wishes): Promise<Offer[]>;
  /** The offer of one signer, and whether it comes from the directory or the DHT. */
  signer(signer: string): Promise<{ source: string; offer: Offer }>;
  reputation(signer: string): Promise<number>;
  /** The requests that wait for a signer, as this node and the DHT know them. */
  requestsOf(signer: string): Promise<FoundRequest[]>;
  findRequest(request: string): Promise<FoundRequest>;
  /** Serves a further key of the keystore, by its name. Returns the signer. */
  addSigner(key: string): Promise<string>;
  removeSigner(signer: string): Promise<Done>;
  /** Offers a signer of this node. Returns the id of the advertisement. */
  advertise(offer: Record<string, unknown>): Promise<string>;
  withdraw(signer: string, reason?: string): Promise<Done>;
  addContact(signer: string): Promise<Done>;
  removeContact(signer: string): Promise<Done>;
  resources(name?: { type: string; id: string }): Promise<{ signer: string; type: string; id: string; data: string }[]>;
  /** Announces a resource of an application, as bytes, until the node stops. */
  announceResource(type: string, id: string, data: Uint8Array, more?: { lifetime_ms?: number; signer?: string }): Promise<string>;
  sendMessage(application: string, to: string, data: Uint8Array, signer?: string): Promise<string>;
  /** The messages of an application; null whenever the stream has only shown that it is open. */
  messages(application: string): AsyncGenerator<StreamEvent | null>;
  /** Events as they come; null whenever the stream has only shown that it is open. */
  events(from?: { after?: string; request?: string }): AsyncGenerator<StreamEvent | null>;
}

/** The event in the body of a webhook, if the signature in its headers (lower case) is right and recent. An event may come twice. */
export declare function verifyWebhook(
  secret: string, headers: Record<string, string>, body: string | Uint8Array, more?: { now?: number; tolerance?: number },
): Record<string, unknown>;
