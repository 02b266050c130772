// The search page: asks /search of the gateway that served it, with a text or a picture, and shows what comes back.
// Everything that an answer holds is put in as text; nothing of it is ever read as HTML.

const limit = 30;
const typingPauseMs = 180;
const retryMs = 1000;
const largestPicture = 16 * 2 ** 20;
const colours = ['#4c8bf5', '#f2994a', '#27ae60', '#bb6bd9', '#eb5757', '#2d9cdb', '#8d99ae'];

const element = (id) => document.getElementById(id);
const [form, query, results, message] = ['form', 'query', 'results', 'message'].map(element);
const [picture, drop, command, timing] = ['picture', 'drop', 'command', 'timing'].map(element);

/** The picture that is searched with: `{ base64, type, name }`, or undefined for the text in the box. */
let chosen;
let running;
let typing;
let retry;

form.addEventListener('submit', (event) => {
  event.preventDefault();
  search();
});
query.addEventListener('input', () => {
  if (query.value.trim() !== '') choose(undefined);
  clearTimeout(typing);
  typing = setTimeout(search, typingPauseMs);
});
picture.querySelector('button').addEventListener('click', () => {
  choose(undefined);
  query.focus();
  search();
});
document.querySelector('#upload input').addEventListener('change', ({ target }) => {
  void take(target.files[0]);
  target.value = '';
});
document.addEventListener('paste', ({ clipboardData }) => {
  const file = [...clipboardData.files].find(({ type }) => type.startsWith('image/'));
  if (file !== undefined) void take(file);
});
for (const name of ['dragenter', 'dragover']) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    drop.hidden = false;
  });
}
document.addEventListener('dragleave', ({ relatedTarget }) => (drop.hidden = relatedTarget === null));
document.addEventListener('drop', (event) => {
  event.preventDefault();
  drop.hidden = true;
  void take(event.dataTransfer.files[0]);
});
document.addEventListener('keydown', (event) => {
  if (event.key === '/' && document.activeElement !== query) {
    event.preventDefault();
    query.select();
  } else if (event.key === 'Escape' && document.activeElement !== query) query.focus();
  else moveAmongResults(event);
});
element('copy').addEventListener('click', async ({ target }) => {
  await navigator.clipboard.writeText(command.querySelector('code').textContent);
  target.textContent = 'Copied';
  setTimeout(() => (target.textContent = 'Copy as curl'), 1500);
});
window.addEventListener('popstate', start);
start();

function start() {
  query.value = new URLSearchParams(location.search).get('q') ?? '';
  choose(undefined);
  search();
}

/** A file of the person's own, as the query. */
async function take(file) {
  if (file === undefined) return;
  if (!file.type.startsWith('image/'))
    return tell(`${file.name} is no picture, it is ${file.type || 'of an unknown type'}`, true);
  if (file.size > largestPicture) {
    return tell(
      `${file.name} has ${Math.ceil(file.size / 2 ** 20)} MiB; a picture may have ${largestPicture / 2 ** 20}`,
      true,
    );
  }
  const url = await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
  choose({ base64: url.slice(url.indexOf(',') + 1), type: file.type, name: file.name });
  search();
}

function choose(next) {
  chosen = next;
  picture.hidden = next === undefined;
  if (next === undefined) return;
  query.value = '';
  picture.querySelector('img').src = `data:${next.type};base64,${next.base64}`;
  picture.querySelector('img').alt = next.name;
}

async function search() {
  clearTimeout(typing);
  clearTimeout(retry);
  running?.abort();
  const text = query.value.trim();
  remember(text);
  if (text === '' && chosen === undefined) {
    show([]);
    return tell('Type what you look for, or drop a picture here. Press / to come back to the box.');
  }
  const own = (running = new AbortController());
  results.classList.add('waiting');
  const began = performance.now();
  const answer = await ask(
    chosen === undefined ? { text } : { blob: chosen.base64, mime_type: chosen.type },
    own.signal,
  );
  if (running !== own) return;
  results.classList.remove('waiting');
  if (answer === undefined) return;
  const matches = answer.data[0]?.matches ?? [];
  show(matches);
  tell(matches.length === 0 ? 'Nothing found: the index is empty, or nothing in it comes near.' : '');
  showTiming(answer.routes ?? [], performance.now() - began);
  showCommand(text);
}

/** What the flow answers; undefined when it does not, and the message says why. */
async function ask(asked, signal) {
  let response, answer;
  try {
    response = await fetch('search', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ data: [asked], parameters: { limit, blobs: true } }),
      signal,
    });
    answer = await response.json();
  } catch {
    if (signal.aborted) return undefined;
    tell('The service does not answer; trying again.', true);
    retry = setTimeout(search, retryMs);
    return undefined;
  }
  if (response.ok) return answer;
  refuse(response, answer);
  return undefined;
}

function refuse(response, answer) {
  const why = answer.header?.status?.description ?? answer.detail ?? response.statusText;
  const text = typeof why === 'string' ? why : JSON.stringify(why);
  tell(text, true);
  // Still starting, or busy: both pass.
  if (response.status === 503 || response.status === 429) retry = setTimeout(search, retryMs);
}

/** The address keeps the text, so that a search can be shared and gone back to. */
function remember(text) {
  const address = text === '' ? location.pathname : `?${new URLSearchParams({ q: text })}`;
  history.replaceState(null, '', address);
}

function tell(text, isFault = false) {
  message.textContent = text;
  message.classList.toggle('fault', isFault);
  if (isFault) timing.hidden = true;
}

function show(matches) {
  results.classList.toggle('texts', matches.length > 0 && matches.every((match) => !pictureOf(match)));
  results.replaceChildren(...matches.map(card));
  if (matches.length === 0) timing.hidden = command.hidden = true;
}

function card(match) {
  const source = pictureOf(match);
  const title = titleOf(match);
  const button = make('button', { type: 'button', title: source ? 'Find what looks like this' : title });
  if (source) button.append(make('img', { src: source, alt: '', loading: 'lazy' }));
  button.append(make('span', { className: 'title', textContent: title }));
  const score = scoreOf(match);
  if (score) button.append(make('span', { className: 'score', textContent: score }));
  button.addEventListener('click', () => {
    if (match.blob) choose({ base64: match.blob, type: match.mime_type || 'image/png', name: title });
    else if (match.text) {
      choose(undefined);
      query.value = match.text.slice(0, 200);
    }
    search();
    scrollTo({ top: 0, behavior: 'smooth' });
  });
  const item = make('li', {});
  item.append(button);
  return item;
}

function pictureOf({ blob, mime_type: type, uri }) {
  if (blob && (!type || type.startsWith('image/'))) return `data:${type || 'image/png'};base64,${blob}`;
  return uri?.startsWith('data:image/') ? uri : undefined;
}

function titleOf({ text, tags, uri, id }) {
  const named = tags?.title ?? tags?.name;
  if (typeof named === 'string' && named !== '') return named;
  if (text) return text;
  if (!uri || uri.startsWith('data:')) return id;
  // A file's name says what it shows as well as its author could.
  return uri
    .split('/')
    .at(-1)
    .replace(/\.\w{1,5}$/, '')
    .replaceAll(/[-_]+/g, ' ');
}

function scoreOf({ scores }) {
  const [first] = Object.entries(scores ?? {});
  return first === undefined ? '' : `${first[0].replaceAll('_', ' ')} ${first[1].value.toFixed(3)}`;
}

function make(tag, properties) {
  return Object.assign(document.createElement(tag), properties);
}

/** Where the time went: each executor by its route, the rest on the way and in the gateway. */
function showTiming(routes, totalMs) {
  const length = ({ startTime: start, endTime: end }) => Math.max(0, Date.parse(end) - Date.parse(start)) || 0;
  const executors = routes
    .filter(({ executor }) => executor !== 'gateway')
    .map((route) => [route.executor, length(route)]);
  const spent = executors.reduce((sum, [, ms]) => sum + ms, 0);
  const phases = [...executors, ['gateway and network', Math.max(0, totalMs - spent)]];
  element('bar').replaceChildren(
    ...phases.map(([, ms], place) => {
      const part = make('span', {});
      part.style.flex = `${ms} 0 0`;
      part.style.background = colours[place % colours.length];
      return part;
    }),
  );
  element('phases').replaceChildren(
    ...[...phases, ['total', totalMs]].map(([name, ms], place) => {
      const row = make('div', {});
      row.style.setProperty('--phase', place < phases.length ? colours[place % colours.length] : 'transparent');
      row.append(make('dt', { textContent: name }), make('dd', { textContent: `${ms.toFixed(1)} ms` }));
      return row;
    }),
  );
  timing.hidden = false;
}

function showCommand(text) {
  const quote = (value) => `'${value.replaceAll("'", `'\\''`)}'`;
  const address = quote(new URL('search', location.href).href);
  const parameters = `"parameters": {"limit": ${limit}}`;
  const data =
    chosen === undefined
      ? `-d ${quote(`{"data": [{"text": ${JSON.stringify(text)}}], ${parameters}}`)}`
      : `-d @- <<< "{\\"data\\": [{\\"blob\\": \\"$(base64 < ${quote(chosen.name)} | tr -d '\\n')\\", \\"mime_type\\": \\"${chosen.type}\\"}]}"`;
  command.querySelector('code').textContent = `curl -s ${address} -H 'content-type: application/json' ${data}`;
  command.hidden = false;
}

/** Arrow keys go from result to result, by rows and columns as they are seen. */
function moveAmongResults(event) {
  const cards = [...results.querySelectorAll('button')];
  const here = cards.indexOf(document.activeElement);
  if (here < 0) {
    if (event.key === 'ArrowDown' && document.activeElement === query) cards[0]?.focus();
    return;
  }
  const columns = cards.filter(({ offsetTop }) => offsetTop === cards[0].offsetTop).length;
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
  if (step === undefined) return;
  event.preventDefault();
  if (here + step < 0) query.focus();
  else cards[here + step]?.focus();
}
