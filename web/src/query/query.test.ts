import { describe, expect, it } from 'vitest';
import { chosen, drop, only, parse, quote, toggle, without, write } from './query.ts';

const short = (q: string) => parse(q).map((t) => (t.negated ? '-' : '') + (t.key || '_') + '=' + t.values.join('|'));

describe('parse', () => {
  it.each([
    ['', []],
    ['   ', []],
    ['severity:high', ['severity=high']],
    ['severity:high,critical repo:payments', ['severity=high|critical', 'repo=payments']],
    ['-status:muted', ['-status=muted']],
    ['tag:Compliance=PCI-DSS', ['tag=Compliance=PCI-DSS']],
    ['file:"a b/*.tf"', ['file=a b/*.tf']],
    ['rule:"a,b",c', ['rule=a,b|c']],
    ['"a \\" b"', ['_=a " b']],
    ['open bucket', ['_=open', '_=bucket']],
    ['-public', ['-_=public']],
    ['- x', ['_=-', '_=x']],
    ['severity:', ['severity=']],
    ['address:module.a["x"].b', ['address=module.a[x].b']],
    ['severity:(high OR low) x', ['severity=(high OR low)', '_=x']],
    ['file:"never closed', ['file=never closed']],
    ['SEVERITY:high', ['severity=high']],
    ['http://x', ['http=//x']],
    ['a,b', ['_=a,b']],
  ])('%s', (query, want) => expect(short(query)).toEqual(want));

  it('keeps every character that is not a space', () => {
    for (const q of ['a:b,"c d" -e:f  g', '-(', 'a:((b', '"', 'a:"x\\', 'é:ü', ',,:,']) {
      const kept = parse(q).map((t) => q.slice(t.from, t.to)).join('');
      expect(kept.replace(/\s/g, '')).toBe(q.replace(/\s/g, ''));
    }
  });
});

describe('write', () => {
  it.each(['severity:high,critical', '-file:"a b"', 'word', 'k:""', 'k:"a\\"b"', 'severity:(a OR b)'])('%s', (q) => {
    expect(parse(q).map(write).join(' ')).toBe(q);
  });
  it('quotes what has a meaning', () => expect(['a', 'a b', 'a,b', 'a"b', ''].map(quote)).toEqual(['a', '"a b"', '"a,b"', '"a\\"b"', '""']));
});

describe('changes', () => {
  it.each([
    ['', 'severity', 'high', 'include', 'severity:high'],
    ['x severity:high y', 'severity', 'low', 'include', 'x severity:high,low y'],
    ['severity:high,low', 'severity', 'high', 'include', 'severity:low'],
    ['severity:high', 'severity', 'high', 'include', ''],
    ['severity:high', 'severity', 'high', 'exclude', '-severity:high'],
    ['-severity:high', 'severity', 'high', 'include', 'severity:high'],
    ['a:"b c" -repo:x', 'repo', 'y z', 'exclude', 'a:"b c" -repo:x,"y z"'],
    ['severity:high severity:low', 'severity', 'low', 'include', 'severity:high'],
  ] as const)('toggle %s %s %s %s', (q, key, value, how, want) => expect(toggle(q, key, value, how)).toBe(want));

  it('asks for one value only', () => expect(only('a severity:x,y -severity:z', 'severity', 'q')).toBe('a severity:q'));
  it('forgets a key', () => expect(without('a severity:x -severity:z b', 'severity')).toBe('a b'));
  it('drops a term', () => expect(drop('a  b:c d', 1)).toBe('a d'));
  it('knows what is chosen', () => {
    const { included, excluded } = chosen('severity:high -severity:low,info', 'severity');
    expect([[...included], [...excluded]]).toEqual([['high'], ['low', 'info']]);
  });
});
