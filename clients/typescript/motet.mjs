// A client of the API of a running Motet signer (docs/api.md). It needs Node 18 and nothing else; motet.d.mts has its types.
//
//   import { Motet } from "./motet.mjs";
//   const alice = new Motet({ data: "alice.key.motet" });                              // the Unix socket in the data folder
//   const again = new Motet({ data: "alice.key.motet", address: "127.0.0.1:7070" });   // loopback, with the token in the data folder
//   for (const request of await alice.requests()) await alice.approve(request.request, request.digest);

import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { request as send } from "node:http";
import { join } from "node:path";

// A call takes 90 seconds at most, and a stream says something every 15 seconds.
const PATIENCE = 100_000;

/** A call has failed. */
export class MotetError extends Error {
  constructor(status, code, message, hint) {
    super(`${code}: ${message}`);
    this.name = "MotetError";
    this.status = status;
    this.code = code;
    this.hint = hint ?? null;
  }
}

const given = (values) => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined && value !== null));

/** A running signer. */
export class Motet {
  #way;

  constructor({ data = process.env.MOTET_DATA, address, token } = {}) {
    if (!data && !(address && token)) throw new TypeError("name the data folder of the signer, or set MOTET_DATA");
    if (!address) {
      this.#way = { socketPath: join(data, "api.sock"), headers: { host: "localhost" } };
      return;
    }
    const shown = token ?? readFileSync(join(data, "api.token"), "ascii").trim();
    const { hostname, port } = new URL(`http://${address}`);
    const host = hostname.replace(/^\[|\]$/g, "");
    this.#way = { host, port, headers: { host: address, authorization: `Bearer ${shown}` } };
  }

  /** Calls a route, and returns its JSON. */
  async call(method, path, { body, query } = {}) {
    return JSON.parse(await text(await this.#send(method, path, { body, query })));
  }

  #send(method, path, { body, query } = {}) {
    const search = new URLSearchParams(given(query ?? {})).toString();
    const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const headers = { ...this.#way.headers };
    if (bytes) Object.assign(headers, { "content-type": "application/json", "content-length": bytes.length });
    const options = { ...this.#way, method, path: search ? `${path}?${search}` : path, headers, agent: false, timeout: PATIENCE };
    return new Promise((resolve, reject) => {
      const call = send(options, async (response) => {
        if (response.statusCode < 400) return resolve(response);
        try {
          reject(failure(response.statusCode, await text(response)));
        } catch (error) {
          reject(error);
        }
      });
      call.on("timeout", () => call.destroy(new Error("no answer in time")));
      call.on("error", reject);
      call.end(bytes);
    });
  }

  async *#stream(path, query) {
    const response = await this.#send("GET", path, { query });
    let rest = "";
    let [id, event, data] = [null, "message", []];
    try {
      for await (const part of response.setEncoding("utf8")) {
        const lines = (rest + part).split("\n");
        rest = lines.pop();
        for (const line of lines.map((line) => line.replace(/\r$/, ""))) {
          const [field, value] = split(line);
          if (line === "") {
            if (data.length > 0) yield { id, event, data: JSON.parse(data.join("\n")) };
            [event, data] = ["message", []];
          } else if (line.startsWith(":")) yield null; // the stream is open, or alive
          else if (field === "id") id = value;
          else if (field === "event") event = value;
          else if (field === "data") data.push(value);
        }
      }
    } finally {
      response.destroy();
    }
  }

  // The node
  status = () => this.call("GET", "/v1/status");
  peers = async () => (await this.call("GET", "/v1/peers")).peers;
  addresses = (peer) => this.call("GET", `/v1/peers/${peer}`);
  connect = (address) => this.call("POST", "/v1/peers", { body: { address } });
  halt = () => this.call("POST", "/v1/halt", { body: {} });
  lock = () => this.call("POST", "/v1/lock", { body: {} });
  unlock = (passphrase) => this.call("POST", "/v1/unlock", { body: { passphrase } });
  log = async () => (await this.call("GET", "/v1/log")).filter;
  setLog = (filter) => this.call("PUT", "/v1/log", { body: { filter } });
  webhooks = async () => (await this.call("GET", "/v1/webhooks")).webhooks;
  stats = () => this.call("GET", "/v1/stats");
  history = async (minutes) => (await this.call("GET", "/v1/history", { query: { minutes } })).minutes;
  metrics = async () => text(await this.#send("GET", "/metrics"));

  // Approvals
  requests = async () => (await this.call("GET", "/v1/requests")).requests;
  request = (request, signer) => this.call("GET", `/v1/requests/${request}`, { query: { signer } });
  approve = (request, digest, signer) =>
    this.call("POST", `/v1/requests/${request}/approve`, { body: { digest, ...given({ signer }) } });
  decline = (request, reason, signer) =>
    this.call("POST", `/v1/requests/${request}/decline`, { body: given({ reason, signer }) });

  // Sessions
  sign(others, messages, more = {}) {
    const form = (message) => (typeof message === "string" ? { text: message } : { hex: Buffer.from(message).toString("hex") });
    return this.call("POST", "/v1/sign", { body: { with: others, messages: messages.map(form), ...more } });
  }
  sessions = async () => (await this.call("GET", "/v1/sessions")).sessions;
  session = (request, { wait, after, until } = {}) => this.call("GET", `/v1/sessions/${request}`, { query: { wait, after, until } });
  async endOf(request, seconds = 300) {
    const ends = performance.now() + seconds * 1000;
    let session = await this.session(request);
    while (session.phase !== "complete" && session.phase !== "aborted") {
      const left = Math.floor((ends - performance.now()) / 1000);
      if (left < 1) throw new Error(`the session ${request} has not ended within ${seconds} s`);
      session = await this.session(request, { wait: `${Math.min(left, 30)}s`, until: "end" });
    }
    return session;
  }
  timeline = async (request) => (await this.call("GET", `/v1/sessions/${request}/events`)).events;
  abort = (request, reason) => this.call("POST", `/v1/sessions/${request}/abort`, { body: given({ reason }) });
  retry = async (request, replace = []) =>
    (await this.call("POST", `/v1/sessions/${request}/retry`, { body: { replace } })).request;
  close = (request) => this.call("POST", `/v1/sessions/${request}/close`, { body: {} });
  startNonceCommitment = (request) => this.call("POST", `/v1/sessions/${request}/nonce-commitments`, { body: {} });
  startRound1 = (request) => this.call("POST", `/v1/sessions/${request}/round1`, { body: {} });
  startRound2 = (request) => this.call("POST", `/v1/sessions/${request}/round2`, { body: {} });
  results = async () => (await this.call("GET", "/v1/results")).results;
  note = (request) => this.call("POST", `/v1/results/${request}/note`, { body: {} });
  evidence = async () => (await this.call("GET", "/v1/evidence")).proofs;

  // Signers, messages of applications, events
  signers = async (wishes = {}) => (await this.call("GET", "/v1/signers", { query: wishes })).signers;
  signer = (signer) => this.call("GET", `/v1/signers/${signer}`);
  reputation = async (signer) => (await this.call("GET", `/v1/signers/${signer}/reputation`)).score;
  requestsOf = async (signer) => (await this.call("GET", `/v1/signers/${signer}/requests`)).requests;
  findRequest = (request) => this.call("GET", `/v1/network/requests/${request}`);
  addSigner = async (key) => (await this.call("POST", "/v1/signers", { body: { key } })).signer;
  removeSigner = (signer) => this.call("DELETE", `/v1/signers/${signer}`);
  advertise = async (offer) => (await this.call("POST", "/v1/advertisements", { body: offer })).advertisement;
  withdraw = (signer, reason) => this.call("DELETE", `/v1/advertisements/${signer}`, { query: { reason } });
  addContact = (signer) => this.call("POST", "/v1/contacts", { body: { signer } });
  removeContact = (signer) => this.call("DELETE", `/v1/contacts/${signer}`);
  resources = async ({ type, id } = {}) => (await this.call("GET", "/v1/resources", { query: { type, id } })).resources;
  announceResource = async (type, id, data, { lifetime_ms = 3_600_000, signer } = {}) => {
    const body = { type, id, data: Buffer.from(data).toString("hex"), lifetime_ms, ...given({ signer }) };
    return (await this.call("POST", "/v1/resources", { body })).message;
  };
  sendMessage = async (application, to, data, signer) => {
    const body = { to, data: Buffer.from(data).toString("hex"), ...given({ signer }) };
    return (await this.call("POST", `/v1/applications/${encodeURIComponent(application)}/messages`, { body })).message;
  };
  messages = (application) => this.#stream(`/v1/applications/${encodeURIComponent(application)}/messages`);
  events = ({ after, request } = {}) => this.#stream("/v1/events", { after, request });
}

/** The event in the body of a webhook, if the signature in its headers is right. */
export function verifyWebhook(secret, headers, body, { now = Date.now() / 1000, tolerance = 300 } = {}) {
  const [id, seconds] = [headers["webhook-id"] ?? "", headers["webhook-timestamp"] ?? ""];
  if (!/^\d+$/.test(seconds) || Math.abs(now - Number(seconds)) > tolerance) {
    throw new Error("the time of the webhook is missing or too far away");
  }
  const key = Buffer.from(secret.trim().replace(/^whsec_/, ""), "base64");
  const right = Buffer.from(`v1,${createHmac("sha256", key).update(`${id}.${seconds}.`).update(body).digest("base64")}`);
  for (const signature of (headers["webhook-signature"] ?? "").split(" ").map((one) => Buffer.from(one))) {
    if (signature.length === right.length && timingSafeEqual(signature, right)) return JSON.parse(String(body));
  }
  throw new Error("the signature of the webhook is wrong");
}

async function text(response) {
  let whole = "";
  for await (const part of response.setEncoding("utf8")) whole += part;
  return whole;
}

function split(line) {
  const colon = line.indexOf(":");
  return colon < 0 ? [line, ""] : [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")];
}

function failure(status, body) {
  try {
    const { code, message, hint } = JSON.parse(body).error;
    return new MotetError(status, code, message, hint);
  } catch {
    return new MotetError(status, "unknown", `status ${status} without an error of this API`);
  }
}
