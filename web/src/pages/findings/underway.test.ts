import { describe, expect, it } from 'vitest';
import { telling } from './underway.tsx';

const change = { id: '1', action: 'finding.mute', total: 54_321, seen: 0, changed: 0, restored: 0, madeAt: '', endedAt: '', undo: true };

describe('telling', () => {
  it('says how far a change of many findings is', () => {
    expect(telling({ ...change, state: 'running', seen: 12_000 })).toBe('Muting 54,321 findings: 12,000 so far');
    expect(telling({ ...change, state: 'done', seen: 54_321, changed: 54_000 })).toBe('Muted 54,000 findings, 321 left as they were');
    expect(telling({ ...change, state: 'undoing', changed: 54_000, restored: 2000 })).toBe('Taking back what was changed: 2,000 of 54,000 findings');
    expect(telling({ ...change, state: 'undone', changed: 54_000, restored: 53_999 })).toBe('Taken back: 53,999 findings, 1 left because somebody changed them since');
  });
});
