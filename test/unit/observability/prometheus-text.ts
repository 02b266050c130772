import assert from 'node:assert/strict';

interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: Sample[];
}

// prom-client writes Nan for a mean of nothing; Prometheus reads numbers without regard to case.
const namePattern = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const samplePattern = new RegExp(
  String.raw`^(${namePattern})(?:\{(.*)\})? ([Nn]a[Nn]|[+-]Inf|-?[0-9.]+(?:e[+-]?\d+)?)$`,
);
const labelPattern = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)"(,|$)/y;

/** Strict reader of Prometheus' text format 0.0.4: fails on anything Prometheus itself would refuse. */
export function parsePrometheusText(text: string): Map<string, Family> {
  assert.ok(text.endsWith('\n'), 'the last line ends');
  const families = new Map<string, Family>();
  let help: { name: string; text: string } | undefined;
  let family: Family | undefined;
  const seen = new Set<string>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const comment = new RegExp(`^# (HELP|TYPE) (${namePattern}) (.*)$`).exec(line);
    if (comment) {
      const [, kind, name = '', rest = ''] = comment;
      if (kind === 'HELP') {
        assert.ok(!families.has(name), `${name} stands in one place only`);
        help = { name, text: rest };
        continue;
      }
      assert.match(rest, /^(counter|gauge|histogram|summary|untyped)$/);
      assert.equal(help?.name, name, `${name} has its help before its type`);
      family = { name, type: rest, help: help.text, samples: [] };
      families.set(name, family);
      continue;
    }
    const match = samplePattern.exec(line);
    assert.ok(match, `not a sample: ${line}`);
    const [, name = '', labelText = '', number = ''] = match;
    assert.ok(family, `${name} has a family`);
    const base = family.type === 'histogram' ? name.replace(/_(bucket|sum|count)$/, '') : name;
    assert.equal(base, family.name, `${name} stands under its own family`);
    assert.ok(!seen.has(`${name}{${labelText}}`), `twice the same series: ${line}`);
    seen.add(`${name}{${labelText}}`);
    const value = number.endsWith('Inf') ? Infinity : Number(number);
    family.samples.push({ name, labels: parseLabels(labelText), value });
  }
  for (const { type, samples } of families.values()) if (type === 'histogram') checkHistogram(samples);
  return families;
}

function parseLabels(text: string): Map<string, string> {
  const labels = new Map<string, string>();
  labelPattern.lastIndex = 0;
  while (labelPattern.lastIndex < text.length) {
    const match = labelPattern.exec(text);
    assert.ok(match, `not a list of labels: ${text}`);
    const [, name = '', value = ''] = match;
    assert.ok(!labels.has(name), `label ${name} stands twice`);
    labels.set(
      name,
      value.replaceAll(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char)),
    );
  }
  return labels;
}

/** Buckets are cumulative, the last one is +Inf and equals the count. */
function checkHistogram(samples: readonly Sample[]): void {
  const series = new Map<string, Sample[]>();
  for (const sample of samples) {
    const key = JSON.stringify([...sample.labels].filter(([name]) => name !== 'le'));
    series.set(key, [...(series.get(key) ?? []), sample]);
  }
  for (const [key, lines] of series) {
    const buckets = lines.filter((line) => line.name.endsWith('_bucket'));
    const bounds = buckets.map((line) => Number(line.labels.get('le')?.replace('+Inf', 'Infinity')));
    assert.deepEqual(
      bounds,
      bounds.toSorted((a, b) => a - b),
      `${key}: bounds rise`,
    );
    assert.equal(bounds.at(-1), Infinity, `${key}: ends with +Inf`);
    const counts = buckets.map((line) => line.value);
    assert.deepEqual(
      counts,
      counts.toSorted((a, b) => a - b),
      `${key}: counts are cumulative`,
    );
    assert.equal(lines.find((line) => line.name.endsWith('_count'))?.value, counts.at(-1), `${key}: count`);
    assert.ok(
      lines.some((line) => line.name.endsWith('_sum')),
      `${key}: sum`,
    );
  }
}
