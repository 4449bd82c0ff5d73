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
export interface StreamEvent { id: string | null; event: string; data: Record<string, unknown> }
export interface Done { done: true }

/** A running signer. Without an address it is called over the Unix socket in its data folder. */
export declare class Motet {
  constructor(place?: { data?: string; address?: string; token?: string });
  call(method: string, path: string, more?: { body?: unknown; query?: Record<string, unknown> }): Promise<any>;
  status(): Promise<Status>;
  peers(): Promise<Peer[]>;
  connect(address: string): Promise<Done>;
  halt(): Promise<Done>;
  metrics(): Promise<string>;
  requests(): Promise<PendingRequest[]>;
  /** Approves what has this digest, and nothing else. */
  approve(request: string, digest: string, signer?: string): Promise<Done>;
  decline(request: string, reason?: string, signer?: string): Promise<Done>;
  /** Asks other signers, by key, for signatures of texts or bytes. */
  sign(others: string[], messages: (string | Uint8Array)[], more?: SignOptions): Promise<{ request: string; aggregate_keys: string[] }>;
  sessions(): Promise<Session[]>;
  session(request: string, more?: { wait?: string; after?: string }): Promise<Session>;
  /** Waits for the end of a session: `signatures` is there, or `end` says why not. */
  endOf(request: string, seconds?: number): Promise<Session>;
  abort(request: string, reason?: string): Promise<Done>;
  retry(request: string, replace?: { leaves: string; joins: string }[]): Promise<string>;
  results(): Promise<Result[]>;
  note(request: string): Promise<Done>;
  signers(wishes?: Wishes): Promise<Offer[]>;
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
