import { describeValue, FlowError, isObject } from '../../../core/index.ts';

/** A condition in SQL over the column `tags`, with its values. */
export interface SqlCondition {
  readonly sql: string;
  readonly values: readonly (string | number)[];
}

const comparisons: Readonly<Record<string, string>> = { $gt: '>', $gte: '>=', $lt: '<', $lte: '<=' };

/**
 * Makes a condition of a filter over tags; all of its parts must hold.
 *
 * `{ year: 2010 }` equals; `{ year: { $gte: 2000, $lt: 2010 } }` with `$eq $ne $gt $gte $lt $lte $in $nin`;
 * `{ mesh: { $contains: "Animals" } }` for tags that are lists; null stands for a tag that is not there.
 *
 * @throws `invalid_argument` naming what cannot be read.
 */
export function filterCondition(filter: unknown): SqlCondition {
  if (!isObject(filter)) throw fault('expected an object of tags', filter);
  const conditions = Object.entries(filter).flatMap(([tag, test]) => {
    const isTest = isObject(test);
    const operators: [string, unknown][] = isTest ? Object.entries(test) : [['$eq', test]];
    if (operators.length === 0) throw fault(`${tag}: expected a value or an object of operators`, test);
    return operators.map(([operator, value]) => condition(tag, operator, value));
  });
  if (conditions.length === 0) return { sql: 'TRUE', values: [] };
  return {
    sql: conditions.map(({ sql }) => `(${sql})`).join(' AND '),
    values: conditions.flatMap(({ values }) => values),
  };
}

function condition(tag: string, operator: string, value: unknown): SqlCondition {
  const field = tagField(tag);
  const comparison = comparisons[operator];
  if (comparison !== undefined) return { sql: `${field} ${comparison} ?`, values: [scalar(tag, value)] };
  switch (operator) {
    case '$eq':
      return value === null
        ? { sql: `${field} IS NULL`, values: [] }
        : { sql: `${field} = ?`, values: [scalar(tag, value)] };
    case '$ne':
      return value === null
        ? { sql: `${field} IS NOT NULL`, values: [] }
        : { sql: `${field} IS NOT ?`, values: [scalar(tag, value)] };
    case '$in':
      return { sql: `${field} IN (${marks(tag, value)})`, values: list(tag, value) };
    case '$nin':
      return {
        sql: `${field} IS NULL OR ${field} NOT IN (${marks(tag, value)})`,
        values: list(tag, value),
      };
    case '$contains':
      return {
        sql: `EXISTS (SELECT 1 FROM json_each(tags, ${pathOf(tag)}) AS item WHERE item.value = ?)`,
        values: [scalar(tag, value)],
      };
    default:
      throw fault(`${tag}: expected one of $eq $ne $gt $gte $lt $lte $in $nin $contains`, operator);
  }
}

function marks(tag: string, value: unknown): string {
  return list(tag, value)
    .map(() => '?')
    .join(', ');
}

function list(tag: string, value: unknown): (string | number)[] {
  if (!Array.isArray(value)) throw fault(`${tag}: expected a list of values`, value);
  return value.map((item) => scalar(tag, item));
}

/** SQLite reads JSON's true and false as 1 and 0. */
function scalar(tag: string, value: unknown): string | number {
  if (typeof value === 'string' || typeof value === 'number') return value;
  if (typeof value === 'boolean') return Number(value);
  throw fault(`${tag}: expected a text, a number or a boolean`, value);
}

/**
 * A tag's value in SQL, written out and not as a value of the statement: an index on it is only found so.
 *
 * @throws `invalid_argument` for names that SQLite's JSON paths cannot say
 */
export function tagField(tag: string): string {
  return `json_extract(tags, ${pathOf(tag)})`;
}

function pathOf(tag: string): string {
  if (/["\\\0]/.test(tag)) throw fault('expected a tag without quotation marks and backslashes', tag);
  return `'$."${tag.replaceAll("'", "''")}"'`;
}

function fault(expected: string, value: unknown): FlowError {
  return new FlowError('invalid_argument', `filter: ${expected}, got ${describeValue(value)}`);
}
