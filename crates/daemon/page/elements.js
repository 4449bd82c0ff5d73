// Elements of the page. Text is always set as text: no string ever becomes markup.

const SVG = 'http://www.w3.org/2000/svg';

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === 'function') element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** An element with attributes, listeners (functions) and children; strings are text. */
export function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** An element of a drawing. */
export function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** The element with this id, which the document has. */
export function at(id) {
  return document.getElementById(id);
}

/** Sets a text, if it is another than before: a reader of the screen does not hear it again. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Makes the children of a list those of these items, in their order. An element is made once for each key and then updated, so that it
 * keeps the focus and its open details.
 */
export function list(parent, items, key, create, update) {
  const kept = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const id = key(item);
    let child = kept.get(id);
    kept.delete(id);
    if (!child) {
      child = create(item);
      child.dataset.key = id;
    }
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
    update?.(child, item);
  }
  for (const gone of kept.values()) gone.remove();
}

/** A stranger's text, already in quotes, which does not turn the direction of the texts around it. */
export function strange(text) {
  return make('bdi', { class: 'strange' }, text);
}

/** An id or a key: its beginning, and the whole for those that point at it. */
export function code(shown, whole) {
  return make('code', { title: whole }, shown);
}

/** A button that copies a text. */
export function copier(label, text) {
  const button = make('button', { type: 'button', class: 'quiet small' }, label);
  button.addEventListener('click', async () => {
    let told = 'copied';
    try {
      await navigator.clipboard.writeText(text());
    } catch {
      told = 'the browser refused';
    }
    button.textContent = told;
    setTimeout(() => { button.textContent = label; }, 1500);
  });
  return button;
}

/** A text that is the API's, line by line as it is, with its warnings marked. Strangers cannot write lines of it. */
export function lines(text) {
  return text.trim().split('\n').map((line) => {
    const said = line.trimStart();
    const kind = said.startsWith('DANGER') ? 'danger' : said.startsWith('WARNING') ? 'warning' : null;
    return make('div', { class: kind ? `line ${kind}` : 'line' }, line);
  });
}

/** Opens a dialog. `act` is called when its form is sent; it closes unless that fails, and then says why. */
export function ask(dialog, act) {
  const form = dialog.querySelector('form');
  const problem = dialog.querySelector('.problem');
  const send = dialog.querySelector('[type=submit]');
  say(problem, '');
  send.disabled = false;
  dialog.querySelector('[data-close]').onclick = () => dialog.close();
  form.onsubmit = async (event) => {
    event.preventDefault();
    send.disabled = true;
    try {
      await act();
      dialog.close();
    } catch (error) {
      say(problem, error.message);
    } finally {
      send.disabled = false;
    }
  };
  dialog.showModal();
}
