// Texts of strangers made harmless, and numbers, times and ids as people read them. The rules for texts are those of the terminal.

const HIDDEN = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}|[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufe00-\ufe0f\u{e0000}-\u{e0fff}]/gu;
const PILE = /(?<=\p{M}{2})\p{M}/gu;
const LEADING = /^\p{M}/u;
const DIGITS_SHOWN = 8;

const escape = (character) => `\\u{${character.codePointAt(0).toString(16)}}`;

/** The text in one line, without characters that hide, turn the direction of writing or pile up. */
export function escaped(text) {
  return text.replace(HIDDEN, escape).replace(LEADING, escape).replace(PILE, escape);
}

/** A stranger's text between quotes that it cannot end. */
export function quoted(text) {
  return `"${escaped(text.replaceAll('\\', '\\\\').replaceAll('"', '\\"'))}"`;
}

/** A message in hexadecimal digits: as text in quotes if it is plain, else as its digits. */
export function message(digits) {
  const bytes = Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    if (!/\p{Cc}/u.test(text)) return quoted(text);
  } catch { /* It is no text. */ }
  return digits;
}

/** The beginning of a text that is too long for a title. */
export function clipped(text, most = 90) {
  const characters = [...text];
  return characters.length > most ? `${characters.slice(0, most).join('')}…` : text;
}

/** The beginning of an id or a key. */
export function short(id) {
  return id.length > DIGITS_SHOWN ? `${id.slice(0, DIGITS_SHOWN)}…` : id;
}

/** A number with its thousands apart. */
export function number(value) {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f');
}

/** Milliseconds as minutes and seconds, or hours and minutes. */
export function duration(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const two = (part) => String(part).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;
  const hours = Math.floor(seconds / 3600);
  return hours < 48 ? `${hours} h ${two(Math.floor((seconds % 3600) / 60))} min` : `${Math.floor(hours / 24)} days`;
}

/** A time of the day in milliseconds since 1970. */
export function clock(ms) {
  return new Date(ms).toLocaleTimeString('en-GB');
}

/** The words of an event's name: `ParticipantJoined` is "participant joined". */
export function words(name) {
  return name.replace(/(?!^)([A-Z])/g, ' $1').toLowerCase();
}
