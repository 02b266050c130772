import type { FlowPath } from './source.ts';

/** What variables stand for. */
export interface VariableValues {
  /** For `${{ ENV.NAME }}` and `$NAME`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** For `${{ CONTEXT.name }}` and `${{ name }}`. */
  readonly context: Readonly<Record<string, unknown>>;
}

/** A variable that stands for nothing. */
export interface VariableFault {
  readonly path: FlowPath;
  /** The variable as it is written. */
  readonly variable: string;
  readonly message: string;
}

/** `$$` (a dollar sign), `${{ ... }}`, any other `${`, `$NAME`; a dollar sign before anything else is itself. */
const pattern = /\$\$(?=[A-Za-z_{])|\$\{\{\s*([^{}]*?)\s*\}\}|\$\{[^}]*\}*|\$([A-Za-z_]\w*)/g;

/**
 * Puts values in the place of variables, in every text of `root`.
 *
 * A text with variables becomes what it says: `5` a number, `true` a boolean, `[a, 2]` a list, `"5"` the text 5,
 * nothing null. Pure; `root` is left as it is.
 *
 * @returns the new value, and a fault for each variable that stands for nothing (its text stays)
 */
export function substituteVariables(
  root: unknown,
  values: VariableValues,
): { value: unknown; faults: readonly VariableFault[] } {
  const substitution = new Substitution(root, values);
  return { value: substitution.run(root, { path: [], owner: root, open: [] }), faults: substitution.faults };
}

/** Text that {@link substituteVariables} turns into `text` itself. */
export function escapeVariables(text: string): string {
  return text.replace(/\$(?=[A-Za-z_{])/g, '$$$$');
}

/** Where a text is, and how it was reached. */
interface Place {
  readonly path: FlowPath;
  /** The nearest object around it: what `this` means. */
  readonly owner: unknown;
  /** The references that led here, outermost first. */
  readonly open: readonly { readonly start: unknown; readonly variable: string }[];
}

/** What a variable stands for; undefined: nothing, and the fault is noted. */
type Resolved = { readonly value: unknown; readonly isTyped: boolean } | undefined;

class Substitution {
  readonly faults: VariableFault[] = [];
  private readonly root: unknown;
  private readonly values: VariableValues;

  constructor(root: unknown, values: VariableValues) {
    this.root = root;
    this.values = values;
  }

  run(value: unknown, place: Place): unknown {
    if (typeof value === 'string') return this.text(value, place);
    const below = (key: string | number) => [...place.path, key];
    if (Array.isArray(value)) return value.map((item, index) => this.run(item, { ...place, path: below(index) }));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, this.run(item, { ...place, path: below(key), owner: value })]),
    );
  }

  private text(text: string, place: Place): unknown {
    const parts: unknown[] = [];
    let end = 0;
    let isTyped = true;
    let hasVariable = false;
    for (const match of text.matchAll(pattern)) {
      const [variable, expression, name] = match;
      if (match.index > end) parts.push(text.slice(end, match.index));
      end = match.index + variable.length;
      if (variable === '$$') {
        parts.push('$');
        continue;
      }
      const found = this.resolve({ variable, expression, name }, place);
      parts.push(found === undefined ? variable : found.value);
      isTyped &&= found?.isTyped ?? true;
      hasVariable = true;
    }
    if (end === 0) return text;
    if (end < text.length) parts.push(text.slice(end));
    const [only] = parts;
    if (parts.length === 1 && (isTyped || typeof only !== 'string')) return only;
    const joined = parts.map((part) => (typeof part === 'string' ? part : JSON.stringify(part))).join('');
    return hasVariable ? readTyped(joined) : joined;
  }

  private resolve(
    match: { variable: string; expression: string | undefined; name: string | undefined },
    place: Place,
  ): Resolved {
    const { variable, expression, name } = match;
    if (name !== undefined) return this.environment(variable, name, place);
    const [, scope = '', rest = ''] = /^(\w+)(.*)$/.exec(expression ?? '') ?? [];
    if (/^env$/i.test(scope) && rest.startsWith('.')) return this.environment(variable, rest.slice(1), place);
    if (/^context$/i.test(scope) && rest.startsWith('.')) return this.contextValue(variable, rest.slice(1), place);
    if (scope === 'root') return this.reference(variable, this.root, rest, place);
    if (scope === 'this') return this.reference(variable, place.owner, rest, place);
    if (scope !== '' && rest === '') return this.contextValue(variable, scope, place);
    const forms = '${{ ENV.NAME }}, ${{ CONTEXT.name }}, ${{root.key}} or ${{this.key}}';
    return this.fail(variable, `${variable} is no variable; expected ${forms}, or $$ for a dollar sign`, place);
  }

  private environment(variable: string, name: string, place: Place): Resolved {
    const value = Object.hasOwn(this.values.env, name) ? this.values.env[name] : undefined;
    if (value !== undefined) return { value, isTyped: false };
    const hint = variable.startsWith('${') ? '' : `; write $${variable} if the text is meant`;
    return this.fail(variable, `the environment has no ${name}${hint}`, place);
  }

  private contextValue(variable: string, name: string, place: Place): Resolved {
    const value = Object.hasOwn(this.values.context, name) ? this.values.context[name] : undefined;
    if (value !== undefined) return { value, isTyped: false };
    return this.fail(variable, `the context has no ${name}`, place);
  }

  private reference(variable: string, start: unknown, steps: string, place: Place): Resolved {
    if (place.open.some((other) => other.start === start && other.variable === variable)) {
      // Noted even while another text is followed: no text of a cycle can be judged by itself.
      this.faults.push({ path: place.path, variable, message: `${variable} refers to itself` });
      return undefined;
    }
    if (!/^(\.[^.[\]]+|\[\d+\])+$/.test(steps)) {
      return this.fail(variable, `${variable}: expected a key, as in \${{root.with.port}}`, place);
    }
    let value = start;
    let owner = start;
    for (const [, key, index] of steps.matchAll(/\.([^.[\]]+)|\[(\d+)\]/g)) {
      const step = key ?? index ?? '';
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) {
        return this.fail(variable, `${variable}: there is no ${step}`, place);
      }
      if (!Array.isArray(value)) owner = value;
      value = (value as Record<string, unknown>)[step];
    }
    const open = [...place.open, { start, variable }];
    return { value: this.run(value, { path: place.path, owner, open }), isTyped: true };
  }

  /** Notes a fault, unless the text is only followed from elsewhere: it is noted at its own place. */
  private fail(variable: string, message: string, place: Place): Resolved {
    if (place.open.length === 0) this.faults.push({ path: place.path, variable, message });
    return undefined;
  }
}

/** What a text says once its variables are in place. */
function readTyped(text: string): unknown {
  const trimmed = text.trim();
  if (trimmed === '') return null;
  if (/^(true|false)$/i.test(trimmed)) return trimmed.toLowerCase() === 'true';
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed)) return readNumber(trimmed);
  const quoted = /^(["'])(.*)\1$/s.exec(trimmed);
  if (quoted !== null) return quoted[2];
  if (trimmed.startsWith('[') && trimmed.endsWith(']')) {
    const inner = trimmed.slice(1, -1).trim();
    return inner === '' ? [] : inner.split(',').map((item) => readTyped(item.trim()));
  }
  return text;
}

/** A whole number that a double cannot hold (an id, a key) stays text. */
function readNumber(text: string): number | string {
  const value = Number(text);
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? text : value;
}
