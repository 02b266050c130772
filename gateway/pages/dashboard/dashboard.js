// The dashboard: asks /live.json once a second. Everything is put in as text.

const pollMs = 1000;
const svgNamespace = 'http://www.w3.org/2000/svg';
const node = { width: 200, height: 92, columnGap: 56, rowGap: 24 };

const element = (id) => document.getElementById(id);

poll();

async function poll() {
  try {
    const response = await fetch('live.json');
    if (!response.ok) throw new Error(`the gateway answered ${response.status}`);
    show(await response.json());
  } catch (error) {
    tell(`no answer: ${error.message}`, true);
  }
  setTimeout(poll, document.hidden ? 5 * pollMs : pollMs);
}

function show(live) {
  document.title = `${live.flow} · Sluice`;
  element('flow').textContent = live.flow;
  tell(live.reasons.length > 0 ? live.reasons.join('; ') : live.status, live.status !== 'ready');
  showTotals(live.total);
  showGraph(live.executors);
  showWorkers(live.executors);
  showEndpoints(live.endpoints);
  showSlow(live.slow);
}

function tell(text, isFault) {
  element('state').textContent = text;
  element('state').classList.toggle('fault', isFault);
}

function showTotals(total) {
  const totals = [
    ['requests/s', rate(total.per_second)],
    ['p50', time(total.p50_ms)],
    ['p99', time(total.p99_ms)],
    ['in flight', String(total.in_flight)],
  ];
  const rows = totals.map(([name, value]) => {
    const row = make('div', {});
    row.append(make('dt', { textContent: name }), make('dd', { textContent: value }));
    return row;
  });
  element('totals').replaceChildren(...rows);
}

/** Columns by distance from the gateway, rows in the order of the flow. */
function showGraph(executors) {
  const depth = new Map();
  for (const { name, needs } of executors) {
    depth.set(name, 1 + Math.max(0, ...needs.map((need) => depth.get(need) ?? 0)));
  }
  const rows = new Map();
  const places = new Map();
  for (const { name } of executors) {
    const column = depth.get(name) - 1;
    const row = rows.get(column) ?? 0;
    rows.set(column, row + 1);
    places.set(name, { x: column * (node.width + node.columnGap), y: row * (node.height + node.rowGap) });
  }
  const width = Math.max(1, ...[...depth.values()]) * (node.width + node.columnGap) - node.columnGap;
  const height = Math.max(1, ...rows.values()) * (node.height + node.rowGap) - node.rowGap;
  const graph = element('graph');
  graph.setAttribute('viewBox', `-2 -2 ${width + 4} ${height + 4}`);
  graph.setAttribute('width', width + 4);
  graph.setAttribute('height', height + 4);
  const edges = executors.flatMap((executor) =>
    executor.needs.map((need) => edge(places.get(need), places.get(executor.name), executor.is_floating)),
  );
  const nodes = executors.map((executor) => box(executor, places.get(executor.name)));
  graph.replaceChildren(...edges, ...nodes);
}

function edge(from, to, isFloating) {
  const [x1, y1, x2, y2] = [from.x + node.width, from.y + node.height / 2, to.x, to.y + node.height / 2];
  const middle = (x1 + x2) / 2;
  const path = draw('path', { d: `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}` });
  if (isFloating) path.classList.add('floating');
  return path;
}

function box(executor, { x, y }) {
  const { name, is_ready: isReady, documents_per_second: perSecond, mean_batch: size, run, queue, queued } = executor;
  const group = draw('g', { transform: `translate(${x} ${y})` });
  group.classList.add(isReady ? 'ready' : 'fault');
  const lines = [
    ['name', 22, name],
    ['number', 42, `${rate(perSecond)} docs/s · batch ${size === null ? '–' : size.toFixed(1)}`],
    ['number', 60, `run ${time(run.p50_ms)} · p99 ${time(run.p99_ms)}`],
    ['number', 78, `queue ${queued} · wait ${time(queue.p50_ms)}`],
  ];
  group.append(draw('rect', { width: node.width, height: node.height, rx: 8 }));
  for (const [kind, height, text] of lines) {
    const line = draw('text', { x: 12, y: height });
    line.classList.add(kind);
    line.textContent = text;
    group.append(line);
  }
  return group;
}

function showWorkers(executors) {
  const head = ['worker', 'state', 'device', '#CPU', '#memory', '#loop delay', '#restarts', 'pid'];
  const rows = executors.flatMap(({ name, workers }) =>
    workers.map((worker) => [
      `${name}/${worker.replica}`,
      {
        text: worker.message ? `${worker.state}: ${worker.message}` : worker.state,
        isFault: worker.state === 'failed',
      },
      worker.device,
      `${Math.round(worker.cpu * 100)} %`,
      `${Math.round(worker.memory_bytes / 2 ** 20)} MiB`,
      time(worker.loop_delay_ms),
      String(worker.restarts),
      worker.pid ?? '–',
    ]),
  );
  showTable('workers', head, rows);
}

function showEndpoints(endpoints) {
  const head = ['endpoint', 'protocol', '#requests/s', '#p50', '#p99', '#answered', 'errors'];
  const rows = endpoints.map(({ endpoint, protocol, per_second: perSecond, p50_ms: p50, p99_ms: p99, reasons }) => {
    const answered = Object.values(reasons).reduce((sum, count) => sum + count, 0);
    const errors = Object.entries(reasons).filter(([reason]) => reason !== 'ok');
    const text = errors.map(([reason, count]) => `${reason} ${count}`).join(', ');
    return [endpoint, protocol, rate(perSecond), time(p50), time(p99), String(answered), { text, isFault: true }];
  });
  showTable('endpoints', head, rows);
}

/** A head that starts with # is of a column of numbers. */
function showTable(id, head, rows) {
  const line = (cells, tag) => {
    const row = make('tr', {});
    cells.forEach((cell, column) => {
      const { text, isFault } = typeof cell === 'object' ? cell : { text: cell, isFault: false };
      const item = make(tag, { textContent: String(text).replace(/^#/, '') });
      if (head[column].startsWith('#')) item.classList.add('number');
      if (isFault) item.classList.add('fault');
      row.append(item);
    });
    return row;
  };
  element(id).replaceChildren(line(head, 'th'), ...rows.map((row) => line(row, 'td')));
}

function showSlow(requests) {
  if (requests.length === 0) {
    element('slow').replaceChildren(make('li', { className: 'empty', textContent: 'None while this page was open.' }));
    return;
  }
  element('slow').replaceChildren(...requests.slice(0, 8).map(waterfall));
}

function waterfall({ id, protocol, endpoint, ms, reason, phases }) {
  const item = make('li', {});
  const title = make('p', {});
  title.append(
    make('strong', { textContent: `${ms.toFixed(1)} ms` }),
    make('span', { textContent: `${endpoint} over ${protocol}${reason ? ` · ${reason}` : ''}` }),
    make('code', { textContent: id }),
  );
  const rows = make('div', { className: 'rows' });
  for (const { executor, phase, from, to, documents } of phases) {
    const track = make('div', { className: 'track' });
    const part = make('span', {});
    part.style.left = `${(100 * from) / ms}%`;
    part.style.width = `${(100 * Math.max(0, to - from)) / ms}%`;
    track.append(part);
    const batch = documents === undefined ? '' : ` (batch of ${documents})`;
    rows.append(
      make('span', { textContent: `${executor} ${phase}${batch}` }),
      track,
      make('span', { textContent: `${(to - from).toFixed(2)} ms` }),
    );
  }
  item.append(title, rows);
  return item;
}

function time(ms) {
  if (ms === null) return '–';
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  return `${ms >= 100 ? Math.round(ms) : ms.toPrecision(2)} ms`;
}

function rate(perSecond) {
  return perSecond >= 100 ? Math.round(perSecond).toLocaleString('en') : perSecond.toFixed(1);
}

function make(tag, properties) {
  return Object.assign(document.createElement(tag), properties);
}

function draw(tag, attributes) {
  const item = document.createElementNS(svgNamespace, tag);
  for (const [name, value] of Object.entries(attributes)) item.setAttribute(name, value);
  return item;
}
