import { expect, test } from 'vitest';
import { stepOf } from './events.ts';

test.each([
  ['{"repository":"7","data":{"state":"running","done":3,"total":12}}', { repository: '7', progress: { done: 3, total: 12 } }],
  ['{"repository":"7","data":{"state":"done"}}', { repository: '7', progress: null }],
  ['{"repository":"7","data":{"state":"running"}}', undefined],
  ['{"data":{"state":"done"}}', undefined],
  ['not json', undefined],
])('what an event says: %s', (data, want) => {
  expect(stepOf(data)).toEqual(want);
});
