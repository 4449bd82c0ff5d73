// Two signers sign a message together: the first asks, the second approves. Run two signers, and then
//
//   node example.mjs ALICE_DATA_FOLDER BOB_DATA_FOLDER

import { setTimeout as pause } from "node:timers/promises";
import { Motet, MotetError } from "./motet.mjs";

const [alice, bob] = process.argv.slice(2, 4).map((data) => new Motet({ data }));
const { signers: [bobsKey], cursor } = await bob.status();

// Alice's node finds Bob on the network. On one machine that takes a moment.
let found = false;
for (let tries = 0; tries < 120 && !found; tries += 1) {
  if (tries > 0) await pause(500);
  found = (await alice.signers({ known: true })).some((offer) => offer.signer === bobsKey);
}
if (!found) throw new Error("Bob was not found");

// Bob listens from a place before he is asked, so that nothing is missed.
const asked = await alice.sign([bobsKey], ["lunch at noon"], { description: "a message between friends" });
for await (const event of bob.events({ after: cursor })) {
  if (event?.event === "ApprovalAsked" && event.data.request === asked.request) break;
}
const waiting = (await bob.requests()).find((request) => request.request === asked.request);
console.log(waiting.text);

// What Bob approves is exactly what he was shown.
try {
  await bob.approve(waiting.request, "0".repeat(64));
} catch (error) {
  if (!(error instanceof MotetError) || error.code !== "digest_mismatch") throw error;
}
await bob.approve(waiting.request, waiting.digest);

const session = await alice.endOf(asked.request);
console.log("key      ", session.items[0].aggregate_key);
console.log("message  ", session.items[0].message);
console.log("signature", session.signatures[0]);
