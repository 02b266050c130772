import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { describePlan } from '../../../flows/index.ts';
import { planOf } from './flow-text.ts';

const plan = planOf(`
jtype: Flow
with: { name: shop, port: 0 }
executors:
  - { name: end, uses: executors/upper.ts#Upper, replicas: 2, device: [cuda:0, cuda:1] }
  - { name: left, uses: Echo, needs: end }
  - { name: right, uses: zod, needs: end }
  - { name: join, needs: [left, right] }
  - { name: log, needs: end, floating: true }
`);

describe('describePlan', () => {
  it('draws a tree in which each executor is below the last one it needs', () => {
    assert.equal(
      describePlan(plan).text,
      [
        'shop · http on 127.0.0.1:any free port',
        'gateway',
        '└─ end  Upper (executors/upper.ts) · 2 replicas · cuda:0, cuda:1',
        '   ├─ left  Echo',
        '   ├─ right  zod',
        '   │  └─ join  Echo · joins left and right · answers',
        '   └─ log  Echo · floating',
        '',
      ].join('\n'),
    );
  });

  it('draws a Mermaid flowchart, whose words are safe as names', () => {
    assert.equal(
      describePlan(plan).mermaid,
      [
        'flowchart LR',
        '  start([gateway])',
        '  finish([gateway])',
        '  e_end["end<br/>Upper (executors/upper.ts) × 2"]',
        '  e_left["left<br/>Echo"]',
        '  e_right["right<br/>zod"]',
        '  e_join["join<br/>Echo"]',
        '  e_log["log<br/>Echo"]',
        '  start --> e_end',
        '  e_end --> e_left',
        '  e_end --> e_right',
        '  e_left --> e_join',
        '  e_right --> e_join',
        '  e_end -.-> e_log',
        '  e_join --> finish',
        '',
      ].join('\n'),
    );
  });
});
