import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { isObject } from '../../../core/index.ts';
import { flowJsonSchema } from '../../../flows/index.ts';
import { flowFiles } from '../../../scripts/generate-flow-reference.ts';

describe('flowJsonSchema', () => {
  const schema = flowJsonSchema();

  it('is of draft 2020-12', () => {
    assert.equal(schema['$schema'], 'https://json-schema.org/draft/2020-12/schema');
    assert.deepEqual(schema['required'], ['jtype']);
    assert.equal(schema['additionalProperties'], false);
  });

  it('describes every key, so that editors explain it', () => {
    const silent: string[] = [];
    const visit = (value: unknown, path: string): void => {
      if (!isObject(value)) return;
      for (const [key, item] of Object.entries(value)) {
        if (key === 'properties' && isObject(item)) {
          for (const [name, property] of Object.entries(item)) {
            if (!isObject(property) || typeof property['description'] !== 'string') silent.push(`${path}.${name}`);
          }
        }
        if (Array.isArray(item)) item.forEach((entry) => visit(entry, `${path}.${key}`));
        else visit(item, `${path}.${key}`);
      }
    };
    visit(schema, '');
    assert.deepEqual(silent, []);
  });

  it('has no reference that leads nowhere', () => {
    const definitions = Object.keys(isObject(schema['$defs']) ? schema['$defs'] : {});
    const references = [...JSON.stringify(schema).matchAll(/"\$ref":"#\/\$defs\/(\w+)"/g)].map(
      ([, name]) => name ?? '',
    );
    assert.ok(references.length > 0);
    assert.deepEqual(
      references.filter((name) => !definitions.includes(name)),
      [],
    );
  });

  it('lets a number be a variable', () => {
    const executor = isObject(schema['$defs']) ? schema['$defs']['executor'] : undefined;
    assert.ok(isObject(executor) && isObject(executor['properties']) && isObject(executor['properties']['replicas']));
    assert.deepEqual(executor['properties']['replicas']['anyOf'], [
      { type: 'integer', minimum: 1, title: 'whole number from 1' },
      { $ref: '#/$defs/variable' },
    ]);
  });
});

describe('files made from the schemas', () => {
  for (const { path, render } of flowFiles) {
    it(`${path} is up to date (node --import tsx scripts/generate-flow-reference.ts)`, async () => {
      assert.equal(readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8'), await render());
    });
  }
});
